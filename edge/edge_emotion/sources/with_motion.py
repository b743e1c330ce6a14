"""A file of body motion beside a video or a recording, as one source on one clock."""

import heapq
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from edge_emotion.senses import BODY, Motion
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.sound import RATE, SoundBlock
from edge_emotion.sources.timed_sound import Ended, TimedSound, timed

Item = SoundBlock | TimedSound | Frame | Ended | Motion


class _Source(Protocol):
    """What both parts have in common."""

    name: str

    def __iter__(self) -> Iterator[Any]: ...

    def close(self) -> None: ...

    @property
    def dropped(self) -> int: ...

    @property
    def warnings(self) -> list[str]: ...


class RecordedWithMotion:
    """A video or a recording and a file of motion that begin together: items of both in order of time."""

    def __init__(self, main: _Source, motion: _Source, senses: Iterable[str]) -> None:
        """senses: of the main source."""
        self._main, self._motion, self._senses = main, motion, tuple(senses)
        self.name = f"{main.name} + {motion.name}"

    @property
    def dropped_by_sense(self) -> dict[str, int]:
        """Frames of each sense dropped because computing was too slow."""
        by_sense: dict[str, int] | None = getattr(self._main, "dropped_by_sense", None)
        main = by_sense or dict.fromkeys(self._senses, self._main.dropped)
        return {**main, BODY: self._motion.dropped}

    @property
    def dropped(self) -> int:
        """All of them."""
        return sum(self.dropped_by_sense.values())

    @property
    def warnings(self) -> list[str]:
        """Lines of both."""
        return [*self._main.warnings, *self._motion.warnings]

    def __iter__(self) -> Iterator[Item]:
        """Merge them; whichever ends first is told by an `Ended`, and the other goes on."""
        parts = (
            _placed(0, timed(self._main), self._senses),
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


def _due(item: Frame | TimedSound | Ended | Motion) -> float:
    if isinstance(item, TimedSound):
        return item.time + len(item.block.samples) / RATE
    return 0.0 if isinstance(item, Ended) else item.time
