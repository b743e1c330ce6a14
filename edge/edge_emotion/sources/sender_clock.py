"""The time of a sender of motion, told from its first pose on."""

from edge_emotion.sources.arrival_clock import ArrivalClock

BACK = 1.0  # seconds that a sender's time may step back: what is late; beyond that the sender began anew
LEAST = 0.001  # seconds between the poses before and after that
CATCHING_UP = 0.5  # seconds in which what was held back by the network may come at once


class SenderClock:
    """Puts a sender's own seconds on a clock that is 0 at its first pose and never goes back.

    A jump forward is kept: it is a gap. Where the sender begins anew, time goes on by our own clock. Poses from a time
    of which silence was told are late; if the sender has not caught up after CATCHING_UP, its clock stood still.
    """

    def __init__(self) -> None:
        self.restarts = 0
        self.time: float | None = None
        """Of the newest pose; None before the first."""
        self.arrived = 0.0
        """When that came, monotonic seconds."""
        self.started: float | None = None
        """What our clock was at time 0, by the pose that came with the least delay; None before the first."""
        self._own = 0.0
        self._offset = 0.0
        self._arrivals = ArrivalClock()
        self._anew = False
        self._behind_since: float | None = (
            None  # monotonic seconds, since when poses come from a told silence
        )

    def begin_anew(self) -> None:
        """Say that the next pose is another sender's, whose seconds are its own."""
        self._anew = self.time is not None

    def take(self, own: float, arrived: float, told: float | None = None) -> float | None:
        """Time of a pose; None for one that came twice or late.

        own: its seconds by the sender. arrived: by ours. told: up to when silence has been told since the last pose,
        or before the first.
        """
        behind = self.time is not None and told is not None and own - self._offset < told
        if self.time is None:
            self._offset = own - (told or 0.0)
        elif behind and not self._anew and own >= self._own - BACK and self._held_back(arrived):
            return None
        elif self._anew or own < self._own - BACK or behind:
            self.restarts += not self._anew
            time = self.time + max(arrived - self.arrived, LEAST)
            self._offset = own - (time if told is None else max(time, told))
            self._arrivals = ArrivalClock()
        elif own <= self._own:
            return None
        self._anew, self._behind_since = False, None
        self._own, self.arrived = own, arrived
        self.time = own - self._offset
        self.started = self._arrivals.offset(arrived, self.time)
        return self.time

    def _held_back(self, arrived: float) -> bool:
        """Whether a pose from a told silence may be one that the network held back."""
        if self._behind_since is None:
            self._behind_since = arrived
        return arrived - self._behind_since < CATCHING_UP
