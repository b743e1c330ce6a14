"""Checks what the system gives: memory, room on the disk, the time, and a user that is not root."""

import ctypes
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from edge_emotion.doctor_check import Finding, fail, first_line, ok, warn
from edge_emotion.machine_state import memory_available

LEAST_MEMORY = 150e6  # bytes
LEAST_ROOM = 200e6  # bytes
FIRST_YEAR = 2024  # before it this program did not exist: the clock was never set
UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
TIMEX = 512  # bytes, more than struct timex has anywhere


def memory(root: Path) -> Finding:
    """Check how much memory is free for programs."""
    free = memory_available(root)
    if free is None:
        return ok("not shown by this machine")
    found = f"{free / 1e6:.0f} MB available"
    if free < LEAST_MEMORY:
        return warn(f"{found}; expected {LEAST_MEMORY / 1e6:.0f}", "end other programs; a desktop takes most")
    return ok(found)


def disk(
    folder: Path,
    room: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    writable: Callable[[Path], bool] = lambda folder: os.access(folder, os.W_OK),
) -> Finding:
    """Check the room in a folder. Nothing is written there unless asked for, so that it may be read-only."""
    try:
        free, place = room(folder), folder.resolve()
    except OSError as error:
        return fail(f"the working directory cannot be seen: {first_line(error)}", "cd to one that exists")
    found = f"{free / 1e6:.0f} MB free in {place}"
    if free < LEAST_ROOM:
        return warn(
            f"{found}; expected {LEAST_ROOM / 1e6:.0f}", "make room: sudo apt clean, or delete recordings"
        )
    return ok(
        found if writable(folder) else f"{found}, which is read-only: recordings and results go elsewhere"
    )


def temporary() -> Finding:
    """Check that there is a folder for temporary files: what LiteRT says to itself is held back in one."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        return fail(first_line(error), "make room in /tmp, or name another folder: export TMPDIR=FOLDER")
    return ok(tempfile.gettempdir())


def kernel_clock() -> int | None:
    """What the kernel says of the clock, adjtimex(2): UNSYNCHRONISED or another state; None when it may not say."""
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX))
    return None if state < 0 else int(state)


def clock(
    root: Path, now: datetime | None = None, kernel: Callable[[], int | None] = kernel_clock
) -> Finding:
    """Check the date and whether it is kept by the network or, in /sys, by a clock with a battery."""
    now = now or datetime.now(UTC)
    found = f"{now:%Y-%m-%d %H:%M} UTC"
    do = "connect it to the network once, or add a clock with a battery: sudo timedatectl set-ntp true"
    if now.year < FIRST_YEAR:
        return warn(f"{found}, which cannot be", do)
    state = kernel()
    if state is None:
        return ok(f"{found}; whether it is synchronised is not shown")
    if state != UNSYNCHRONISED:
        return ok(f"{found}, synchronised")
    if any((root / "sys/class/rtc").glob("rtc*")):
        return ok(f"{found}, not synchronised, by a clock with a battery")
    return warn(f"{found}, not synchronised, and no clock with a battery: after a start it is wrong", do)


def user(number: int | None = None) -> Finding:
    """Check that this is not root. number: the user's, this process' own when None."""
    if (os.geteuid() if number is None else number) == 0:
        return warn("root", "run it as a user of the groups video and audio: root is not needed")
    return ok("not root")
