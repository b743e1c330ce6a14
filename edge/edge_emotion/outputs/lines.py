"""Events in words: one line an event, for pipes, logs and terminals that cannot redraw."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

from edge_emotion.estimate import Estimate
from edge_emotion.fusion import Event
from edge_emotion.notice import Notice
from edge_emotion.sources.frame import Frame

if TYPE_CHECKING:  # it brings OpenCV, which sound alone does without
    from edge_emotion.features.face_front_end import Face


class PlainLines:
    """Writes one line an event."""

    def __init__(self, stream: TextIO, recording: Callable[[], bool] = lambda: False) -> None:
        """stream: where the lines go; it stays open. recording: whether the run is being recorded: "REC" then."""
        self._stream, self._recording = stream, recording

    def meter(self, time: float, level: float) -> None:
        """Leave out the level: a line is about a window."""

    def frame(self, frame: Frame, faces: "Sequence[Face]") -> None:
        """Leave out the picture."""

    def tick(self, time: float) -> None:
        """Leave out the time: a line has its own."""

    def notice(self, told: Notice) -> None:
        """Write what happened to the run, on a line of its own."""
        self._print(f"{told.time:7.2f} s  {told.kind}: {' '.join(told.said.split())}")

    def show(self, told: Event) -> None:
        """Write one line."""
        self._print(line(told))

    def _print(self, text: str) -> None:
        print(f"REC {text}" if self._recording() else text, file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing is held back."""


def line(told: Event) -> str:
    """One event in words, e.g. "  3.60 s  anger       81%   quality  45%  152.1 ms".

    With two senses it ends with what each says: "... 81%   face: anger 75%, quality 90%; voice: silence".
    """
    head = f"{told.time:7.2f} s  "
    person = "" if told.identity in (None, 1) else f"face {told.identity}  "
    if len(told.modalities) == 1:
        (estimate,) = told.modalities.values()
        if estimate.abstained:
            rest = moved(estimate) if estimate.movement else f"quality {estimate.quality:4.0%}"
            return f"{head}{f'({estimate.abstained})':<16}  {person}{rest}"
        said = f"quality {estimate.quality:4.0%}  {estimate.latency * 1e3:.1f} ms"
        return f"{head}{told.emotion:<10} {told.confidence:4.0%}   {person}{said}"
    senses = "; ".join(f"{name}: {sense(estimate)}" for name, estimate in sorted(told.modalities.items()))
    if told.emotion is None:
        return f"{head}{'(no estimate)':<15}   {person}{senses}"
    return f"{head}{told.emotion:<10} {told.confidence:4.0%}   {person}{senses}"


def sense(estimate: Estimate) -> str:
    """What one sense says, e.g. "anger 75%, quality 90%", or why it abstains."""
    if estimate.abstained:
        return f"{estimate.abstained}, {moved(estimate)}" if estimate.movement else estimate.abstained
    return f"{estimate.emotion} {estimate.confidence:.0%}, quality {estimate.quality:.0%}"


def moved(estimate: Estimate) -> str:
    """What one IMU measured, e.g. "moves 1.9 m/s², 1.8 Hz, arousal +0.43"; nothing of all else."""
    found = estimate.movement
    if found is None:
        return ""
    rhythm = "no rhythm" if found.rhythm is None else f"{found.rhythm:.1f} Hz"
    return f"moves {found.energy:.2f} m/s², {rhythm}, arousal {found.arousal:+.2f}"
