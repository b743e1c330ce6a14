"""Does less, step by step, while the device cannot keep up, and more again when it can."""

from collections.abc import Iterable
from dataclasses import dataclass

from edge_emotion.senses import FACE

BUSY = 0.9  # share of the time computing, beyond which the device does not keep up
EASY = 0.6  # below which there may be room for more
ROOM = 0.75  # of the allowed CPU share, below which there may be room for more
PATIENCE = 3.0  # seconds of too much, until less is done
REST = 20.0  # seconds of room, until more is done
REST_MOST = 640.0  # the wait doubles up to this many seconds each time that more proved too much
PROOF = 60.0  # seconds in which more proves too much
HOT = 80.0  # degrees Celsius, where a Raspberry Pi begins to slow down


@dataclass(frozen=True)
class Level:
    """How much is done.

    frames: seconds between two frames that are taken, at least. landmarks: seconds between two frames whose faces are
    found, at least. every: only each so-manieth estimate is computed. said: in words.
    """

    said: str
    frames: float = 0.0
    landmarks: float = 0.0
    every: int = 1


FULL = Level("full rate")
WITH_FACE = (
    FULL,
    Level("at most 15 frames a second", 1 / 15),
    Level("at most 10 frames a second", 1 / 10),
    Level("landmarks of at most 5 frames a second", 1 / 10, 1 / 5),
    Level("landmarks of at most 5 frames a second, each second estimate", 1 / 10, 1 / 5, 2),
    Level("landmarks of at most 4 frames a second, each fourth estimate", 1 / 4, 1 / 4, 4),
)
WITHOUT_FACE = (FULL, Level("each second estimate", every=2), Level("each fourth estimate", every=4))


@dataclass(frozen=True)
class LoadSettings:
    """How hard a run may work."""

    most_cpu: float | None = None
    """CPU time of the process, per cent of one core, that it keeps below; None for no limit."""


@dataclass(frozen=True)
class Reading:
    """How a second went. busy: share of it spent computing, 0..1. cpu: CPU seconds of the process for each second.

    temperature: degrees Celsius, None where unknown. throttled: the device slows itself down.
    """

    busy: float
    cpu: float
    temperature: float | None = None
    throttled: bool = False


class LoadControl:
    """Chooses the level by a reading about once a second."""

    def __init__(self, senses: Iterable[str], settings: LoadSettings | None = None) -> None:
        """senses: that are judged; without a face there are no frames to leave out."""
        self._levels = WITH_FACE if FACE in senses else WITHOUT_FACE
        most = (settings or LoadSettings()).most_cpu
        self._most = None if most is None else most / 100
        self.number = 0
        """Of the level, 0 for the full rate."""
        self._strained: float | None = None  # since when it is too much, seconds
        self._easy: float | None = None  # since when there is room
        self._raised: float | None = None  # when more was done last
        self._rest = REST

    @property
    def level(self) -> Level:
        """What is done now."""
        return self._levels[self.number]

    def take(self, now: float, reading: Reading) -> str | None:
        """Take how the last second went; now: seconds. Give why the level has changed, None when it has not."""
        strain = self._strain(reading)
        if strain is not None:
            self._easy = None
            self._strained = now if self._strained is None else self._strained
            if now - self._strained < PATIENCE or self.number == len(self._levels) - 1:
                return None
            if self._raised is not None and now - self._raised < PROOF:
                self._rest = min(2 * self._rest, REST_MOST)
            return self._set(self.number + 1, strain)
        self._strained = None
        if not self._has_room(reading) or not self.number:
            self._easy = None
            return None
        self._easy = now if self._easy is None else self._easy
        if now - self._easy < self._rest:
            return None
        self._raised = now
        return self._set(self.number - 1, "there is room again")

    def _set(self, number: int, why: str) -> str:
        self.number, self._strained, self._easy = number, None, None
        return f"{why}: {self.level.said}"

    def _strain(self, reading: Reading) -> str | None:
        """What is too much, None for nothing."""
        if self._most is not None and reading.cpu > self._most:
            return f"{reading.cpu:.0%} of a core, at most {self._most:.0%} allowed"
        if reading.busy > BUSY:
            return f"computing takes {reading.busy:.0%} of the time"
        if reading.throttled:
            return "the device slows itself down for heat or lack of power"
        if reading.temperature is not None and reading.temperature >= HOT:
            return f"{reading.temperature:.0f} °C"
        return None

    def _has_room(self, reading: Reading) -> bool:
        cool = reading.temperature is None or reading.temperature < HOT - 5
        spare = self._most is None or reading.cpu < ROOM * self._most
        return reading.busy < EASY and cool and spare
