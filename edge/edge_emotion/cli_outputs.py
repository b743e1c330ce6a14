"""The outputs that the flags name."""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge_emotion.cli_settings import is_live

if TYPE_CHECKING:  # loaded when a command needs them, so that --help is quick
    from edge_emotion.outputs.output import Output
    from edge_emotion.outputs.window import WindowView
    from edge_emotion.session import Session


def open_window(
    options: argparse.Namespace, dropped: Callable[[str], int], recorded: Callable[[], bool]
) -> "WindowView | None":
    """The window of --window, before the session: once PyAV is loaded, OpenCV's windows hang as they open."""
    if not options.window:
        return None
    from edge_emotion.outputs.window import WindowView

    return WindowView(dropped=dropped, recording=recorded)


def open_output(
    options: argparse.Namespace,
    session: "Session",
    window: "WindowView | None",
    recorded: Callable[[], bool],
    *more: "Output",
) -> "Output":
    """Where events go: text or JSON, and the window. recorded: whether the run is being recorded just now."""
    text = _text_output(options.json, session, is_live(options), recorded)
    from edge_emotion.outputs.output import Several

    return Several(text, *([] if window is None else [window]), *more)


def _text_output(as_json: bool, session: "Session", live: bool, recorded: Callable[[], bool]) -> "Output":
    if as_json:
        from edge_emotion.outputs.jsonl import JsonLines, wall_time

        return JsonLines(sys.stdout, wall_time if live else None, recorded)
    from rich.console import Console

    from edge_emotion.outputs.lines import PlainLines
    from edge_emotion.outputs.terminal import TerminalView

    console = Console()
    if not console.is_terminal or console.is_dumb_terminal:
        return PlainLines(sys.stdout, recorded)
    return TerminalView(
        console, session.title, session.needs, dropped=session.run.dropped, recording=recorded
    )
