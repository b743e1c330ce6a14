"""Feeds mutated bundles, configurations and recordings to the real readers; exit 1 on a crash, hang or stray write.

Run: python tests/fuzz_files.py --what all --count 100000 --seed 0 [--out docs/results/fuzz.json]
Again: python tests/fuzz_files.py --what bundles --seed 0 --only 1234
"""

import argparse
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from fuzz_child import case_of, fuzzed_of, outcome
from fuzz_page import READERS, write_results

ROOT = Path(__file__).parents[1]
WATCHED = ("edge", "tests", "deploy", "docs", "export", "train")  # folders of the checkout
STALL = 60.0  # seconds without a word from a child, of which it computed less than the limit
BATCH = 5000  # cases of a child
MOST_KEPT = 50


@dataclass
class Figures:
    """What a run of one kind of file did."""

    what: str
    seed: int
    cases: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    slowest: float = 0.0
    slowest_case: int = -1
    computing: float = 0.0
    peak: float = 0.0

    def add(self, number: int, kind: str, ended: str, said: str, seconds: float) -> None:
        """Count a case."""
        self.cases += 1
        self.ended[ended] += 1
        self.kinds.setdefault(kind, Counter())[ended] += 1
        self.computing += seconds
        if seconds > self.slowest:
            self.slowest, self.slowest_case = seconds, number
        if ended == "failed":
            self.failures.append({"number": number, "kind": kind, "said": said})

    @property
    def bad(self) -> bool:
        return bool(self.failures or self.changed)


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file of the checkout but what Python compiles, which no reader may touch."""
    found = {}
    for folder in WATCHED:
        for path in (root / folder).rglob("*"):
            if "__pycache__" not in path.parts and path.is_file():
                status = path.stat()
                found[str(path.relative_to(root))] = (status.st_size, status.st_mtime_ns)
    return found


class Fuzz:
    """Fuzzes one kind of file in child processes, each of which goes on where the one before it died."""

    def __init__(self, what: str, seed: int, keep: Path, bar: Any) -> None:
        self.figures = Figures(what, seed)
        self._keep, self._bar = keep, bar
        self._lock = threading.Lock()

    def run(self, count: int, processes: int) -> Figures:
        """All cases below count."""
        before = snapshot(ROOT)
        share = -(-count // processes)
        shares = [range(first, min(first + share, count)) for first in range(0, count, share)]
        with ThreadPoolExecutor(processes) as pool:
            list(pool.map(self._share, shares))  # raises what a share raised
        after = snapshot(ROOT)
        self.figures.changed = sorted(
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        )
        return self.figures

    def _share(self, numbers: range) -> None:
        at = numbers.start
        while at < numbers.stop:
            at = self._batch(at, min(at + BATCH, numbers.stop))

    def _batch(self, first: int, end: int) -> int:
        """Run a child over some numbers; give the number that is next."""
        reading, writing = os.pipe()
        with tempfile.TemporaryDirectory(prefix="edge-emotion-fuzz-") as outer:
            box = Path(outer) / "box"
            box.mkdir()
            environment = {
                **os.environ, "HOME": str(box), "TMPDIR": str(box), "PYTHONDONTWRITEBYTECODE": "1",
                "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "edge", ROOT / "tests"))),
            }  # fmt: skip
            numbers = map(str, (self.figures.seed, first, end, box, writing))
            with (Path(outer) / "said").open("w+b") as talk:
                child = subprocess.Popen(
                    [sys.executable, str(ROOT / "tests" / "fuzz_child.py"), self.figures.what, *numbers],
                    cwd=box, env=environment, pass_fds=(writing,), stdin=subprocess.DEVNULL, stdout=talk, stderr=talk,
                )  # fmt: skip
                os.close(writing)
                last = self._listen(child, reading)
                ended = child.wait()
                talk.seek(0)
                said = talk.read()[-400:].decode(errors="replace")
            if ended == 0:
                return end
            if last is None:
                raise RuntimeError(f"a child ended with {ended} before its first case: {said}")
            self._count(last["number"], last["kind"], "failed", _how(ended) + f" {said}", 0.0)
            return int(last["number"]) + 1

    def _listen(self, child: subprocess.Popen[bytes], reading: int) -> dict[str, Any] | None:
        """Take a child's records; give the case that was begun and not ended."""
        begun: dict[str, Any] | None = None
        with os.fdopen(reading, "r") as pipe, selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            stopped = threading.Timer(STALL, child.kill)
            stopped.start()
            for line in pipe:
                stopped.cancel()
                stopped = threading.Timer(STALL, child.kill)
                stopped.start()
                record = json.loads(line)
                if "number" in record:
                    begun = record
                elif "peak" in record:
                    self.figures.peak = max(self.figures.peak, record["peak"])
                elif begun is not None:
                    self._count(
                        begun["number"], begun["kind"], record["ended"], record["said"], record["seconds"]
                    )
                    begun = None
            stopped.cancel()
        return begun

    def _count(self, number: int, kind: str, ended: str, said: str, seconds: float) -> None:
        with self._lock:
            self.figures.add(number, kind, ended, said, seconds)
            self._bar.update()
        if ended == "failed":
            self._bar.write(
                f"FAILED {self.figures.what} seed {self.figures.seed} number {number} ({kind}): {said}"
            )
            if len(self.figures.failures) <= MOST_KEPT:
                case = case_of(fuzzed_of(self.figures.what), self.figures.what, self.figures.seed, number)
                self._keep.mkdir(parents=True, exist_ok=True)
                (self._keep / f"{self.figures.what}-{number}{case.suffix}").write_bytes(case.content)


def _how(ended: int) -> str:
    if ended == -signal.SIGPROF:
        return "hung: more than a second of CPU"
    if ended == -signal.SIGKILL:
        return f"stalled: {STALL:g} s without a word"
    return f"died of {signal.Signals(-ended).name}" if ended < 0 else f"ended with {ended}"


def again(what: str, seed: int, number: int) -> int:
    """Make one case, and read it here without a limit."""
    fuzzed = fuzzed_of(what)
    case = case_of(fuzzed, what, seed, number)
    path = Path(tempfile.mkdtemp(prefix="edge-emotion-fuzz-")) / f"{what}-{number}{case.suffix}"
    path.write_bytes(case.content)
    print(f"{path}, {len(case.content)} bytes: {case.kind}")
    begun = time.process_time()
    ended, said = outcome(fuzzed, path)
    print(f"{ended} {said}, {time.process_time() - begun:.3f} CPU seconds")
    return int(ended == "failed")


def main(arguments: list[str]) -> int:
    """All that was asked for; 1 where anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--what", choices=(*READERS, "all"), default="all")
    parser.add_argument("--count", type=int, default=1000, help="cases of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", type=int, help="make this case alone and read it in this process")
    parser.add_argument(
        "--keep", type=Path, help="folder for the files that failed (default: a temporary one)"
    )
    parser.add_argument(
        "--out", type=Path, help="write the figures here, and a page of the same name ending in .md"
    )
    options = parser.parse_args(arguments)
    if options.only is not None:
        return again(options.what, options.seed, options.only)
    keep = options.keep or Path(tempfile.gettempdir()) / f"edge-emotion-failed-{os.getpid()}"
    asked = list(READERS) if options.what == "all" else [options.what]
    runs, begun = [], time.monotonic()
    with tqdm(total=len(asked) * options.count, unit="file", mininterval=1.0) as bar:
        for what in asked:
            bar.set_description(what)
            runs.append(Fuzz(what, options.seed, keep, bar).run(options.count, options.processes))
    for figures in runs:
        print(
            f"{figures.what}: {figures.cases} files, {dict(figures.ended)}, slowest {figures.slowest:.3f} CPU s "
            f"(number {figures.slowest_case}), peak {figures.peak:.0f} MiB, changed: {figures.changed or 'nothing'}"
        )
    if any(figures.failures for figures in runs):
        print(f"the files that failed are in {keep}")
    if options.out is not None:
        write_results(options.out, runs, time.monotonic() - begun)
    return int(any(figures.bad for figures in runs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
