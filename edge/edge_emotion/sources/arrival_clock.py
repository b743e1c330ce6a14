"""A device's own seconds put on ours, by when things arrive."""

from collections import deque

MEMORY = 10.0  # seconds of arrivals that a clock is held against
DRIFT = 0.1  # seconds that a clock may be off before it is set again


class ArrivalClock:
    """Puts a device's own seconds on ours: things arrive late at times, but never early.

    The offset is the least (arrival - own time) of the last MEMORY seconds; it is set anew only when it is off by
    DRIFT, as between a sound card and a processor after hours, so that times do not tremble.
    """

    def __init__(self, latest: float = float("inf")) -> None:
        """latest: seconds that anything may arrive late; what comes later yet shows that the device stood still."""
        self._latest = latest
        self._seen: deque[tuple[float, float]] = deque()
        self._offset: float | None = None

    def offset(self, arrival: float, own: float) -> float:
        """Take what arrived just now with its own time, both in seconds; give what to add to own times."""
        late = arrival - own
        if self._offset is not None and late - self._offset > self._latest:
            self._seen.clear()
        while self._seen and self._seen[-1][1] >= late:
            self._seen.pop()
        self._seen.append((arrival, late))
        while arrival - self._seen[0][0] > MEMORY:
            self._seen.popleft()
        least = self._seen[0][1]
        if self._offset is None or abs(least - self._offset) > DRIFT:
            self._offset = least
        return self._offset
