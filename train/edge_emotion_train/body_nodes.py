"""Nodes of motion takes, by the device's own code, and their mirror images."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.body import BODY_RAW
from edge_emotion.features.body_track import BodyTrack
from edge_emotion.skeleton import JOINTS, Pose
from edge_emotion.sources.motion_file import read_motion
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.corpora.motion_clip import LeftOut
from edge_emotion_train.node_cache import ClipNodes

Nodes = NDArray[np.float32]

LEAST = 2  # nodes of a take: one alone does not move
_SWAPPED = {"Right": "Left", "Left": "Right"}


def _other_side(joint: str) -> str:
    for side, other in _SWAPPED.items():
        if side in joint:
            return joint.replace(side, other)
    return joint


_MIRROR = [JOINTS.index(_other_side(joint)) for joint in JOINTS]


def nodes_of(poses: Sequence[Pose]) -> Nodes:
    """(k, 72) nodes of a take without a gap, unwrapped over all of it, so that its tempo can be changed."""
    track = BodyTrack()
    made = [node for pose in poses for node in track.add(pose)]
    if not made or made[0].number != track.since:
        raise EdgeEmotionError("expected a take without gaps of more than half a second")
    if len(made) < LEAST:
        raise EdgeEmotionError(f"expected a take of {LEAST} nodes (1/30 s each) or more, got {len(made)}")
    return BODY_RAW.window(np.stack([node.values for node in made]))


def mirrored(nodes: Nodes) -> Nodes:
    """(..., 72) of the mirror image: sides change places, what turns about y and z turns the other way."""
    image = np.array(nodes)
    image[..., [0, 3, 5]] *= -1
    joints = np.array(nodes[..., 6:]).reshape(*nodes.shape[:-1], len(JOINTS), 3)[..., _MIRROR, :]
    joints[..., 1:] *= -1
    image[..., 6:] = joints.reshape(*nodes.shape[:-1], -1)
    return image


def load_takes(clips: Sequence[Clip]) -> list[ClipNodes]:
    """Each take's nodes, and those of its mirror image; EdgeEmotionError, which names its file, for a bad take."""
    takes, bad = readable_takes(clips)
    for each in bad:
        raise EdgeEmotionError(f"{each.path}: {each.why}")
    return takes


def readable_takes(clips: Sequence[Clip]) -> tuple[list[ClipNodes], list[LeftOut]]:
    """Likewise, and the takes that cannot be read or have a gap, each with the reason."""
    takes, bad = [], []
    for clip in tqdm(clips, desc="body nodes", unit="take"):
        try:
            nodes = nodes_of(read_motion(clip.path).poses)
        except EdgeEmotionError as error:
            bad.append(LeftOut(clip.path, str(error).removeprefix(f"{clip.path}: ")))
        else:
            takes.append(ClipNodes(clip, (nodes, mirrored(nodes))))
    return takes, bad
