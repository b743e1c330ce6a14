"""The body that every source of motion is brought to: 23 segments, 22 joints, as Xsens MVN counts them.

Axes: x to the body's left, y up, z forward, right-handed; metres, radians. In the neutral pose, all rotations identity,
the body stands upright with hanging arms and palms to the thighs (N-pose), so that joint angles as clinicians count
them are 0. Joint i (1 to 22) is the one between segment i and its parent.
Joint angles are x (flexion), z (abduction), y (rotation) about moving axes, the order of ISB (Wu et al. 2002, 2005).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.rotations import IDENTITY, Array, about, inverse, product, rotated

SEGMENTS = (
    "Pelvis", "L5", "L3", "T12", "T8", "Neck", "Head",
    "RightShoulder", "RightUpperArm", "RightForearm", "RightHand",
    "LeftShoulder", "LeftUpperArm", "LeftForearm", "LeftHand",
    "RightUpperLeg", "RightLowerLeg", "RightFoot", "RightToe",
    "LeftUpperLeg", "LeftLowerLeg", "LeftFoot", "LeftToe",
)  # fmt: skip
JOINTS = (
    "jL5S1", "jL4L3", "jL1T12", "jT9T8", "jT1C7", "jC1Head",
    "jRightT4Shoulder", "jRightShoulder", "jRightElbow", "jRightWrist",
    "jLeftT4Shoulder", "jLeftShoulder", "jLeftElbow", "jLeftWrist",
    "jRightHip", "jRightKnee", "jRightAnkle", "jRightBallFoot",
    "jLeftHip", "jLeftKnee", "jLeftAnkle", "jLeftBallFoot",
)  # fmt: skip
PARENTS = (-1, 0, 1, 2, 3, 4, 5, 4, 7, 8, 9, 4, 11, 12, 13, 0, 15, 16, 17, 0, 19, 20, 21)
COUNT = len(SEGMENTS)

# Origin of each segment from its parent's in the neutral pose, metres; a body of 1.75 m, for pictures and for what a
# sender tells of positions. No feature knows it.
_BODY = {
    "L5": (0, 0.09, 0), "L3": (0, 0.1, 0), "T12": (0, 0.1, 0), "T8": (0, 0.1, 0), "Neck": (0, 0.14, 0),
    "Head": (0, 0.1, 0), "Shoulder": (0.03, 0.1, 0), "UpperArm": (0.14, 0, 0), "Forearm": (0, -0.29, 0),
    "Hand": (0, -0.25, 0), "UpperLeg": (0.09, 0, 0), "LowerLeg": (0, -0.42, 0), "Foot": (0, -0.42, 0),
    "Toe": (0, -0.07, 0.13),
}  # fmt: skip
HIPS_ABOVE_FLOOR = 0.93  # metres, of that body


def _offsets() -> Array:
    offsets = np.zeros((COUNT, 3))
    for number, name in enumerate(SEGMENTS[1:], start=1):
        x, y, z = _BODY[name.removeprefix("Right").removeprefix("Left")]
        offsets[number] = (-x if name.startswith("Right") else x, y, z)
    return offsets


OFFSETS: Array = _offsets()

# From the neutral pose to the T-pose: what sources that call the T-pose identity say of an arm, turned back.
_RAISED = {"Right": about(2, -np.pi / 2), "Left": about(2, np.pi / 2)}
T_POSE: Array = np.array(
    [
        _RAISED[name.removesuffix(arm)] if (arm := name.removeprefix("Right").removeprefix("Left")) in
        ("UpperArm", "Forearm", "Hand") else IDENTITY
        for name in SEGMENTS
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Pose:
    """A body at one instant.

    time: seconds on the source's clock. rotations: (23, 4) quaternions, of the pelvis in the world, of the others
    relative to their parents; NaN where the source does not know. position: (3,) metres, of the pelvis in the world,
    NaN likewise.
    """

    time: float
    rotations: NDArray[np.float64]
    position: NDArray[np.float64]

    @property
    def known(self) -> NDArray[np.bool_]:
        """(23,) which segments the source tells of."""
        known: NDArray[np.bool_] = np.asarray(np.isfinite(self.rotations).all(-1))
        return known


def to_world(rotations: Array) -> Array:
    """(..., 23, 4) relative to parents -> in the world; a segment that is not known moves with its parent."""
    filled = np.where(np.isfinite(rotations).all(-1, keepdims=True), rotations, IDENTITY)
    world = filled.copy()
    for number in range(1, COUNT):
        world[..., number, :] = product(world[..., PARENTS[number], :], filled[..., number, :])
    return world


def to_parents(world: Array) -> Array:
    """(..., 23, 4) in the world, NaN where not known -> relative to parents, NaN likewise.

    What lies between two known segments and is not known takes no part: the lower one is told relative to the nearest
    known one above. Without the pelvis nothing is known of what hangs on it.
    """
    above = world.copy()  # of each segment the nearest known one, itself first
    relative = np.full_like(world, np.nan)
    relative[..., 0, :] = world[..., 0, :]
    for number in range(1, COUNT):
        parent = above[..., PARENTS[number], :]
        relative[..., number, :] = product(inverse(parent), world[..., number, :])
        missing = ~np.isfinite(world[..., number, :]).all(-1, keepdims=True)
        above[..., number, :] = np.where(missing, parent, world[..., number, :])
    return relative


def joint_positions(rotations: Array, position: Array, offsets: Array = OFFSETS) -> Array:
    """(..., 23, 3) origins of the segments in the world, from (..., 23, 4) and (..., 3); forward kinematics."""
    world = to_world(rotations)
    places = np.zeros((*world.shape[:-1], 3))
    places[..., 0, :] = position
    for number in range(1, COUNT):
        parent = PARENTS[number]
        places[..., number, :] = places[..., parent, :] + rotated(world[..., parent, :], offsets[number])
    return places
