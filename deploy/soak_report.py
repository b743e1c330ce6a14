"""What the soak saw, and what it comes to: events, losses, recoveries, memory and descriptors."""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from soak_faults import KINDS, Fault

SENSES = {"camera": "face", "microphone": "voice", "suit": "body"}
WARM = 0.25  # share of the run, before which memory is not judged
LONGEST_GAP = 3.0  # seconds between two estimates of a sense that nothing is wrong with
RECOVERED = 30.0  # seconds, after a fault's end, in which its sense has to judge again
LONG = 600.0  # seconds of a soak, from which on its memory is judged
MOST_SLOPE = 1.0  # MB an hour
RATE, HOURS = 10, 2  # most estimates of a sense a second, and hours of a soak
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Happened:
    """A fault and when it began. began: monotonic seconds."""

    fault: Fault
    began: float

    @property
    def ended(self) -> float:
        """Monotonic seconds."""
        return self.began + self.fault.seconds


class Numbers:
    """Numbers noted in memory that is taken, and touched, at the start: what is noted must not look like a leak."""

    def __init__(self, most: int) -> None:
        """most: how many; a later one raises IndexError."""
        self._values = np.full(most, np.nan)
        self._count = 0

    def extend(self, values: Iterable[float]) -> None:
        """Note some more."""
        for value in values:
            self._values[self._count] = value
            self._count += 1

    def __iter__(self) -> Iterator[float]:
        return iter(self._values[: self._count].tolist())

    def rows(self, width: int) -> NDArray[np.float64]:
        """(n, width) of them."""
        return self._values[: self._count].reshape(-1, width)


@dataclass
class Watch:
    """Takes what a run tells, with the time at which it came."""

    run: Any
    quiet: bool
    begun: float = field(default_factory=time.monotonic)
    events: int = 0
    out_of_order: int = 0
    notices: list[tuple[float, str, str]] = field(default_factory=list)
    came: dict[str, Numbers] = field(
        default_factory=lambda: {s: Numbers(RATE * HOURS * 3600) for s in SENSES.values()}
    )
    """Of each sense: when an estimate came; below 0 when it abstained."""
    measured: Numbers = field(default_factory=lambda: Numbers(4 * HOURS * 3600))
    """Once a second: time, bytes of memory, descriptors, threads."""
    levels: Counter[int] = field(default_factory=Counter)
    _newest: float = -1.0
    _seen: dict[str, float] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Print a line with the time."""
        if not self.quiet:
            print(f"{time.monotonic() - self.begun:7.1f} s  {text}", file=sys.stderr, flush=True)

    def notice(self, told: Any) -> None:
        """Take what happened to the run."""
        self.out_of_order += told.time < self._newest
        self._newest = max(self._newest, told.time)
        self.notices.append((time.monotonic(), told.kind, told.sense or ""))
        self.say(f"{told.kind}: {told.said}")

    def event(self, told: Any) -> None:
        """Take an event."""
        self.events += 1
        self.out_of_order += told.time < self._newest
        self._newest = max(self._newest, told.time)
        now = time.monotonic()
        for sense, estimate in told.modalities.items():
            if self._seen.get(sense) != estimate.time:
                self._seen[sense] = estimate.time
                self.came[sense].extend([now if estimate.abstained is None else -now])

    def pulse(self, told: Any, level: int) -> None:
        """Measure the process, once a second."""
        now = time.monotonic()
        self.levels[level] += 1
        memory = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
        held = [len(list(Path(f"/proc/self/{kind}").iterdir())) for kind in ("fd", "task")]
        self.measured.extend([now, memory, *held])

    def samples(self, column: int) -> list[tuple[float, int]]:
        """When, and how many: 1 bytes of memory, 2 descriptors, 3 threads."""
        return [(float(row[0]), int(row[column])) for row in self.measured.rows(4)]


def figures(watch: Watch, faults: Sequence[Happened], level: int, run: Any) -> dict[str, Any]:
    """The numbers of a soak, as they are written."""
    seconds = time.monotonic() - watch.begun
    warm = watch.begun + WARM * seconds
    recoveries = {kind: [_recovery(watch, f) for f in faults if f.fault.kind == kind] for kind in KINDS}
    disturbed = [told for fault in faults for told in _disturbed(watch, fault, faults)]
    memory = watch.samples(1)
    calm = [(at, size) for at, size in memory if at > warm and not _under(at, faults, "memory pressure")]
    return {
        "seconds": round(seconds, 1),
        "events": watch.events,
        "out_of_order": watch.out_of_order,
        "faults": len(faults),
        "kinds": sum(bool(found) for found in recoveries.values()),
        "by_kind": {
            kind: {
                "faults": len(found),
                "recovered": sum(r is not None and r <= RECOVERED for r in found),
                "slowest_recovery_s": max((round(r, 1) for r in found if r is not None), default=None),
            }
            for kind, found in recoveries.items() if found
        },
        "notices": dict(Counter(kind for _, kind, _ in watch.notices)),
        "other_senses_lost": disturbed,
        "dropped": run.source.dropped_by_sense,
        "level_at_end": level,
        "seconds_at_level": {str(number): count for number, count in sorted(watch.levels.items())},
        "memory_mb": {"first": round(_least(calm, 0) / 1e6, 1), "last": round(_least(calm, -1) / 1e6, 1),
                      "most": round(max(size for _, size in memory) / 1e6, 1)},
        "memory_by_minute_mb": [round(size / 1e6, 1) for _, size in _minutes(calm)],
        "memory_slope_mb_per_hour": round(_slope(calm) / 1e6 * 3600, 2),
        "descriptors": _growth(watch.samples(2), warm),
        "threads": _growth(watch.samples(3), warm),
        "lost_at_end": run.source.lost,
    }  # fmt: skip


def _recovery(watch: Watch, happened: Happened) -> float | None:
    """Seconds from a fault's end until all its senses judge again, None if one never does."""
    device = happened.fault.device
    senses = [SENSES[device]] if device else list(SENSES.values())
    found = []
    for sense in senses:
        again = [at for at in watch.came[sense] if at >= happened.ended]
        if not again:
            return None
        found.append(again[0] - happened.ended)
    return max(found)


def _disturbed(watch: Watch, happened: Happened, faults: Sequence[Happened]) -> list[str]:
    """Other senses that fell silent during a fault of one device, or in the 2 s after it."""
    if happened.fault.device is None:
        return []
    told = []
    begin, end = happened.began, happened.ended + 2.0
    whole = any(f.fault.device is None and f.began < end and f.ended + 2.0 > begin for f in faults)
    for sense in set(SENSES.values()) - {SENSES[happened.fault.device]}:
        own = any(
            f.fault.device and SENSES[f.fault.device] == sense and f.began < end and f.ended + 5.0 > begin
            for f in faults
        )
        times = [begin, *(abs(at) for at in watch.came[sense] if begin < abs(at) < end), end]
        longest = max(b - a for a, b in pairwise(times))
        if longest > LONGEST_GAP and not own and not whole:
            told.append(f"{happened.fault.kind}: {sense} silent for {longest:.1f} s")
    return told


def _under(at: float, faults: Sequence[Happened], kind: str) -> bool:
    return any(f.fault.kind == kind and f.began <= at <= f.ended + 2.0 for f in faults)


def _minutes(samples: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """The least of each minute: what is held, not what is in use for a moment."""
    found: dict[int, tuple[float, int]] = {}
    for at, size in samples:
        minute = int((at - samples[0][0]) // 60)
        if minute not in found or size < found[minute][1]:
            found[minute] = (at, size)
    return list(found.values())


def _least(samples: Sequence[tuple[float, int]], number: int) -> int:
    return _minutes(samples)[number][1]


def _slope(samples: Sequence[tuple[float, int]]) -> float:
    """Bytes a second, by least squares over the minutes."""
    minutes = _minutes(samples)
    if len(minutes) < 2:
        return 0.0
    times, sizes = np.array(minutes, float).T
    return float(np.polyfit(times - times[0], sizes, 1)[0])


def _growth(samples: Sequence[tuple[float, int]], warm: float) -> dict[str, int]:
    """Least number in the first and in the last fifth after the warm-up."""
    counts = [count for at, count in samples if at > warm]
    fifth = max(1, len(counts) // 5)
    return {"first": min(counts[:fifth]), "last": min(counts[-fifth:]), "most": max(counts)}


def missed(told: dict[str, Any]) -> list[str]:
    """The bars that were not met, one line each."""
    lines = [
        f"{kind}: {found['recovered']} of {found['faults']} recovered in {RECOVERED:g} s"
        for kind, found in told["by_kind"].items()
        if found["recovered"] < found["faults"]
    ]
    lines += told["other_senses_lost"]
    if told["out_of_order"]:
        lines.append(f"{told['out_of_order']} events out of order")
    if told["lost_at_end"]:
        lines.append(f"lost at the end: {told['lost_at_end']}")
    if told["level_at_end"]:
        lines.append(f"load still lowered at the end: level {told['level_at_end']}")
    if told["descriptors"]["last"] > told["descriptors"]["first"]:
        lines.append(f"descriptors grew: {told['descriptors']}")
    # Of some minutes nothing can be said about an hour.
    if told["seconds"] >= LONG and told["memory_slope_mb_per_hour"] >= MOST_SLOPE:
        lines.append(f"memory grows by {told['memory_slope_mb_per_hour']} MB an hour")
    return lines


def markdown(told: dict[str, Any]) -> str:
    """The page."""
    failed = missed(told)
    memory = told["memory_mb"]
    rows = [
        f"| {kind} | {found['faults']} | {found['recovered']} | {found['slowest_recovery_s']} |"
        for kind, found in told["by_kind"].items()
    ]
    return "\n".join(
        [
            "# Soak: faults by a schedule", "",
            f"Written by `{told['command']}` on {told['stamp']['date']}, commit {told['stamp']['commit']}, "
            f"{told['stamp']['machine']}.", "",
            "Face, voice and body in one run: a camera's and a sound card's drivers that play a clip, a suit that",
            "sends a walk over the network; the rest is what a device runs. A fault has recovered when all its senses",
            f"judge again; another sense is lost when it says nothing for {LONGEST_GAP:g} s during a fault.", "",
            "| fault | times | recovered | slowest, s after its end |", "|---|---|---|---|", *rows, "",
            f"- {told['seconds']:.0f} s, {told['faults']} faults of {told['kinds']} kinds, {told['events']} events, "
            f"{told['out_of_order']} out of order",
            f"- other senses lost: {'; '.join(told['other_senses_lost']) or 'none'}",
            f"- notices: {', '.join(f'{count} {kind}' for kind, count in sorted(told['notices'].items()))}",
            f"- dropped: {', '.join(f'{count} {sense}' for sense, count in sorted(told['dropped'].items()))}",
            f"- seconds at each level of load: {told['seconds_at_level']}, at the end {told['level_at_end']}",
            f"- memory after the warm-up: least of its first minute {memory['first']} MB, of its last "
            f"{memory['last']} MB, slope {told['memory_slope_mb_per_hour']} MB an hour (bar {MOST_SLOPE:g}); "
            f"most at any time {memory['most']} MB; least of each minute: "
            f"{', '.join(f'{size:g}' for size in told['memory_by_minute_mb'])}",
            f"- descriptors: {told['descriptors']['first']} at first, {told['descriptors']['last']} at last, "
            f"at most {told['descriptors']['most']}; threads: {told['threads']['first']}, {told['threads']['last']}, "
            f"{told['threads']['most']}", "",
            *([f"- **not met**: {line}" for line in failed] or [
                "All bars are met." if told["seconds"] >= LONG else
                f"All bars are met; the slope is judged from {LONG / 60:g} minutes on."
            ]), "",
        ]
    )  # fmt: skip
