"""BVH files of a whole body for tests, of the proportions and in the neutral pose of skeleton.py."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edge_emotion.skeleton import OFFSETS, PARENTS, SEGMENTS
from edge_emotion.skeleton_names import MVN_BVH, Naming

Vector = Sequence[float]
ORDER = "Zrotation Xrotation Yrotation"


def joint_names(naming: Naming) -> dict[str, str]:
    """Segment -> joint of a family."""
    return {segment: joint for joint, segment in naming.segments.items()}


def hierarchy(joints: Sequence[tuple[str, int, Vector]], order: str = ORDER) -> str:
    """HIERARCHY of (name, index of the parent, offset), the root first."""

    def lines(number: int) -> list[str]:
        name, _, offset = joints[number]
        places = "" if number else "Xposition Yposition Zposition "
        inner = [
            f"OFFSET {' '.join(f'{value:.6f}' for value in offset)}",
            f"CHANNELS {len((places + order).split())} {places}{order}",
        ]
        children = [child for child, joint in enumerate(joints) if joint[1] == number]
        for child in children:
            inner += lines(child)
        if not children:
            inner += ["End Site", "{", "OFFSET 0 0 0", "}"]
        return [f"{'JOINT' if number else 'ROOT'} {name}", "{", *inner, "}"]

    return "\n".join(["HIERARCHY", *lines(0)])


def motion(rows: Sequence[Vector], period: float = 0.04, count: int | None = None) -> str:
    """MOTION of rows of numbers."""
    said = len(rows) if count is None else count
    told = "\n".join(" ".join(f"{value:g}" for value in row) for row in rows)
    return f"MOTION\nFrames: {said}\nFrame Time: {period}\n{told}\n"


def body(
    naming: Naming,
    frames: Sequence[Mapping[str, Vector]] = ({},),
    place: Callable[[np.ndarray], np.ndarray] = lambda offset: offset,
    raised: bool = False,
    unit: float = 0.01,
    without: Sequence[str] = (),
    at: Vector = (0, 0, 0),
    **told: float,
) -> str:
    """Write a body at rest, but for the degrees of the segments named in each frame, in the order Z, X, Y.

    place: our axes -> the file's. raised: arms in the T-pose. unit: metres that the file counts in. without: segments
    that the file lacks. at: of the pelvis, in the file's unit.
    """
    names = joint_names(naming)
    kept = [n for n, segment in enumerate(SEGMENTS) if segment in names and segment not in without]
    joints = []
    for number in kept:
        offset, parent = OFFSETS[number].copy(), PARENTS[number]
        while parent not in kept and parent >= 0:
            offset, parent = offset + OFFSETS[parent], PARENTS[parent]
        if raised and SEGMENTS[number].endswith(("Forearm", "Hand")):
            offset = np.array([-offset[1] * (1 if SEGMENTS[number].startswith("Left") else -1), 0.0, 0.0])
        joints.append(
            (names[SEGMENTS[number]], kept.index(parent) if parent >= 0 else -1, place(offset) / unit)
        )
    order = _depth_first(joints)
    rows = []
    for frame in frames:
        row = list(at)
        for place_in_file in order:
            row += frame.get(SEGMENTS[kept[place_in_file]], (0.0, 0.0, 0.0))
        rows.append(row)
    return hierarchy(joints) + "\n" + motion(rows, **told)


def _depth_first(joints: Sequence[tuple[str, int, Vector]], number: int = 0) -> list[int]:
    found = [number]
    for child, (_, parent, _) in enumerate(joints):
        if parent == number:
            found += _depth_first(joints, child)
    return found


def swinging(seconds: float = 6.0) -> str:
    """Limbs that swing, with the joints of MVN, 30 frames a second."""
    frames = []
    for number in range(round(30 * seconds)):
        swing = 40 * np.sin(2 * np.pi * 0.9 * number / 30)
        frames.append(
            {
                "LeftUpperLeg": (0, swing, 0), "RightUpperLeg": (0, -swing, 5), "LeftForearm": (0, -60 + swing, 0),
                "RightUpperArm": (swing / 2, -swing, 0), "L5": (0, 5 + swing / 8, 0), "Pelvis": (0, 2, swing / 4),
            }
        )  # fmt: skip
    return body(MVN_BVH, frames).replace("Frame Time: 0.04", f"Frame Time: {1 / 30:.7f}")
