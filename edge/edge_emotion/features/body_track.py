"""Poses as they come, put onto the even grid of body nodes."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.body import NODE_RATE, Nodes, pose_node, seen_joints
from edge_emotion.rotations import IDENTITY, blended
from edge_emotion.skeleton import COUNT, Pose

LONGEST_GAP = 0.5  # seconds between two poses; after a longer one the track begins anew
TOLERANCE = 0.001  # seconds: senders round their times to milliseconds


@dataclass(frozen=True)
class TrackedNode:
    """A node. number: it lies at number / 30 s of the source's clock. values: (72,). known: share of joints told of."""

    number: int
    values: Nodes
    known: float


@dataclass(frozen=True)
class _Filled:
    """A pose without holes."""

    time: float
    rotations: NDArray[np.float64]
    position: NDArray[np.float64]
    known: float


class BodyTrack:
    """Makes nodes of poses; memory is one pose.

    What a pose does not know is as in the last one that knew, in the neutral pose before that. Between two poses
    rotations are blended and the position is interpolated. since: number of the first node since the last gap.
    """

    def __init__(self) -> None:
        self._before: _Filled | None = None
        self._rotations = np.tile(IDENTITY, (COUNT, 1))
        self._position = np.zeros(3)
        self.since: int | None = None

    def add(self, pose: Pose) -> list[TrackedNode]:
        """Take the next pose, later than the one before; give the nodes up to its time, none after a gap."""
        before = self._before
        if before is not None and pose.time - before.time > LONGEST_GAP + TOLERANCE:
            before = None
            self._rotations = np.tile(IDENTITY, (COUNT, 1))  # it may be another body
        after = self._before = self._filled(pose)
        first = math.ceil((pose.time - TOLERANCE) * NODE_RATE)
        if before is None:
            self.since = first
            numbers = range(first, math.floor((pose.time + TOLERANCE) * NODE_RATE) + 1)
            return [
                TrackedNode(number, pose_node(after.rotations, after.position), after.known)
                for number in numbers
            ]
        begin = math.floor((before.time + TOLERANCE) * NODE_RATE) + 1
        end = math.floor((pose.time + TOLERANCE) * NODE_RATE)
        return [self._between(before, after, number) for number in range(begin, end + 1)]

    @staticmethod
    def _between(before: _Filled, after: _Filled, number: int) -> TrackedNode:
        share = (number / NODE_RATE - before.time) / max(after.time - before.time, 1e-9)
        share = min(1.0, max(0.0, share))
        rotations = blended(before.rotations, after.rotations, np.array([share]))
        position = before.position + share * (after.position - before.position)
        return TrackedNode(number, pose_node(rotations, position), min(before.known, after.known))

    def _filled(self, pose: Pose) -> _Filled:
        known = pose.known
        self._rotations = np.where(known[:, None], pose.rotations, self._rotations)
        if np.isfinite(pose.position).all():
            self._position = np.asarray(pose.position, np.float64)
        return _Filled(pose.time, self._rotations, self._position, float(seen_joints(known).mean()))
