"""Takes the constant offset of cheap microphones out of a stream.

It lies here, with resampling, and not among the features: an offset is a fault of a device, the networks learned
from recordings without one, and features must not change under trained networks.
"""

import math

import numpy as np
from numpy.typing import NDArray

from edge_emotion.sources.sound import RATE

BLOCK = 160  # samples worked on at a time, 10 ms
TIME_CONSTANT = 0.5  # seconds; a high pass from about 0.3 Hz on, far below any voice
_WEIGHT = -math.expm1(-BLOCK / RATE / TIME_CONSTANT)
_RAMP = (np.arange(1, BLOCK + 1) / BLOCK).astype(np.float32)


class OffsetRemoval:
    """Subtracts a running estimate of the offset from mono samples at 16 kHz.

    The estimate is the mean of all samples so far up to 0.5 s, then it follows with a time constant of 0.5 s;
    within a block it moves in a straight line, so that it adds no clicks. How the samples are cut into pushes
    does not change the result; under 10 ms of sound are held.
    """

    def __init__(self) -> None:
        self._waiting = np.zeros(0, np.float32)
        self._blocks = 0
        self._offset = 0.0

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take (n,) samples; give the (m,) samples of the blocks they complete."""
        samples = np.concatenate([self._waiting, samples])
        whole = len(samples) // BLOCK * BLOCK
        self._waiting = samples[whole:].copy()
        cleaned: NDArray[np.float32] = samples[:whole].reshape(-1, BLOCK)
        for block in cleaned:
            self._clean(block)
        return cleaned.reshape(-1)

    def flush(self) -> NDArray[np.float32]:
        """End of the stream: give the (m,) samples that were held."""
        rest, self._waiting = self._waiting, np.zeros(0, np.float32)
        if len(rest):
            self._clean(rest)
        return rest

    def _clean(self, block: NDArray[np.float32]) -> None:
        """Follow the offset through a block and take it out, in place."""
        self._blocks += 1
        before = self._offset
        self._offset += max(1 / self._blocks, _WEIGHT) * (float(block.mean(dtype=np.float64)) - before)
        if self._blocks == 1:  # nothing to come from
            before = self._offset
        block -= np.float32(before) + np.float32(self._offset - before) * _RAMP[: len(block)]
