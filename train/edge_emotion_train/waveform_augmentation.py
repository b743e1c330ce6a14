"""Random changes of a recording that leave its emotion: other voices, rooms, microphones, noises.

Each copy of a clip is made once, from a seed, and cached as nodes: what is costly is done to the sound here; what is
cheap (masks, crops, mixing) is done to the nodes at every epoch, in node_augmentation.py.
"""

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class WaveformAugmentation:
    """How far a copy may go from its clip.

    speed: largest change of speed by resampling; pitch, formants and tempo move together, as another speaker's would.
    gain: largest change of level, dB, either way.
    noise_share, noise_low, noise_high: share of copies with noise and its range of SNR in dB.
    room_share: share of copies with reverberation, of .1 to .6 s.
    tilt: largest spectral tilt, dB an octave about 1 kHz, either way.
    """

    speed: float = 0.12
    gain: float = 10.0
    noise_share: float = 0.6
    noise_low: float = 8.0
    noise_high: float = 35.0
    room_share: float = 0.35
    tilt: float = 2.5


def level(sound: Sound) -> float:
    """Root mean square of the loudest half of the 20 ms pieces, so that pauses do not count."""
    pieces = sound[: len(sound) // 320 * 320].reshape(-1, 320)
    power = np.sort(np.mean(pieces**2, axis=1))
    return float(np.sqrt(np.mean(power[len(power) // 2 :]))) if len(power) else 0.0


def coloured_noise(length: int, slope: float, random: np.random.Generator) -> Sound:
    """Noise with a power slope of -slope (0 white, 1 pink, 2 brown), unit power."""
    spectrum = np.fft.rfft(random.standard_normal(length))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** (slope / 2)
    noise = np.fft.irfft(spectrum, length)
    return (noise / np.std(noise)).astype(np.float32)


def speech_shaped_noise(sound: Sound, random: np.random.Generator) -> Sound:
    """Noise with the clip's own spectrum and random phases, unit power; another speaker's sound would be a leak."""
    spectrum = np.abs(np.fft.rfft(sound)) * np.exp(2j * np.pi * random.random(len(sound) // 2 + 1))
    noise = np.fft.irfft(spectrum, len(sound))
    return (noise / max(float(np.std(noise)), 1e-6)).astype(np.float32)


def room(sound: Sound, random: np.random.Generator, rate: int) -> Sound:
    """Convolve with a made room: a direct path and exponentially fading noise."""
    fade = random.uniform(0.1, 0.6)
    length = int(fade * rate)
    tail = random.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    tail *= random.uniform(0.2, 0.8) / np.sqrt(np.sum(tail**2))
    response = np.concatenate([[1.0], np.zeros(int(random.uniform(0.002, 0.02) * rate)), tail])
    size = len(sound) + len(response)
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)
    return wet[: len(sound)].astype(np.float32)


def tilted(sound: Sound, decibels: float, rate: int) -> Sound:
    """Tilt the spectrum by so many dB an octave about 1 kHz, as another microphone would."""
    spectrum = np.fft.rfft(sound)
    octaves = np.log2(np.clip(np.fft.rfftfreq(len(sound), 1 / rate), 60, rate / 2) / 1000.0)
    return np.fft.irfft(spectrum * 10 ** (decibels * octaves / 20), len(sound)).astype(np.float32)


def augmented(sound: Sound, how: WaveformAugmentation, random: np.random.Generator, rate: int) -> Sound:
    """A changed copy of a recording (n,) at a rate, made from that recording alone."""
    factor = 1.0 + random.uniform(-how.speed, how.speed)
    changed = soxr.resample(sound, rate * factor, rate).astype(np.float32)
    changed = tilted(changed, random.uniform(-how.tilt, how.tilt), rate)
    if random.random() < how.room_share:
        changed = room(changed, random, rate)
    if random.random() < how.noise_share:
        if random.random() < 0.3:
            noise = speech_shaped_noise(changed, random)
        else:
            noise = coloured_noise(len(changed), random.uniform(0.0, 2.0), random)
        changed = changed + noise * level(changed) * 10 ** (
            -random.uniform(how.noise_low, how.noise_high) / 20
        )
    changed = changed * 10 ** (random.uniform(-how.gain, how.gain) / 20)
    return np.clip(changed, -1.0, 1.0).astype(np.float32)
