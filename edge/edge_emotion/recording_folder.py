"""Where a recording is written: a folder of its own for each run, whose files nobody else reads and none is replaced.

All is opened relative to folders that are open, so that a link put in its place later leads nowhere else.
"""

import errno
import os
import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError

SEGMENT = 600.0  # seconds of one file, so that what ends it early costs little
MOST_ENTRIES = 100_000  # files looked at to know what the folder holds
MOST_ALIKE = 100  # runs that may begin within one second
README = "README.txt"
ABOUT = """\
edge-emotion recorded this run because it was started with --record: what it saw, heard and said, and when.
People are in it. Keep it from others, tell the people, and delete it when it has served its purpose.
Laws bind it: in the EU the GDPR and the AI Act, Articles 5(1)(f) and 50(3); see docs/privacy.md of edge-emotion.
"""


class RecordingFull(Exception):  # noqa: N818 - no error: the recording ends, the run goes on
    """There is no more room: as much is kept as may be, or the disk is nearly full."""


class RecordingFolder:
    """The folder DIR/YYYY-MM-DD_HH-MM-SS of a run, made by begin(), and how much may still be written.

    EdgeEmotionError: DIR is a link, no folder, or cannot be made or read.
    """

    def __init__(self, folder: Path, most: int, minimum_free: int) -> None:
        """most: bytes of all files in DIR, older ones too. minimum_free: bytes that stay free on the disk."""
        self._folder, self._most, self._minimum_free = folder, most, minimum_free
        self._run: int | None = None  # descriptors
        self._top = _opened(folder)
        try:
            self._held = _held(self._top, folder)
        except BaseException:
            os.close(self._top)
            raise

    def begin(self, now: datetime) -> Path:
        """Make the folder of this run, open to its owner alone; RecordingFull where there is no room for it.

        now: names it; a number is put behind a name that is there. EdgeEmotionError: it cannot be made.
        """
        self.require(len(ABOUT))
        try:
            name = self._made(now.strftime("%Y-%m-%d_%H-%M-%S"))
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            self._run = os.open(name, flags, dir_fd=self._top)
            about = self.create(README)
            about.write(ABOUT.encode())
            about.close()
        except OSError as error:
            raise EdgeEmotionError(
                f"cannot record to {self._folder} ({_reason(error)}); give --record a folder that may be written to"
            ) from error
        return self._folder / name

    def _made(self, first: str) -> str:
        """Name of a folder that was not there."""
        for name in (first, *(f"{first}_{number}" for number in range(2, MOST_ALIKE))):
            with suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=self._top)
                return name
        raise FileExistsError(errno.EEXIST, f"{first} and {MOST_ALIKE} like it are there")

    def create(self, name: str) -> "RecordedFile":
        """Make a new file of this run, read and written by its owner alone; OSError, also where it is there."""
        assert self._run is not None, "begin() comes first"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return RecordedFile(self, os.open(name, flags, 0o600, dir_fd=self._run))

    def require(self, count: int) -> None:
        """RecordingFull when there is no room for so many bytes more."""
        if self._held + count > self._most:
            raise RecordingFull(f"{self._folder} holds all that it may, {self._most / 1e6:,.0f} MB")
        disk = os.fstatvfs(self._top)
        free = disk.f_bavail * disk.f_frsize
        if free - count < self._minimum_free:
            raise RecordingFull(
                f"the disk of {self._folder} has {free / 1e6:,.0f} MB left, "
                f"{self._minimum_free / 1e6:,.0f} MB stay free"
            )

    def took(self, count: int) -> None:
        """Count bytes that have been written, or will be."""
        self._held += count

    def close(self) -> None:
        """Forget the folders."""
        if self._run is not None:
            os.close(self._run)
            self._run = None
        if self._top >= 0:
            os.close(self._top)
            self._top = -1


class RecordedFile:
    """A file that grows within what its folder has room for. size: bytes so far."""

    def __init__(self, folder: RecordingFolder, descriptor: int) -> None:
        """descriptor: of the open file; close() closes it."""
        self.folder, self.descriptor = folder, descriptor
        self.size = 0

    def write(self, content: bytes) -> None:
        """Append all of it or raise: RecordingFull, or OSError."""
        self.folder.require(len(content))
        self.folder.took(len(content))
        self.write_reserved(content)

    def reserve(self, count: int) -> None:
        """Keep room for write_reserved(); RecordingFull where there is none."""
        self.folder.require(count)
        self.folder.took(count)

    def write_reserved(self, content: bytes) -> None:
        """Append what room was kept for."""
        left = memoryview(content)
        while left:
            written = os.write(self.descriptor, left)
            self.size += written
            left = left[written:]

    def grew(self) -> None:
        """Count what others have written to the descriptor."""
        size = os.fstat(self.descriptor).st_size
        self.folder.took(size - self.size)
        self.size = size

    def patch(self, at: int, content: bytes) -> None:
        """Overwrite bytes that are there."""
        os.pwrite(self.descriptor, content, at)

    def close(self) -> None:
        """Put it onto the disk; OSError where that fails, and closed all the same."""
        if self.descriptor < 0:
            return
        descriptor, self.descriptor = self.descriptor, -1
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _opened(folder: Path) -> int:
    """Descriptor of DIR, which is made where it is missing."""
    said = f"cannot record to {folder}"
    try:
        with suppress(FileExistsError):
            folder.mkdir(0o700)
        if folder.is_symlink():
            raise EdgeEmotionError(f"{said}: it is a link; give --record the folder that it leads to")
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except NotADirectoryError as error:
        raise EdgeEmotionError(f"{said}: it is no folder; give --record a folder") from error
    except FileNotFoundError as error:
        raise EdgeEmotionError(f"{said}: there is no folder {folder.parent}; make it first") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        raise EdgeEmotionError(
            f"{said} ({_reason(error)}); give --record a folder that may be written to"
        ) from error


def _held(top: int, folder: Path) -> int:
    """Bytes of all files below a folder; what cannot be read is not counted, nor what links lead to."""
    total = entries = 0
    for _, folders, files, descriptor in os.fwalk(".", dir_fd=top, follow_symlinks=False):
        entries += len(folders) + len(files)
        if entries > MOST_ENTRIES:
            raise EdgeEmotionError(
                f"cannot record to {folder}: it holds more than {MOST_ENTRIES:,} files; give --record its own folder"
            )
        for name in files:
            with suppress(FileNotFoundError):  # deleted in between
                found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                total += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return total


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
