"""Which number a face carries: one that comes back soon and near its place keeps it, every other gets a new one."""

import math
from dataclasses import dataclass

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels

NEAR_AT_ONCE = 0.5  # sides of the face: how far from its expected place a face may come back right away
NEAR_LATER = 0.7  # sides a second more, while it may have moved unseen
COASTING = 0.3  # s that a lost face is expected to move on
GROWTH = 2.0  # how many times larger or smaller it may come back


@dataclass(frozen=True)
class Sighting:
    """Where a face was seen last. velocity: of its centre, pixels/s; time: s."""

    identity: int
    box: Box
    velocity: tuple[float, float]
    time: float

    def surprise(self, box: Box, time: float) -> float:
        """How far `box` lies from where the face is expected at `time`, in sides of the face; inf at another size."""
        before, now = side(self.box), side(box)
        if not 1 / GROWTH <= now / before <= GROWTH:
            return math.inf
        coasting = min(time - self.time, COASTING)
        x, y = centre(self.box)
        x, y = x + coasting * self.velocity[0], y + coasting * self.velocity[1]
        return math.dist((x, y), centre(box)) / max(before, now)


class Identities:
    """Numbers for faces, from 1 on. memory: how long a lost face is remembered, s."""

    def __init__(self, memory: float = 1.0) -> None:
        self._memory = memory
        self._lost: list[Sighting] = []
        self._newest = 0

    def lose(self, sighting: Sighting) -> None:
        """Remember a face that is not seen any more."""
        self._lost.append(sighting)

    def waiting(self, time: float) -> bool:
        """Whether a lost face is still remembered at `time`."""
        self._lost = [lost for lost in self._lost if 0 <= time - lost.time <= self._memory]
        return bool(self._lost)

    def of_new(self, box: Box, time: float) -> int:
        """Give the number of a face that appears: the best fitting lost one's, or the next that nobody had."""
        if self.waiting(time):
            surprise, nearest = min(
                ((lost.surprise(box, time), lost) for lost in self._lost), key=lambda pair: pair[0]
            )
            if surprise < NEAR_AT_ONCE + NEAR_LATER * (time - nearest.time):
                self._lost.remove(nearest)
                return nearest.identity
        self._newest += 1
        return self._newest


def centre(box: Box) -> tuple[float, float]:
    """Middle of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def side(box: Box) -> float:
    """Longer side of a box, at least a hundredth of a pixel."""
    return max(box[2] - box[0], box[3] - box[1], 0.01)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes; 0 where both are empty."""
    across = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    down = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    union = area(one) + area(other) - across * down
    return across * down / union if union > 0 else 0.0


def area(box: Box) -> float:
    """Pixels of a box."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
