"""Events as JSON lines: one versioned object a line, flushed at once."""

import json
from typing import Any, TextIO

from edge_emotion.emotions import EMOTIONS
from edge_emotion.estimate import Estimate

VERSION = 1


def event(estimate: Estimate) -> dict[str, Any]:
    """Event of one estimate; all but latency_ms and computing_ms is the same however the sound was cut.

    t: seconds. emotion, p: null when the modality abstains. quality, confidence, p: 0..1.
    latency_ms, computing_ms: see Estimate.latency and Estimate.computing.
    """
    p = None
    if estimate.probabilities is not None:
        p = {name: round(float(v), 4) for name, v in zip(EMOTIONS, estimate.probabilities, strict=True)}
    return {
        "v": VERSION,
        "t": round(estimate.time, 3),
        "emotion": estimate.emotion,
        "p": p,
        "confidence": round(estimate.confidence, 4),
        "modalities": {
            estimate.modality: {
                "quality": round(estimate.quality, 3),
                "abstained": estimate.abstained,
                "latency_ms": round(estimate.latency * 1e3, 2),
                "computing_ms": round(estimate.computing * 1e3, 2),
            }
        },
    }


class JsonLines:
    """Writes each estimate as an event on a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        """stream: where the lines go; it stays open."""
        self._stream = stream

    def meter(self, time: float, level: float) -> None:
        """Leave out the level: events are about windows."""

    def show(self, estimate: Estimate) -> None:
        """Write one event."""
        print(json.dumps(event(estimate), separators=(",", ":")), file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing is held back."""
