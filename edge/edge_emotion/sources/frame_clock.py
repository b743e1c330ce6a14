"""When a camera's frames were taken: by the driver's stamps while these can be trusted, else by their arrival."""

TRUSTED = 0.5  # seconds that a driver's clock may move against ours


class FrameClock:
    """Puts frames on a clock that starts at 0 with the first one and never runs backwards.

    The driver stamps a frame when it is exposed, which is steadier than when it arrives here; but some stamp
    nothing, always the same, or on a clock of another speed. Only differences of stamps are used.
    """

    def __init__(self) -> None:
        self.started: float | None = None  # time.monotonic() at time 0
        self._arrived = self._stamp = self._last = 0.0
        self._trusted = False

    def time(self, arrived: float, stamp: float | None) -> float:
        """Give a frame's time, seconds; arrived: time.monotonic(), stamp: the driver's seconds, None without."""
        if self.started is None:
            self._arrived = arrived
            self._trusted = stamp is not None
            self._stamp = stamp or 0.0
            same_clock = stamp is not None and 0 <= arrived - stamp <= TRUSTED
            self.started = stamp if same_clock else arrived
            return 0.0
        by_arrival = arrived - self._arrived
        by_stamp = None if stamp is None else stamp - self._stamp
        if by_stamp is None or by_stamp <= self._last or abs(by_stamp - by_arrival) > TRUSTED:
            self._trusted = False
        self._last = by_stamp if self._trusted and by_stamp is not None else max(self._last, by_arrival)
        return self._last
