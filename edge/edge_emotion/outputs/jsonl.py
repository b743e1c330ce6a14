"""Events as JSON lines: one versioned object a line, flushed at once."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from numpy.typing import NDArray

from edge_emotion.emotions import EMOTIONS
from edge_emotion.estimate import Estimate
from edge_emotion.fusion import Event
from edge_emotion.sources.frame import Frame

if TYPE_CHECKING:  # it brings OpenCV, which sound alone does without
    from edge_emotion.features.face_front_end import Face

VERSION = 1


def event(told: Event) -> dict[str, Any]:
    """One event; all but latency_ms and computing_ms is the same however the source was cut.

    t: seconds. emotion, p, valence, arousal: null when every sense abstains. quality, confidence, p: 0..1. valence,
    arousal: -1..1, derived from p. identity: which face, null without one. Of each sense: its own emotion and p,
    null when it abstains, and why; age_ms: how much older than t it is; latency_ms, computing_ms: see
    Estimate.latency and Estimate.computing. movement: of one IMU alone, see features/movement.py.
    """
    return {
        "v": VERSION,
        "t": round(told.time, 3),
        "emotion": told.emotion,
        "p": _named(told.probabilities),
        "confidence": round(told.confidence, 4),
        "valence": None if told.valence is None else round(told.valence, 4),
        "arousal": None if told.arousal is None else round(told.arousal, 4),
        "identity": told.identity,
        "modalities": {name: _sense(estimate, told.time) for name, estimate in told.modalities.items()},
    }


def _sense(estimate: Estimate, time: float) -> dict[str, Any]:
    told: dict[str, Any] = {
        "emotion": estimate.emotion,
        "p": _named(estimate.probabilities),
        "quality": round(estimate.quality, 3),
        "abstained": estimate.abstained,
        "latency_ms": round(estimate.latency * 1e3, 2),
        "computing_ms": round(estimate.computing * 1e3, 2),
        "age_ms": round((time - estimate.time) * 1e3, 1),
    }
    if estimate.movement is not None:
        told["movement"] = {
            name: None if value is None else round(value, 4)
            for name, value in asdict(estimate.movement).items()
        }
    return told


def _named(probabilities: NDArray[np.float32] | None) -> dict[str, float] | None:
    if probabilities is None:
        return None
    return {name: round(float(value), 4) for name, value in zip(EMOTIONS, probabilities, strict=True)}


class JsonLines:
    """Writes each event on a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        """stream: where the lines go; it stays open."""
        self._stream = stream

    def meter(self, time: float, level: float) -> None:
        """Leave out the level: events are about windows."""

    def frame(self, frame: Frame, faces: "Sequence[Face]") -> None:
        """Leave out the picture: it stays on the device."""

    def show(self, told: Event) -> None:
        """Write one event."""
        print(json.dumps(event(told), separators=(",", ":")), file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing is held back."""
