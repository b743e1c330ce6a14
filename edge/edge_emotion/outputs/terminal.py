"""Estimates for people: bars that move in a terminal, plain lines where there is none."""

from collections.abc import Callable
from time import monotonic
from typing import TextIO

from rich.bar import Bar
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge_emotion.emotions import EMOTIONS
from edge_emotion.estimate import Estimate

QUIETEST = -60.0  # dBFS at the left end of the level meter
MOST_REDRAWS = 5  # a second: drawing costs a small computer more than computing does
COLOURS = ("white", "yellow", "blue", "red", "magenta", "green", "cyan")  # in the order of EMOTIONS


class TerminalView:
    """Seven bars, a level meter, quality and latency, redrawn in place."""

    def __init__(
        self, console: Console, title: str, window: float, clock: Callable[[], float] = monotonic
    ) -> None:
        """window: seconds of sound that the first estimate needs. clock: seconds, for the pace of redrawing."""
        self._title = title
        self._window = window
        self._time = 0.0
        self._level = -120.0
        self._estimate: Estimate | None = None
        self._clock = clock
        self._drawn: float | None = None
        self._live = Live(console=console, auto_refresh=False, transient=False)
        self._live.start()

    def meter(self, time: float, level: float) -> None:
        """Take a new level; redraw if the last time is long enough ago."""
        self._time, self._level = time, level
        self._redraw()

    def show(self, estimate: Estimate) -> None:
        """Take a new estimate; redraw if the last time is long enough ago."""
        self._estimate = estimate
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
        estimate = self._estimate
        values = estimate.probabilities if estimate else None
        for index, name in enumerate(EMOTIONS):
            value = 0.0 if values is None else float(values[index])
            best = estimate is not None and estimate.emotion == name
            grid.add_row(
                Text(name, style="bold" if best else ""),
                Bar(1.0, 0.0, value, color=COLOURS[index]),
                "-" if values is None else f"{value:.0%}",
            )
        loudness = min(1.0, max(0.0, 1 - self._level / QUIETEST))
        grid.add_row("level", Bar(1.0, 0.0, loudness, color="bright_black"), f"{self._level:.0f} dBFS")
        return Group(Text(self._title, style="bold", overflow="ellipsis", no_wrap=True), grid, self._status())

    def _status(self) -> Text:
        if self._estimate is None:
            return Text(f"listening: {self._time:.1f} of {self._window:.1f} s", style="dim")
        return Text(line(self._estimate), style="dim" if self._estimate.abstained else "bold")


class PlainLines:
    """One line an estimate, for pipes, logs and terminals that cannot redraw."""

    def __init__(self, stream: TextIO) -> None:
        """stream: where the lines go; it stays open."""
        self._stream = stream

    def meter(self, time: float, level: float) -> None:
        """Leave out the level: a line is about a window."""

    def show(self, estimate: Estimate) -> None:
        """Write one line."""
        print(line(estimate), file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing is held back."""


def line(estimate: Estimate) -> str:
    """One estimate in words, e.g. "  3.60 s  anger      81%  quality 45%  152.1 ms"."""
    if estimate.abstained:
        said = f"({estimate.abstained})"
        return f"{estimate.time:7.2f} s  {said:<16}  quality {estimate.quality:4.0%}"
    return (
        f"{estimate.time:7.2f} s  {estimate.emotion:<10} {estimate.confidence:4.0%}   "
        f"quality {estimate.quality:4.0%}  {estimate.latency * 1e3:.1f} ms"
    )
