import io
import itertools
import json

import numpy as np
import pytest
from rich.console import Console

from edge_emotion.emotions import EMOTIONS
from edge_emotion.estimate import Estimate
from edge_emotion.outputs.jsonl import JsonLines, event
from edge_emotion.outputs.terminal import PlainLines, TerminalView

P = np.array([0.1, 0.05, 0.05, 0.6, 0.1, 0.05, 0.05], np.float32)
ANGRY = Estimate(3.6, "voice", P, 0.45, 0.1521, computing=0.0021)
SILENT = Estimate(4.08, "voice", None, 0.0, 0.0001, "silence")


def test_an_event_has_the_documented_form() -> None:
    assert event(ANGRY) == {
        "v": 1,
        "t": 3.6,
        "emotion": "anger",
        "p": dict(zip(EMOTIONS, [0.1, 0.05, 0.05, 0.6, 0.1, 0.05, 0.05], strict=True)),
        "confidence": 0.6,
        "modalities": {
            "voice": {"quality": 0.45, "abstained": None, "latency_ms": 152.1, "computing_ms": 2.1}
        },
    }


def test_an_abstention_has_no_probabilities() -> None:
    said = event(SILENT)
    assert (said["emotion"], said["p"], said["confidence"]) == (None, None, 0.0)
    assert said["modalities"]["voice"]["abstained"] == "silence"


def test_json_lines_are_one_object_a_line() -> None:
    stream = io.StringIO()
    output = JsonLines(stream)
    output.show(ANGRY)
    output.meter(3.7, -20.0)
    output.show(SILENT)
    assert [json.loads(line)["t"] for line in stream.getvalue().splitlines()] == [3.6, 4.08]


def test_plain_lines_say_what_was_heard() -> None:
    stream = io.StringIO()
    output = PlainLines(stream)
    output.show(ANGRY)
    output.show(SILENT)
    assert stream.getvalue().splitlines() == [
        "   3.60 s  anger       60%   quality  45%  152.1 ms",
        "   4.08 s  (silence)         quality   0%",
    ]


@pytest.mark.parametrize("width", [20, 40, 100])
def test_the_view_fits_any_terminal(width: int) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=width, height=24, force_terminal=True, color_system=None)
    view = TerminalView(console, "clip.wav", 3.6, clock=iter(range(100)).__next__)
    view.meter(1.2, -30.0)
    assert "listening: 1.2 of" in stream.getvalue()
    view.show(ANGRY)
    view.show(SILENT)
    view.close()
    shown = stream.getvalue()
    assert "surprise" in shown
    assert "60%" in shown
    assert "(silence)" in shown


def test_the_view_is_redrawn_five_times_a_second_at_most() -> None:
    now = 0.0
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=True, color_system=None)
    view = TerminalView(console, "clip.wav", 3.6, clock=lambda: now)
    drawn = []
    view._live.update = lambda shown, refresh: drawn.append(now)  # type: ignore[method-assign]
    for tick in range(100):  # 10 s of blocks and estimates, each 0.1 s
        now = tick / 10
        view.meter(now, -30.0)
        view.show(ANGRY)
    assert 40 <= len(drawn) <= 50
    assert min(b - a for a, b in itertools.pairwise(drawn)) >= 0.2
    view.show(SILENT)
    before = len(drawn)
    view.close()
    assert len(drawn) == before + 1  # the last estimate is not lost
