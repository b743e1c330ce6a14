"""VMC messages (Virtual Motion Capture protocol, over OSC), as SlimeVR and others send them -> poses.

Unity's world is left-handed: x right, y up, z forward. Ours is its mirror image along x: a vector (x, y, z) becomes
(-x, y, z), a quaternion (w, x, y, z) becomes (w, x, -y, -z). Identity is the T-pose. `/VMC/Ext/Bone/Pos` tells a bone
relative to the one above it in Unity's tree, L; among the segments that a frame tells of, with T of skeleton.T_POSE,
the world rotation of a segment is W T, and W = W(above) L, so that relative to its parent it is inverse(T(above)) L T.
`/VMC/Ext/Root/Pos` is what the hips' place and rotation are relative to.

Where a frame ends. A datagram that holds `/VMC/Ext/T` and bones is a whole frame. Once bones have come in a datagram
without it, frames are taken to be split: their bones are gathered until the next `/VMC/Ext/T`, whose time the frame
has, or until a bone comes again. (Of a sender that tells the time first, all times are one frame late, all alike.)
A bone that a frame does not tell of is not known in it; the root is kept until it is told anew.

Many senders tell the time as a float of single precision, for which see coarse_time.py.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np

from edge_emotion.rotations import IDENTITY, Array, inverse, product, rotated
from edge_emotion.skeleton import COUNT, SEGMENTS, T_POSE
from edge_emotion.skeleton_names import UNITY
from edge_emotion.sources.coarse_time import CoarseTime
from edge_emotion.sources.motion_decoder import LARGEST, LENGTHS, DatagramError, SentPose, known_above
from edge_emotion.sources.osc_messages import Message, messages

BONE, ROOT, TIME = "/VMC/Ext/Bone/Pos", "/VMC/Ext/Root/Pos", "/VMC/Ext/T"
LATEST = 1e11  # seconds, of a time
UNTIMED = "frames had no time"
_Placed = tuple[float, ...]  # px py pz qx qy qz qw
_WANTED = frozenset(address.encode() for address in (BONE, ROOT, TIME))
_SEGMENTS = {bone: SEGMENTS.index(segment) for bone, segment in UNITY.items()}
_LEFT_HANDED = np.array([1.0, 1.0, -1.0, -1.0])  # of w, x, y, z
_MIRRORED = np.array([-1.0, 1.0, 1.0])
_ABOVE: Array = np.concatenate([T_POSE, [IDENTITY]])  # of a bone with none above: the root's
_AT_REST: _Placed = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


def whole_pose(bones: dict[int, _Placed], root: _Placed = _AT_REST) -> tuple[Array, Array]:
    """(23, 4) and (3,) as in `Pose`, of bones by segment and the root, each px py pz qx qy qz qw of Unity."""
    rotations, position = np.full((COUNT, 4), np.nan), np.full(3, np.nan)
    told = np.array([*bones.values(), root])
    turns = told[:, [6, 3, 4, 5]] * _LEFT_HANDED
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    segments = list(bones)
    rotations[segments] = turns[:-1]
    above = _ABOVE[known_above(rotations)]
    rotations = product(inverse(above), product(rotations, T_POSE))
    if 0 in bones:
        rotations[0] = product(turns[-1], rotations[0])
        place, at = told[segments.index(0), :3] * _MIRRORED, told[-1, :3] * _MIRRORED
        position = at + rotated(turns[-1], place)
    return rotations, position


class VmcDecoder:
    """Datagrams of a VMC sender -> poses; see above for where a frame ends."""

    name = "VMC"

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds at which a frame arrives, taken where the sender's are too coarse."""
        self.counts: Counter[str] = Counter()
        self.time = CoarseTime(clock)
        self.reset()

    def reset(self) -> None:
        """Forget what another sender said."""
        self._bones: dict[int, _Placed] = {}
        self._root = _AT_REST
        self._time: float | None = None  # told since the last frame
        self._ever_timed = False
        self.time.reset()
        self._split = False

    def decode(self, datagram: bytes) -> list[SentPose]:
        """Poses that a datagram completes; DatagramError for what is no OSC, or no bone under a bone's address."""
        told = [_read(message) for message in messages(datagram, _WANTED)]  # all of it, before any counts
        if not told:
            self.counts["others"] += 1
            return []
        kinds = {address for address, _, _ in told}
        if BONE in kinds and TIME not in kinds:
            self._split = True
        return self._gather(told) if self._split else self._whole(told)

    def _whole(self, told: Iterable[tuple[str, int, _Placed]]) -> list[SentPose]:
        for address, segment, values in told:
            self._keep(address, segment, values)
        return self._end()

    def _gather(self, told: Iterable[tuple[str, int, _Placed]]) -> list[SentPose]:
        ended = []
        for address, segment, values in told:
            if address == BONE and segment in self._bones:
                ended += self._end()
            self._keep(address, segment, values)
            if address == TIME:
                ended += self._end()
        return ended

    def _keep(self, address: str, segment: int, values: _Placed) -> None:
        if address == TIME:
            self._time, self._ever_timed = values[0], True
        elif address == ROOT:
            self._root = values
        elif segment >= 0:
            self._bones[segment] = values

    def _end(self) -> list[SentPose]:
        """The frame of the bones that have come."""
        bones, self._bones = self._bones, {}
        if not bones:
            return []
        told, self._time = self._time, None
        if told is None and self._ever_timed:
            self.counts[UNTIMED] += 1
            return []
        seconds = None if told is None else self.time.seconds(told)
        return [SentPose(seconds, 0, *whole_pose(bones, self._root))]


def _read(message: Message) -> tuple[str, int, _Placed]:
    """Address, segment (-1: none of ours) and numbers; DatagramError where the arguments are others."""
    arguments = message.arguments
    name = arguments[0] if message.address != TIME and arguments else ""
    numbers = arguments if message.address == TIME else arguments[1:8]
    if not isinstance(name, str) or len(numbers) != (1 if message.address == TIME else 7):
        raise DatagramError("arguments")
    values = tuple(float(number) for number in numbers if not isinstance(number, str))
    if len(values) < len(numbers):
        raise DatagramError("arguments")
    largest = LATEST if message.address == TIME else LARGEST
    if not all(abs(value) <= largest for value in values):  # NaN is not
        raise DatagramError("numbers that are not finite")
    if message.address == TIME:
        return TIME, -1, values
    if not LENGTHS[0] <= sum(value * value for value in values[3:]) <= LENGTHS[1]:
        raise DatagramError("quaternion without length 1")
    return message.address, _SEGMENTS.get(name, -1), values
