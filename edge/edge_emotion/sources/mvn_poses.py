"""Samples of the MVN stream told in the segments, axes and neutral pose of skeleton.py.

Type 02, world rotations: MVN's world has x forward, y left, z up; ours (x, y, z) = its (y, z, x), a turn of the axes,
so the vector part of a quaternion goes the same way. Identity is the T-pose there: in our world a segment is turned by
G * T_POSE, G being what was sent, since T_POSE takes it from the neutral pose to the T-pose.
Type 01, the same as Euler angles. Assumption: y up and otherwise our axes (x left, z forward), as in MVN's exports for
animation; angles about the moving axes z, x, y.
Type 20, joint angles about the moving axes of ISB (Wu et al. 2002 and 2005): z flexion, x abduction, y rotation, with
the signs of clinicians, the same on both sides; 0 in the N-pose with palms to the thighs, which is our neutral pose.
Nothing is known of the pelvis then.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from edge_emotion.rotations import Array, from_euler, product, unit
from edge_emotion.skeleton import COUNT, JOINTS, PARENTS, T_POSE
from edge_emotion.sources.motion_decoder import DatagramError, SentPose, relative
from edge_emotion.sources.mvn_frames import MvnFrames
from edge_emotion.sources.mvn_packets import EULER, JOINT_ANGLES, POINTS, QUATERNION, MvnDatagram, parse

TALLEST = 5.0  # metres: a pelvis higher than this is told in centimetres
_WORLD = [1, 2, 0]  # x, y, z of ours among MVN's
_TURNED = [0, 2, 3, 1]  # w, x, y, z likewise
_BETTER = {QUATERNION: 0, EULER: 1, JOINT_ANGLES: 2}  # which is taken where a sender sends several
_FORGOTTEN = 1000  # ms after which a better one that no longer comes counts no more

# About which of our axes a positive angle turns, as "-x": flexion, abduction, rotation.
# Trunk: forward bending, lateral bending to the right, turning to the left. Limbs: right | left.
_TRUNK = ("+x", "+z", "+y")
_LIMBS = {
    "T4Shoulder": (("-x", "-z", "+y"), ("-x", "+z", "-y")),  # abduction raises it, internal rotation is forward
    "Shoulder": (("-x", "-z", "+y"), ("-x", "+z", "-y")),  # flexion raises the arm forward
    "Elbow": (("-x", "-z", "+y"), ("-x", "+z", "-y")),  # internal rotation is pronation
    # The palm looks at the thigh: the hand bends inwards to it. Abduction is MVN's ulnar deviation: backwards.
    "Wrist": (("+z", "+x", "+y"), ("-z", "+x", "-y")),
    "Hip": (("-x", "-z", "+y"), ("-x", "+z", "-y")),
    "Knee": (("+x", "-z", "+y"), ("+x", "+z", "-y")),  # flexion takes the shank backwards
    "Ankle": (("-x", "-z", "+y"), ("-x", "+z", "-y")),  # dorsiflexion lifts the toes
    "BallFoot": (("-x", "-z", "+y"), ("-x", "+z", "-y")),
}  # fmt: skip


def _axes() -> Array:
    """(22, 3, 3): of each joint the axes of flexion, abduction and rotation."""
    axes = np.zeros((len(JOINTS), 3, 3))
    for joint, name in enumerate(JOINTS):
        side = 1 if name.startswith("jLeft") else 0
        limb = _LIMBS.get(name.removeprefix("jRight").removeprefix("jLeft"))
        for angle, axis in enumerate(_TRUNK if limb is None else limb[side]):
            axes[joint, angle, "xyz".index(axis[1])] = 1.0 if axis[0] == "+" else -1.0
    return axes


JOINT_AXES: Array = _axes()


def joint_rotations(joints: NDArray[np.intp], degrees: Array) -> Array:
    """(N, 4) rotations of joints (N,), as indices of JOINTS, by angles (N, 3) x, y, z in MVN's order."""
    half = np.radians(degrees[:, [2, 0, 1]])[..., None] / 2  # flexion, abduction, rotation
    turns = np.concatenate([np.cos(half), np.sin(half) * JOINT_AXES[joints]], axis=-1)
    return product(product(turns[:, 0], turns[:, 1]), turns[:, 2])


def whole_pose(sample: MvnDatagram) -> tuple[Array, Array]:
    """(23, 4) and (3,) of a whole sample, as in `Pose`; the position in the sender's unit."""
    rotations, position = np.full((COUNT, 4), np.nan), np.full(3, np.nan)
    if sample.type == JOINT_ANGLES:
        upper, lower = (sample.ids // POINTS - 1).T
        joined = (lower > 0) & (np.array(PARENTS)[lower] == upper)  # not angles between distant segments
        rotations[lower[joined]] = joint_rotations(lower[joined] - 1, sample.values[joined])
        return rotations, position
    segments = sample.ids[:, 0] - 1
    if sample.type == QUATERNION:
        sent, places = sample.values[:, 3:][:, _TURNED], sample.values[:, :3][:, _WORLD]
    else:
        sent = from_euler("ZXY", np.radians(sample.values[:, [5, 3, 4]]))
        places = sample.values[:, :3]
    rotations[segments] = product(unit(sent), T_POSE[segments])
    if (segments == 0).any():
        position = places[segments == 0][0].copy()
    return relative(rotations), position


class MvnDecoder:
    """Datagrams of an MVN sender -> poses; world rotations go before Euler angles and these before joint angles.

    A less good type is taken only where no better one of that body came within the last second of the sender's time.
    """

    name = "MVN"

    def __init__(self, unit: str = "auto") -> None:
        """unit: of positions, "m" or "cm"; "auto": metres until a pelvis is higher than 5."""
        self.counts: Counter[str] = Counter()
        self._unit = unit
        self._centimetres = unit == "cm"
        self._frames = MvnFrames(self.counts)
        self._taken: dict[int, tuple[int, int]] = {}  # character (of 256) -> how good, ms

    def decode(self, datagram: bytes) -> list[SentPose]:
        """The pose that a datagram completes, if it does; DatagramError for what is no MVN."""
        part = parse(datagram)
        if part is None:
            self.counts["others"] += 1
            return []
        sample = self._frames.push(part)
        if sample is None or not self._wanted(sample):
            return []
        rotations, position = whole_pose(sample)
        if np.isnan(rotations).all():
            raise DatagramError("no segment of a body")
        if self._unit == "auto" and position[1] > TALLEST:
            self._centimetres = True
        scale = 0.01 if self._centimetres else 1.0
        return [SentPose(sample.milliseconds / 1000, sample.character, rotations, position * scale)]

    def reset(self) -> None:
        """Forget what another sender said."""
        self._frames.clear()
        self._taken.clear()
        self._centimetres = self._unit == "cm"

    def _wanted(self, sample: MvnDatagram) -> bool:
        rank = _BETTER[sample.type]
        best, milliseconds = self._taken.get(sample.character, (rank, 0))
        if best < rank and abs(sample.milliseconds - milliseconds) <= _FORGOTTEN:
            return False
        self._taken[sample.character] = rank, sample.milliseconds
        return True
