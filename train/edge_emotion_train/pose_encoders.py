"""One pose as Xsens MVN tells it where `edge-emotion replay` does not: stream types 01 and 20, and an MVNX file.

They say what the readers undo (mvn_poses.py, mvnx.py), by the other way round: world rotations from the T-pose on.
"""

import numpy as np

from edge_emotion.rotations import Array, inverse, product, to_xzy
from edge_emotion.skeleton import HIPS_ABOVE_FLOOR, PARENTS, SEGMENTS, T_POSE, Pose, joint_positions, to_world
from edge_emotion.sources.mvn_packets import EULER, JOINT_ANGLES, POINTS, MvnDatagram, build
from edge_emotion.sources.mvn_poses import JOINT_AXES

MOVING_ZXY: Array = np.eye(3)[[2, 0, 1]]  # the axes of type 01, in the order in which they turn
TO_MVN = [2, 0, 1]  # x, y, z of MVN's world, which has x forward, y left, z up, among ours
RATE = 60  # frames a second, of a file with one


def angles_about(axes: Array, q: Array) -> Array:
    """(..., 3) radians about moving axes that make (..., 4): the first axis turns first.

    axes: (..., 3, 3), a row each, at right angles to one another, left- or right-handed.
    """
    # In their own frame the axes are x, z and y; a left-handed frame turns what turns in it the other way.
    frame = axes[..., [0, 2, 1], :]
    handed = np.linalg.det(frame)[..., None]
    vector = handed * np.einsum("...ij,...j->...i", frame, q[..., 1:])
    angles: Array = handed * to_xzy(np.concatenate([q[..., :1], vector], axis=-1))
    return angles


def euler_datagram(pose: Pose) -> bytes:
    """A datagram of type 01: positions and world rotations as Euler angles, of the segments that are known."""
    known, places, turns = _told(pose)
    degrees = np.degrees(angles_about(MOVING_ZXY, turns))[:, [1, 2, 0]]  # told as x, y, z
    values = np.concatenate([places, degrees], axis=1)
    return build(MvnDatagram(EULER, 0, 0, True, 0, 0, known[:, None] + 1, values))


def joint_angle_datagram(pose: Pose) -> bytes:
    """A datagram of type 20: the angles of the joints that are known; it tells nothing of the pelvis."""
    lower = np.flatnonzero(pose.known)
    lower = lower[lower > 0]
    ids = POINTS * (np.stack([np.array(PARENTS)[lower], lower], axis=1) + 1)
    # MVN's order is abduction, rotation, flexion.
    angles = angles_about(JOINT_AXES[lower - 1], pose.rotations[lower])[:, [1, 2, 0]]
    return build(MvnDatagram(JOINT_ANGLES, 0, 0, True, 0, 0, ids, np.degrees(angles)))


def mvnx_document(pose: Pose) -> str:
    """An MVNX file of one frame, of the segments that are known."""
    known, places, turns = _told(pose)
    segments = "".join(f'<segment label="{SEGMENTS[n]}" id="{i}"/>' for i, n in enumerate(known, start=1))
    orientation = np.concatenate([turns[:, :1], turns[:, 1:][:, TO_MVN]], axis=1)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<mvnx version="4">'
        f'<subject label="body" frameRate="{RATE}" segmentCount="{len(known)}"><segments>{segments}</segments><frames>'
        f'<frame time="0" index="0" type="normal"><orientation>{_numbers(orientation)}</orientation>'
        f"<position>{_numbers(places[:, TO_MVN])}</position></frame></frames></subject></mvnx>\n"
    )


def _told(pose: Pose) -> tuple[np.ndarray, Array, Array]:
    """(N,) known segments, (N, 3) where they begin, (N, 4) how they are turned in our world from the T-pose on."""
    known = np.flatnonzero(pose.known)
    position = pose.position if np.isfinite(pose.position).all() else np.array([0.0, HIPS_ABOVE_FLOOR, 0.0])
    places = joint_positions(pose.rotations, position)[known]
    return known, places, product(to_world(pose.rotations), inverse(T_POSE))[known]


def _numbers(values: Array) -> str:
    return " ".join(f"{value:.6f}" for value in values.ravel())
