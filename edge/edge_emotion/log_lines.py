"""What a run says on standard error: for people, or as records that journals and log collectors take apart."""

import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from edge_emotion.errors import EdgeEmotionError

if TYPE_CHECKING:  # an error is to be told quickly, and whatever cannot be loaded
    from edge_emotion.features.face_front_end import Face
    from edge_emotion.fusion import Event
    from edge_emotion.notice import Notice
    from edge_emotion.run_summary import RunSummary, SenseSummary
    from edge_emotion.sources.frame import Frame

HUMAN, LOGFMT, JSON = "human", "logfmt", "json"
FORMS = (HUMAN, LOGFMT, JSON)
PRIORITIES = {"error": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7}  # of syslog, sd-daemon(3)
LEVELS = tuple(PRIORITIES)
WARNS = ("source lost",)  # kinds of notices that someone should look after
LONGEST = 2000  # characters of a text; journald cuts lines of 48 KB, and the rest would be a line of its own
BARE = re.compile(r"[\w.:/@%+-]+", re.ASCII)  # what needs no quotes in logfmt

Value = str | int | float | None


def to_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether a stream goes to systemd's journal: JOURNAL_STREAM names its device and inode, systemd.exec(5)."""
    named = environment.get("JOURNAL_STREAM")
    if not named:
        return False
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):  # of memory, or closed
        return False
    return named == f"{found.st_dev}:{found.st_ino}"


def printable(text: str) -> str:
    """A text on one line: line breaks, control characters and what turns or hides text as escapes, e.g. "\\u001b"."""
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def cut(text: str) -> str:
    """A text of LONGEST characters at most."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


class LogLines:
    """Writes what happens to a run, one line each: an output of notices, never of frames or sound.

    As records it also takes the place of what else stands on standard error. In the journal each line begins with its
    priority, "<4>", and has no time, since the journal has its own. Events are records of level debug: who looked how
    is not to stay in a log unless it is asked for.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        form: str | None = None,
        environment: Mapping[str, str] | None = None,
        level: str = "info",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """stream: None for standard error, looked up for each line, since a view puts its own there while it draws.

        form: of FORMS; None for records in the journal, else for people. environment: os.environ when None. level: of
        LEVELS, the least that is written. EdgeEmotionError for another form or level.
        """
        self._stream, self._now = stream, now
        self._journal = to_journal(stream or sys.stderr, os.environ if environment is None else environment)
        self._form = form or (LOGFMT if self._journal else HUMAN)
        for name, known in ((self._form, FORMS), (level, LEVELS)):
            if name not in known:
                raise EdgeEmotionError(f"log: expected {', '.join(known)}, got {name!r}")
        self._most = PRIORITIES[level]

    def note(self, text: str) -> None:
        """What a user should know; several lines are one record."""
        self._write("info", "note", {"said": " ".join(text.split())}, text.split("\n"))

    def started(self, seconds: float, title: str) -> None:
        """All is open and running. seconds: since the program's start. title: of the session."""
        self._write("info", "started", {"after_s": round(seconds, 2), "said": title})

    def warning(self, text: str) -> None:
        """What is wrong and does not end the run."""
        self._write("warning", "warning", {"said": text}, [f"warning: {text}"])

    def error(self, text: str) -> None:
        """Why the program ends."""
        self._write("error", "error", {"said": text}, [f"edge-emotion: {text}"])

    def summary(self, summary: "RunSummary") -> None:
        """What the run did: for people as it says itself, else a record for each sense and one for the whole."""
        for sense in summary.senses:
            self._write("info", "sense", _numbers(sense))
        whole = {"cpu_s": round(summary.cpu, 2), "cpu_share": round(summary.cpu_share, 4)}
        self._write("info", "summary", whole, str(summary).split("\n"))

    def first_times(self, captured: float, estimated: float | None) -> None:
        """When the first item and the first estimate came, seconds after the program's start; None for never."""
        told = "no estimate" if estimated is None else f"first estimate {estimated:.2f} s"
        numbers = {
            "captured_s": round(captured, 2),
            "estimated_s": None if estimated is None else round(estimated, 2),
        }
        human = f"after the start: first capture {captured:.2f} s, {told}"
        self._write("info", "first times", numbers, [human])

    def notice(self, told: "Notice") -> None:
        """What happens to the run; people are told by the output of the events."""
        level = "warning" if told.kind in WARNS else "notice"
        self._write(level, told.kind, {"t": told.time, "sense": told.sense, "said": told.said})

    def show(self, told: "Event") -> None:
        """An event, for debugging."""
        confidence = None if told.emotion is None else round(told.confidence, 4)
        fields = {"t": round(told.time, 3), "identity": told.identity, "emotion": told.emotion}
        self._write("debug", "estimate", {**fields, "confidence": confidence})

    def meter(self, time: float, level: float) -> None:
        """Leave out the level."""

    def frame(self, frame: "Frame", faces: "Sequence[Face]") -> None:
        """Leave out the picture."""

    def tick(self, time: float) -> None:
        """Leave out the time."""

    def close(self) -> None:
        """Nothing is held back."""

    def _write(self, level: str, event: str, fields: Mapping[str, Value], human: Sequence[str] = ()) -> None:
        """One record, or the lines for people, each at once."""
        if PRIORITIES[level] > self._most:
            return
        lines = [printable(cut(line)) for line in human]
        if self._form != HUMAN:
            time = None if self._journal else f"{self._now():%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
            record: dict[str, Value] = {"time": time, "level": level, "event": event, **fields}
            known = {
                key: cut(value) if isinstance(value, str) else value
                for key, value in record.items()
                if value is not None
            }
            lines = [json.dumps(known) if self._form == JSON else _logfmt(known)]
        head = f"<{PRIORITIES[level]}>" if self._journal else ""
        for line in lines:  # each in one piece: print() would write its end apart, and others write here too
            print(f"{head}{line}\n", end="", file=self._stream or sys.stderr, flush=True)


def _numbers(sense: "SenseSummary") -> dict[str, Value]:
    """What one sense did; times that are not known are left out."""
    milliseconds = {
        "latency_p50_ms": sense.latency_p50, "latency_p95_ms": sense.latency_p95,
        "computing_p50_ms": sense.computing_p50, "computing_p95_ms": sense.computing_p95,
    }  # fmt: skip
    return {
        "sense": sense.modality,
        "windows": sense.windows,
        "abstained": sense.abstained,
        "seconds": round(sense.seconds, 2),
        "frames": sense.frames,
        "dropped": sense.dropped,
        "dropped_sound": sense.dropped_sound,
        **{name: None if value is None else round(value * 1e3, 1) for name, value in milliseconds.items()},
        "real_time_factor": round(sense.real_time_factor, 4),
    }


def _logfmt(record: Mapping[str, Value]) -> str:
    return " ".join(f"{key}={_quoted(str(value))}" for key, value in record.items())


def _quoted(text: str) -> str:
    """A value of logfmt: bare where it can be."""
    if BARE.fullmatch(text):
        return text
    return '"' + printable(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'
