"""Spike trains for Synch-Graph: a face crop and a stretch of sound in, Poisson trains out, in training as on a device.

A clip is a series of presentations, one every half second: for 350 ms the network is shown the picture of that moment
and the sound before it, then it rests for 150 ms. Every input has a train for what lies above its mean and one for
what lies below (ON and OFF cells), since a rate cannot be negative.

Picture: aligned face crop of 100 x 100 pixels -> Laplacian of Gaussian (paper, equation 4) -> rates.
Sound: MFCC image of 40 x 388 -> rates, 5 ms after the picture. The paper gives the image's size alone; 388 frames are
taken here every 10 ms, the step of all our speech features, so that an image holds the last 3.9 s, a sentence.
Source: Mansouri-Benssassi and Ye, "Synch-Graph" (AAAI 2020); rates and timing of Diehl and Cook (2015).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_alignment import CROP, aligned_crop
from edge_emotion.features.speech import FRAME, MEL_BANDS, PRE_EMPHASIS, STEP, mel_filters

Array = NDArray[np.float32]

PICTURE = 100  # pixels, side of the face crop
CEPSTRA, FRAMES = 40, 388  # the MFCC image
SOUND = (FRAMES - 1) * STEP + FRAME  # samples of an image, 3.895 s
SIGNS = 2  # a train for what is above the mean, one for what is below

MAX_RATE = 63.75  # Hz, of the strongest input (Diehl and Cook: 255 / 8 * 2)
RATE_UNIT = 0.25  # Hz: rates have the 256 steps of a grey picture
TIME_STEP = 0.0005  # s
STIMULUS, REST = 0.35, 0.15  # s
DELAY = 0.005  # s, of the sound behind the picture
STIMULUS_STEPS, REST_STEPS, DELAY_STEPS = (
    round(STIMULUS / TIME_STEP),
    round(REST / TIME_STEP),
    round(DELAY / TIME_STEP),
)
STEPS = STIMULUS_STEPS + REST_STEPS  # of a presentation
PERIOD = STIMULUS + REST  # s between presentations

LOG_SIGMA = 1.5  # pixels, of the Gaussian before the Laplacian
LEAST_CONTRAST = (
    3.0  # standard deviation of the LoG; a flatter picture is taken for as flat. FER2013's: 3.4 and more
)
STRONGEST = 3.0  # standard deviations that give MAX_RATE; more gives no more
LEAST_LEVEL = -55.0  # dBFS: quieter frames of sound give no spikes
PAUSE = 30.0  # dB below the image's loud frames: quieter ones give none either
DEEPEST = 52.0  # dB below the loud frames: what lies deeper in a band is clipped
FFT = 512
FLOOR = 1e-9  # of power, full scale = 1

assert abs(STEPS * TIME_STEP - PERIOD) < 1e-9 and SOUND == 62320

_HAMMING = np.hamming(FRAME).astype(np.float32)
_BANDS = mel_filters(MEL_BANDS, 50.0, 8000.0) / np.float32(np.sum(_HAMMING**2))
_ORDER = np.arange(CEPSTRA)
_DCT = np.cos(np.pi * (np.arange(MEL_BANDS)[:, None] + 0.5) * _ORDER / MEL_BANDS) * np.sqrt(2 / MEL_BANDS)
_DCT[:, 0] /= np.sqrt(2)  # orthonormal
_DECIBEL = np.float32(np.log(10) / 10)  # of natural log of power


@dataclass(frozen=True)
class Windows:
    """The convolutional windows over one modality's image.

    side: pixels, frames and cepstra of a square window. starts: (row, column) of each one's first cell.
    """

    side: int
    starts: tuple[tuple[int, int], ...]

    @property
    def inputs(self) -> int:
        """Trains that a window sees."""
        return SIGNS * self.side * self.side

    def cut(self, rates: Array) -> Array:
        """(SIGNS, H, W) rates -> (windows, inputs)."""
        parts = [rates[:, y : y + self.side, x : x + self.side].reshape(-1) for y, x in self.starts]
        return np.stack(parts)


def face_windows(side: int = 40, across: int = 2) -> Windows:
    """across x across windows that touch, in the middle of the crop: eyes and brows above, mouth below."""
    first = (PICTURE - across * side) // 2
    if first < 0 or across < 1 or side < 1:
        raise EdgeEmotionError(f"{across} x {across} windows of {side} pixels do not fit a crop of {PICTURE}")
    places = [first + k * side for k in range(across)]
    return Windows(side, tuple((y, x) for y in places for x in places))


def sound_windows(side: int = 40, count: int = 4) -> Windows:
    """Windows over all cepstra that touch, the last one at the image's end: four of them see the newest 1.6 s.

    What lies before them still says how loud the sound is. Deviation: the paper does not say where they lie. Spread
    over the whole image, the first ones would see nothing of a clip of ordinary length.
    """
    if not (1 <= side <= CEPSTRA and 1 <= count <= FRAMES // side):
        raise EdgeEmotionError(f"{count} windows of {side} do not fit an image of {CEPSTRA} x {FRAMES}")
    return Windows(side, tuple((0, FRAMES - side * (count - k)) for k in range(count)))


def spike_crop(image: NDArray[np.uint8], to_crop: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Picture and alignment (face_alignment.py) -> (PICTURE, PICTURE) grey crop of what a CROP x CROP one shows."""
    margin = (PICTURE - CROP) // 2
    scale = PICTURE / CROP
    finer = to_crop * scale
    finer[:, 2] += (scale - 1) / 2 - margin  # pixel centres; aligned_crop adds its margin again
    return aligned_crop(image, finer, margin)


def face_rates(crop: NDArray[np.uint8]) -> Array:
    """(PICTURE, PICTURE) grey crop -> (SIGNS, PICTURE, PICTURE) rates, Hz.

    Equation 4: the Laplacian of the Gaussian of the picture, here in units of its own standard deviation, so that the
    light does not count. A dark, saturated or blank picture gives no rates to speak of.
    """
    if crop.shape != (PICTURE, PICTURE) or crop.dtype != np.uint8:
        raise EdgeEmotionError(
            f"expected a grey uint8 crop of {PICTURE} x {PICTURE}, got {crop.dtype} {crop.shape}"
        )
    smooth = cv2.GaussianBlur(crop.astype(np.float32), (0, 0), LOG_SIGMA)
    edges = -np.asarray(cv2.Laplacian(smooth, cv2.CV_32F, ksize=3), np.float32)
    return _two_signs(edges / max(float(edges.std()), LEAST_CONTRAST))


def cepstra(samples: Array) -> tuple[Array, NDArray[np.bool_]]:
    """(n,) samples at 16 kHz, -1..1 -> MFCC (FRAMES, CEPSTRA) of the newest SOUND of them, and which frames are loud.

    Shorter sound is preceded by silence. The bands are taken relative to the image's loud frames, so that gain does
    not count; loud: within PAUSE of them and above LEAST_LEVEL.
    """
    if samples.ndim != 1 or samples.dtype.kind != "f":
        raise EdgeEmotionError(f"expected (n,) float samples, got {samples.dtype} of shape {samples.shape}")
    sound = np.zeros(SOUND, np.float32)
    newest = samples[-SOUND:]
    if len(newest):
        sound[-len(newest) :] = newest
    frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::STEP]
    emphasised = frames.copy()
    emphasised[:, 1:] -= np.float32(PRE_EMPHASIS) * frames[:, :-1]
    emphasised[:, 0] *= np.float32(1 - PRE_EMPHASIS)
    power = (np.abs(np.fft.rfft(emphasised * _HAMMING, FFT)) ** 2).astype(np.float32)
    bands = np.log(np.maximum(power @ _BANDS, FLOOR))
    level = np.log(np.maximum(np.mean(frames**2, axis=1), FLOOR))
    top = np.percentile(level, 95).astype(np.float32)
    loud = (level > top - PAUSE * _DECIBEL) & (level > LEAST_LEVEL * _DECIBEL)
    image = np.maximum(bands - top, -DEEPEST * _DECIBEL) @ _DCT.astype(np.float32)
    return image.astype(np.float32), loud


def sound_rates(samples: Array, mean: Array, scale: Array) -> Array:
    """(n,) samples at 16 kHz -> (SIGNS, CEPSTRA, FRAMES) rates, Hz, of the newest 3.9 s; silence and pauses give none.

    mean, scale: (CEPSTRA,) of the training speakers' loud frames (see cepstra).
    """
    image, loud = cepstra(samples)
    standard = np.where(loud[:, None], (image - mean) / scale, np.float32(0))
    return _two_signs(np.ascontiguousarray(standard.T))


def _two_signs(standard: Array) -> Array:
    gain = np.float32(MAX_RATE / STRONGEST / RATE_UNIT)
    both = np.stack([standard, -standard])
    return np.asarray(np.rint(np.clip(both, 0, STRONGEST) * gain) * np.float32(RATE_UNIT), np.float32)


def poisson_events(
    rates: Array, seed: int | tuple[int, ...], delay: int = 0
) -> tuple[NDArray[np.int64], ...]:
    """(n,) rates in Hz -> the spikes of one stimulus as (steps, inputs), each (events,), in order of step, then input.

    delay: steps by which all come later. Each input spikes in each of STIMULUS_STEPS steps with probability
    rate * TIME_STEP, on its own, as Brian2's PoissonGroup does. The same seed gives the same spikes. Drawn as a Poisson
    process whose events in one step count once.
    """
    random = np.random.default_rng(seed)
    active = np.flatnonzero(rates > 0)
    # P(no event in a step) = exp(-intensity) = 1 - rate * TIME_STEP
    intensity = -np.log1p(-np.minimum(rates[active].astype(np.float64) * TIME_STEP, 0.5))
    counts = random.poisson(intensity * STIMULUS_STEPS)
    steps = random.integers(0, STIMULUS_STEPS, int(counts.sum()), np.int32)
    codes = np.sort(steps * np.int32(len(rates)) + np.repeat(active.astype(np.int32), counts))
    codes = codes[np.r_[True, codes[1:] != codes[:-1]]] if len(codes) else codes
    when, which = np.divmod(codes.astype(np.int64), len(rates))
    return when + delay, which
