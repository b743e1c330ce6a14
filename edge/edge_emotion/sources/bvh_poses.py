"""BVH motion told in the segments of skeleton.py."""

import numpy as np

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.rotations import IDENTITY, Array, between, from_matrix, inverse, product, rotated, unit
from edge_emotion.skeleton import COUNT, SEGMENTS, Pose, to_parents
from edge_emotion.skeleton_names import BVH_NAMINGS, Naming
from edge_emotion.sources.bvh import BvhFile

UNITS = (1.0, 0.0254, 0.01, 0.001)  # metres, that a file may count in
LEG = 0.82  # metres from hip to ankle of a grown person: the unit that comes nearest is taken
UPRIGHT = 0.8  # least cosine between the trunk, or a thigh, and the vertical of a rest pose that stands
DOWN: Array = np.array([0.0, -1.0, 0.0])


def bvh_poses(file: BvhFile) -> list[Pose]:
    """Poses of all frames; EdgeEmotionError when the joints are none that are known."""
    naming = _naming(file)
    turned, places = file.motion()
    called = _called(file)
    joints = {segment: called.index(name) for name, segment in naming.segments.items() if name in called}
    world = np.full((len(file.frames), COUNT, 4), np.nan)
    basis, lying = _lying(file, naming, joints)
    for segment, joint in joints.items():
        # In our axes, B G B^-1, of how the joint's axes lie among ours in the neutral pose.
        ours = product(product(basis, turned[:, joint]), inverse(basis))
        world[:, SEGMENTS.index(segment)] = product(ours, inverse(lying[segment]))
    position = rotated(basis, places[:, joints["Pelvis"]]) * _unit(file, joints)
    rotations = to_parents(unit(world))
    return [
        Pose(number * file.period, rotations[number], position[number]) for number in range(len(rotations))
    ]


def _called(file: BvhFile) -> list[str]:
    """Names of the joints without what a program puts before them, as in "mixamorig:Hips"."""
    return [name.rpartition(":")[2] for name in file.names]


def _naming(file: BvhFile) -> Naming:
    called = set(_called(file))
    for naming in reversed(BVH_NAMINGS):
        if set(naming.needed) <= called:
            return naming
    families = "; ".join(f"{naming.name}: {', '.join(naming.needed)}" for naming in BVH_NAMINGS)
    raise EdgeEmotionError(
        f"{file.name} has joints that are not known ({', '.join(file.names[:4])[:60]} ...); expected one of {families}"
    )


def _lying(file: BvhFile, naming: Naming, joints: dict[str, int]) -> tuple[Array, dict[str, Array]]:
    """(4,) from the file's axes to ours, and of each segment how its joint's axes lie in the neutral pose.

    Without alignments the axes of all joints are the world's in the rest pose, in which the body stands upright, its
    arms hanging or raised: how far is seen from the offset between shoulder and elbow.
    """
    if naming.alignments is not None:
        named = {
            ours: naming.alignments[theirs] for theirs, ours in naming.segments.items() if ours in joints
        }
        return IDENTITY, named
    basis = _basis(file, joints)
    lying = dict.fromkeys(joints, IDENTITY)
    for side in ("Left", "Right"):
        elbow = joints.get(f"{side}Forearm")
        if elbow is None or not np.linalg.norm(file.offsets[elbow]):
            continue
        raised = between(rotated(basis, file.offsets[elbow]), DOWN)
        lying |= {
            f"{side}{part}": raised for part in ("UpperArm", "Forearm", "Hand") if f"{side}{part}" in joints
        }
    return basis, lying


def _basis(file: BvhFile, joints: dict[str, int]) -> Array:
    """(4,) from the file's axes to ours, from how the body stands in the rest pose."""
    rest = np.zeros((len(file.names), 3))
    for joint, parent in enumerate(file.parents):
        rest[joint] = file.offsets[joint] + (rest[parent] if parent >= 0 else 0.0)
    hips, knee = rest[joints["Pelvis"]], rest[joints["LeftLowerLeg"]]
    above = rest[joints.get("Head", joints.get("Neck", joints["Pelvis"]))] - hips
    left = rest[joints["LeftUpperLeg"]] - rest[joints["RightUpperLeg"]]
    # Bodies stand nearly along the axes: the nearest ones are meant.
    rows = [_nearest_axis(left), _nearest_axis(above + hips - knee)]
    standing = all(part @ rows[1] >= UPRIGHT * np.linalg.norm(part) for part in (above, hips - knee))
    if abs(rows[0] @ rows[1]) > 0.5 or not np.linalg.norm(rows, axis=1).all() or not standing:
        raise EdgeEmotionError(
            f"{file.name}: its rest pose (OFFSET) is no standing body; it cannot be placed"
        )
    return from_matrix(np.stack([*rows, np.cross(rows[0], rows[1])]))


def _nearest_axis(direction: Array) -> Array:
    axis = np.zeros(3)
    largest = int(np.abs(direction).argmax())
    axis[largest] = np.sign(direction[largest])
    return axis


def _unit(file: BvhFile, joints: dict[str, int]) -> float:
    """Metres of the file's unit."""
    bones = [joints[name] for name in ("LeftLowerLeg", "LeftFoot") if name in joints]
    leg = float(np.linalg.norm(file.offsets[bones], axis=1).sum())
    return min(UNITS, key=lambda unit: abs(np.log(max(leg, 1e-6) * unit / LEG)))
