"""Poses sent over the network as a real sender would: as the MVN stream, or as VMC messages."""

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.rotations import IDENTITY, Array, inverse, product
from edge_emotion.skeleton import (
    COUNT,
    HIPS_ABOVE_FLOOR,
    PARENTS,
    SEGMENTS,
    T_POSE,
    Pose,
    joint_positions,
    to_world,
)
from edge_emotion.skeleton_names import UNITY
from edge_emotion.sources.motion import MOST_PORT
from edge_emotion.sources.mvn import PORT as MVN_PORT
from edge_emotion.sources.mvn_packets import QUATERNION, MvnDatagram, build
from edge_emotion.sources.osc import PORT as OSC_PORT

PORTS = {"mvn": MVN_PORT, "osc": OSC_PORT}
ALONE = 1 / 30  # seconds from a single pose to itself, where it is sent again and again
_TO_MVN = [2, 0, 1]  # x, y, z of MVN's world among ours
_TURN_TO_MVN = [0, 3, 1, 2]  # w, x, y, z likewise
_LEFT_HANDED = np.array([1.0, 1.0, -1.0, -1.0])  # of w, x, y, z: ours to Unity's and back
_BONES = {SEGMENTS.index(segment): bone for bone, segment in UNITY.items()}
_STANDING = np.array([0.0, HIPS_ABOVE_FLOOR, 0.0])


@dataclass(frozen=True)
class ReplaySettings:
    """Where poses are sent, by which protocol, and at what pace."""

    to: str
    """Protocol: "mvn" (type 02 datagrams) or "osc" (one VMC bundle a pose)."""
    host: str = "127.0.0.1"
    """Who is sent to."""
    port: int | None = None
    """UDP port there; None for the protocol's own."""
    speed: float = 1.0
    """Times as fast as the poses' own times."""
    loop: bool = False
    """Again and again, the sender's time going on."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        if self.to not in PORTS:
            raise EdgeEmotionError(f"replay: expected one of {', '.join(PORTS)}, got {self.to!r}")
        if not (math.isfinite(self.speed) and self.speed > 0):
            raise EdgeEmotionError(f"speed: expected more than 0, got {self.speed}")
        if not 0 < self.port_sent_to <= MOST_PORT:
            raise EdgeEmotionError(f"port: expected 1 to {MOST_PORT}, got {self.port}")

    @property
    def port_sent_to(self) -> int:
        """The port, the protocol's own where none is set."""
        return PORTS[self.to] if self.port is None else self.port


def replay(poses: Sequence[Pose], settings: ReplaySettings, stop: threading.Event | None = None) -> int:
    """Send poses at their own times; give how many were sent. See sending()."""
    sent = 0
    for sent in sending(poses, settings, stop):  # noqa: B007 - the last one counts
        pass
    return sent


def sending(
    poses: Sequence[Pose], settings: ReplaySettings, stop: threading.Event | None = None
) -> Iterator[int]:
    """Send poses at their own times; give after each how many were sent.

    stop: ends it early. A pose that the protocol can tell nothing of is left out.
    EdgeEmotionError: a host that cannot be sent to, or python-osc is missing.
    """
    told = osc_sender() if settings.to == "osc" else mvn_datagram
    host, port = settings.host, settings.port_sent_to
    stop = stop or threading.Event()
    sent = 0
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as sender:
            began = time.monotonic()
            for number, (pose, seconds) in enumerate(_scheduled(poses, settings.loop)):
                if stop.wait(max(began + seconds / settings.speed - time.monotonic(), 0.0)):
                    break
                datagram = told(pose, number, seconds)
                if datagram is not None:
                    sender.sendto(datagram, address)
                    sent += 1
                    yield sent
    except (OSError, UnicodeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise EdgeEmotionError(f"cannot send to {host}:{port} ({reason}); check the address") from error


def _scheduled(poses: Sequence[Pose], loop: bool) -> Iterator[tuple[Pose, float]]:
    """Poses and when they are due, seconds from the first on."""
    usual = poses[1].time - poses[0].time if len(poses) > 1 else ALONE
    begin = 0.0
    while True:
        for pose in poses:
            yield pose, begin + pose.time - poses[0].time
        if not loop:
            return
        begin += poses[-1].time - poses[0].time + usual


def mvn_datagram(pose: Pose, number: int, seconds: float) -> bytes | None:
    """A datagram of the segments that a pose knows, as world rotations; None when it knows none.

    What hangs on a pelvis that is not known cannot be told relative to it, and is not known where it arrives.
    """
    known = np.flatnonzero(pose.known)
    if not len(known):
        return None
    position = pose.position if np.isfinite(pose.position).all() else _STANDING
    places = joint_positions(pose.rotations, position)[known]
    sent = product(to_world(pose.rotations), inverse(T_POSE))[known]
    values = np.concatenate([places[:, _TO_MVN], sent[:, _TURN_TO_MVN]], axis=1)
    milliseconds = round(seconds * 1000) % 2**32
    return build(
        MvnDatagram(QUATERNION, number % 2**32, 0, True, milliseconds, 0, known[:, None] + 1, values)
    )


def unity_rotations(rotations: Array) -> Array:
    """(23, 4) relative to parents -> (23, 4) of Unity's bones to the bones above, NaN where not known or no bone.

    A segment that Unity lacks (L3) is taken into the next one below.
    """
    world = to_world(rotations)
    bones = np.full((COUNT, 4), np.nan)
    for segment in _BONES:
        if not np.isfinite(rotations[segment]).all():
            continue
        above = PARENTS[segment]
        while above >= 0 and (above not in _BONES or not np.isfinite(rotations[above]).all()):
            above = PARENTS[above]
        turned, raised = (IDENTITY, IDENTITY) if above < 0 else (world[above], T_POSE[above])
        relative = product(inverse(turned), world[segment])
        bones[segment] = product(product(raised, relative), inverse(T_POSE[segment])) * _LEFT_HANDED
    return bones


def osc_sender() -> Callable[[Pose, int, float], bytes | None]:
    """What makes the VMC bundle of a pose, its number and seconds; None of a pose that no bone can tell.

    EdgeEmotionError where python-osc is missing.
    """
    try:
        from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
        from pythonosc.osc_message_builder import OscMessageBuilder
    except ModuleNotFoundError as error:
        raise EdgeEmotionError(
            "replay to osc needs the package python-osc; install it: pip install python-osc"
        ) from error

    def osc_bundle(pose: Pose, number: int, seconds: float) -> bytes | None:
        bones = unity_rotations(pose.rotations)
        known = np.flatnonzero(np.isfinite(bones).all(-1))
        if not len(known):
            return None
        bundle = OscBundleBuilder(IMMEDIATELY)

        def add(address: str, *arguments: tuple[str, str | float]) -> None:
            message = OscMessageBuilder(address)
            for kind, argument in arguments:
                message.add_arg(argument, kind)
            bundle.add_content(message.build())

        def placed(address: str, name: str, place: Array, turn: Array) -> None:
            x, y, z = place.tolist()
            w, *vector = turn.tolist()
            add(address, ("s", name), *(("f", value) for value in (-x, y, z, *vector, w)))

        add("/VMC/Ext/OK", ("i", 1))
        add("/VMC/Ext/T", ("f", seconds))
        placed("/VMC/Ext/Root/Pos", "root", np.zeros(3), IDENTITY)
        position = pose.position if np.isfinite(pose.position).all() else _STANDING
        for segment in known:
            place = position if segment == 0 else np.zeros(3)
            placed("/VMC/Ext/Bone/Pos", _BONES[int(segment)], place, bones[segment])
        return bundle.build().dgram

    return osc_bundle
