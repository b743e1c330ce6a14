"""Whether this user may open a device, and what would help."""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Open = Callable[[Path], None]


@dataclass(frozen=True)
class Barrier:
    """Why a device cannot be opened, as the end of a sentence about it, and what to do."""

    why: str
    do: str


def open_once(node: Path) -> None:
    """Open a device's node and close it again; OSError as the driver gives it."""
    os.close(os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))


def missing_group(group: str) -> str:
    """What to do about a device that only a group may open."""
    return f"sudo usermod -aG {group} $USER, then log out and in again"


def barrier(node: Path, group: str, opened: Open = open_once) -> Barrier | None:
    """What keeps this user from a device; None where nothing does, a device in use included.

    group: the one that may open it. opened: opens a node, or raises OSError.
    """
    try:
        opened(node)
    except PermissionError:
        return Barrier("may not be opened", missing_group(group))
    except FileNotFoundError:
        return Barrier(f"has no {node}", f"plug it in again; a container is given it by --device {node}")
    except OSError as error:
        if error.errno != errno.EBUSY:
            return Barrier(
                f"cannot be opened ({error.strerror})", "plug it in again, or see what `dmesg` says"
            )
    return None
