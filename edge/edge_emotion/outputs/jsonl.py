"""Events as JSON lines: one versioned object a line, flushed at once."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from numpy.typing import NDArray

from edge_emotion.emotions import EMOTIONS
from edge_emotion.estimate import Estimate
from edge_emotion.fusion import Event
from edge_emotion.notice import Notice
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


def notice(told: Notice) -> dict[str, Any]:
    """One notice: its key "notice" tells it from an event. sense: whose source, null for the whole run."""
    return {
        "v": VERSION, "t": round(told.time, 3), "notice": told.kind, "sense": told.sense, "said": told.said
    }  # fmt: skip


def wall_time() -> str:
    """The time of day in UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class JsonLines:
    """Writes each event, and each notice, on a line of its own; of a live run with `at`, when it was written."""

    def __init__(
        self,
        stream: TextIO,
        at: Callable[[], str] | None = None,
        recording: Callable[[], bool] = lambda: False,
    ) -> None:
        """stream: where the lines go; it stays open. at: the time of day, for live runs; the events keep their t.

        recording: whether the run is being recorded; each line then says "recording": true.
        """
        self._stream, self._at, self._recording = stream, at, recording

    def meter(self, time: float, level: float) -> None:
        """Leave out the level: events are about windows."""

    def frame(self, frame: Frame, faces: "Sequence[Face]") -> None:
        """Leave out the picture: it stays on the device."""

    def show(self, told: Event) -> None:
        """Write one event."""
        self._write(event(told))

    def tick(self, time: float) -> None:
        """Leave out the time: an event has its own."""

    def notice(self, told: Notice) -> None:
        """Write what happened to the run."""
        self._write(notice(told))

    def _write(self, told: dict[str, Any]) -> None:
        stamped = told if self._at is None else {**told, "at": self._at()}
        if self._recording():
            stamped = {**stamped, "recording": True}
        print(json.dumps(stamped, separators=(",", ":")), file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing is held back."""
