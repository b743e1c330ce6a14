"""Every view says that a run is recorded, and the flags lead to files."""

import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from edge_emotion import cli
from edge_emotion.notice import Notice
from edge_emotion.outputs.drawing import draw
from edge_emotion.outputs.jsonl import JsonLines
from edge_emotion.outputs.lines import PlainLines
from edge_emotion.outputs.terminal import TerminalView
from fake_faces import IMAGE
from fakes import FakePortAudio

LOAD = Notice("load", "full rate", 1.0)


def test_lines_and_json_are_marked_while_it_is_on() -> None:
    on = [True]
    for view, mark in ((PlainLines, "REC "), (JsonLines, '"recording":true')):
        stream = io.StringIO()
        output = view(stream, recording=lambda: on[0])
        for on[0] in (True, False):
            output.notice(LOAD)
        first, second = stream.getvalue().splitlines()
        assert mark in first and mark not in second


def test_the_terminal_is_marked_while_it_is_on() -> None:
    stream, on = io.StringIO(), [True]
    console = Console(file=stream, force_terminal=True, width=60)
    view = TerminalView(console, "clip", {"voice": 3.6}, recording=lambda: on[0])
    view.close()
    assert "REC" in stream.getvalue()
    on[0] = False
    stream.truncate(0)
    view = TerminalView(console, "clip", {"voice": 3.6}, recording=lambda: on[0])
    view.close()
    assert "REC" not in stream.getvalue()


def test_the_window_is_marked_while_it_is_on() -> None:
    plain, marked = (draw(IMAGE, [], {}, "", recording) for recording in (False, True))
    assert not np.array_equal(plain, marked)


def test_record_leads_to_files(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = np.full((1600, 1), 300, np.int16)
    portaudio = FakePortAudio([("USB mic", 1, (16000,))], [sound] * 20, default=0)
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    arguments = [
        "--mic",
        "default",
        "--json",
        "--seconds",
        "1.5",
        "--model",
        str(tiny_bundle),
        "--engine",
        "onnx",
    ]
    assert cli.main([*arguments, "--record", str(tmp_path / "kept")]) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert first["notice"] == "recording" and first["recording"] is True
    (folder,) = [Path(path) for path in re.findall(r"recording to (\S+)", first["said"])]
    assert folder.parent == tmp_path / "kept"
    assert any(path.suffix == ".flac" for path in folder.iterdir())

    assert cli.main([*arguments, "--record", str(Path(__file__))]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("edge-emotion: ")
