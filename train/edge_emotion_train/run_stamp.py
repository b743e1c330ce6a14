"""Where, when and by what command a number was made."""

import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path


def commit() -> str:
    """Short hash of the checked-out commit, with "+" when tracked files differ from it; "unknown" outside git."""
    here = Path(__file__).parent
    asked = ["git", "-C", str(here), "describe", "--always", "--abbrev=10", "--dirty=+"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def now() -> str:
    """Date and time to the minute, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def processor() -> str:
    """The processor's own name, where the system tells it."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def stamp(command: list[str]) -> dict[str, object]:
    """Date, commit, machine, Python, versions and the command, as result files carry it."""
    versions = {name: metadata.version(name) for name in ("edge-emotion", "numpy", "torch")}
    return {
        "date": now(),
        "commit": commit(),
        "machine": f"{processor()}, {platform.system()} {platform.machine()}",
        "python": sys.version.split()[0],
        "versions": versions,
        "command": " ".join(command),
    }
