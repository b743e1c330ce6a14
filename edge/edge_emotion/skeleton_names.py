"""How the joints of each source are called, and how their axes lie, told in the segments of skeleton.py."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edge_emotion.rotations import IDENTITY, Array, about, from_matrix, product
from edge_emotion.skeleton import SEGMENTS

Alignments = Mapping[str, Array]


@dataclass(frozen=True)
class Naming:
    """What one family of sources calls the segments.

    name: of the family. segments: its joint names -> ours; a joint that turns a segment is named for that segment.
    alignments: its joint names -> (4,) how the joint's own axes lie among ours in the neutral pose; None where a file's
    rest pose says it (bvh.py). needed: joints without which it is not this family.
    """

    name: str
    segments: Mapping[str, str]
    needed: tuple[str, ...]
    alignments: Alignments | None = None


def _limbs(arm: str, leg: str, left: str, right: str) -> dict[str, str]:
    """Names of both sides: templates with {} for the side, each a list of four, parted by blanks."""
    named = {}
    for ours, theirs in (("Left", left), ("Right", right)):
        arms = zip(("Shoulder", "UpperArm", "Forearm", "Hand"), arm.split(), strict=True)
        legs = zip(("UpperLeg", "LowerLeg", "Foot", "Toe"), leg.split(), strict=True)
        for segment, template in (*arms, *legs):
            named[template.format(theirs)] = ours + segment
    return named


_CORE = ("Hips",)

# BVH as MVN and MPI's EBEDB write it: a collar bone is "Collar", the joint at the shoulder "Shoulder".
MVN_BVH = Naming(
    "MVN",
    {
        "Hips": "Pelvis", "Chest": "L5", "Chest2": "L3", "Chest3": "T12", "Chest4": "T8", "Neck": "Neck",
        "Head": "Head",
        **_limbs("{}Collar {}Shoulder {}Elbow {}Wrist", "{}Hip {}Knee {}Ankle {}Toe", "Left", "Right"),
    },
    (*_CORE, "LeftElbow", "RightElbow", "LeftHip", "RightHip", "LeftKnee", "RightKnee"),
)  # fmt: skip

# Mixamo's names, which much of the BVH on the web has; Mixamo's own files say "mixamorig:" before each.
MIXAMO_BVH = Naming(
    "Mixamo",
    {
        "Hips": "Pelvis", "Spine": "L5", "Spine1": "L3", "Spine2": "T12", "Spine3": "T8", "Neck": "Neck",
        "Head": "Head",
        **_limbs("{}Shoulder {}Arm {}ForeArm {}Hand", "{}UpLeg {}Leg {}Foot {}ToeBase", "Left", "Right"),
    },
    (*_CORE, "LeftArm", "RightArm", "LeftUpLeg", "RightUpLeg", "LeftLeg", "RightLeg"),
)  # fmt: skip


def _axes(x: str, y: str, z: str) -> Array:
    """(4,) how a joint's axes lie, from where its x, y and z point among ours, as "-y"."""
    rows = {"x": 0, "y": 1, "z": 2}
    columns = np.zeros((3, 3))
    for column, name in enumerate((x, y, z)):
        columns[rows[name[-1]], column] = -1.0 if name.startswith("-") else 1.0
    return from_matrix(columns)


def _bandai() -> dict[str, Array]:
    """Alignments of the Bandai-Namco Research Motiondataset, read off its files: bones lie along +-x, mirrored.

    Deviation: a foot's neutral pose is not told by the files; the ankle's mean angle while standing is taken.
    """
    trunk, left, right = _axes("y", "z", "x"), _axes("-y", "x", "z"), _axes("y", "x", "-z")
    ankle, flat = about(0, -np.radians(60)), about(0, -np.pi / 2)
    named: dict[str, Array] = {"Hips": _axes("y", "-x", "z")}
    named |= dict.fromkeys(("Spine", "Chest", "Neck", "Head"), trunk)
    named |= {"Shoulder_L": IDENTITY, "Shoulder_R": _axes("x", "-y", "-z")}
    for side, axes in (("L", left), ("R", right)):
        for bone in ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg"):
            named[f"{bone}_{side}"] = axes
        named[f"Foot_{side}"], named[f"Toes_{side}"] = product(ankle, axes), product(flat, axes)
    return named


BANDAI_BVH = Naming(
    "Bandai-Namco",
    {
        "Hips": "Pelvis", "Spine": "L5", "Chest": "T12", "Neck": "Neck", "Head": "Head",
        **_limbs("Shoulder_{} UpperArm_{} LowerArm_{} Hand_{}", "UpperLeg_{} LowerLeg_{} Foot_{} Toes_{}", "L", "R"),
    },
    ("joint_Root", *_CORE, "UpperArm_L", "UpperArm_R", "UpperLeg_L", "UpperLeg_R", "LowerLeg_L", "LowerLeg_R"),
    _bandai(),
)  # fmt: skip

BVH_NAMINGS = (MVN_BVH, MIXAMO_BVH, BANDAI_BVH)

# Unity's humanoid bones, as VMC messages name them; their T-pose is identity.
UNITY = {
    "Hips": "Pelvis", "Spine": "L5", "Chest": "T12", "UpperChest": "T8", "Neck": "Neck", "Head": "Head",
    **_limbs("{}Shoulder {}UpperArm {}LowerArm {}Hand", "{}UpperLeg {}LowerLeg {}Foot {}Toes", "Left", "Right"),
}  # fmt: skip

assert {name for naming in BVH_NAMINGS for name in naming.segments.values()} | set(UNITY.values()) == set(
    SEGMENTS
)
