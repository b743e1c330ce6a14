"""The rolling graph: the newest nodes of an even time grid, handed out as a window at every hop."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError

Nodes = NDArray[np.float32]


@dataclass(frozen=True)
class WindowContract:
    """What a network expects of one window; part of a bundle's manifest.

    nodes: M, slices of time in a window.
    period: seconds of one node.
    hop: nodes between the ends of two successive windows.
    feature_set, feature_version: which features the nodes carry (see features/feature_set.py).
    features: P, numbers the network sees for one node.
    mean, scale: (P,) standardisation, fitted on training speakers; scale > 0.
    """

    nodes: int
    period: float
    hop: int
    feature_set: str
    feature_version: int
    features: int
    mean: tuple[float, ...]
    scale: tuple[float, ...]


def cyclic_padding(nodes: Nodes, length: int) -> Nodes:
    """Repeat a short clip's nodes (k, width) from its beginning up to (length, width); L-GrIN, section IV-A."""
    if len(nodes) == 0:
        raise EdgeEmotionError("cannot pad an empty clip: expected at least one node")
    return np.take(nodes, np.arange(length) % len(nodes), axis=0)


class RollingGraph:
    """Collects nodes and yields a window of M nodes at every hop; holds never more than M nodes.

    A window is yielded with the index of the node that follows its last one, so its end lies at
    index * period seconds. How the nodes are cut into chunks does not change the windows.
    """

    def __init__(self, nodes: int, hop: int) -> None:
        """nodes: M, length of a window; hop: nodes between the ends of two windows."""
        self._length = nodes
        self._hop = hop
        self._kept: list[NDArray[np.float32]] = []
        self._count = 0
        self._last_end: int | None = None
        self.every = 1
        """Only each so-manieth window is given: 2 doubles the hop."""

    def push(self, nodes: Nodes) -> Iterator[tuple[int, Nodes]]:
        """Take (k, width) nodes; yield (end index, window (M, width)) for each hop they complete."""
        for node in nodes:
            self._kept.append(node)
            if len(self._kept) > self._length:
                del self._kept[0]
            self._count += 1
            due = self._length if self._last_end is None else self._last_end + self._hop * self.every
            if self._count >= due:
                self._last_end = self._count
                yield self._count, np.stack(self._kept)

    def flush(self) -> Iterator[tuple[int, Nodes]]:
        """End of the stream: yield the nodes after the last full hop, a short clip padded cyclically."""
        if self._count and self._count != self._last_end:
            self._last_end = self._count
            yield self._count, cyclic_padding(np.stack(self._kept), self._length)
