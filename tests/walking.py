"""Poses of a body that walks, for tests: legs and arms swing, the pelvis moves ahead and turns a little."""

import numpy as np

from edge_emotion.rotations import IDENTITY, about, product
from edge_emotion.skeleton import COUNT, HIPS_ABOVE_FLOOR, SEGMENTS, Pose

STEPS = 1.8  # a second


def walking(time: float, without: tuple[str, ...] = ()) -> Pose:
    """The pose at a time in seconds; without: segments that are not known."""
    rotations = np.tile(IDENTITY, (COUNT, 1))
    swing = np.sin(np.pi * STEPS * time)
    for side, sign in (("Right", 1.0), ("Left", -1.0)):
        rotations[SEGMENTS.index(f"{side}UpperLeg")] = about(0, 0.5 * sign * swing)
        rotations[SEGMENTS.index(f"{side}LowerLeg")] = about(0, 0.3 + 0.2 * sign * swing)
        rotations[SEGMENTS.index(f"{side}UpperArm")] = product(
            about(0, -0.4 * sign * swing), about(2, -0.1 * sign)
        )
        rotations[SEGMENTS.index(f"{side}Forearm")] = about(0, -0.4)
    rotations[0] = about(1, 0.1 * swing)
    for segment in without:
        rotations[SEGMENTS.index(segment)] = np.nan
    return Pose(time, rotations, np.array([0.0, HIPS_ABOVE_FLOOR, 1.2 * time]))


def walk(seconds: float, rate: float = 30.0, begin: float = 0.0) -> list[Pose]:
    """Poses at an even rate, both ends included."""
    return [walking(begin + number / rate) for number in range(round(seconds * rate) + 1)]
