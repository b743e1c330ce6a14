"""Reads a FlatBuffer that may lie: every offset and length is checked before it is followed.

The layout is the public one of FlatBuffers: a table begins with the distance back to its vtable, which holds the
table's size and the place of each field in it; vectors and tables are referred to by a distance forward.
"""

import struct
from collections.abc import Iterator

_U16, _I32, _U32 = struct.Struct("<H"), struct.Struct("<i"), struct.Struct("<I")
_NUMBERS = {code: struct.Struct("<" + code) for code in "bBiIQ?"}


class Table:
    """A table of a FlatBuffer; slots are the numbers of its fields in the schema. ValueError where it lies."""

    def __init__(self, content: bytes, at: int) -> None:
        """content: the whole FlatBuffer; at: where the table begins."""
        self._content = content
        self.at = at
        vtable = at - self._unpack(_I32, at)
        size, self._size = self._unpack(_U16, vtable), self._unpack(_U16, vtable + 2)
        if size < 4 or size % 2 or vtable + size > len(content) or at + self._size > len(content):
            raise ValueError("a table that leaves the file")
        self._fields = struct.unpack_from(f"<{size // 2 - 2}H", content, vtable + 4)

    @classmethod
    def root(cls, content: bytes) -> "Table":
        """The table that a FlatBuffer begins with."""
        if len(content) < 8:
            raise ValueError("cut short")
        return cls(content, _U32.unpack_from(content)[0])

    def place(self, slot: int, width: int) -> int | None:
        """Where a field of a width in bytes lies in the file; None where it has its default."""
        offset = self._fields[slot] if slot < len(self._fields) else 0
        if not offset:
            return None
        if offset + width > self._size:
            raise ValueError("a field that leaves its table")
        return self.at + offset

    def number(self, slot: int, code: str, default: int = 0) -> int:
        """A number; code: as in struct."""
        kind = _NUMBERS[code]
        at = self.place(slot, kind.size)
        return default if at is None else int(kind.unpack_from(self._content, at)[0])

    def holds(self, slot: int) -> bool:
        """Whether a field is there."""
        return slot < len(self._fields) and self._fields[slot] != 0

    def vector(self, slot: int, width: int) -> tuple[int, int]:
        """Where the entries of a vector begin, and how many there are; (0, 0) where it is not there."""
        at = self.place(slot, 4)
        if at is None:
            return 0, 0
        at += self._unpack(_U32, at)
        count = self._unpack(_U32, at)
        if at + 4 + count * width > len(self._content):
            raise ValueError("a list that leaves the file")
        return at + 4, count

    def numbers(self, slot: int, code: str, most: int) -> tuple[int | float, ...]:
        """The numbers of a vector; ValueError where there are more than `most`."""
        begin, count = self.vector(slot, struct.calcsize("<" + code))
        if count > most:
            raise ValueError(f"a list of {count} numbers, expected at most {most}")
        return struct.unpack_from(f"<{count}{code}", self._content, begin)

    def content(self, slot: int) -> memoryview:
        """The bytes of a vector of bytes."""
        begin, count = self.vector(slot, 1)
        return memoryview(self._content)[begin : begin + count]

    def table(self, slot: int) -> "Table | None":
        """A table that a field refers to; None where it is not there."""
        at = self.place(slot, 4)
        return None if at is None else Table(self._content, at + self._unpack(_U32, at))

    def tables(self, slot: int, most: int) -> Iterator["Table"]:
        """The tables of a vector; ValueError where there are more than `most`."""
        begin, count = self.vector(slot, 4)
        if count > most:
            raise ValueError(f"a list of {count} tables, expected at most {most}")
        for at in range(begin, begin + 4 * count, 4):
            yield Table(self._content, at + self._unpack(_U32, at))

    def _unpack(self, kind: struct.Struct, at: int) -> int:
        if not 0 <= at <= len(self._content) - kind.size:
            raise ValueError("an offset that leaves the file")
        return int(kind.unpack_from(self._content, at)[0])
