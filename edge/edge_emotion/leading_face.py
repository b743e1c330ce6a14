"""The face that the voice belongs to, now and a little while ago."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it brings OpenCV, which sound alone does without
    from edge_emotion.features.face_front_end import Face

KEPT = 5.0  # seconds beyond the hold that changes are kept: live estimates are late too
LARGER = 1.25  # times the leading face's area, for another to take the voice over


class LeadingFace:
    """Remembers since when which face has led; None where nobody was there."""

    def __init__(self, hold: float = 0.0) -> None:
        """hold: seconds that estimates wait before they are asked for."""
        self._hold = hold
        self._since: list[tuple[float, int | None]] = [(-math.inf, None)]

    def see(self, time: float, faces: "Sequence[Face]") -> None:
        """Take the faces of the next frame."""
        newest = self._since[-1][1]
        leader = leading(faces, newest)
        if leader != newest:
            self._since.append((time, leader))
            while len(self._since) > 1 and self._since[1][0] < time - self._hold - KEPT:
                del self._since[0]

    def at(self, time: float) -> int | None:
        """Who led at a time; before all that is remembered, the oldest."""
        known = (who for since, who in reversed(self._since) if since <= time)
        return next(known, self._since[0][1])


def leading(faces: "Sequence[Face]", leader: int | None) -> int | None:
    """The largest face; one that leads keeps to it until another is LARGER times it."""

    def area(face: "Face") -> float:
        x0, y0, x1, y1 = face.box
        return (x1 - x0) * (y1 - y0)

    if not faces:
        return None
    largest = max(faces, key=area)
    kept = next((face for face in faces if face.identity == leader), None)
    return leader if kept is not None and area(largest) <= LARGER * area(kept) else largest.identity
