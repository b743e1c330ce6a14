import io
import itertools
import json
import re

import numpy as np
import pytest
from rich.console import Console

from edge_emotion.emotions import EMOTIONS
from edge_emotion.estimate import Estimate
from edge_emotion.fusion import Fusion
from edge_emotion.notice import Notice
from edge_emotion.outputs.frame_rate import FrameRate
from edge_emotion.outputs.jsonl import JsonLines, event
from edge_emotion.outputs.lines import PlainLines
from edge_emotion.outputs.output import Several
from edge_emotion.outputs.terminal import TerminalView
from fake_faces import face
from fake_senses import frame

P = np.array([0.1, 0.05, 0.05, 0.6, 0.1, 0.05, 0.05], np.float32)
ANGRY = Fusion().update(Estimate(3.6, "voice", P, 0.45, 0.1521, computing=0.0021))
SILENT = Fusion().update(Estimate(4.08, "voice", None, 0.0, 0.0001, "silence"))
SEEN = Estimate(4.2, "face", P, 0.9, 0.0102, computing=0.003, identity=1)
QUIET = Estimate(4.08, "voice", None, 0.0, 0.0001, "silence")
_fusion = Fusion()
_fusion.update(QUIET)
BOTH = _fusion.update(SEEN)
NOBODY = _fusion.update(Estimate(4.4, "face", None, 0.0, 0.01, "no face"))


NAMED = dict(zip(EMOTIONS, [0.1, 0.05, 0.05, 0.6, 0.1, 0.05, 0.05], strict=True))


def test_an_event_has_the_documented_form() -> None:
    assert event(ANGRY) == {
        "v": 1,
        "t": 3.6,
        "emotion": "anger",
        "p": NAMED,
        "confidence": 0.6,
        "valence": pytest.approx(0.05 * (0.81 - 0.63 - 0.60 + 0.40) + 0.6 * -0.51 + 0.1 * -0.64, abs=1e-4),
        "arousal": pytest.approx(0.05 * (0.51 - 0.27 + 0.35 + 0.67) + 0.6 * 0.59 + 0.1 * 0.60, abs=1e-4),
        "identity": None,
        "modalities": {
            "voice": {
                "emotion": "anger",
                "p": NAMED,
                "quality": 0.45,
                "abstained": None,
                "latency_ms": 152.1,
                "computing_ms": 2.1,
                "age_ms": 0.0,
            }
        },
    }


def test_an_event_of_both_senses_tells_what_each_says() -> None:
    said = event(BOTH)
    assert (said["t"], said["identity"], said["emotion"]) == (4.2, 1, "anger")
    assert {name: sense["abstained"] for name, sense in said["modalities"].items()} == {
        "face": None,
        "voice": "silence",
    }
    assert said["modalities"]["voice"]["age_ms"] == 120.0
    assert said["modalities"]["voice"]["p"] is None


def test_an_abstention_has_no_probabilities() -> None:
    said = event(SILENT)
    assert (said["emotion"], said["p"], said["confidence"]) == (None, None, 0.0)
    assert (said["valence"], said["arousal"]) == (None, None)
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
    output.frame(frame(4.0), [])
    output.show(BOTH)
    output.show(NOBODY)
    assert stream.getvalue().splitlines() == [
        "   3.60 s  anger       60%   quality  45%  152.1 ms",
        "   4.08 s  (silence)         quality   0%",
        "   4.20 s  anger       60%   face: anger 60%, quality 90%; voice: silence",
        "   4.40 s  (no estimate)     face: no face; voice: silence",
    ]


@pytest.mark.parametrize("width", [20, 40, 100])
def test_the_view_fits_any_terminal(width: int) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=width, height=24, force_terminal=True, color_system=None)
    view = TerminalView(console, "clip.wav", {"voice": 3.6}, clock=iter(range(100)).__next__)
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
    view = TerminalView(console, "clip.wav", {"voice": 3.6}, clock=lambda: now)
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


def test_the_view_of_three_senses_has_a_line_for_each_and_says_what_is_lost() -> None:
    console = Console(
        file=(stream := io.StringIO()), width=80, height=24, force_terminal=True, color_system=None
    )
    needs = {"face": 1.0, "voice": 3.6, "body": 4.0}
    view = TerminalView(console, "clip", needs, clock=iter(range(100)).__next__)
    view.tick(2.5)
    assert "body   watching: 2.5 of 4.0 s" in stream.getvalue()  # poses alone move it on
    body = Estimate(4.5, "body", P, 0.9, 0.01)
    view.show(Fusion().together([SEEN, body])[0])
    view.notice(Notice("source lost", "camera 0: its plug was pulled", 4.6, "face"))
    view.notice(Notice("load", "there is room again: full rate", 4.7))
    shown = stream.getvalue().split("neutral")[-1]
    assert "face   lost, camera 0: its plug was pulled" in shown
    assert "body   anger 60%, quality 90%" in shown
    assert "load: there is room again: full rate" in shown
    view.notice(Notice("source back", "camera 0", 5.0, "face"))
    assert "face   anger 60%" in stream.getvalue().split("neutral")[-1]
    view.close()


def test_the_view_of_both_senses_fits_40_columns() -> None:
    console = Console(
        file=(stream := io.StringIO()), width=40, height=24, force_terminal=True, color_system=None
    )
    view = TerminalView(
        console,
        "clip.mp4",
        {"face": 1.0, "voice": 3.6},
        clock=iter(range(100)).__next__,
        dropped={"face": 7, "voice": 0}.get,
    )
    view.frame(frame(0.0), [])
    assert "watching: 0.0 of 1.0 s" in stream.getvalue()
    view.frame(frame(0.1), [face()])
    view.show(BOTH)
    shown = stream.getvalue()
    for text in (
        "valence -0.37 arousal +0.48",
        "face   anger 60%, quality 90%",
        "voice  silence",
        "10.0 fps, dropped 7 frames, 0 samples",
    ):
        assert text in shown
    view.show(NOBODY)
    view.close()
    assert "face   no face" in stream.getvalue()
    pieces = re.split(r"\x1b\[[^a-zA-Z]*[a-zA-Z]|[\r\n]", stream.getvalue())
    assert max(len(piece.rstrip()) for piece in pieces) <= 40


def test_several_outputs_are_all_told() -> None:
    streams = io.StringIO(), io.StringIO()
    output = Several(*(PlainLines(stream) for stream in streams))
    output.meter(0.1, -20.0)
    output.frame(frame(0.0), [])
    output.show(ANGRY)
    output.close()
    assert streams[0].getvalue() == streams[1].getvalue() != ""


def test_the_frame_rate_is_that_of_the_last_two_seconds() -> None:
    rate = FrameRate()
    assert rate.value == 0
    for number in range(100):
        rate.add(number / 10)
    for number in range(60):
        rate.add(10 + number / 20)
    assert rate.value == pytest.approx(20)
