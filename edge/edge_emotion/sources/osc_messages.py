"""OSC datagrams (Open Sound Control 1.0): the wanted messages of one, in bundles or alone, within bounds.

python-osc reads the messages. It is not given whole bundles, since it follows an element of negative size for ever, nor
types that it would only log: what comes to it has been measured.
"""

import struct
from collections.abc import Collection
from dataclasses import dataclass

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message import ParseError as MessageError

from edge_emotion.sources.motion_decoder import MOST_BYTES, DatagramError

DEEPEST = 4  # bundles in bundles
MOST_MESSAGES = 1024  # of a datagram; a body with fingers and a face has about 150
LONGEST = 256  # bytes of a wanted message
_BUNDLE = b"#bundle\0"
_SIZE = struct.Struct(">i")
_BYTES = {"i": 4, "f": 4, "h": 8, "d": 8, "T": 0, "F": 0}  # of an argument; a string has its own


@dataclass(frozen=True)
class Message:
    """One message: its address and its arguments, as Python's str, int, float or bool."""

    address: str
    arguments: tuple[str | int | float | bool, ...]


def messages(datagram: bytes, wanted: Collection[bytes]) -> list[Message]:
    """The messages at wanted addresses, in order; DatagramError where the datagram is no OSC or too large.

    Messages at other addresses are left out without a look at their arguments.
    """
    if len(datagram) > MOST_BYTES:
        raise DatagramError("too large")
    found: list[Message] = []
    count = 0
    waiting = [(0, len(datagram), 0)]  # start, end, how deep; the next one last
    while waiting:
        start, end, depth = waiting.pop()
        if datagram.startswith(_BUNDLE, start, end):
            waiting += reversed(_elements(datagram, start, end, depth))
        elif datagram.startswith(b"/", start, end):
            message = _message(datagram[start:end], wanted)
            if message is not None:
                found.append(message)
        else:
            raise DatagramError("neither message nor bundle")
        count += 1
        if count + len(waiting) > MOST_MESSAGES:
            raise DatagramError("too many messages")
    return found


def _elements(datagram: bytes, start: int, end: int, depth: int) -> list[tuple[int, int, int]]:
    """Where the elements of a bundle lie."""
    if depth >= DEEPEST:
        raise DatagramError("bundles too deep")
    at = start + len(_BUNDLE) + 8  # a time tag, which nobody fills
    if at > end:
        raise DatagramError("truncated")
    elements = []
    while at < end:
        if at + 4 > end:
            raise DatagramError("truncated")
        (size,) = _SIZE.unpack_from(datagram, at)
        if size <= 0 or size % 4:
            raise DatagramError("element size")
        at += 4 + size
        if at > end:
            raise DatagramError("truncated")
        elements.append((at - size, at, depth + 1))
        if len(elements) > MOST_MESSAGES:
            raise DatagramError("too many messages")
    return elements


def _message(content: bytes, wanted: Collection[bytes]) -> Message | None:
    address = content[: max(content.find(b"\0"), 0)]
    if address not in wanted:
        if not address:
            raise DatagramError("truncated")
        return None
    if len(content) > LONGEST:
        raise DatagramError("arguments")
    tags_at = _padded(len(address))
    tags = content[tags_at : max(content.find(b"\0", tags_at), 0)].decode("latin-1")
    if not tags.startswith(",") or not set(tags[1:]) <= {*_BYTES, "s"}:
        raise DatagramError("arguments")
    try:
        arguments = tuple(OscMessage(content).params)
    except (MessageError, UnicodeDecodeError) as error:
        raise DatagramError("arguments") from error
    # It fills up a number that breaks off with 0: only what is all there counts.
    size = tags_at + _padded(len(tags))
    for tag, argument in zip(tags[1:], arguments, strict=True):
        size += _padded(len(argument.encode())) if tag == "s" else _BYTES[tag]
    if size != len(content):
        raise DatagramError("truncated" if size > len(content) else "arguments")
    return Message(address.decode("latin-1"), arguments)


def _padded(length: int) -> int:
    """Bytes of a string of a length, with its 1 to 4 zeros."""
    return length + 4 - length % 4
