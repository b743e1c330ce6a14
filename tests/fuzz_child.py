"""Reads mutated files one after the other in a process that may crash, hang or be caught writing.

It works in an empty folder that is also its HOME and TMPDIR. Each case has one second of CPU (a timer that ends the
process), the address space may grow by MEMORY beyond the first good reads (RLIMIT_AS), and an audit hook notes whatever
opens to write, makes, moves, removes, connects or starts anything outside that folder. One line is written a case.
"""

import importlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from fuzz_bytes import Case, Fuzzed

# Module and class of each; "planted" holds the faults that the watch itself is tested with.
FUZZED = {
    "bundles": ("fuzz_bundles", "Bundles"), "configs": ("fuzz_configs", "Configs"), "sounds": ("fuzz_sounds", "Sounds"),
    "planted": ("fuzz_planted", "Planted"),
}  # fmt: skip
LONGEST = 1.0  # CPU seconds of a case
MEMORY = 1 << 30  # bytes that the address space may grow by
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PATHS = {
    "os.mkdir": 1, "os.rename": 2, "os.remove": 1, "os.rmdir": 1, "os.link": 2, "os.symlink": 2, "os.chmod": 1,
    "os.chown": 1, "os.truncate": 1, "os.utime": 1, "os.setxattr": 1,
}  # fmt: skip
_NEVER = (
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "socket.connect",
    "socket.bind", "socket.getaddrinfo", "pickle.find_class", "shutil.unpack_archive",
)  # fmt: skip


def fuzzed_of(what: str) -> Fuzzed:
    """The kind of file of a name; only its own readers are imported."""
    module, name = FUZZED[what]
    fuzzed: Fuzzed = getattr(importlib.import_module(module), name)()
    return fuzzed


def case_of(fuzzed: Fuzzed, what: str, seed: int, number: int) -> Case:
    """The case of a number, the same each time."""
    return fuzzed.make(random.Random(f"{what}/{seed}/{number}"))


class WriteWatch:
    """Notes what is written outside a folder, or never allowed; of Python code only: snapshots see the rest."""

    def __init__(self, box: Path) -> None:
        self._box = os.path.realpath(box)
        self.found: list[str] = []
        self.on = False
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.on:
            return
        if event in _NEVER:
            self.found.append(f"{event} {arguments!a}"[:200])
        elif event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITING and not isinstance(path, int):
                self._outside(event, path)
        elif event in _PATHS:
            for path in arguments[: _PATHS[event]]:
                if not isinstance(path, int):
                    self._outside(event, path)

    def _outside(self, event: str, path: object) -> None:
        full = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]
        if full != self._box and not full.startswith(self._box + os.sep) and full != os.devnull:
            self.found.append(f"{event} {full!a}"[:200])


def outcome(fuzzed: Fuzzed, path: Path) -> tuple[str, str]:
    """How a case ended: "read", "refused" or "failed", and the line that was said."""
    try:
        fuzzed.read(path)
    except EdgeEmotionError as error:
        said = str(error)
        if said.isprintable() and said and len(said) < 1000:
            return "refused", said.replace(str(path), "FILE")
        return "failed", f"an error of more than a printable line: {said[:300]!a}"
    except BaseException as error:  # noqa: BLE001 - what is looked for; also SystemExit and KeyboardInterrupt
        return "failed", f"{type(error).__name__}: {error!s:.300}".replace("\n", " ")
    return "read", ""


def run(what: str, seed: int, numbers: range, box: Path, tell: Callable[[dict[str, object]], None]) -> None:
    """Read the cases of some numbers; tell: takes the record of each."""
    fuzzed, watch = fuzzed_of(what), WriteWatch(box)
    for case in fuzzed.good():
        path = box / f"case{case.suffix}"
        path.write_bytes(case.content)
        ended, said = outcome(fuzzed, path)
        path.unlink()
        if ended != "read":
            raise RuntimeError(f"a good file ending in {case.suffix} is not read: {said}")
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for number in numbers:
        case = case_of(fuzzed, what, seed, number)
        path = box / f"case{case.suffix}"
        path.write_bytes(case.content)
        tell({"number": number, "kind": case.kind})  # named before it is read, should it not come back
        watch.on, begun = True, time.process_time()
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
        ended, said = outcome(fuzzed, path)
        signal.setitimer(signal.ITIMER_PROF, 0)
        watch.on, took = False, time.process_time() - begun
        path.unlink()
        if watch.found or any(box.iterdir()):
            left = [name.name for name in box.iterdir()]
            ended, said = "failed", f"it wrote: {watch.found} {left}"[:300]
            watch.found.clear()
            for name in box.iterdir():
                shutil.rmtree(name) if name.is_dir() else name.unlink()
        tell({"ended": ended, "said": said, "seconds": took})
    tell({"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})


def main(arguments: list[str]) -> None:
    """what, seed, first number, number after the last, box, descriptor that takes the records."""
    what, seed, first, end, box, descriptor = arguments
    with os.fdopen(int(descriptor), "w") as pipe:

        def tell(record: dict[str, object]) -> None:
            pipe.write(json.dumps(record) + "\n")
            pipe.flush()

        run(what, int(seed), range(int(first), int(end)), Path(box), tell)


if __name__ == "__main__":
    main(sys.argv[1:])
