"""Any rate and any number of channels to mono at 16 kHz, as a stream."""

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from edge_emotion.sources.sound import RATE

FULL_SCALE = 0.999  # samples from here on count as clipped
CLIPPED_SHARE = 0.001  # more than this share of clipped samples deserves a warning
CANCELLED = 0.01  # of the channels' own power (-20 dB): a mean of channels below it has lost the voice


class MonoResampler:
    """Averages the channels, resamples with soxr (high quality, linear phase) and watches for clipping."""

    def __init__(self, rate: int) -> None:
        """rate: frames per second that come in."""
        self.rate = rate
        self._stream: Any = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="float32")
        self._frames = 0
        self._clipped = 0
        self._power = self._mono_power = 0.0  # sums over the frames; of the channels, their mean

    def push(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take (n, channels) frames; give the (m,) mono samples at 16 kHz that are ready."""
        self._frames += len(frames)
        self._clipped += int(np.count_nonzero(np.max(np.abs(frames), axis=1, initial=0) >= FULL_SCALE))
        mono: NDArray[np.float32] = frames.mean(axis=1, dtype=np.float32)
        if frames.shape[1] > 1:
            self._power += float(np.square(frames, dtype=np.float64).sum()) / frames.shape[1]
            self._mono_power += float(np.square(mono, dtype=np.float64).sum())
        return mono if self._stream is None else self._resample(mono)

    def flush(self) -> NDArray[np.float32]:
        """End of the stream: give the (m,) samples still in the filter."""
        if self._stream is None:
            return np.zeros(0, np.float32)
        return self._resample(np.zeros(0, np.float32), last=True)

    def _resample(self, mono: NDArray[np.float32], last: bool = False) -> NDArray[np.float32]:
        resampled: NDArray[np.float32] = self._stream.resample_chunk(mono, last)
        return resampled

    @property
    def warnings(self) -> list[str]:
        """Lines about a low rate, clipped sound or channels that cancel, empty when all is well."""
        lines = []
        if self.rate < RATE:
            lines.append(
                f"recorded at {self.rate} Hz, so nothing above {self.rate // 2} Hz is heard; "
                f"the model expects {RATE} Hz and will be less sure"
            )
        if self._frames and self._clipped / self._frames > CLIPPED_SHARE:
            lines.append(
                f"{self._clipped / self._frames:.1%} of the sound is clipped (at full scale); lower the gain"
            )
        if self._mono_power < CANCELLED * self._power:
            lines.append(
                "the channels cancel each other (opposite phase), so little of the voice is left; "
                "give one channel alone"
            )
        return lines
