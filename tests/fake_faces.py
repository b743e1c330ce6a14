"""Faces that move as told, and the networks over them: for tests of what comes after the front end."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bundle import Bundle
from edge_emotion.emotions import EMOTIONS
from edge_emotion.features.face import FACE_LANDMARKS, SHAPE, FaceFeatures
from edge_emotion.features.face_alignment import ANCHORS, CROP, TEMPLATE
from edge_emotion.features.face_front_end import Face
from edge_emotion.features.landmarks68 import MESH_POINTS
from edge_emotion.sources.frame import Frame
from edge_emotion.window import WindowContract
from fakes import fake_bundle

Array = NDArray[np.float32]
MOUTH = slice(48, 68)
IMAGE = np.random.default_rng(5).integers(0, 255, (240, 320, 3), np.uint8)

_RESTING = np.random.default_rng(3).uniform(8, 40, (68, 2))
_RESTING[list(ANCHORS)] = TEMPLATE
_RESTING_MOUTH = (_RESTING[MOUTH, 0].mean() - (CROP - 1) / 2) / CROP  # in crops from the middle


def landmarks(smile: float = 0.0, scale: float = 3.0, shift: tuple[float, float] = (60.0, 40.0)) -> Array:
    """A face of (68, 2) pixels; smile: pixels of the crop by which its mouth points lie further right."""
    points = _RESTING.copy()
    points[MOUTH, 0] += smile
    return (points * scale + np.array(shift)).astype(np.float32)


def face(points: Array | None = None, identity: int = 1, **changes: Any) -> Face:
    points = landmarks() if points is None else points
    x0, y0 = points.min(0)
    x1, y1 = points.max(0)
    seen = Face(identity, np.zeros((MESH_POINTS, 3), np.float32), points, (x0, y0, x1, y1), 1.0, 0.8, None)
    return replace(seen, **changes)


class FakeFrontEnd:
    """Finds what a function of time says is there."""

    def __init__(self, there: Callable[[float], list[Face]]) -> None:
        self._there = there
        self.resets = 0

    def find(self, image: NDArray[np.uint8], time: float) -> list[Face]:
        return self._there(time)

    def reset(self) -> None:
        self.resets += 1


class MotionEngine:
    """Logits from where the mouth is on average (happiness) and how much it moves (surprise)."""

    name, version = "fake", "0"

    def __init__(self) -> None:
        self.inputs: list[Array] = []

    def run(self, x: Array) -> Array:
        self.inputs.append(x)
        mouth = x[0, :, 2 * MOUTH.start : 2 * MOUTH.stop : 2].mean(1) - _RESTING_MOUTH
        logits = np.zeros((1, len(EMOTIONS)), np.float32)
        logits[0, 1] = 40 * mouth.mean()
        logits[0, 6] = 120 * mouth.std()
        return logits


class CountingAppearance:
    """An appearance network whose embedding is its own count: 1 in its first run, 2 in its second ..."""

    name, version = "fake", "0"

    def __init__(self) -> None:
        self.runs = -1  # the recogniser runs it once to warm it up

    def run(self, x: Array) -> Array:
        assert x.shape == (1, CROP, CROP, 1) and x.dtype == np.float32
        self.runs += 1
        return np.full((1, 64), self.runs, np.float32)


def face_bundle(features: FaceFeatures = FACE_LANDMARKS, **changes: Any) -> Bundle:
    """A bundle for MotionEngine: 90 nodes at 30 Hz, an estimate each 0.2 s."""
    window = WindowContract(
        nodes=90, period=features.period, hop=6, feature_set=features.name, feature_version=features.version,
        features=features.width, mean=(0.0,) * features.width, scale=(1.0,) * features.width,
    )  # fmt: skip
    fields = {"modality": "face", "window": window, "path": Path("face.emo"), **changes}
    return fake_bundle(**fields)


def frames(times: Iterable[float]) -> list[Frame]:
    return [Frame(IMAGE, time) for time in times]


def even(rate: float, seconds: float, start: float = 0.0) -> list[float]:
    """Times of frames at a rate, the first at `start`, none after `seconds` from it."""
    return [start + number / rate for number in range(int(seconds * rate + 1e-6) + 1)]


def shape_of(nodes: Array) -> Array:
    """The (..., 68, 2) points of (..., SHAPE + n) nodes."""
    return nodes[..., :SHAPE].reshape(*nodes.shape[:-1], 68, 2)


def reasons(estimates: Sequence[Any]) -> list[str | None]:
    return [estimate.abstained for estimate in estimates]
