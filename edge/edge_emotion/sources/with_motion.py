"""Body motion beside pictures and sound, as one source on one clock: of files by their times, live by two threads."""

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.senses import BODY, Motion
from edge_emotion.sources.camera_and_microphone import LEAVING, ArrivalClock
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.sound import RATE, SoundBlock
from edge_emotion.sources.timed_sound import Ended, TimedSound

Item = SoundBlock | TimedSound | Frame | Ended | Motion

POSES = 480  # that may wait: 4 s of a suit at 120 Hz


class _Source(Protocol):
    """What both parts have in common."""

    name: str

    def __iter__(self) -> Iterator[Any]: ...

    def close(self) -> None: ...

    @property
    def dropped(self) -> int: ...

    @property
    def warnings(self) -> list[str]: ...


class _Both:
    """Name, warnings and what was dropped, of the main source and the motion."""

    def __init__(self, main: _Source, motion: _Source, senses: Iterable[str]) -> None:
        """senses: of the main source."""
        self._main, self._motion, self._senses = main, motion, tuple(senses)
        self.name = f"{main.name} + {motion.name}"
        self._said: list[str] = []
        self._overflown = 0

    @property
    def dropped_by_sense(self) -> dict[str, int]:
        """Frames of each sense dropped because computing was too slow."""
        by_sense: dict[str, int] | None = getattr(self._main, "dropped_by_sense", None)
        main = by_sense or dict.fromkeys(self._senses, self._main.dropped)
        return {**main, BODY: self._motion.dropped + self._overflown}

    @property
    def dropped(self) -> int:
        """All of them."""
        return sum(self.dropped_by_sense.values())

    @property
    def warnings(self) -> list[str]:
        """Lines of both, and of a part that is gone."""
        return [*self._main.warnings, *self._motion.warnings, *self._said]


class RecordedWithMotion(_Both):
    """A video or a recording and a file of motion that begin together: items of both in order of time."""

    def __iter__(self) -> Iterator[Item]:
        """Merge them; whichever ends first is told by an `Ended`, and the other goes on."""
        parts = (
            _placed(0, _timed(self._main), self._senses),
            _placed(1, self._motion, (BODY,)),
        )
        for _, _, item in heapq.merge(*parts, key=lambda entry: entry[:2]):
            yield item

    def close(self) -> None:
        """Close both."""
        self._main.close()
        self._motion.close()


def _placed(
    part: int, items: Iterable[Frame | TimedSound | Ended | Motion], senses: Iterable[str]
) -> Iterator[tuple[float, int, Item]]:
    """Items with when they are due and whose they are, in order; at the end the end of the senses not yet ended."""
    time, left = 0.0, list(senses)
    for item in items:
        if isinstance(item, Ended):
            left.remove(item.modality)
        time = max(time, _due(item))
        yield time, part, item
    for sense in left:
        yield time, part, Ended(sense)


def _timed(items: Iterable[Any]) -> Iterator[Any]:
    """Sound that has no times is counted by its samples."""
    heard = 0.0
    for item in items:
        if isinstance(item, SoundBlock):
            begin = heard + item.lost
            heard = begin + len(item.samples) / RATE
            yield TimedSound(item, begin)
        else:
            yield item


def _due(item: Frame | TimedSound | Ended | Motion) -> float:
    if isinstance(item, TimedSound):
        return item.time + len(item.block.samples) / RATE
    return 0.0 if isinstance(item, Ended) else item.time


class LiveWithMotion(_Both):
    """Live pictures and sound, and live motion, on the clock of the former.

    When one part fails the other goes on, with an `Ended` and a warning; iteration ends with the main source's end, or
    when both have failed. close() may be called at any time.
    """

    def __init__(
        self,
        main: _Source,
        motion: _Source,
        senses: Iterable[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """senses: of the main source. clock: seconds."""
        super().__init__(main, motion, senses)
        self._clock = clock
        self._changed = threading.Condition()
        self._slot: list[Item] = []  # at most one item of the main source: it keeps its own queue
        self._poses: deque[Motion] = deque()
        self._over: dict[str, BaseException | None] = {}  # "main", "motion" -> how it ended
        self._closed = False
        self._start = 0.0
        self._threads = [
            threading.Thread(target=self._read, args=("main", self._main_items), name="main", daemon=True),
            threading.Thread(
                target=self._read, args=("motion", self._motion_items), name="motion", daemon=True
            ),
        ]

    def __iter__(self) -> Iterator[Item]:
        """Start both; EdgeEmotionError when both have failed."""
        self._start = self._clock()
        for thread in self._threads:
            thread.start()
        told: set[str] = set()
        while not self._closed:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._closed or self._slot or self._poses or set(self._over) - told
                )
                items = [*self._poses, *self._slot]
                self._poses.clear()
                self._slot.clear()
                over = dict(self._over)
                self._changed.notify_all()
            yield from items
            for part in [part for part in over if part not in told and not self._closed]:
                told.add(part)
                if part == "main" and over[part] is None:
                    return
                yield from self._tell(part, over[part], last=len(told) == 2)
            if len(told) == 2:
                return

    def close(self) -> None:
        """Give back both."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._main.close()
        self._motion.close()
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(LEAVING)

    def _tell(self, part: str, error: BaseException | None, last: bool) -> Iterator[Ended]:
        """Say that a part is gone; raise what the last one failed with, and what is no user's error at once."""
        if error is not None and (last or not isinstance(error, EdgeEmotionError)):
            raise error
        name, other = (self._main.name, "motion") if part == "main" else (self._motion.name, "rest")
        if not last:
            self._said.append(f"{error or f'{name} ended'}; going on with the {other} alone")
        for modality in self._senses if part == "main" else (BODY,):
            yield Ended(modality)

    def _read(self, part: str, deliver: Callable[[], None]) -> None:
        """Body of each thread: what a part raises is told where the items are taken out."""
        error: BaseException | None = None
        try:
            deliver()
        except BaseException as raised:  # noqa: BLE001 - raised again by _tell
            error = raised
        with self._changed:
            self._over[part] = error
            self._changed.notify_all()

    def _main_items(self) -> None:
        for item in self._main:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or not self._slot)
                if self._closed:
                    return
                self._slot.append(item)
                self._changed.notify_all()

    def _motion_items(self) -> None:
        clock, newest = ArrivalClock(), 0.0
        for item in self._motion:
            began: float | None = getattr(self._main, "started", None)
            offset = clock.offset(self._clock(), item.time) - (self._start if began is None else began)
            newest = max(newest, item.time + offset)  # never back
            with self._changed:
                if self._closed:
                    return
                if len(self._poses) >= POSES:
                    self._poses.popleft()
                    self._overflown += 1
                self._poses.append(replace(item, time=newest))
                self._changed.notify_all()
