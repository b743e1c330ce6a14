"""Readers that do what none may, to see that the fuzzing notices: each case is one fault, or none."""

import os
import random
import signal
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from fuzz_bytes import Case


class Planted:
    """One fault a case, told by the file's text; see Fuzzed."""

    def good(self) -> list[Case]:
        return [Case("good", ".txt", b"read")]

    def make(self, chance: random.Random) -> Case:
        kind = chance.choice(tuple(FAULTS))
        return Case(kind, ".txt", kind.encode())

    def read(self, path: Path) -> None:
        FAULTS[path.read_text()](path)


def _read(path: Path) -> None:
    path.read_bytes()


def _refused(path: Path) -> None:
    raise EdgeEmotionError(f"{path}: expected something else")


def _two_lines(path: Path) -> None:
    raise EdgeEmotionError(f"{path}: expected\nsomething else")


def _another_error(path: Path) -> None:
    raise ValueError("from inside")


def _crash(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _hang(path: Path) -> None:
    while path:
        pass


def _memory(path: Path) -> None:
    bytearray(8 << 30)


def _write_outside(path: Path) -> None:
    (path.parent.parent / "stray.txt").write_text("x")


def _leave(path: Path) -> None:
    (path.parent / "left.txt").write_text("x")


def _start(path: Path) -> None:
    os.spawnlp(os.P_WAIT, "true", "true")


FAULTS = {
    "read": _read, "refused": _refused, "two lines": _two_lines, "another error": _another_error, "crash": _crash,
    "hang": _hang, "memory": _memory, "write outside": _write_outside, "leave": _leave, "start": _start,
}  # fmt: skip
