"""What a measurement was made on, and when: the stamp of every result file is put together from these."""

import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

PACKAGE = Path(__file__).parent


def commit() -> str:
    """Short hash of the checked-out commit, with "+" when tracked files differ from it.

    "unknown" without git, and where the package is not itself part of the checkout that it lies in, as in a
    virtual environment inside another project's checkout.
    """
    if _git("ls-files", "--error-unmatch", "__init__.py") is None:
        return "unknown"
    return _git("describe", "--always", "--exclude=*", "--abbrev=10", "--dirty=+") or "unknown"


def _git(*arguments: str) -> str | None:
    """What git says about the package's folder; None when it refuses or is not there."""
    try:
        done = subprocess.run(
            ["git", "-C", str(PACKAGE), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def processor() -> str:
    """The computer's own name for itself (a Raspberry Pi has one), or its processor's."""
    model = Path("/proc/device-tree/model")
    if model.is_file():
        return model.read_text().strip("\0\n")
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def now() -> str:
    """Date and time to the minute, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
