"""Live devices that break, come back, hang and end as told: for tests of what keeps them going."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from edge_emotion.sources.live_part import LivePart


class FakeDevice:
    """Gives items, then ends, raises, or waits until it is closed; close() hangs while `release` is not set."""

    def __init__(
        self,
        items: Sequence[Any] = (),
        then: Exception | str = "wait",
        name: str = "fake",
        before: Callable[[Any], None] = lambda item: None,
    ) -> None:
        """then: an exception, "end" or "wait". before: called with each item before it is given."""
        self.name, self.dropped, self.warnings = name, 0, [f"{name} warns"]
        self._items, self._then, self._before = items, then, before
        self.closing, self.release = threading.Event(), threading.Event()
        self.release.set()
        self.closes = 0
        self.released = True

    def __iter__(self) -> Iterator[Any]:
        for item in self._items:
            if self.closing.is_set():
                return
            self._before(item)
            yield item
        if isinstance(self._then, Exception):
            raise self._then
        if self._then == "wait":
            self.closing.wait()

    def close(self) -> None:
        self.closes += 1
        self.closing.set()
        self.release.wait()


class Opening:
    """Opens devices one after the other, exceptions among them are raised; when all are used up, the last again."""

    def __init__(self, *devices: FakeDevice | Exception) -> None:
        self._devices = list(devices)
        self.opened = 0

    def __call__(self) -> FakeDevice:
        device = self._devices[min(self.opened, len(self._devices) - 1)]
        self.opened += 1
        if isinstance(device, Exception):
            raise device
        return device


def part(sense: str, *devices: FakeDevice | Exception, opened: bool = True) -> LivePart:
    """A part whose first device is open already."""
    opening = Opening(*devices)
    return LivePart((sense,), sense, opening, opening() if opened else None)


class Clock:
    """Seconds that a test sets."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
