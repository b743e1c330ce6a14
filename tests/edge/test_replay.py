"""Replayed poses come back as they were, over both protocols and through real sockets."""

import threading
import time
from contextlib import closing
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.replay import ALONE, ReplaySettings, mvn_datagram, replay, sending, unity_rotations
from edge_emotion.rotations import product
from edge_emotion.skeleton import COUNT, HIPS_ABOVE_FLOOR, SEGMENTS, Pose
from edge_emotion.sources.motion import MotionNetworkSettings
from edge_emotion.sources.mvn import MvnSuit
from edge_emotion.sources.mvn_poses import MvnDecoder
from edge_emotion.sources.osc import VmcBody

SOURCES = {"mvn": MvnSuit, "osc": VmcBody}
FLOAT32 = 2e-6


def pose(seconds, seed=0, unknown=(), position=(0.1, 0.95, -0.3)):
    rotations = np.random.default_rng(seed).normal(size=(COUNT, 4))
    rotations /= np.linalg.norm(rotations, axis=1, keepdims=True)
    for name in unknown:
        rotations[SEGMENTS.index(name)] = np.nan
    return Pose(seconds, rotations, np.array(position))


def through(to, poses, speed=20.0):
    """Poses as a source gives them, after the network."""
    with closing(SOURCES[to](MotionNetworkSettings(0))) as source:
        sent = replay(
            poses, ReplaySettings(to, port=source.port, speed=speed)
        )  # the socket holds them till they are read
        given = []
        for item in source:
            assert isinstance(item, Pose)
            given.append(item)
            if len(given) == sent:
                return given


def same(got, expected):
    """Whether rotations are the same, where known; q and -q are."""
    assert (np.isfinite(got[:, 0]) == np.isfinite(expected[:, 0])).all()
    known = np.isfinite(expected[:, 0])
    dots = np.abs((got * expected).sum(-1))[known]
    assert dots == pytest.approx(1, abs=FLOAT32)
    signs = np.sign((got * expected).sum(-1, keepdims=True))[known]
    assert (got[known] * signs) == pytest.approx(expected[known], abs=FLOAT32)


MISSING = [
    (),
    ("L3", "Neck"),
    ("RightShoulder", "LeftToe", "T8", "T12", "Head"),
    tuple(SEGMENTS[1:]),
    ("L5", "L3", "T12", "T8", "LeftUpperArm"),
]


@pytest.mark.parametrize("unknown", MISSING)
def test_mvn_brings_back_what_is_known(unknown):
    poses = [pose(0.02 * number, number, unknown) for number in range(5)]
    got = through("mvn", poses)
    assert [each.time for each in got] == pytest.approx([each.time for each in poses])
    for each, expected in zip(got, poses, strict=True):
        same(each.rotations, expected.rotations)
        assert each.position == pytest.approx(expected.position, abs=FLOAT32)


@pytest.mark.parametrize("unknown", [*MISSING, ("Pelvis",), ("Pelvis", "L5", "RightUpperLeg")])
def test_osc_brings_back_what_unity_has_bones_for(unknown):
    unknown = {*unknown, "L3"}
    poses = [pose(0.02 * number, number, unknown) for number in range(5)]
    got = through("osc", poses)
    assert [each.time for each in got] == pytest.approx([each.time for each in poses], abs=FLOAT32)
    for each, expected in zip(got, poses, strict=True):
        same(each.rotations, expected.rotations)
        if "Pelvis" not in unknown:
            assert each.position == pytest.approx(expected.position, abs=FLOAT32)


def test_what_unity_lacks_goes_into_the_next_one_below():
    whole = pose(0.0)
    (got,) = through("osc", [whole])
    expected = whole.rotations.copy()
    l3, t12 = SEGMENTS.index("L3"), SEGMENTS.index("T12")
    expected[t12] = product(expected[l3], expected[t12])
    expected[l3] = np.nan
    same(got.rotations, expected)


@pytest.mark.parametrize("to", ["mvn", "osc"])
def test_a_body_without_a_place_stands(to):
    (got,) = through(to, [pose(0.0, position=(np.nan,) * 3)])
    assert got.position == pytest.approx([0, HIPS_ABOVE_FLOOR, 0])


def test_neutral_is_a_falling_arm_in_unity():
    neutral = np.tile([1.0, 0, 0, 0], (COUNT, 1))
    bones = unity_rotations(neutral)
    arm = SEGMENTS.index("RightUpperArm")
    # Left-handed: from +x, to the right, down to -y is -90 degrees about z.
    assert bones[arm] == pytest.approx([np.sqrt(0.5), 0, 0, -np.sqrt(0.5)])
    assert bones[SEGMENTS.index("RightForearm")] == pytest.approx([1, 0, 0, 0])


def test_a_datagram_tells_of_the_known_segments_alone():
    datagram = mvn_datagram(pose(0.0, unknown=SEGMENTS[5:]), 3, 1.2345)
    assert len(datagram) == 24 + 5 * 32
    assert datagram[11] == 5
    (got,) = MvnDecoder().decode(datagram)
    assert got.seconds == 1.234
    assert mvn_datagram(pose(0.0, unknown=SEGMENTS), 0, 0.0) is None


@pytest.mark.parametrize("to", ["mvn", "osc"])
def test_poses_of_which_nothing_is_known_are_not_sent(to):
    with closing(SOURCES[to](MotionNetworkSettings(0))) as source:
        poses = [pose(0.0), pose(0.01, unknown=SEGMENTS), pose(0.02)]
        assert replay(poses, ReplaySettings(to, port=source.port)) == 2


def test_it_keeps_the_times_of_the_poses_and_stops():
    poses = [pose(3.0 + 0.1 * number) for number in range(4)]
    with closing(MvnSuit(MotionNetworkSettings(0))) as source:
        where = ReplaySettings("mvn", port=source.port)
        began = time.monotonic()
        assert replay(poses, replace(where, speed=2.0)) == 4
        assert 0.14 < time.monotonic() - began < 1.0
        stop = threading.Event()
        stop.set()
        assert replay(poses, where, stop) == 0
        began = time.monotonic()
        threading.Timer(0.1, stop.set).start()
        stop.clear()
        assert replay([pose(0.0), pose(60.0)], where, stop) == 1
        assert time.monotonic() - began < 5
    assert replay([], ReplaySettings("mvn")) == 0


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"to": "xsens"}, "expected one of mvn, osc, got 'xsens'"),
        ({"to": "mvn", "speed": 0.0}, "speed: expected more than 0"),
        ({"to": "mvn", "speed": float("nan")}, "speed"),
        ({"to": "mvn", "host": "no such host"}, "cannot send to no such host"),
        ({"to": "mvn", "port": 99999}, "port: expected 1 to 65535, got 99999"),
    ],
)
def test_what_cannot_be_sent_is_one_line(how, said):
    with pytest.raises(EdgeEmotionError, match=said) as told:
        replay([pose(0.0)], ReplaySettings(**how))
    assert "\n" not in str(told.value)


def test_a_loop_goes_on_in_the_senders_time():
    poses = [pose(0.5), pose(0.51)]
    with closing(MvnSuit(MotionNetworkSettings(0))) as source:
        where = ReplaySettings("mvn", port=source.port, loop=True, speed=50.0)
        assert list(islice(sending(poses, where), 5)) == [1, 2, 3, 4, 5]
        times = [item.time for item in islice(iter(source), 5)]
        assert times == pytest.approx([0, 0.01, 0.02, 0.03, 0.04], abs=1e-6)
    with closing(MvnSuit(MotionNetworkSettings(0))) as source:
        where = replace(where, port=source.port)
        assert list(islice(sending(poses[:1], where), 2)) == [1, 2]
        assert [item.time for item in islice(iter(source), 2)] == pytest.approx([0, ALONE], abs=1e-3)
