"""How noisy landmarks are from frame to frame: measured on videos of faces, for the motion model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_alignment import aligned_shape, alignment
from edge_emotion.features.face_front_end import FaceFrontEnd
from edge_emotion.settings import VideoFileSettings
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.video_file import VideoFile

NORMAL = 0.6745  # median of |x| of a normal distribution of deviation 1
SECOND_DIFFERENCE = 6**0.5  # deviation of x[i-1] - 2 x[i] + x[i+1] of white noise of deviation 1


def shapes_of(path: Path) -> list[NDArray[np.float32]]:
    """Runs of aligned shapes (k, 136) of the frames of a video, one run for each unbroken presence of a face."""
    front_end, runs, identity = FaceFrontEnd(), [[]], 0
    for item in VideoFile(VideoFileSettings(path)):
        if not isinstance(item, Frame):
            continue
        faces = front_end.find(item.image, item.time)
        if not faces or faces[0].identity != identity:
            runs.append([])
        if faces:
            identity = faces[0].identity
            landmarks = faces[0].landmarks
            runs[-1].append(aligned_shape(landmarks, alignment(landmarks)))
    return [np.stack(run) for run in runs if len(run) >= 3]


def landmark_noise(runs: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Deviation (136,) of white noise on each coordinate, crops: from second differences, robust against movement."""
    if not runs:
        raise EdgeEmotionError("expected at least one video with a face in three frames on end")
    bends = np.concatenate([run[:-2] - 2 * run[1:-1] + run[2:] for run in runs])
    found: NDArray[np.float64] = np.median(np.abs(bends), 0) / NORMAL / SECOND_DIFFERENCE
    return found
