"""Body nodes: a pose on an even grid of 30 nodes a second, and what a network sees of a window of them.

A node is 72 numbers, as in L-GrIN's table for the body: position of the pelvis (metres, in the world), its angles
(heading about y, then about x, then about z), and the angles of the 22 joints (x flexion, z abduction, y rotation). Of
"body-raw", the paper's set, a network sees them as they are. Of "body" it sees angles and angular velocities of joints
that every source can tell, and the pelvis in the root frame, which stands upright under it and looks where it looks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.rotations import about as turned
from edge_emotion.rotations import heading, inverse, product, to_xzy, unit
from edge_emotion.skeleton import COUNT, JOINTS

Nodes = NDArray[np.float32]
Angles = NDArray[np.float64]

NODE_RATE = 30  # nodes a second
WIDTH = 6 + 3 * len(JOINTS)  # numbers of a node, 72
FASTEST = 12.0  # metres a second, that a pelvis is believed to move; a tracker that jumps is not
ROOT = 9  # of the pelvis, that a network sees of "body"

# Joints of "body". Those of the spine turn together, and sources differ in how many they tell of: their angles are
# added, which is right to first order. Toes are left out, since few sources tell of them.
_GROUPS: tuple[tuple[str, ...], ...] = (
    ("jL5S1", "jL4L3", "jL1T12", "jT9T8"),
    ("jT1C7", "jC1Head"),
    *(
        (f"j{side}{joint}",)
        for side in ("Right", "Left")
        for joint in ("T4Shoulder", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle")
    ),
)
SEEN = 3 * len(_GROUPS)  # angles that a network sees of "body"


def _gathered() -> NDArray[np.float64]:
    """(66, SEEN) which joint angles are added to which."""
    table = np.zeros((3 * len(JOINTS), SEEN))
    for group, names in enumerate(_GROUPS):
        for name in names:
            for angle in range(3):
                table[3 * JOINTS.index(name) + angle, 3 * group + angle] = 1.0
    return table


_GATHERED = _gathered()


def pose_node(rotations: Angles, position: Angles) -> Nodes:
    """(72,) node of filled rotations (23, 4), relative to parents, and a position (3,) of the pelvis in metres."""
    facing = heading(rotations[0])
    a, b, _ = to_xzy(product(inverse(turned(1, facing)), rotations[0]))
    joints = to_xzy(unit(rotations[1:COUNT])).reshape(-1)
    return np.concatenate([position, [facing, a, b], joints]).astype(np.float32)


def seen_joints(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(17,) which of the pelvis and the groups of joints of "body" a pose tells of; known: (23,) segments.

    Of the spine, and of neck and head, one told segment is enough: it is told relative to the pelvis, or to the spine.
    """
    groups = [any(known[1 + JOINTS.index(name)] for name in names) for names in _GROUPS]
    return np.array([known[0], *groups])


def continuous(triples: Angles) -> Angles:
    """(..., M, J, 3) angles in the order x, z, y, unwrapped over the M nodes; the first node keeps |z| <= pi/2.

    Each turn has two triples, (a, b, c) and (a + pi, pi - b, c + pi), each up to whole turns; from node to node the
    nearer one is taken, so that an arm that is raised past the horizontal does not jump.
    """
    angles = _whole(triples)
    angles = np.where(np.abs(angles[..., 1:2]) > np.pi / 2, _whole(_other(angles)), angles)
    here, there = angles[..., :-1, :, :], angles[..., 1:, :, :]
    stay = np.abs(_whole(there - here)).sum(-1)
    change = np.abs(_whole(_other(there) - here)).sum(-1)
    odd = np.cumsum(change < stay, axis=-2) % 2 == 1
    odd = np.concatenate([np.zeros_like(odd[..., :1, :]), odd], axis=-2)[..., None]
    unwrapped: Angles = np.unwrap(np.where(odd, _whole(_other(angles)), angles), axis=-3)
    return unwrapped


def _whole(angles: Angles) -> Angles:
    """Angles in -pi..pi."""
    return (angles + np.pi) % (2 * np.pi) - np.pi


def _other(triples: Angles) -> Angles:
    return np.stack([triples[..., 0] + np.pi, np.pi - triples[..., 1], triples[..., 2] + np.pi], axis=-1)


def _velocity(values: Angles) -> Angles:
    """(..., M, n) a second, by central differences, at the ends by the nearest two nodes."""
    gradient: Angles = np.gradient(values, 1 / NODE_RATE, axis=-2)
    return gradient


def _parts(nodes: Nodes) -> tuple[Angles, Angles, Angles]:
    """(..., M, 72) -> position (..., M, 3), heading and tilts (..., M, 3), joint angles (..., M, 66), unwrapped."""
    raw = np.asarray(nodes, np.float64)
    root: Angles = np.asarray(np.unwrap(raw[..., 3:6], axis=-2), np.float64)
    root = root - (
        root[..., :1, :] - _whole(root[..., :1, :])
    )  # the first node within a turn, whatever was before it
    joints = raw[..., 6:].reshape(*raw.shape[:-1], len(JOINTS), 3)
    return raw[..., :3], root, continuous(joints).reshape(*raw.shape[:-1], -1)


@dataclass(frozen=True)
class BodyFeatures:
    """The feature set "body": P = 105."""

    name: str = "body"
    version: int = 1
    width: int = WIDTH
    period: float = 1 / NODE_RATE
    features: int = 2 * SEEN + ROOT
    bands: tuple[int, int] = (0, 0)

    def window(self, nodes: Nodes) -> Nodes:
        """(..., M, 72) -> (..., M, 105): angles, their velocities, the pelvis.

        Angles in radians, velocities in radians a second. Of the pelvis: two tilts, their velocities, that of its
        heading; its velocity to the left, up and forward in the root frame, m/s; its height above the window's mean, m.
        """
        position, root, joints = _parts(nodes)
        angles = joints @ _GATHERED
        moved, turning = np.clip(_velocity(position), -FASTEST, FASTEST), _velocity(root)
        sine, cosine = np.sin(root[..., 0]), np.cos(root[..., 0])
        left = cosine * moved[..., 0] - sine * moved[..., 2]
        forward = sine * moved[..., 0] + cosine * moved[..., 2]
        height = np.clip(position[..., 1] - position[..., 1].mean(-1, keepdims=True), -FASTEST, FASTEST)
        rest = np.stack(
            [root[..., 1], root[..., 2], turning[..., 1], turning[..., 2], turning[..., 0],
             left, moved[..., 1], forward, height],
            axis=-1,
        )  # fmt: skip
        seen: Nodes = np.concatenate([angles, _velocity(angles), rest], axis=-1).astype(np.float32)
        return seen


@dataclass(frozen=True)
class RawBodyFeatures:
    """The feature set "body-raw", the paper's: P = 72."""

    name: str = "body-raw"
    version: int = 1
    width: int = WIDTH
    period: float = 1 / NODE_RATE
    features: int = WIDTH
    bands: tuple[int, int] = (0, 0)

    def window(self, nodes: Nodes) -> Nodes:
        """(..., M, 72) -> (..., M, 72): unwrapped, otherwise as they are; metres and radians."""
        seen: Nodes = np.concatenate(_parts(nodes), axis=-1).astype(np.float32)
        return seen


BODY, BODY_RAW = BodyFeatures(), RawBodyFeatures()
FEATURE_SETS = (BODY, BODY_RAW)
