"""Nodes of motion takes, by the device's own code, and their mirror images."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.body import BODY_RAW
from edge_emotion.features.body_track import BodyTrack
from edge_emotion.skeleton import JOINTS, Pose
from edge_emotion.sources.bvh import read_bvh
from edge_emotion.sources.bvh_poses import bvh_poses
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.node_cache import ClipNodes

Nodes = NDArray[np.float32]

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
    """Each take's nodes, and those of its mirror image."""
    loaded = []
    for clip in tqdm(clips, desc="body nodes", unit="take"):
        nodes = nodes_of(bvh_poses(read_bvh(clip.path)))
        loaded.append(ClipNodes(clip, (nodes, mirrored(nodes))))
    return loaded
