"""Cheap random changes of a clip's nodes, made anew at every epoch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features import speech
from edge_emotion.window import cyclic_padding

Nodes = NDArray[np.float32]


@dataclass(frozen=True)
class NodeAugmentation:
    """How nodes and windows are changed in training.

    copies: share of clips taken from an augmented copy of the sound rather than the recording itself.
    tempo_share, tempo: share of clips whose time is stretched, and by how much at most, either way.
    time_masks, time_mask: masks a window, and their greatest length in nodes.
    band_masks, band_mask: masks over neighbouring features a window, and their greatest width.
    noise: standard deviation added to standardised features.
    mixup: parameter of the Beta distribution of the mixing weight, 0 = off.
    """

    copies: float = 0.8
    tempo_share: float = 0.5
    tempo: float = 0.16
    time_masks: int = 2
    time_mask: int = 16
    band_masks: int = 2
    band_mask: int = 8
    noise: float = 0.1
    mixup: float = 0.4


def held_columns(feature_set: str) -> tuple[int, ...]:
    """Columns of a feature set's nodes that mean nothing between two nodes: pitch, 0 where unvoiced, in speech."""
    return speech.PITCH_COLUMNS if feature_set == speech.FEATURE_SETS[0].name else ()


def stretched(nodes: Nodes, factor: float, held: tuple[int, ...] = ()) -> Nodes:
    """Nodes (k, width) of the clip at another tempo, interpolated but for the held columns: the nearest node's."""
    length = max(1, round(len(nodes) * factor))
    place = np.linspace(0, len(nodes) - 1, length)
    below = np.floor(place).astype(int)
    share = (place - below)[:, None].astype(np.float32)
    changed = nodes[below] * (1 - share) + nodes[np.minimum(below + 1, len(nodes) - 1)] * share
    nearest = nodes[np.round(place).astype(int)]
    changed[:, held] = nearest[:, held]
    return changed.astype(np.float32)


def random_window(nodes: Nodes, length: int, random: np.random.Generator) -> Nodes:
    """A window (length, width) from anywhere in a clip; a short clip repeats itself from a random node on."""
    if len(nodes) >= length:
        start = int(random.integers(0, len(nodes) - length + 1))
        return nodes[start : start + length]
    return np.roll(cyclic_padding(nodes, length), int(random.integers(0, length)), axis=0)


def masked(
    windows: Nodes, how: NodeAugmentation, bands: tuple[int, int], random: np.random.Generator
) -> Nodes:
    """Standardised windows (B, M, P) with spans of nodes, and of the features in `bands`, set to 0, their mean.

    bands: (first, end) of the features that are bands of a spectrum; a set without any says (0, 0).
    """
    changed = windows + random.normal(0.0, how.noise, windows.shape).astype(np.float32)
    nodes = windows.shape[1]
    for window in changed:
        for _ in range(how.time_masks):
            length = int(random.integers(0, min(how.time_mask, nodes)))
            start = int(random.integers(0, nodes - length))
            window[start : start + length] = 0.0
        for _ in range(how.band_masks if bands[1] > bands[0] else 0):
            width = int(random.integers(0, how.band_mask))
            start = int(random.integers(bands[0], bands[1] - width))
            window[:, start : start + width] = 0.0
    return changed
