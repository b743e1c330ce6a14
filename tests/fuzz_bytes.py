"""What any fuzzed file may suffer whatever it holds: flipped bits, other numbers, cuts, splices, repeats, noise."""

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

NUMBERS = (0, 1, 2, 3, 7, 8, 127, 128, 255, 256, 32767, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)


@dataclass(frozen=True)
class Case:
    """One mutated file: what was done to it, how its name ends, and its bytes."""

    kind: str
    suffix: str
    content: bytes


class Fuzzed(Protocol):
    """A kind of file: makes cases, and reads one with the real reader."""

    def good(self) -> list[Case]:
        """The files that cases are made from, which the reader takes."""
        ...

    def make(self, chance: random.Random) -> Case: ...

    def read(self, path: Path) -> None:
        """Whatever the reader raises; AssertionError where what it gives is not what it promises."""
        ...


def mutated(chance: random.Random, content: bytes, others: Sequence[bytes], end: int | None = None) -> bytes:
    """One to four changes; others: files to splice with; end: most changes come before this byte."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        content = _changed(chance, content, others, end)
    return content


def _changed(chance: random.Random, content: bytes, others: Sequence[bytes], end: int | None) -> bytes:
    size = len(content)
    if not size:
        return chance.randbytes(chance.randrange(64))
    limit = size if end is None or chance.random() < 0.2 else max(1, min(end, size))
    at, what = chance.randrange(limit), chance.random()
    if what < 0.35:
        broken = bytearray(content)
        for _ in range(chance.choice((1, 1, 2, 8))):
            broken[chance.randrange(limit)] ^= 1 << chance.randrange(8)
        return bytes(broken)
    if what < 0.60:
        width, order = chance.choice("BHIQ"), chance.choice("<>")
        size = struct.calcsize(width)
        number = struct.pack(order + width, chance.choice(NUMBERS) & ((1 << 8 * size) - 1))
        return content[:at] + number + content[at + size :]
    if what < 0.75:
        return content[: chance.choice((at, chance.randrange(size)))]
    if what < 0.85:
        other = chance.choice(others)
        return content[:at] + other[min(at, len(other)) :]
    if what < 0.92:
        length = chance.choice((1, 4, 16, 256))
        return (
            content[:at] + content[at : at + length] * chance.choice((0, 2, 3, 50)) + content[at + length :]
        )
    return content[:at] + chance.randbytes(chance.choice((1, 4, 32, 400))) + content[at:]
