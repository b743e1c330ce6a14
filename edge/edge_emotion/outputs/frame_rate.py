"""How many pictures a second are computed just now."""

from collections import deque

SPAN = 2.0  # seconds that the rate is taken over


class FrameRate:
    """Counts the frames of the last SPAN seconds of the source's clock."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def add(self, time: float) -> None:
        """Take the time of a frame, seconds."""
        self._times.append(time)
        while time - self._times[0] > SPAN:
            self._times.popleft()

    @property
    def value(self) -> float:
        """Frames a second; 0 before the second frame."""
        if len(self._times) < 2 or self._times[-1] == self._times[0]:
            return 0.0
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])
