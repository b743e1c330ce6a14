"""Events for people: bars that move in a terminal, and a line for each sense."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from rich.bar import Bar
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge_emotion.emotions import EMOTIONS
from edge_emotion.fusion import Event
from edge_emotion.outputs.frame_rate import FrameRate
from edge_emotion.outputs.lines import line, sense
from edge_emotion.sources.frame import Frame
from edge_emotion.spiking_contract import FACE_VOICE

if TYPE_CHECKING:  # it brings OpenCV, which sound alone does without
    from edge_emotion.features.face_front_end import Face

QUIETEST = -60.0  # dBFS at the left end of the level meter
MOST_REDRAWS = 5  # a second: drawing costs a small computer more than computing does
SENSES = {
    "face": ("face",),
    "voice": ("voice",),
    FACE_VOICE: ("face", "voice"),
    "body": ("body",),
}  # of each modality
KINDS = {"face": "frames", "voice": "samples", "body": "poses"}  # what can be dropped
COLOURS = ("white", "yellow", "blue", "red", "magenta", "green", "cyan")  # in the order of EMOTIONS


class TerminalView:
    """Seven bars of what all senses say together, what each says, the sound's level and the pictures' rate."""

    def __init__(
        self,
        console: Console,
        title: str,
        needs: Mapping[str, float],
        clock: Callable[[], float] = monotonic,
        dropped: Callable[[str], int] = lambda modality: 0,
    ) -> None:
        """needs: modality -> seconds of the source that its first estimate needs. dropped: modality -> frames.

        clock: seconds, for the pace of redrawing.
        """
        self._title = title
        self._needs = needs
        self._senses_used = [sense for modality in needs for sense in SENSES.get(modality, ())]
        self._dropped = dropped
        self._time = 0.0
        self._level = -120.0
        self._rate = FrameRate()
        self._event: Event | None = None
        self._faces = 0
        self._clock = clock
        self._drawn: float | None = None
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._live.start()

    def meter(self, time: float, level: float) -> None:
        """Take a new level; redraw if the last time is long enough ago."""
        self._time, self._level = max(time, self._time), level
        self._redraw()

    def frame(self, frame: Frame, faces: "Sequence[Face]") -> None:
        """Count a picture; redraw if the last time is long enough ago."""
        self._rate.add(frame.time)
        self._time, self._faces = max(frame.time, self._time), len(faces)
        self._redraw()

    def show(self, told: Event) -> None:
        """Take a new event; redraw if the last time is long enough ago."""
        self._event = told
        self._time = max(self._time, told.time)
        self._redraw()

    def close(self) -> None:
        """Leave the last view standing."""
        self._live.update(self._view(), refresh=True)
        self._live.stop()

    def _redraw(self) -> None:
        now = self._clock()
        if self._drawn is None or now - self._drawn >= 1 / MOST_REDRAWS:
            self._drawn = now
            self._live.update(self._view(), refresh=True)

    def _view(self) -> Group:
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(width=9, no_wrap=True)
        grid.add_column(ratio=1)
        grid.add_column(width=9, justify="right", no_wrap=True)
        told = self._event
        values = told.probabilities if told else None
        for index, name in enumerate(EMOTIONS):
            value = 0.0 if values is None else float(values[index])
            best = told is not None and told.emotion == name
            grid.add_row(
                Text(name, style="bold" if best else ""),
                Bar(1.0, 0.0, value, color=COLOURS[index]),
                "-" if values is None else f"{value:.0%}",
            )
        if "voice" in self._senses_used:
            loudness = min(1.0, max(0.0, 1 - self._level / QUIETEST))
            grid.add_row("level", Bar(1.0, 0.0, loudness, color="bright_black"), f"{self._level:.0f} dBFS")
        title = Text(self._title, style="bold", overflow="ellipsis", no_wrap=True)
        return Group(title, grid, *self._senses())

    def _senses(self) -> list[Text]:
        """The status: one line for each sense, one for the pictures; the voice alone needs only its own."""
        told = self._event
        if set(self._needs) == {"voice"}:
            if told is None:
                return [Text(self._waits("voice"), style="dim")]
            return [Text(line(told), style="dim" if told.emotion is None else "bold")]
        lines = []
        if told is not None:
            who = "" if told.identity is None or self._faces < 2 else f"  face {told.identity}"
            felt = (
                "" if told.valence is None else f"  valence {told.valence:+.2f} arousal {told.arousal:+.2f}"
            )
            lines.append(_line(f"{told.time:7.2f} s{who}{felt}", "bold"))
        for modality in self._needs:
            estimate = None if told is None else told.modalities.get(modality)
            said = self._waits(modality) if estimate is None else sense(estimate)
            lines.append(
                _line(f"{modality:<5}  {said}", "" if estimate and not estimate.abstained else "dim")
            )
        drops = ", ".join(f"{self._dropped(name)} {KINDS[name]}" for name in self._senses_used)
        rate = "" if self._senses_used == ["body"] else f"{self._rate.value:.1f} fps, "
        lines.append(_line(f"{rate}dropped {drops}", "dim"))
        return lines

    def _waits(self, modality: str) -> str:
        need = self._needs[modality]
        if self._event is not None and self._time > need:
            return "nothing new"
        return f"{'listening' if modality == 'voice' else 'watching'}: {min(self._time, need):.1f} of {need:.1f} s"


def _line(text: str, style: str) -> Text:
    return Text(text, style=style, overflow="ellipsis", no_wrap=True)
