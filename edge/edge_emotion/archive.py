"""A bundle's zip archive, hostile until checked: its sizes, names and kinds.

What a zip declares may be a lie, so sizes are limited before anything is unpacked and again while reading.
"""

import hashlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.manifest_check import MANIFEST, PLAIN_NAME

SUFFIX = ".emo"
MAX_BUNDLE = 32 << 20  # bytes, of the zip and of all its files together
MAX_FILE = 16 << 20  # bytes of one file
MAX_CARD = 256 << 10  # bytes of the card, which is shown
MAX_FILES = 32
MAX_DIRECTORY = 64 << 10  # bytes of the zip's central directory
_END = struct.Struct("<4s4H2LH")  # end of central directory, APPNOTE 4.3.16
_END64_LOCATOR = 20  # bytes, APPNOTE 4.3.15


@dataclass(frozen=True)
class Members:
    """An opened bundle whose directory has passed every check; sizes: name -> declared bytes."""

    archive: zipfile.ZipFile
    sizes: Mapping[str, int]


@contextmanager
def open_archive(path: Path) -> Iterator[Members]:
    """Open a bundle and check its directory: kind, sizes, names; every fault becomes one EdgeEmotionError."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise EdgeEmotionError(f"{path}: expected an edge-emotion bundle ({SUFFIX} file), this is {kind}")
        if status.st_size > MAX_BUNDLE:
            raise EdgeEmotionError(f"{path}: {status.st_size} bytes, a bundle has at most {MAX_BUNDLE}")
        with path.open("rb") as file:
            _check_end(file.read(4), _tail(file), path)
            with zipfile.ZipFile(file) as archive:
                yield Members(archive, _directory(archive, path))
    except FileNotFoundError as reason:
        raise EdgeEmotionError(f"{path}: no such file") from reason
    except OSError as reason:
        raise EdgeEmotionError(f"{path}: cannot be read: {reason.strerror or reason}") from reason
    # What zipfile raises over a damaged archive.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error) as reason:
        raise EdgeEmotionError(
            f"{path}: damaged bundle, copy or download it again ({_line(reason)})"
        ) from reason


def _tail(file: BinaryIO) -> bytes:
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - _END.size - _END64_LOCATOR))
    return file.read()


def _check_end(start: bytes, tail: bytes, path: Path) -> None:
    """Check the zip's end record, before its directory (of any declared length) is read."""
    if not start:
        raise EdgeEmotionError(f"{path}: expected an edge-emotion bundle, got an empty file")
    if start != b"PK\x03\x04":
        raise EdgeEmotionError(f"{path}: not an edge-emotion bundle (not a zip archive)")
    if len(tail) < _END.size or tail[-_END.size :][:4] != b"PK\x05\x06":
        raise EdgeEmotionError(
            f"{path}: truncated bundle, copy or download it again (the zip's end is missing)"
        )
    _, _, _, _, count, directory, _, comment = _END.unpack(tail[-_END.size :])
    zip64 = tail[: -_END.size][:4] == b"PK\x06\x07"
    if zip64 or comment or count > MAX_FILES or directory > MAX_DIRECTORY:
        raise EdgeEmotionError(f"{path}: not an edge-emotion bundle (a large or unusual zip)")


def _directory(archive: zipfile.ZipFile, path: Path) -> dict[str, int]:
    """Name -> declared size of every file, after all the checks that need no decompression."""
    sizes: dict[str, int] = {}
    for info in archive.infolist():
        name = info.orig_filename
        if not PLAIN_NAME.fullmatch(name) or name != info.filename:
            raise EdgeEmotionError(f"{path}: refused, it holds {name[:80]!a}, expected plain file names")
        if name in sizes:
            raise EdgeEmotionError(f"{path}: refused, it holds {name} twice")
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise EdgeEmotionError(f"{path}: refused, {name} is encrypted or packed by an unknown method")
        if info.file_size > MAX_FILE:
            raise EdgeEmotionError(f"{path}: refused, {name} has {info.file_size} bytes, at most {MAX_FILE}")
        sizes[name] = info.file_size
    if sum(sizes.values()) > MAX_BUNDLE:
        raise EdgeEmotionError(
            f"{path}: refused, its files have {sum(sizes.values())} bytes, at most {MAX_BUNDLE}"
        )
    if MANIFEST not in sizes:
        raise EdgeEmotionError(f"{path}: not an edge-emotion bundle (no {MANIFEST} inside)")
    return sizes


def contents(members: Members, name: str, limit: int, path: Path) -> bytes:
    """Content of a file: never more than its declared size and the limit, whatever the zip unpacks to."""
    if name not in members.sizes:
        raise EdgeEmotionError(f"{path}: damaged bundle, {name} is missing")
    declared = members.sizes[name]
    if declared > limit:
        raise EdgeEmotionError(f"{path}: refused, {name} has {declared} bytes, at most {limit}")
    with members.archive.open(name) as member:
        content = member.read(declared + 1)
    if len(content) != declared:
        raise EdgeEmotionError(
            f"{path}: damaged bundle, {name} does not have the {declared} bytes it declares"
        )
    return content


def checked_contents(members: Members, name: str, sha256: str, path: Path, limit: int = MAX_FILE) -> bytes:
    """Content of a file whose sha256 is known; EdgeEmotionError when it differs, or has more bytes than the limit."""
    content = contents(members, name, limit, path)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise EdgeEmotionError(
            f"{path}: {name} is not the file its manifest names (wrong sha256); download it again"
        )
    return content


def _line(reason: BaseException) -> str:
    return " ".join(str(reason).split())[:100] or type(reason).__name__
