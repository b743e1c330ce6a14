"""The sound that the bench listens to: made, always the same, and speech to the voice's features."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edge_emotion.sources.sound import RATE

BLOCK = 0.08  # seconds of sound pushed at a time, as the microphone does


def speech_blocks(seconds: float) -> Iterator[NDArray[np.float32]]:
    """Make a gliding, syllable-paced buzz in light noise, always the same, in blocks of (n,) samples at 16 kHz.

    Block by block, so that the memory that is measured is not that of the sound.
    """
    generator = np.random.default_rng(0)
    length, size = round(seconds * RATE), round(BLOCK * RATE)
    for begin in range(0, length, size):
        time = np.arange(begin, min(begin + size, length)) / RATE
        glide = 2 * np.pi * 0.4  # radians a second, of a pitch between 100 and 180 Hz
        phase = 2 * np.pi * (140 * time + 40 / glide * (1 - np.cos(glide * time)))
        voice = sum(np.sin(h * phase) / h for h in range(1, 25))
        syllables = np.clip(np.sin(2 * np.pi * 3.5 * time), 0, 1)
        noise = generator.normal(0, 0.003, len(time))
        yield (0.1 * voice * syllables + noise).astype(np.float32)


def speech_like(seconds: float) -> NDArray[np.float32]:
    """(n,) samples of speech_blocks in one piece."""
    return np.concatenate(list(speech_blocks(seconds)))
