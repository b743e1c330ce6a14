"""Face nodes: what was seen of one face at any times, put onto an even grid of 30 nodes a second.

Node k lies at k / 30 s of the source's clock, so cameras of different rates give the same nodes up to interpolation.
A node of "face-landmarks" is the aligned shape of 68 landmarks (L-GrIN, section IV-B: P = 136); one of "face" has the
appearance embedding after it. Shapes are interpolated linearly between frames; an embedding is held until the next.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.landmarks68 import LANDMARKS

Array = NDArray[np.float32]

NODE_RATE = 30  # nodes per second
SHAPE = 2 * LANDMARKS  # numbers of an aligned shape
EMBEDDING = 64  # numbers of an appearance embedding
EMBEDDING_PERIOD = 0.4  # seconds, of the networks trained here; what holds on a device is the bundle's own
LONGEST_GAP = 0.5  # seconds without the face: a presence that is interrupted for longer has ended
HOLD = 0.2  # seconds that a node may lie beyond the newest sight of the face
TOLERANCE = 0.001  # seconds: containers round the times of frames to milliseconds


@dataclass(frozen=True)
class FaceFeatures:
    """A feature set of faces; width: numbers of a node, of which those after SHAPE are held."""

    name: str
    width: int
    version: int = 1
    period: float = 1 / NODE_RATE
    bands: tuple[int, int] = (0, 0)

    @property
    def features(self) -> int:
        """P: a network sees a node as it is."""
        return self.width

    @property
    def embedding(self) -> int:
        """How many of a node's numbers are an appearance embedding, 0 or EMBEDDING."""
        return self.width - SHAPE

    def window(self, nodes: Array) -> Array:
        """(..., M, width) -> (..., M, width), unchanged: alignment has taken place and size out already."""
        return np.asarray(nodes, np.float32)


FACE_LANDMARKS = FaceFeatures("face-landmarks", SHAPE)
FACE = FaceFeatures("face", SHAPE + EMBEDDING)
FEATURE_SETS = (FACE_LANDMARKS, FACE)


def node_at(time: float) -> int:
    """Number of the last node at or before a time in seconds."""
    return math.floor((time + TOLERANCE) * NODE_RATE)


def embedding_slot(time: float, period: float = EMBEDDING_PERIOD) -> int:
    """Number of the last multiple of a period at or before a time, in seconds: its first frame gives an embedding."""
    return math.floor((time + TOLERANCE) / period)


class FaceNodes:
    """The presence of one face: what was seen of it since it last came, as nodes of the even grid.

    A presence goes on over gaps of up to LONGEST_GAP; a longer one ends it, and the next sight begins another. Memory
    is bounded by the nodes asked for: of the sights between two nodes only the first and the last are kept, since
    interpolation needs no others.
    """

    def __init__(self, length: int) -> None:
        """length: the most nodes that a window may ask for."""
        self._length = length
        self._times: list[float] = []
        self._table = np.empty(
            (0, 0), np.float32
        )  # a vector for each time, from row `_top` on, and room for more
        self._top = 0
        self._since = math.inf

    @property
    def since(self) -> float:
        """Seconds, when the presence began; infinite before the first sight."""
        return self._since

    @property
    def last(self) -> float:
        """Seconds, when the face was last seen; minus infinity before the first sight."""
        return self._times[-1] if self._times else -math.inf

    def add(self, time: float, vector: Array) -> None:
        """Take what was seen, (width,), at a time in seconds, not before the last; of equal times the last counts."""
        if time - self.last > LONGEST_GAP + TOLERANCE:
            self._times, self._top = [], 0
            self._since = time
        slots = [math.floor(known * NODE_RATE) for known in (*self._times[-2:], time)]
        if time == self.last or (len(slots) == 3 and slots[0] == slots[2]):
            del self._times[-1]
        row = self._top + len(self._times)
        if row >= len(self._table):
            row = self._make_room(len(vector))
        self._times.append(time)
        self._table[row] = vector
        oldest = time - self._length / NODE_RATE - LONGEST_GAP
        while len(self._times) > 1 and self._times[1] < oldest:  # one before the oldest node is still needed
            del self._times[0]
            self._top += 1

    def _make_room(self, width: int) -> int:
        """Move what is kept to the top of a table with as much room again; give the row of the next vector."""
        kept = self._table[self._top : self._top + len(self._times)]
        table = np.empty((max(64, 2 * len(kept)), width), np.float32)
        if len(kept):
            table[: len(kept)] = kept
        self._table, self._top = table, 0
        return len(kept)

    def present(self, time: float) -> bool:
        """Whether the face was there at a time: between two sights of the presence, or HOLD after the last."""
        return self._since <= time + TOLERANCE and time - self.last <= HOLD + TOLERANCE

    def window(self, end: int) -> Array:
        """Nodes (n, width) of the presence up to node `end` with it, 1 <= n <= length, the newest last.

        Before the first sight and after the last one the nodes are as that sight; at least one node is given.
        """
        first = math.ceil((self._since - TOLERANCE) * NODE_RATE)
        nodes = np.arange(max(min(first, end), end - self._length + 1), end + 1) / NODE_RATE
        times, vectors = np.array(self._times), self._table[self._top : self._top + len(self._times)]
        after = np.searchsorted(times, nodes, side="right")
        before = np.maximum(after - 1, 0)
        after = np.minimum(after, len(times) - 1)
        gap = times[after] - times[before]
        share = np.where(gap > 0, (nodes - times[before]) / np.where(gap > 0, gap, 1.0), 0.0)
        share = share[:, None].astype(np.float32)
        given: Array = vectors[before]
        given[:, :SHAPE] += share * (vectors[after, :SHAPE] - given[:, :SHAPE])
        return given
