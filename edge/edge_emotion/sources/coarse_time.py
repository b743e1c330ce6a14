"""A sender's seconds told as floats of single precision, which grow too coarse for its poses after some hours.

At 4 h such a float goes in steps of 1 ms, at 36 h of 16 ms: poses 17 ms apart then have times that are equal or twice
as far from one another as they are.
"""

from collections import deque
from collections.abc import Callable
from itertools import pairwise

import numpy as np

SHARE = 8  # a step may be an eighth of the time from pose to pose: arrivals over a network are hardly better
LOOKED_AT = 17  # poses, whose mean distance is taken
SLOWEST = 1.0  # seconds from pose to pose, assumed where the told times stand still
BACK = 1.0  # seconds that a time may step back; beyond that the sender began anew


class CoarseTime:
    """Gives a sender's own seconds, and once they are too coarse those of arrival, going on from the last told one.

    Double precision and whole milliseconds are no floats of single precision, and are left as they are.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """clock: our own seconds, at which a pose arrives."""
        self._clock = clock
        self.step: float | None = None
        """Seconds of a step when arrivals were first taken instead; None before."""
        self.reset()

    def reset(self) -> None:
        """Forget the sender; that arrivals were once taken is kept."""
        self._told: deque[float] = deque(maxlen=LOOKED_AT)
        self._ahead: float | None = None  # of the sender's seconds to ours, while arrivals are taken

    def seconds(self, told: float) -> float:
        """Seconds of a pose on the sender's clock, from those that it told."""
        arrived = self._clock()
        if self._told and told < self._told[-1] - BACK:
            self.reset()
        self._told.append(told)
        if self._ahead is None and self._too_coarse():
            self._ahead = told - arrived
            self.step = self.step or _step(told)
        return told if self._ahead is None else arrived + self._ahead

    def _too_coarse(self) -> bool:
        """Whether the newest time has a step that is much of the usual time from pose to pose."""
        if len(self._told) < LOOKED_AT or any(told != float(np.float32(told)) for told in self._told):
            return False
        forward = [max(later - earlier, 0.0) for earlier, later in pairwise(self._told)]
        usual = sum(min(each, SLOWEST) for each in forward) / len(forward)
        return _step(self._told[-1]) > (usual or SLOWEST) / SHARE


def _step(told: float) -> float:
    """Seconds to the next float of single precision."""
    return float(np.spacing(np.float32(abs(told))))
