"""Speech descriptors: 16 kHz sound in, one node of low-level descriptors every 30 ms.

The 33 live descriptors are those of the L-GrIN authors' openSMILE set without the two spontaneity flags (a device
cannot know them): 13 MFCC, zero-crossing rate, voicing, F0, and the deltas of these and of the log energy. Log-mel
bands, level and harmonicity are added. Sound is worked on in blocks of fixed size, so that the
same samples give the same bits however they are cut into chunks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError

Array = NDArray[np.float32]

RATE = 16_000  # samples per second
STEP = 160  # samples between frames: 10 ms
FRAME = 400  # samples of a spectral frame: 25 ms
PITCH_FRAME = 800  # samples of a pitch frame: 50 ms, three periods of 60 Hz
NODE_FRAMES = 3  # frames of a node: 30 ms
BLOCK_NODES = 4  # nodes worked on at once: 120 ms
BLOCK_FRAMES = NODE_FRAMES * BLOCK_NODES
BLOCK = BLOCK_FRAMES * STEP  # samples of a block
LEAD = (PITCH_FRAME - FRAME) // 2  # samples by which a pitch frame begins before its spectral frame
TAIL = PITCH_FRAME - LEAD - STEP  # samples a block needs beyond its own
AHEAD = 3  # frames that smoothing (1) and deltas (2) look ahead
FFT = 512
PITCH_FFT = 1280  # >= PITCH_FRAME + longest lag, so that the correlation does not wrap
PRE_EMPHASIS = 0.97
CEPSTRA = 13
LIFTER = 22
MFCC_BANDS = 26  # 0-8000 Hz
MEL_BANDS = 40  # 50-8000 Hz
PITCH_LOW, PITCH_HIGH = 60.0, 500.0  # Hz
VOICING_CUTOFF = 0.55
OCTAVE_COST = (
    0.03  # of correlation, for each octave below PITCH_HIGH; prefers the true period to its multiples
)
FLOOR = 1e-9  # of mel power, full scale = 1
STATIC = CEPSTRA + 4  # 13 MFCC, zero crossings, voicing, F0, log energy: what deltas are taken of
LLDS = CEPSTRA + 3 + STATIC  # 33

assert BLOCK % (STEP * NODE_FRAMES) == 0 and LEAD * 2 + FRAME == PITCH_FRAME

# Columns of a node as the stream gives it.
LLD = slice(0, LLDS)
ENERGY, HARMONICITY, LOG_F0, FLUX = LLDS, LLDS + 1, LLDS + 2, LLDS + 3
MEL = slice(LLDS + 4, LLDS + 4 + MEL_BANDS)
WIDTH = LLDS + 4 + MEL_BANDS
PITCH_COLUMNS = (CEPSTRA + 2, LOG_F0)  # 0 where unvoiced: not to be interpolated

# Columns of the network's input, P in all.
MEL_INPUT = (0, MEL_BANDS)  # first, and one beyond the last
INPUTS = MEL_BANDS + CEPSTRA + 8 + STATIC
QUIET = 7.0  # natural log of power below the window's loud nodes: beyond it a node is a pause (30 dB)
DEEPEST = (
    12.0  # the same: what lies further below is clipped (52 dB), so that a room's own floor matters less
)
MIDDLE_PITCH = 7.5  # log2 Hz, 181 Hz: between the voices of men and women


def _mel(hertz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return np.asarray(1127.0 * np.log1p(np.asarray(hertz) / 700.0))


def mel_filters(bands: int, low: float, high: float) -> Array:
    """Triangular filters, evenly spaced in mel, as a matrix (FFT // 2 + 1, bands) over power spectra."""
    edges = np.linspace(_mel(low), _mel(high), bands + 2)
    bins = _mel(np.arange(FFT // 2 + 1) * RATE / FFT)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters: Array = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    return filters


def cepstral_transform() -> Array:
    """Orthonormal DCT-II with sinusoidal lifter, (MFCC_BANDS, CEPSTRA)."""
    order = np.arange(CEPSTRA)
    angle = np.pi * (np.arange(MFCC_BANDS)[:, None] + 0.5) * order / MFCC_BANDS
    lifter = 1.0 + LIFTER / 2 * np.sin(np.pi * order / LIFTER)
    transform: Array = (np.cos(angle) * np.sqrt(2.0 / MFCC_BANDS) * lifter).astype(np.float32)
    return transform


_HAMMING = np.hamming(FRAME).astype(np.float32)
_SPECTRUM_SCALE = np.float32(1.0 / np.sum(_HAMMING**2))
_MFCC_FILTERS = mel_filters(MFCC_BANDS, 0.0, 8000.0)
_MEL_FILTERS = mel_filters(MEL_BANDS, 50.0, 8000.0)
_CEPSTRA = cepstral_transform()
_HANN = np.hanning(PITCH_FRAME + 2)[1:-1].astype(np.float32)
_SHORTEST, _LONGEST = int(RATE / PITCH_HIGH), int(np.ceil(RATE / PITCH_LOW))  # lags, samples


def _window_correlation() -> Array:
    """Autocorrelation of the pitch window itself over lags 0.._LONGEST + 1, 1 at lag 0."""
    power = np.abs(np.fft.rfft(_HANN, PITCH_FFT)) ** 2
    correlation = np.fft.irfft(power)[: _LONGEST + 2]
    normalised: Array = (correlation / correlation[0]).astype(np.float32)
    return normalised


_WINDOW_CORRELATION = _window_correlation()
_LAG_COST = (OCTAVE_COST * np.log2(np.arange(_SHORTEST, _LONGEST + 1) / _SHORTEST)).astype(np.float32)


def pitch(frames: Array) -> tuple[Array, Array]:
    """F0 in Hz (0 where unvoiced) and voicing in 0..1 for pitch frames (n, PITCH_FRAME).

    Source: normalised autocorrelation divided by the window's own (Boersma 1993), parabolic peak.
    """
    centred = (frames - frames.mean(1, keepdims=True)) * _HANN
    power = np.abs(np.fft.rfft(centred, PITCH_FFT)) ** 2
    raw = np.fft.irfft(power)[:, : _LONGEST + 2].astype(np.float32)
    # 1e-8 of power a sample keeps digital silence and dither unvoiced.
    correlation = raw / (raw[:, :1] + np.float32(PITCH_FRAME * 1e-8)) / _WINDOW_CORRELATION
    here = correlation[:, _SHORTEST : _LONGEST + 1]
    before, after = correlation[:, _SHORTEST - 1 : _LONGEST], correlation[:, _SHORTEST + 1 : _LONGEST + 2]
    peak = (here > before) & (here >= after)
    best = np.argmax(np.where(peak, here - _LAG_COST, -1.0), axis=1)
    row = np.arange(len(frames))
    left, top, right = before[row, best], here[row, best], after[row, best]
    curve = left - 2 * top + right
    shift = np.where(curve < -1e-12, 0.5 * (left - right) / np.minimum(curve, -1e-12), 0.0)
    found = peak[row, best]
    voicing = np.where(found, np.clip(top, 0.0, 1.0), 0.0).astype(np.float32)
    f0 = RATE / (best + _SHORTEST + np.clip(shift, -0.5, 0.5))
    return np.where(voicing >= VOICING_CUTOFF, f0, 0.0).astype(np.float32), voicing


def _frames(samples: Array, start: int, length: int) -> Array:
    """BLOCK_FRAMES frames of a length, STEP apart, from a sample on."""
    view = np.lib.stride_tricks.sliding_window_view(samples[start : start + BLOCK + length - STEP], length)
    return view[::STEP]


@dataclass
class _Statics:
    """Descriptors of BLOCK_FRAMES frames before smoothing."""

    static: Array  # (n, STATIC)
    extra: Array  # (n, 2): harmonicity, flux
    mel: Array  # (n, MEL_BANDS)


def _describe(samples: Array, previous: Array | None) -> tuple[_Statics, Array]:
    """Statics of one block, LEAD + BLOCK + TAIL samples; previous: the last frame's magnitudes, for the flux."""
    sound = _frames(samples, LEAD, FRAME)
    emphasised = np.empty_like(sound)
    emphasised[:, 1:] = sound[:, 1:] - np.float32(PRE_EMPHASIS) * sound[:, :-1]
    emphasised[:, 0] = sound[:, 0] * np.float32(1 - PRE_EMPHASIS)
    power = (np.abs(np.fft.rfft(emphasised * _HAMMING, FFT)) ** 2).astype(np.float32) * _SPECTRUM_SCALE
    cepstra = np.log(np.maximum(power @ _MFCC_FILTERS, FLOOR)) @ _CEPSTRA
    mel = np.log(np.maximum(power @ _MEL_FILTERS, FLOOR))
    crossings = np.mean(np.signbit(sound[:, 1:]) != np.signbit(sound[:, :-1]), axis=1)
    energy = np.log(np.maximum(np.mean(sound**2, axis=1), FLOOR))
    f0, voicing = pitch(_frames(samples, 0, PITCH_FRAME))
    harmonicity = np.log(np.maximum(voicing, 0.01) / np.maximum(1.0 - voicing, 0.001))
    shape = np.sqrt(power / np.maximum(power.sum(1, keepdims=True), FLOOR))
    before = np.concatenate([shape[:1] if previous is None else previous[None], shape[:-1]])
    flux = np.sqrt(np.mean((shape - before) ** 2, axis=1)) * np.float32(np.sqrt(FFT // 2))
    static = np.column_stack([cepstra, crossings, voicing, f0, energy])
    extra = np.column_stack([harmonicity, flux])
    return _Statics(static.astype(np.float32), extra.astype(np.float32), mel.astype(np.float32)), shape[-1]


class SpeechStream:
    """Streaming extractor: any chunks of 16 kHz mono in, nodes (k, WIDTH) out; under 0.3 s of sound is held."""

    def __init__(self) -> None:
        self._samples = np.zeros(LEAD, np.float32)
        self._shape: Array | None = None
        self._held: _Statics | None = (
            None  # AHEAD frames already given, then AHEAD that wait for their deltas
        )
        self._pushed = 0
        self._given = 0

    def push(self, samples: Array) -> Array:
        """(n,) samples in -1..1 -> the (k, WIDTH) nodes they completed, k >= 0."""
        samples = np.asarray(samples, np.float32)
        if samples.ndim != 1:
            raise EdgeEmotionError(f"expected mono samples of shape (n,), got shape {samples.shape}")
        self._pushed += len(samples)
        self._samples = np.concatenate([self._samples, samples])
        nodes = [np.empty((0, WIDTH), np.float32)]
        while len(self._samples) >= LEAD + BLOCK + TAIL:
            nodes.append(self._block())
        given = np.concatenate(nodes)
        self._given += len(given)
        return given

    def flush(self) -> Array:
        """End of the sound: the (k, WIDTH) nodes that waited for more; silence is assumed beyond the end."""
        complete = self._pushed // (STEP * NODE_FRAMES)
        nodes = [np.empty((0, WIDTH), np.float32)]
        while self._given + sum(map(len, nodes)) < complete:
            need = LEAD + BLOCK + TAIL - len(self._samples)
            self._samples = np.concatenate([self._samples, np.zeros(max(0, need), np.float32)])
            nodes.append(self._block())
        given = np.concatenate(nodes)[: complete - self._given]
        self._given = complete
        return given

    def _block(self) -> Array:
        """Work on the next block of samples; give the nodes whose look-ahead it completes."""
        new, self._shape = _describe(self._samples[: LEAD + BLOCK + TAIL], self._shape)
        self._samples = self._samples[BLOCK:]
        held = self._held
        if held is None:  # before the first frame: the first frame again
            held = _Statics(
                *(np.repeat(part[:1], AHEAD, axis=0) for part in (new.static, new.extra, new.mel))
            )
        static = np.concatenate([held.static, new.static])
        extra = np.concatenate([held.extra, new.extra])
        mel = np.concatenate([held.mel, new.mel])
        smooth = (static[:-2] + static[1:-1] + static[2:]) / np.float32(3)  # of frames 1 .. n-2
        delta = (smooth[3:-1] - smooth[1:-3] + 2 * (smooth[4:] - smooth[:-4])) / np.float32(10)
        ready = slice(AHEAD, len(static) - AHEAD)  # frames with a delta
        nodes = _nodes(static[ready], delta, extra[ready], mel[ready])
        keep = slice(len(static) - 2 * AHEAD, None)
        self._held = _Statics(static[keep], extra[keep], mel[keep])
        return nodes


def _nodes(static: Array, delta: Array, extra: Array, mel: Array) -> Array:
    """Nodes (k, WIDTH) from k * NODE_FRAMES frames: means, of F0 over the voiced frames alone."""
    count = len(static) // NODE_FRAMES

    def mean(frames: Array) -> Array:
        averaged: Array = frames.reshape(count, NODE_FRAMES, -1).mean(1)
        return averaged

    f0 = static[:, CEPSTRA + 2].reshape(count, NODE_FRAMES)
    voiced = f0 > 0
    some = np.maximum(voiced.sum(1), 1)
    statics = mean(static)
    statics[:, CEPSTRA + 2] = f0.sum(1) / some
    log_f0 = np.where(voiced, np.log2(np.maximum(f0, 1.0)), 0.0).sum(1) / some
    extras = mean(extra)
    parts = [
        statics[:, :-1],
        mean(delta),
        statics[:, -1:],
        extras[:, :1],
        log_f0[:, None],
        extras[:, 1:],
        mean(mel),
    ]
    nodes: Array = np.concatenate(parts, axis=1).astype(np.float32)
    return nodes


def window_inputs(nodes: Array) -> Array:
    """Network input (..., M, INPUTS) from nodes (..., M, WIDTH), relative to the window's own level and voice.

    Level: the 95th percentile of the nodes' energy. Bands, cepstra: less their mean over the nodes within 30 dB of
    it, so that microphone and gain drop out. Pitch: in octaves, absolute and relative to the window's mean.
    """
    energy, log_f0 = nodes[..., ENERGY], nodes[..., LOG_F0]
    level = np.percentile(energy, 95, axis=-1, keepdims=True).astype(np.float32)
    active = (energy > level - QUIET)[..., None].astype(np.float32)
    share = active / active.sum(-2, keepdims=True)

    def relative(columns: Array) -> Array:
        shifted: Array = columns - (columns * share).sum(-2, keepdims=True)
        return shifted

    bands = relative(np.maximum(nodes[..., MEL] - level[..., None], -DEEPEST))
    voiced = (log_f0 > 0).astype(np.float32)
    pitch_mean = (log_f0 * voiced).sum(-1, keepdims=True) / np.maximum(voiced.sum(-1, keepdims=True), 1.0)
    rest = np.stack(
        [
            np.maximum(energy - level, -DEEPEST),
            nodes[..., CEPSTRA],
            nodes[..., CEPSTRA + 1],
            (log_f0 - MIDDLE_PITCH) * voiced,
            (log_f0 - pitch_mean) * voiced,
            voiced,
            nodes[..., HARMONICITY],
            nodes[..., FLUX],
        ],
        axis=-1,
    )
    deltas = nodes[..., CEPSTRA + 3 : LLDS]
    parts = [bands, relative(nodes[..., :CEPSTRA]), rest, deltas]
    inputs: Array = np.concatenate(parts, axis=-1).astype(np.float32)
    return inputs


@dataclass(frozen=True)
class SpeechFeatures:
    """Feature set "speech": log-mel bands, the live descriptors, relative level and pitch."""

    name: str = "speech"
    version: int = 1
    rate: int = RATE
    period: float = NODE_FRAMES * STEP / RATE
    width: int = WIDTH
    features: int = INPUTS
    bands: tuple[int, int] = MEL_INPUT

    def stream(self) -> SpeechStream:
        """Start a new stream."""
        return SpeechStream()

    def window(self, nodes: Array) -> Array:
        """(..., M, WIDTH) -> (..., M, INPUTS), see window_inputs."""
        return window_inputs(nodes)


FEATURE_SETS = (SpeechFeatures(),)
