"""The command in surroundings that lack something: a home, characters, room, an output."""

import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from rich.console import Console

from edge_emotion.outputs.terminal import TerminalView

COMMAND = [sys.executable, "-m", "edge_emotion.cli"]
DEMO = ["demo", "--audio-only", "--seconds", "5"]
CLIP = Path(__file__).parents[2] / "edge" / "edge_emotion" / "data" / "demo.flac"
QUICK = ["--audio", str(CLIP), "--seconds", "5"]  # on a terminal the demo keeps the pace of its clip
NO_UTF8 = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ENCODINGS = ("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONCOERCECLOCALE", "LANG", "LC_ALL", "LC_CTYPE")
SUMMARY = re.compile(r"^4 windows \(0 abstained\) in 5\.00 s of sound, ", re.MULTILINE)
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def surroundings(**changed: str | None) -> dict[str, str]:
    """This process' environment, some names changed; None leaves one out."""
    kept = {name: value for name, value in os.environ.items() if name not in (*ENCODINGS, "COLUMNS", "LINES")}
    kept.update({"LANG": "C.UTF-8", "TERM": "xterm"})
    return {name: value for name, value in {**kept, **changed}.items() if value is not None}


def ran(arguments: list[str], **changed: str | None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, timeout=60, env=surroundings(**changed), check=False
    )
    out, err = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def shown(columns: int, arguments: list[str] = QUICK, **changed: str | None) -> tuple[int, str, str]:
    """Exit code, what the terminal got and what stderr got, of a run with its stdout on a terminal so wide."""
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = surroundings(**changed)
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdin=end, stdout=end, stderr=subprocess.PIPE, env=environment
    )
    os.close(end)
    got = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how Linux tells that the other end is closed
            break
        if not piece:
            break
        got += piece
    os.close(terminal)
    err = process.communicate(timeout=60)[1]
    return process.returncode, got.decode("utf-8"), err.decode("utf-8")


def lines_of(drawn: str) -> list[str]:
    """What was drawn line by line, one view after the other; a view ends without a line feed."""
    return ESCAPE.sub("\n", re.sub(r"\x1b\[[0-9;]*m", "", drawn)).replace("\r", "\n").split("\n")


@pytest.mark.parametrize("home", [None, "", "/nonexistent/home", "/dev/null"])
def test_no_home_is_needed(home: str | None) -> None:
    done = ran([*DEMO, "--json"], HOME=home, XDG_CACHE_HOME=None, XDG_CONFIG_HOME=None)
    assert done.returncode == 0
    assert [json.loads(line)["t"] for line in done.stdout.splitlines()] == [3.6, 4.08, 4.56, 4.98]
    assert SUMMARY.search(done.stderr)


def test_nothing_is_written_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o555)  # root may write there all the same: so look as well
    done = ran([*DEMO, "--json"], HOME=str(home), XDG_CACHE_HOME=None, XDG_CONFIG_HOME=None)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 4)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "locale", [NO_UTF8, {"LANG": "xx_XX.nothing"}, {"PYTHONIOENCODING": "latin-1"}, {"LANG": None}]
)
def test_a_locale_without_utf8_gets_the_same_events(locale: dict[str, str | None]) -> None:
    done = ran([*DEMO, "--json"], **locale)
    assert done.returncode == 0
    assert [json.loads(line)["t"] for line in done.stdout.splitlines()] == [3.6, 4.08, 4.56, 4.98]
    assert SUMMARY.search(done.stderr)


def test_a_locale_without_utf8_reads_cards_and_help() -> None:
    card = ran(["models", "voice"], **NO_UTF8)
    assert card.returncode == 0
    whole = ran(["models", "voice"]).stdout
    assert not whole.isascii()
    assert card.stdout == "".join(sign if sign.isascii() else "?" for sign in whole)
    assert ran(["--help"], **NO_UTF8).returncode == 0


def test_a_locale_without_utf8_names_a_file_in_one_line() -> None:
    done = ran(["--audio", "/nonexistent/é.wav"], **NO_UTF8)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith("edge-emotion: /nonexistent/")


@pytest.mark.parametrize("columns", [20, 41, 80])
def test_a_terminal_without_utf8_gets_bars_of_ascii(columns: int) -> None:
    code, drawn, err = shown(columns, **NO_UTF8)
    assert code == 0
    assert drawn.isascii()
    lines = lines_of(drawn)
    assert any(re.fullmatch(r"happiness #+ +\d+%", line) for line in lines)
    assert max(map(len, lines)) <= columns
    assert SUMMARY.search(err)


@pytest.mark.parametrize("columns", [1, 8, 20, 40, 100])
def test_no_line_is_longer_than_the_terminal(columns: int) -> None:
    code, drawn, err = shown(columns)
    assert code == 0
    assert max(map(len, lines_of(drawn))) <= columns
    assert SUMMARY.search(err)


@pytest.mark.parametrize("width", [{"COLUMNS": "20"}, {"COLUMNS": "20", "LINES": "5"}])
def test_20_columns_still_show_bars(width: dict[str, str]) -> None:
    code, drawn, _ = shown(0, DEMO, **width)  # a serial line knows no size; COLUMNS says it
    assert code == 0
    lines = lines_of(drawn)
    assert max(map(len, lines)) <= 20
    assert any(re.match(r"happiness █", line) for line in lines)


@pytest.mark.parametrize("wrong", ["0", "-3", "many", "1" * 30])
def test_columns_that_say_nothing_useful_do_not_end_the_run(wrong: str) -> None:
    code, drawn, err = shown(40, COLUMNS=wrong)
    assert code == 0
    assert "happiness" in drawn
    assert SUMMARY.search(err)


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_cannot_redraw_gets_lines(term: str) -> None:
    code, drawn, err = shown(80, TERM=term)
    assert code == 0
    lines = drawn.replace("\r", "").splitlines()
    assert [line.split()[0] for line in lines] == ["3.60", "4.08", "4.56", "4.98"]
    assert SUMMARY.search(err)


@pytest.mark.parametrize("term", ["", None, "no-such-terminal"])
def test_a_terminal_of_no_known_kind_gets_bars(term: str | None) -> None:
    code, drawn, err = shown(80, TERM=term)
    assert code == 0
    assert any(re.fullmatch(r"happiness █.* \d+%", line) for line in lines_of(drawn))
    assert SUMMARY.search(err)


@pytest.mark.parametrize(
    ("closed", "events", "told"),
    [("0<&-", 4, True), ("1>&-", 0, True), ("2>&-", 4, False), ("0<&- 1>&- 2>&-", 0, False)],
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_closed_stream_does_not_end_the_run(closed: str, events: int, told: bool, form: list[str]) -> None:
    run = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *COMMAND, *DEMO, *form],
        capture_output=True, timeout=60, env=surroundings(), check=False,
    )  # fmt: skip
    assert run.returncode == 0
    assert len(run.stdout.splitlines()) == events
    assert (b"4 windows" in run.stderr) == told


def test_a_title_of_no_known_letters_is_shown() -> None:
    for encoding, title in (("utf-8", "??.flac é"), ("ascii", "??.flac ?")):
        got = io.BytesIO()
        stream = io.TextIOWrapper(got, encoding, errors="replace")  # as open_standard_streams leaves stdout
        console = Console(file=stream, width=20, force_terminal=True, color_system=None)
        TerminalView(console, os.fsdecode(b"\xff\xe9.flac") + " é", {"voice": 3.6}).close()
        stream.flush()
        assert title in got.getvalue().decode(encoding)
