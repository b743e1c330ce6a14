"""What a decoder of datagrams gives: poses as their sender tells them, or a reason why a datagram is refused."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.rotations import IDENTITY, Array, inverse, product
from edge_emotion.skeleton import COUNT, PARENTS

MOST_BYTES = 65507  # of a UDP datagram over IPv4
LARGEST = 1e6  # of any number; a body does not stand 10 km from its origin, whatever the unit
LENGTHS = (0.25, 4.0)  # squared, of a quaternion that is meant as a rotation


class DatagramError(EdgeEmotionError):
    """A datagram that is none of its protocol; its text is one of few reasons, never what the datagram holds."""


@dataclass(frozen=True, eq=False)
class SentPose:
    """A pose on the clock of its sender.

    seconds: on that clock, None when the sender tells no time. character: which of the sender's bodies it is.
    rotations, position: as in `Pose`.
    """

    seconds: float | None
    character: int
    rotations: NDArray[np.float64]
    position: NDArray[np.float64]


class MotionDecoder(Protocol):
    """One protocol: datagrams in, poses out; what it keeps between datagrams is bounded."""

    name: str
    counts: Counter[str]
    """What went wrong without a datagram being refused, by what it is called, and "others", legal and not for us."""

    def decode(self, datagram: bytes) -> list[SentPose]:
        """Poses that a datagram completes; DatagramError for what is none of the protocol."""
        ...

    def reset(self) -> None:
        """Forget what earlier datagrams said: another sender begins."""
        ...


@lru_cache(maxsize=64)
def _known_above(known: bytes) -> NDArray[np.intp]:
    """(23,) of each segment the nearest known one above, from (23,) bool as bytes; COUNT where there is none."""
    above = [COUNT] * COUNT
    for number, parent in enumerate(PARENTS):
        if parent >= 0:
            above[number] = parent if known[parent] else above[parent]
    return np.array(above)


def known_above(rotations: Array) -> NDArray[np.intp]:
    """(23,) of each segment the nearest one above that is known (finite in (23, 4)); 23 where there is none."""
    return _known_above(np.isfinite(rotations[:, 0]).tobytes())


def relative(world: Array) -> Array:
    """(23, 4) in the world -> relative to parents: skeleton.to_parents of one pose, ten times as fast."""
    above = known_above(world)
    known = np.concatenate([world, [IDENTITY]])[above]
    told = product(inverse(known), world)
    told[above == COUNT] = np.nan  # without the pelvis nothing is known of what hangs on it
    told[0] = world[0]
    return told
