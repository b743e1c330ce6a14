"""Reads the fields of a protobuf message that may lie: every length is checked, and how many fields there are."""

from collections.abc import Iterator

MOST_FIELDS = (
    100_000  # of one file; 4,000 in the largest shipped network, and as many take a tenth of a second
)
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types

Value = int | memoryview


class ProtobufReader:
    """Reads the messages of one file, and counts their fields together."""

    def __init__(self) -> None:
        self._left = MOST_FIELDS

    def fields(self, message: memoryview) -> Iterator[tuple[int, Value]]:
        """(field number, value) of a message; numbers of fixed width come as 0. ValueError where it is none."""
        at = 0
        while at < len(message):
            self._left -= 1
            if self._left < 0:
                raise ValueError(f"more than {MOST_FIELDS} fields")
            key, at = varint(message, at)
            if key >> 32:
                # Runtimes cut such a key to 32 bits and would see another.
                raise ValueError("no protobuf message")
            field, wire = key >> 3, key & 7
            if wire == _VARINT:
                value, at = varint(message, at)
                yield field, value
            elif wire == _BYTES:
                length, at = varint(message, at)
                if length > len(message) - at:
                    raise ValueError("cut short")
                yield field, message[at : at + length]
                at += length
            elif wire in (_FIXED32, _FIXED64):
                at += 4 if wire == _FIXED32 else 8
                if at > len(message):
                    raise ValueError("cut short")
                yield field, 0
            else:
                raise ValueError("no protobuf message")

    def packed(self, value: Value, most: int) -> list[int]:
        """The whole numbers of a repeated field, which comes one by one or many in one; ValueError beyond `most`."""
        if isinstance(value, int):
            return [value]
        numbers, at = [], 0
        while at < len(value):
            number, at = varint(value, at)
            numbers.append(number)
            if len(numbers) > most:
                raise ValueError(f"more than {most} numbers")
        return numbers


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """Number that begins at a byte, and where the next thing begins; ValueError where the message ends before."""
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("cut short")
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise ValueError("a number of more than ten bytes")
