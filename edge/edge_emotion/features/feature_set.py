"""What a named, versioned feature set gives: nodes of a kind and the network's input for a window of them."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

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
    """One named and versioned set of node features: what networks and training need to know of it."""

    @property
    def name(self) -> str:
        """Name, as a bundle's manifest states it."""
        ...

    @property
    def version(self) -> int:
        """Version: changes whenever the numbers do."""
        ...

    @property
    def period(self) -> float:
        """Seconds of one node."""
        ...

    @property
    def width(self) -> int:
        """Numbers of one node before window() is applied."""
        ...

    @property
    def features(self) -> int:
        """P, numbers that the network sees for one node."""
        ...

    @property
    def bands(self) -> tuple[int, int]:
        """First and end of those of the P that are neighbouring bands of a spectrum: training masks spans of them.

        (0, 0) when there are none.
        """
        ...

    def window(self, nodes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Network input (M, features) from the window's nodes (M, width), before standardisation."""
        ...


class SoundFeatureSet(FeatureSet, Protocol):
    """A feature set whose nodes are made from sound."""

    @property
    def rate(self) -> int:
        """Samples per second that a stream takes."""
        ...

    def stream(self) -> NodeStream:
        """Start a new stream."""
        ...


_Set = TypeVar("_Set", bound=FeatureSet)


def feature_set(name: str, version: int) -> FeatureSet:
    """Find a feature set by name and version; EdgeEmotionError names the known ones."""
    from edge_emotion.features import body, face, speech

    every: list[FeatureSet] = [*speech.FEATURE_SETS, *face.FEATURE_SETS, *body.FEATURE_SETS]
    return _named(every, name, version, "feature set")


def sound_feature_set(name: str, version: int) -> SoundFeatureSet:
    """Find a feature set of sound by name and version; EdgeEmotionError names the known ones."""
    from edge_emotion.features import speech

    return _named(speech.FEATURE_SETS, name, version, "feature set of sound")


def _named(sets: Sequence[_Set], name: str, version: int, kind: str) -> _Set:
    for known in sets:
        if (known.name, known.version) == (name, version):
            return known
    names = ", ".join(f"{k.name} {k.version}" for k in sets)
    raise EdgeEmotionError(f"unknown {kind} {name!r} version {version} (known: {names}); update edge-emotion")
