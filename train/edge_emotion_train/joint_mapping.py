"""One pose of a file, told by each protocol and read back as a device reads it: drawn, and compared joint by joint."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.replay import mvn_datagram, osc_sender
from edge_emotion.rotations import IDENTITY, inverse, product
from edge_emotion.skeleton import Pose, to_parents, to_world
from edge_emotion.sources.motion_decoder import MotionDecoder
from edge_emotion.sources.motion_file import read_motion
from edge_emotion.sources.mvn_poses import MvnDecoder
from edge_emotion.sources.mvnx import read_mvnx
from edge_emotion.sources.vmc import VmcDecoder
from edge_emotion_train.pose_encoders import euler_datagram, joint_angle_datagram, mvnx_document
from edge_emotion_train.stick_figures import draw_stick_figures


def draw_mapping(
    take: Path, second: float, path: Path, others: Mapping[str, Path] | None = None
) -> dict[str, float]:
    """Draw one pose of a take as the file tells it, and as it comes out of every protocol, beside its largest error.

    second: of the take. others: name -> another file, whose own pose at the same second is drawn beside.
    Give for each protocol the largest angle by which a joint differs from the file's, degrees.
    EdgeEmotionError for a second that no pose is at.
    """
    pose = _at(take, second)
    told = told_by_protocols(pose)
    differences = {name: largest_difference(pose, came) for name, came in told.items()}
    notes = {
        name: f"off by at most {degrees:.6f}°" + "; no pelvis" * (not told[name].known[0])
        for name, degrees in differences.items()
    }
    file = take.suffix[1:].upper()
    beside = {name: _at(other, second) for name, other in (others or {}).items()}
    notes |= {file: "the file itself"} | dict.fromkeys(beside, "another take")
    draw_stick_figures({file: pose, **told, **beside}, path, notes)
    return differences


def told_by_protocols(pose: Pose) -> dict[str, Pose]:
    """A pose as each protocol brings it: MVNX, the three types of the MVN stream, VMC; those that can tell of it."""
    sent: dict[str, tuple[MotionDecoder, bytes | None]] = {
        "MVN type 01": (MvnDecoder(), euler_datagram(pose)),
        "MVN type 02": (MvnDecoder(), mvn_datagram(pose, 0, 0.0)),
        "MVN type 20": (MvnDecoder(), joint_angle_datagram(pose)),
        "VMC (OSC)": (VmcDecoder(), osc_sender()(pose, 0, 0.0)),
    }
    told = {"MVNX": _through_mvnx(pose)}
    for name, (decoder, datagram) in sent.items():
        for came in decoder.decode(datagram or b""):
            told[name] = Pose(pose.time, came.rotations, came.position)
    return told


def largest_difference(pose: Pose, other: Pose) -> float:
    """Degrees between the joints of two poses, the largest, among the segments that both know; the pelvis is no joint.

    EdgeEmotionError where they have no joint in common.
    """
    both = pose.known & other.known
    both[0] = True  # joints lie below it, however it is turned
    if both.sum() < 2:
        raise EdgeEmotionError("expected two poses that know a joint in common, got none")
    joints = []
    for each in (pose, other):
        rotations = each.rotations.copy()
        rotations[0] = IDENTITY
        world = to_world(rotations)
        world[~both] = np.nan  # a segment that one of them lacks is taken into the next one below
        joints.append(to_parents(world)[both])
    turned = product(inverse(joints[0]), joints[1])
    angles = 2 * np.arctan2(np.linalg.norm(turned[:, 1:], axis=1), np.abs(turned[:, 0]))
    return float(np.degrees(angles.max()))


def _through_mvnx(pose: Pose) -> Pose:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "pose.mvnx"
        file.write_text(mvnx_document(pose), encoding="utf-8")
        return read_mvnx(file).poses[0]


def _at(take: Path, second: float) -> Pose:
    poses = read_motion(take).poses
    found = next((pose for pose in poses if pose.time >= second), None)
    if found is None:
        raise EdgeEmotionError(
            f"{take} lasts {poses[-1].time:.1f} s; expected a second of it, got {second:g}"
        )
    return found
