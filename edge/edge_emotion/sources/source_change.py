"""What a source of live parts tells beside what they measure: that one is lost or back, and that time goes on."""

from dataclasses import dataclass

LOST, BACK = "source lost", "source back"


@dataclass(frozen=True)
class SourceChange:
    """A live part was lost or is back. The others go on.

    state: "source lost" or "source back". senses: that it feeds. name: of the device. reason: why it was lost, in a
    sentence; empty when it is back. time: seconds on the source's clock.
    """

    state: str
    senses: tuple[str, ...]
    name: str
    time: float
    reason: str = ""


@dataclass(frozen=True)
class Pulse:
    """Time goes on, about once a second, whether or not anything comes. time: seconds on the source's clock.

    busy: share of the time since the last pulse in which what came was being computed; 0..1.
    """

    time: float
    busy: float
