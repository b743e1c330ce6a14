"""Motion of a recording: MVNX, which `edge-emotion --imu FILE` reads, of one frame for each pose that came."""

import numpy as np
from numpy.typing import NDArray

from edge_emotion.recording_folder import SEGMENT, RecordedFile, RecordingFolder
from edge_emotion.rotations import IDENTITY, Array, inverse, product
from edge_emotion.skeleton import SEGMENTS, T_POSE, Pose, joint_positions, to_world

TOGETHER = 60  # poses turned at once: one by one it would cost a small computer a third of a core
RATE = 1000  # "frames" a second, so that each pose stands at its own millisecond
_TO_MVN = [2, 0, 1]  # x, y, z of MVN's world among ours
_TURN_TO_MVN = [0, 3, 1, 2]  # w, x, y, z likewise
_SEGMENTS = "".join(f'<segment id="{number}" label="{name}"/>' for number, name in enumerate(SEGMENTS, 1))
_HEAD = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<mvnx version="4"><subject label="body" frameRate="{RATE}" segmentCount="{len(SEGMENTS)}">
<segments>{_SEGMENTS}</segments>
<frames segmentCount="{len(SEGMENTS)}">
"""
_TAIL = "</frames></subject></mvnx>\n"


class MotionWriter:
    """Writes motion-NNN.mvnx; the attribute `time` of a frame is in milliseconds of the run's clock.

    A pelvis that the source does not know is written as upright, since MVNX tells all else relative to it; positions
    of the other segments are those of a body of 1.75 m, or none where the pelvis' is not known.
    """

    def __init__(self, folder: RecordingFolder) -> None:
        """folder: of the run, begun."""
        self._folder = folder
        self._number = 0
        self._file: RecordedFile | None = None
        self._begun = 0.0
        self._waiting: list[Pose] = []

    def write(self, pose: Pose) -> None:
        """Keep a pose, and write those that are kept once they are many; OSError, RecordingFull."""
        if self._file is None or pose.time - self._begun >= SEGMENT:
            self.close()
            self._begun = pose.time
            self._file = self._folder.create(f"motion-{self._number:03}.mvnx")
            self._number += 1
            self._file.reserve(len(_TAIL))
            self._file.write(_HEAD.encode())
        self._waiting.append(pose)
        if len(self._waiting) == TOGETHER:
            self._write_waiting()

    def _write_waiting(self) -> None:
        poses, self._waiting = self._waiting, []
        if poses and self._file is not None:
            self._file.write("".join(frames(poses)).encode())

    def close(self) -> None:
        """Write what is kept, and end the file that is open."""
        try:
            self._write_waiting()
            if self._file is not None:
                self._file.write_reserved(_TAIL.encode())
        finally:
            file, self._file = self._file, None
            if file is not None:
                file.close()


def frames(poses: list[Pose]) -> list[str]:
    """The element of each pose."""
    rotations = np.stack([pose.rotations for pose in poses])
    positions = np.stack([pose.position for pose in poses])
    known: NDArray[np.bool_] = np.asarray(np.isfinite(rotations).all(-1))
    rotations = np.where(known[..., None], rotations, np.nan)
    rotations[~known[:, 0], 0] = IDENTITY
    known[:, 0] = True
    turned: Array = product(to_world(rotations), inverse(T_POSE))[..., _TURN_TO_MVN]
    turned[~known] = np.nan
    places = joint_positions(rotations, positions)[..., _TO_MVN]
    return [_frame(*one) for one in zip(poses, turned, places, strict=True)]


def _frame(pose: Pose, turned: Array, places: Array) -> str:
    milliseconds = round(pose.time * RATE)
    turns = "%.6f " * turned.size % tuple(turned.ravel())
    told = f"<orientation>{turns.rstrip()}</orientation>"
    if np.isfinite(pose.position).all():
        told += f"<position>{('%.4f ' * places.size % tuple(places.ravel())).rstrip()}</position>"
    return f'<frame time="{milliseconds}" index="{milliseconds}" type="normal">{told}</frame>\n'
