"""A recording of a body's motion as a source of poses: BVH and Xsens MVNX."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.skeleton import Pose
from edge_emotion.sources.bvh import read_bvh
from edge_emotion.sources.bvh_poses import bvh_poses
from edge_emotion.sources.motion import FILES
from edge_emotion.sources.mvnx import read_mvnx


@dataclass(frozen=True)
class MotionFileSettings:
    """Which recording, and at what pace it is read."""

    path: Path
    """A .bvh or .mvnx file."""
    realtime: bool = False
    """Read at the pace of the recording instead of as fast as possible."""


@dataclass(frozen=True)
class Motion:
    """What a recording holds.

    poses: at rising times from 0 on, seconds. period: usual seconds from pose to pose. warnings: what is odd in the
    file, one line each.
    """

    poses: list[Pose]
    period: float
    warnings: tuple[str, ...] = ()


def read_motion(path: Path) -> Motion:
    """Read a .bvh or .mvnx file whole; EdgeEmotionError, one line, for anything else."""
    kind = path.suffix.lower()
    if kind not in FILES:
        came = f"a {kind[:12]} file" if kind else "a name without either"
        raise EdgeEmotionError(
            f"{path}: expected a recording of motion, .bvh or .mvnx, got {came}; export it as one"
        )
    if kind == ".bvh":
        file = read_bvh(path)
        return Motion(bvh_poses(file), file.period, file.warnings)
    recording = read_mvnx(path)
    return Motion(recording.poses, recording.period, recording.warnings)


class MotionFile:
    """Gives the poses of a recording in order of time.

    The file is read when the object is made, so that a wrong one is refused before any estimate. A pose is due at its
    time. Iterated again it starts anew.
    """

    dropped = 0

    def __init__(self, settings: MotionFileSettings) -> None:
        """settings: path, and whether to keep the recording's pace."""
        self._settings = settings
        name = settings.path.name
        self.name = name if name.isprintable() else ascii(name)  # it is shown in a terminal
        self._motion = read_motion(settings.path)
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Pose]:
        """Give the poses until the recording ends or is closed."""
        started = time.monotonic()
        for pose in self._motion.poses:
            if self._settings.realtime:
                self._closed.wait(max(0.0, started + pose.time - time.monotonic()))
            if self._closed.is_set():
                return
            yield pose

    def close(self) -> None:
        """End a running iteration at once, from any thread."""
        self._closed.set()

    @property
    def period(self) -> float:
        """Usual seconds from pose to pose."""
        return self._motion.period

    @property
    def duration(self) -> float:
        """Seconds of the recording, gaps included."""
        return self._motion.poses[-1].time + self._motion.period

    @property
    def warnings(self) -> list[str]:
        """Lines about what is odd in the file."""
        return list(self._motion.warnings)
