"""Numbers of a run for Prometheus: what the sources, the senses and the process do, never what a person expresses."""

import os
import platform
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge_emotion import __version__
from edge_emotion.fusion import Event
from edge_emotion.machine_state import temperature
from edge_emotion.metrics_text import SUMMARY, Family, Sample, counter, exposition, gauge, quantiles
from edge_emotion.notice import Notice
from edge_emotion.run_summary import SenseSummary
from edge_emotion.senses import BODY, FACE, VOICE
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.source_change import BACK, LOST
from edge_emotion.spiking_contract import FACE_VOICE
from edge_emotion.start_up import since_start

if TYPE_CHECKING:  # it brings OpenCV, which sound alone does without
    from edge_emotion.features.face_front_end import Face
    from edge_emotion.pipeline import Run

# Kinds of notices; told of as 0 before the first, so that rates begin right.
KINDS = (LOST, BACK, "load", "recording", "configuration")
PIECES = {FACE: "pictures", VOICE: "samples", BODY: "poses"}  # what a sense drops


class Metrics:
    """Counts what an output is told, and reads the rest of a run at the moment of asking; see `render`.

    Emotions, confidences and faces are left out on purpose: how often who looks sad is nobody's to collect. What is
    left of persons is whether somebody is there, in the reasons for which a sense abstains.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, root: Path = Path("/")) -> None:
        """clock: seconds. root: where /proc and /sys are."""
        self._clock, self._root = clock, root
        self._counting = threading.Lock()  # the run's thread counts, the server's reads
        self._events = 0
        self._notices: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        self._changes: Counter[tuple[str, str]] = Counter()  # of (kind, sense)
        self._newest = clock()
        self._run: Run | None = None
        self._level: Callable[[], int] = lambda: 0
        self._recorded: Callable[[], bool] = lambda: False

    def bind(
        self, run: "Run", level: Callable[[], int] = lambda: 0, recorded: Callable[[], bool] = lambda: False
    ) -> None:
        """Read this run from now on. level: how much less than all is done, 0 for all. recorded: whether it is.

        Both are called by any thread.
        """
        self._run, self._level, self._recorded = run, level, recorded
        self._newest = self._clock()

    def meter(self, time: float, level: float) -> None:
        """Leave out the level: it would tell who speaks when."""

    def frame(self, frame: Frame, faces: "Sequence[Face]") -> None:
        """Leave out the picture: the run counts it."""

    def tick(self, time: float) -> None:
        """Leave out the time: a number is as old as its asking."""

    def show(self, told: Event) -> None:
        """Count an event, whatever it says."""
        with self._counting:
            self._events += 1
            self._newest = self._clock()

    def notice(self, told: Notice) -> None:
        """Count a notice."""
        with self._counting:
            self._notices[told.kind] += 1
            if told.kind in (LOST, BACK) and told.sense:
                self._changes.update((told.kind, sense) for sense in told.sense.split(" and "))

    def close(self) -> None:
        """Nothing is held back."""

    def render(self) -> str:
        """All numbers of this moment, in Prometheus' text format; from any thread."""
        run = self._run
        senses = () if run is None else run.summary().senses
        measured = (
            () if run is None else (*self._measured(run, senses), *_counts(senses), *_summaries(senses))
        )
        return exposition([*self._process(), *self._told(senses), *measured])

    def _process(self) -> Iterator[Family]:
        """The program and the machine; what the machine does not show is left out."""
        versions = {"version": __version__, "python": platform.python_version()}
        yield gauge("edge_emotion_build_info", "Versions, as labels; the value is 1.", Sample(1, versions))
        yield _one(gauge, "edge_emotion_uptime_seconds", "Since the program was started.", since_start())
        yield _one(
            counter,
            "process_cpu_seconds_total",
            "CPU time of the process, user and system.",
            time.process_time(),
        )
        own = self._root / "proc/self"
        yield _one(gauge, "process_resident_memory_bytes", "Memory that is not swapped out.", _resident(own))
        yield _one(gauge, "process_open_fds", "Open file descriptors.", _descriptors(own))
        heat = temperature(self._root)
        yield _one(
            gauge, "edge_emotion_machine_temperature_celsius", "Of the processor, as Linux shows it.", heat
        )

    def _told(self, senses: Sequence[SenseSummary]) -> Iterator[Family]:
        """What the outputs were told."""
        with self._counting:
            events, notices, changes = self._events, dict(self._notices), dict(self._changes)
            age = self._clock() - self._newest
        yield _one(counter, "edge_emotion_events_total", "Events given, abstentions included.", events)
        meaning = "Since the newest event, or since the run began while there is none."
        yield _one(gauge, "edge_emotion_last_event_age_seconds", meaning, age)
        kinds = [Sample(count, {"kind": kind}) for kind, count in notices.items()]
        yield counter("edge_emotion_notices_total", "What happened to the run itself.", *kinds)
        for kind, name in ((LOST, "lost"), (BACK, "back")):
            known = dict.fromkeys([*_fed(senses), *(sense for what, sense in changes if what == kind)])
            counts = [Sample(changes.get((kind, sense), 0), {"sense": sense}) for sense in known]
            yield counter(
                f"edge_emotion_source_{name}_total", f"Times that a sense's source was {name}.", *counts
            )

    def _measured(self, run: "Run", senses: Sequence[SenseSummary]) -> Iterator[Family]:
        """What the run and its source know at this moment."""
        meaning = "Steps by which frame rate, landmark rate and estimates are lowered; 0 is the full rate."
        yield _one(gauge, "edge_emotion_load_level", meaning, self._level())
        meaning = "1 while pictures, sound, motion and events are kept in a folder."
        yield _one(gauge, "edge_emotion_recording", meaning, int(self._recorded()))
        lost: dict[str, str] = getattr(run.source, "lost", {})
        up = [Sample(int(sense not in lost), {"sense": sense}) for sense in _fed(senses)]
        yield gauge("edge_emotion_source_up", "1 while a sense's source works, 0 while it is lost.", *up)
        for sense in _fed(senses):
            meaning = f"Dropped because computing was too slow: {PIECES[sense]}."
            yield _one(counter, f"edge_emotion_{PIECES[sense]}_dropped_total", meaning, run.dropped(sense))


def _fed(senses: Sequence[SenseSummary]) -> list[str]:
    """Which senses have a source: one that judges face and voice has two."""
    names = [sense.modality for sense in senses]
    return [sense for name in names for sense in ((FACE, VOICE) if name == FACE_VOICE else (name,))]


def _one(kind: Callable[..., Family], name: str, meaning: str, value: float | None) -> Family:
    """A family of one number without labels, or of none."""
    return kind(name, meaning, *(() if value is None else (Sample(value, {}),)))


def _counts(senses: Sequence[SenseSummary]) -> Iterator[Family]:
    """What each sense has done."""
    labelled = [(sense, {"sense": sense.modality}) for sense in senses]
    yield counter(
        "edge_emotion_estimates_total",
        "Windows that were estimated.",
        *(Sample(sense.windows - sense.abstained, labels) for sense, labels in labelled),
    )
    yield counter(
        "edge_emotion_abstentions_total",
        "Windows of which a sense said nothing, and why.",
        *(
            Sample(count, {**labels, "reason": reason})
            for sense, labels in labelled
            for reason, count in sense.reasons.items()
        ),
    )
    yield counter(
        "edge_emotion_frames_total",
        "Pictures and poses taken in.",
        *(Sample(sense.frames, labels) for sense, labels in labelled if sense.frames is not None),
    )
    yield counter(
        "edge_emotion_source_seconds_total",
        "Seconds of sound, pictures or motion taken in.",
        # The first picture may be half counted while another thread asks: its span is then below 0.
        *(Sample(max(0.0, sense.seconds), labels) for sense, labels in labelled),
    )
    yield counter(
        "edge_emotion_computing_seconds_total",
        "Seconds spent computing on them.",
        *(Sample(sense.computing, labels) for sense, labels in labelled),
    )


def _summaries(senses: Sequence[SenseSummary]) -> Iterator[Family]:
    """How long estimates take."""
    latency, computing = [], []
    for sense in senses:
        labels, count = {"sense": sense.modality}, sense.windows - sense.abstained
        latency += quantiles(labels, (sense.latency_p50, sense.latency_p95), sense.latency_total, count)
        computing += quantiles(
            labels, (sense.computing_p50, sense.computing_p95), sense.computing_total, count
        )
    meaning = "From a window's end to its estimate, without the abstentions."
    yield Family("edge_emotion_estimate_latency_seconds", SUMMARY, meaning, tuple(latency))
    meaning = "The part of the latency that is computing."
    yield Family("edge_emotion_estimate_computing_seconds", SUMMARY, meaning, tuple(computing))


def _resident(own: Path) -> int | None:
    """Bytes; the second field of statm is pages in memory, proc(5)."""
    try:
        return int((own / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def _descriptors(own: Path) -> int | None:
    """How many are open, without the one that the listing itself takes."""
    try:
        return sum(1 for _ in (own / "fd").iterdir()) - 1
    except OSError:
        return None
