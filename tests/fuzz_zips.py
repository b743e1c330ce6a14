"""Zip archives written by hand, so that each of their fields can lie."""

import random
import stat
import struct
import zlib
from dataclasses import dataclass, replace
from functools import cache

from fuzz_bytes import NUMBERS

NAMES = (
    b"../escaped.txt", b"../../../../tmp/escaped.txt", b"/tmp/escaped.txt", b"..\\escaped.txt", b"C:\\escaped.txt",
    b"manifest.json/", b"a/b.txt", b"", b".", b"..", b"manifest.json\0.txt", b"\xff\xfe", b"a" * 5000, b"con",
    "ﬁle.txt".encode(), b"~/.ssh/authorized_keys", b"\x1b[31mred", b"card.md ", b"MANIFEST.JSON", b"-rf",
)  # fmt: skip
LINK = (stat.S_IFLNK | 0o777) << 16


@dataclass(frozen=True)
class Entry:
    """One file of an archive; what is None is told truly."""

    name: bytes
    packed: bytes
    method: int
    size: int
    crc: int
    flags: int = 0
    attributes: int = (stat.S_IFREG | 0o644) << 16
    extra: bytes = b""
    local_name: bytes | None = None
    told: int | None = None
    told_packed: int | None = None
    offset: int | None = None


def entry(name: str, content: bytes, deflated: bool) -> Entry:
    """A true entry."""
    packed = zlib.compress(content, 1)[2:-4] if deflated else content
    return Entry(name.encode(), packed, 8 if deflated else 0, len(content), zlib.crc32(content))


def archive(entries: list[Entry], end: dict[str, int] | None = None, comment: bytes = b"") -> bytes:
    """The archive; end: "count", "size" and "offset" of the directory where they lie."""
    body, directory = bytearray(), bytearray()
    for each in entries:
        at = len(body)
        size = each.size if each.told is None else each.told
        packed = len(each.packed) if each.told_packed is None else each.told_packed
        local = each.name if each.local_name is None else each.local_name
        shared = struct.pack("<HHHHHIII", 20, each.flags, each.method, 0, 33, each.crc, packed, size)
        body += b"PK\x03\x04" + shared + struct.pack("<HH", len(local), 0) + local + each.packed
        where = at if each.offset is None else each.offset
        directory += b"PK\x01\x02" + struct.pack("<H", 0x314) + shared
        directory += struct.pack("<HHHHHII", len(each.name), len(each.extra), 0, 0, 0, each.attributes, where)
        directory += each.name + each.extra
    lies = end or {}
    count = lies.get("count", len(entries)) & 0xFFFF
    size, offset = lies.get("size", len(directory)), lies.get("offset", len(body))
    return bytes(body + directory) + struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, size, offset, len(comment)
    ) + comment  # fmt: skip


@cache
def bomb(size: int) -> bytes:
    """Zeros, packed to a thousandth."""
    return zlib.compress(bytes(size), 9)[2:-4]


def broken(chance: random.Random, entries: list[Entry]) -> tuple[str, bytes]:
    """What was done, and an archive with lies of one kind."""
    made = list(entries)
    at = chance.randrange(len(made))
    one, number = made[at], chance.choice(NUMBERS) & 0xFFFFFFFF
    kind = chance.choice(_KINDS)
    if kind == "name":
        made[at] = replace(one, name=chance.choice(NAMES))
        if chance.random() < 0.5:
            made[at] = replace(made[at], local_name=one.name)
    elif kind == "another name":
        made.insert(chance.randrange(len(made) + 1), replace(one, name=chance.choice(NAMES)))
    elif kind == "twice":
        made.insert(chance.randrange(len(made) + 1), replace(chance.choice(made), name=one.name))
    elif kind == "link":
        target = chance.choice((b"/etc/passwd", b"../../secret", b"manifest.json"))
        made[at] = replace(entry("x", target, False), name=one.name, attributes=LINK)
    elif kind == "bomb":
        size = chance.choice((1 << 20, 16 << 20, (16 << 20) + 1, 64 << 20))
        told = chance.choice((size, one.size, 10, 16 << 20))
        crc = zlib.crc32(bytes(size)) if size == told else one.crc
        made[at] = replace(one, packed=bomb(size), method=8, told=told, crc=crc)
        if chance.random() < 0.3:
            made += [replace(made[at], name=b"more%d" % i) for i in range(chance.choice((1, 2, 40)))]
    elif kind == "method":
        made[at] = replace(one, method=chance.choice((1, 8, 9, 12, 14, 93, 95, 97, 99, 65535)))
    elif kind == "flags":
        made[at] = replace(one, flags=chance.choice((1, 8, 0x20, 0x40, 0x41, 0x800, 0x2000, 0xFFFF)))
    elif kind == "sizes":
        field = chance.choice(("told", "told_packed", "crc", "offset"))
        made[at] = replace(one, **{field: number})
    elif kind == "zip64":
        extra = struct.pack("<HHQQ", 1, chance.choice((16, 8, 0, 24, 65535)), chance.getrandbits(64), number)
        lie = 0xFFFFFFFF
        made[at] = replace(one, extra=extra, told=lie, told_packed=lie, offset=chance.choice((lie, None)))
    elif kind == "extra":
        made[at] = replace(one, extra=chance.randbytes(chance.choice((1, 3, 4, 40, 60000))))
    elif kind == "overlap":
        made.append(replace(one, name=b"other.md", offset=0))
    elif kind == "many":
        made += [replace(one, name=b"f%d" % i) for i in range(chance.choice((29, 30, 400, 3000)))]
    elif kind == "order":
        chance.shuffle(made)
        names = [each.name for each in made]
        chance.shuffle(names)
        made = [replace(each, name=name) for each, name in zip(made, names, strict=True)]
    else:
        lie = {chance.choice(("count", "size", "offset")): number}
        return kind, archive(made, lie, chance.choice((b"", b"", b"a comment")))
    content = archive(made)
    if kind == "overlap" and chance.random() < 0.3:
        content = chance.randbytes(30) + content
    return kind, content


_KINDS = (
    "name", "another name", "twice", "link", "bomb", "method", "flags", "sizes", "zip64", "extra", "overlap",
    "many", "order", "end",
)  # fmt: skip
