import io
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import Estimate
from edge_emotion.fusion import Fusion
from edge_emotion.log_lines import LONGEST, LogLines, to_journal
from edge_emotion.notice import Notice
from edge_emotion.run_summary import RunSummary, SenseSummary
from edge_emotion.sources.source_change import BACK, LOST
from fake_faces import face
from fake_senses import P, frame

GONE = Notice(LOST, "USB PnP: the plug was pulled", 12.345, "voice")
HOSTILE = 'evil"\n<0>level=error \x1b[31m\x9b2J\u2028\u202eback \\ \udcff\x7f °C'
VOICE = SenseSummary("voice", 6, 2, 0.15, 0.1512, 0.002, 0.0031, 12.0, 0.06, 480)
FACE = SenseSummary("face", 3, 3, None, None, None, None, 12.0, 1.2, 2, frames=120)
SUMMARY = RunSummary((VOICE, FACE), 3.0)


def at() -> datetime:
    return datetime(2026, 2, 3, 4, 5, 6, 7000, UTC)


def written(form: str | None, *calls: tuple[str, tuple[object, ...]], level: str = "info") -> list[str]:
    """Lines that calls of LogLines write."""
    stream = io.StringIO()
    log = LogLines(stream, form, {}, level, at)
    for name, given in calls:
        getattr(log, name)(*given)
    text = stream.getvalue()
    assert text == "" or text.endswith("\n")
    return text.split("\n")[:-1]


def in_the_journal(path: Path, form: str | None, *calls: tuple[str, tuple[object, ...]]) -> list[str]:
    """The same, into what JOURNAL_STREAM names."""
    with path.open("w", encoding="utf-8", errors="backslashreplace") as stream:
        found = os.fstat(stream.fileno())
        log = LogLines(stream, form, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}, now=at)
        for name, given in calls:
            getattr(log, name)(*given)
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def test_a_notice_is_a_line_of_keys_and_values() -> None:
    assert written("logfmt", ("notice", (GONE,))) == [
        'time=2026-02-03T04:05:06.007Z level=warning event="source lost" t=12.345 sense=voice '
        'said="USB PnP: the plug was pulled"'
    ]


def test_a_notice_is_an_object() -> None:
    (line,) = written("json", ("notice", (GONE,)))
    assert json.loads(line) == {
        "time": "2026-02-03T04:05:06.007Z",
        "level": "warning",
        "event": "source lost",
        "t": 12.345,
        "sense": "voice",
        "said": "USB PnP: the plug was pulled",
    }


def test_what_is_not_known_is_left_out() -> None:
    (line,) = written("logfmt", ("notice", (Notice("load", "full rate", 1.0),)))
    assert line.endswith(' level=notice event=load t=1.0 said="full rate"')


def test_people_are_told_of_warnings_as_ever_and_of_notices_elsewhere() -> None:
    calls = [
        ("note", ("One.\nTwo.",)),
        ("warning", ("no plug",)),
        ("notice", (GONE,)),
        ("started", (1.0, "face")),
    ]
    calls += [("error", ("a port",)), ("first_times", (0.414, 1.256)), ("first_times", (0.41, None))]
    assert written("human", *calls) == [
        "One.",
        "Two.",
        "warning: no plug",
        "edge-emotion: a port",
        "after the start: first capture 0.41 s, first estimate 1.26 s",
        "after the start: first capture 0.41 s, no estimate",
    ]
    assert written("human", ("summary", (SUMMARY,))) == str(SUMMARY).split("\n")


def test_the_summary_is_a_record_for_each_sense_and_one_for_all() -> None:
    voice, face_, whole = (json.loads(line) for line in written("json", ("summary", (SUMMARY,))))
    assert (voice["event"], voice["sense"], voice["windows"], voice["abstained"]) == ("sense", "voice", 6, 2)
    assert (voice["latency_p50_ms"], voice["latency_p95_ms"], voice["computing_p95_ms"]) == (
        150.0,
        151.2,
        3.1,
    )
    assert (voice["dropped"], voice["real_time_factor"]) == (480, 0.005)
    assert (face_["frames"], "latency_p50_ms" in face_, "frames" in voice) == (120, False, False)
    assert (whole["event"], whole["cpu_s"], whole["cpu_share"]) == ("summary", 3.0, 0.25)


def test_start_and_first_times_are_records() -> None:
    started, first = written("logfmt", ("started", (1.234, 'the "Cam"')), ("first_times", (0.414, None)))
    assert started.endswith(' level=info event=started after_s=1.23 said="the \\"Cam\\""')
    assert first.endswith(' level=info event="first times" captured_s=0.41')


@pytest.mark.parametrize("form", ["human", "logfmt", "json"])
def test_a_device_cannot_write_lines_of_its_own(form: str) -> None:
    lines = written(form, ("warning", (HOSTILE,)), ("error", (HOSTILE,)), ("note", ("x\r\x1b[2J",)))
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)


def test_hostile_texts_come_back_whole_from_the_records() -> None:
    (line,) = written("json", ("warning", (HOSTILE,)))
    assert json.loads(line)["said"] == HOSTILE
    (line,) = written("logfmt", ("warning", (HOSTILE,)))
    said = line.split(" said=", 1)[1]
    assert json.loads(said) == HOSTILE  # its quoting is that of JSON
    assert "°C" in said


def test_a_hostile_sense_or_kind_stays_in_its_quotes() -> None:
    (line,) = written("logfmt", ("notice", (Notice("a b=c", "", 0.0, "x y"),)))
    assert line.endswith(' event="a b=c" t=0.0 sense="x y" said=""')


@pytest.mark.parametrize("form", ["human", "logfmt", "json"])
def test_a_long_text_is_cut(form: str) -> None:
    (line,) = written(form, ("warning", ("é" * 100_000,)))
    assert len(line.encode()) < 8 * LONGEST


def test_the_journal_is_given_priorities_and_no_time(tmp_path: Path) -> None:
    calls = [("notice", (GONE,)), ("notice", (Notice(BACK, "it", 2.0, "voice"),)), ("started", (1.0, "it"))]
    calls += [("error", ("it",))]
    assert in_the_journal(tmp_path / "journal", None, *calls) == [
        '<4>level=warning event="source lost" t=12.345 sense=voice said="USB PnP: the plug was pulled"',
        '<5>level=notice event="source back" t=2.0 sense=voice said=it',
        "<6>level=info event=started after_s=1.0 said=it",
        "<3>level=error event=error said=it",
    ]


def test_the_journal_takes_every_form(tmp_path: Path) -> None:
    (line,) = in_the_journal(tmp_path / "json", "json", ("warning", ("it",)))
    assert line.startswith("<4>{") and "time" not in json.loads(line[3:])
    lines = in_the_journal(tmp_path / "human", "human", ("summary", (SUMMARY,)))
    assert lines == [f"<6>{line}" for line in str(SUMMARY).split("\n")]


def test_the_journal_is_known_by_device_and_inode(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w") as a, (tmp_path / "b").open("w") as b:
        found = os.fstat(a.fileno())
        named = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert to_journal(a, named)
        assert not to_journal(b, named)  # standard error was led elsewhere
        assert not to_journal(a, {})
        assert not to_journal(a, {"JOURNAL_STREAM": "nonsense"})
        assert not to_journal(io.StringIO(), named)
    assert not to_journal(a, named)  # closed


def test_without_the_journal_the_lines_are_for_people() -> None:
    assert written(None, ("warning", ("it",))) == ["warning: it"]


def test_standard_error_is_looked_up_for_each_line(monkeypatch: pytest.MonkeyPatch) -> None:
    first, then = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    log = LogLines(environment={})
    log.warning("one")
    monkeypatch.setattr(sys, "stderr", then)  # as a view does while it draws
    log.warning("two")
    assert (first.getvalue(), then.getvalue()) == ("warning: one\n", "warning: two\n")


def test_each_line_is_written_in_one_piece() -> None:
    class Pieces(io.StringIO):
        def __init__(self) -> None:
            super().__init__()
            self.pieces: list[str] = []

        def write(self, text: str) -> int:
            self.pieces += [text] if text else []
            return len(text)

    stream = Pieces()
    LogLines(stream, "logfmt", {}, now=at).warning("it")
    assert stream.pieces == ["time=2026-02-03T04:05:06.007Z level=warning event=warning said=it\n"]


def test_frames_sound_and_events_leave_no_line_unless_debugging_asks_for_events() -> None:
    event = Fusion().update(Estimate(3.6, "face", P, 0.9, 0.01, identity=2))
    calls = [("meter", (1.0, -20.0)), ("frame", (frame(0.1), [face()])), ("tick", (1.0,)), ("show", (event,))]
    calls += [("close", ())]
    for form in ("human", "logfmt", "json"):
        assert written(form, *calls) == []
    (line,) = written("logfmt", *calls, level="debug")
    assert line.endswith(" level=debug event=estimate t=3.6 identity=2 emotion=anger confidence=0.6")


def test_a_higher_level_leaves_out_what_is_below() -> None:
    calls = [
        ("note", ("it",)),
        ("notice", (Notice("load", "it", 0.0),)),
        ("warning", ("it",)),
        ("error", ("it",)),
    ]
    for level, count in (("info", 4), ("notice", 3), ("warning", 2), ("error", 1)):
        assert len(written("logfmt", *calls, level=level)) == count


@pytest.mark.parametrize("given", [{"form": "xml"}, {"level": "loud"}])
def test_an_unknown_form_or_level_is_told(given: dict[str, str]) -> None:
    with pytest.raises(EdgeEmotionError, match=f"expected .*, got {next(iter(given.values()))!r}"):
        LogLines(io.StringIO(), environment={}, **given)
