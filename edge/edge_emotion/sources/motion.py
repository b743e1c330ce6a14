"""What every live source of body motion gives: poses, and that there is silence."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.skeleton import Pose

UNITS = ("auto", "m", "cm")  # of positions
FILES = (".bvh", ".mvnx")  # endings of recordings
MOST_PORT = 65535


@dataclass(frozen=True)
class Silence:
    """No pose has come for a while. time: now, seconds on the source's clock."""

    time: float


@dataclass(frozen=True)
class MotionNetworkSettings:
    """Where motion is received, and how it is told."""

    port: int | None = None
    """UDP port; None for the protocol's own (MVN 9763, VMC 39539), 0 for any that is free."""
    listen: str = "127.0.0.1"
    """Address of this device to receive at: 127.0.0.1 for senders on it alone, 0.0.0.0 for all of its networks."""
    unit: str = "auto"
    """Unit of MVN's positions: "m", "cm", or "auto": centimetres from when a pelvis is higher than 5. VMC: metres."""
    stale: float = 1.0
    """After this long without a pose there is silence, and another sender may take over; seconds."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        port = self.port
        _check(port is None or 0 <= port <= MOST_PORT, "port", f"0 to {MOST_PORT}", self.port)
        _check(bool(self.listen), "listen", "an address such as 127.0.0.1 or 0.0.0.0", repr(self.listen))
        _check(self.unit in UNITS, "unit", " or ".join(UNITS), repr(self.unit))
        _check(math.isfinite(self.stale) and self.stale > 0, "stale", "more than 0 s", self.stale)


def _check(good: bool, name: str, expected: str, came: object) -> None:
    if not good:
        raise EdgeEmotionError(f"{name}: expected {expected}, got {came}")


class MotionSource(Protocol):
    """A suit or a sensor, iterated once; close() may be called at any time, from any thread and more than once."""

    name: str

    def __iter__(self) -> Iterator[Pose | Silence]:
        """Give poses, in order of time, and `Silence` about twice a second while none come, until closed."""
        ...

    def close(self) -> None:
        """Give back the port or the device."""
        ...

    @property
    def dropped(self) -> int:
        """Poses dropped because computing was too slow."""
        ...

    @property
    def warnings(self) -> list[str]:
        """What a user should know about the motion so far, one line each."""
        ...
