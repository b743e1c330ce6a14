"""Events for people: bars that move in a terminal, and a line for each sense."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from rich.bar import Bar
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from edge_emotion.emotions import EMOTIONS
from edge_emotion.fusion import Event
from edge_emotion.notice import Notice
from edge_emotion.outputs.frame_rate import FrameRate
from edge_emotion.outputs.lines import line, sense
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.source_change import BACK, LOST
from edge_emotion.spiking_contract import FACE_VOICE

if TYPE_CHECKING:  # it brings OpenCV, which sound alone does without
    from edge_emotion.features.face_front_end import Face

QUIETEST = -60.0  # dBFS at the left end of the level meter
NARROW = 40  # columns; below, the bars take the room of the units
COLUMNS, MOST_COLUMNS = 80, 1000  # COLUMNS in the environment may say 0, or more than can be drawn: 80 then
MOST_REDRAWS = 5  # a second: drawing costs a small computer more than computing does
SENSES = {
    "face": ("face",),
    "voice": ("voice",),
    FACE_VOICE: ("face", "voice"),
    "body": ("body",),
}  # of each modality
KINDS = {"face": "frames", "voice": "samples", "body": "poses"}  # what can be dropped
RECORDING = "REC  this run is being recorded"
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
        recording: Callable[[], bool] = lambda: False,
    ) -> None:
        """needs: modality -> seconds of the source that its first estimate needs. dropped: modality -> frames.

        recording: whether the run is being recorded, which is marked.

        clock: seconds, for the pace of redrawing.
        """
        self._title = title
        self._needs = needs
        self._senses_used = [sense for modality in needs for sense in SENSES.get(modality, ())]
        self._dropped = dropped
        self._recording = recording
        self._time = 0.0
        self._level = -120.0
        self._rate = FrameRate()
        self._event: Event | None = None
        self._faces = 0
        self._clock = clock
        self._drawn: float | None = None
        self._lost: dict[str, str] = {}  # modality -> why
        self._notice = ""
        self._console = console
        if not 1 <= console.width <= MOST_COLUMNS:
            console.width = COLUMNS
        self._plain = not console.encoding.lower().startswith("utf")  # it has neither blocks nor an ellipsis
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

    def tick(self, time: float) -> None:
        """Time goes on, seconds of the source; redraw if the last time is long enough ago."""
        self._time = max(self._time, time)
        self._redraw()

    def notice(self, told: Notice) -> None:
        """Keep which sense is lost, and what else happened last."""
        if told.kind in (LOST, BACK):
            for modality in self._needs:
                senses = SENSES.get(modality, (modality,))
                if set((told.sense or "").split(" and ")) & set(senses):
                    self._lost.pop(modality, None)
                    if told.kind == LOST:
                        self._lost[modality] = f"lost, {told.said}"
        else:
            self._notice = f"{told.time:7.2f} s  {told.kind}: {told.said}"
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
        narrow = self._console.width < NARROW
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(width=9, no_wrap=True)
        grid.add_column(ratio=1)
        grid.add_column(width=4 if narrow else 9, justify="right", no_wrap=True)
        told = self._event
        values = told.probabilities if told else None
        for index, name in enumerate(EMOTIONS):
            value = 0.0 if values is None else float(values[index])
            best = told is not None and told.emotion == name
            grid.add_row(
                Text(name, style="bold" if best else ""),
                self._bar(value, COLOURS[index]),
                "-" if values is None else f"{value:.0%}",
            )
        if "voice" in self._senses_used:
            loudness = min(1.0, max(0.0, 1 - self._level / QUIETEST))
            name, unit = ("dBFS", "") if narrow else ("level", " dBFS")
            grid.add_row(name, self._bar(loudness, "bright_black"), f"{self._level:.0f}{unit}")
        mark = [self._line(RECORDING, "bold red")] if self._recording() else []
        return Group(*mark, self._line(self._title, "bold"), grid, *self._senses())

    def _bar(self, value: float, colour: str) -> RenderableType:
        return _PlainBar(value, colour) if self._plain else Bar(1.0, 0.0, value, color=colour)

    def _senses(self) -> list[Text]:
        """The status: one line for each sense, one for the pictures; the voice alone needs only its own."""
        told = self._event
        happened = [self._line(self._notice, "yellow")] if self._notice else []
        if set(self._needs) == {"voice"}:
            if self._lost:
                return [self._line(f"voice  {self._lost['voice']}", "red"), *happened]
            if told is None:
                return [Text(self._waits("voice"), style="dim"), *happened]
            return [Text(line(told), style="dim" if told.emotion is None else "bold"), *happened]
        lines = []
        if told is not None:
            who = "" if told.identity is None or self._faces < 2 else f"  face {told.identity}"
            felt = (
                "" if told.valence is None else f"  valence {told.valence:+.2f} arousal {told.arousal:+.2f}"
            )
            lines.append(self._line(f"{told.time:7.2f} s{who}{felt}", "bold"))
        for modality in self._needs:
            estimate = None if told is None else told.modalities.get(modality)
            said = self._waits(modality) if estimate is None else sense(estimate)
            style = "" if estimate and not estimate.abstained else "dim"
            if modality in self._lost:
                said, style = self._lost[modality], "red"
            lines.append(self._line(f"{modality:<5}  {said}", style))
        drops = ", ".join(f"{self._dropped(name)} {KINDS[name]}" for name in self._senses_used)
        rate = "" if self._senses_used == ["body"] else f"{self._rate.value:.1f} fps, "
        lines.append(self._line(f"{rate}dropped {drops}", "dim"))
        return [*lines, *happened]

    def _waits(self, modality: str) -> str:
        need = self._needs[modality]
        if self._event is not None and self._time > need:
            return "nothing new"
        return f"{'listening' if modality == 'voice' else 'watching'}: {min(self._time, need):.1f} of {need:.1f} s"

    def _line(self, text: str, style: str) -> Text:
        return Text(text, style=style, overflow="crop" if self._plain else "ellipsis", no_wrap=True)


class _PlainBar:
    """A bar of the characters that every locale has."""

    def __init__(self, value: float, colour: str) -> None:
        self._value = value
        self._colour = colour

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        filled = round(self._value * options.max_width)
        yield Text("#" * filled + " " * (options.max_width - filled), style=self._colour)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(4, options.max_width)
