"""Where, when and by what command a number was made."""

import platform
import sys
from importlib import metadata

from edge_emotion.machine import commit, now, processor


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
