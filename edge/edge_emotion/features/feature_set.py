"""What a named, versioned feature set gives: a stream of nodes and the network's input for a window."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError


class NodeStream(Protocol):
    """Turns a stream of samples into nodes on an even time grid; results do not depend on the chunk sizes."""

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take (n,) mono samples at the set's rate; give the (k, width) nodes they completed, k >= 0."""
        ...

    def flush(self) -> NDArray[np.float32]:
        """End of the stream: give the (k, width) nodes that were waiting for samples to come."""
        ...


class FeatureSet(Protocol):
    """One named and versioned set of node features."""

    @property
    def name(self) -> str:
        """Name, as a bundle's manifest states it."""
        ...

    @property
    def version(self) -> int:
        """Version: changes whenever the numbers do."""
        ...

    @property
    def rate(self) -> int:
        """Samples per second that a stream takes."""
        ...

    @property
    def period(self) -> float:
        """Seconds of one node."""
        ...

    @property
    def width(self) -> int:
        """Numbers that a stream gives for one node."""
        ...

    @property
    def features(self) -> int:
        """P, numbers that the network sees for one node."""
        ...

    @property
    def bands(self) -> tuple[int, int]:
        """First and end of those of the P that are neighbouring bands of a spectrum: training masks spans of them."""
        ...

    def stream(self) -> NodeStream:
        """Start a new stream."""
        ...

    def window(self, nodes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Network input (M, features) from the window's nodes (M, width), before standardisation."""
        ...


def feature_set(name: str, version: int) -> FeatureSet:
    """Find a feature set by name and version; EdgeEmotionError names the known ones."""
    from edge_emotion.features import speech

    for known in speech.FEATURE_SETS:
        if (known.name, known.version) == (name, version):
            return known
    known_names = ", ".join(f"{k.name} {k.version}" for k in speech.FEATURE_SETS)
    raise EdgeEmotionError(
        f"unknown feature set {name!r} version {version} (known: {known_names}); update edge-emotion"
    )
