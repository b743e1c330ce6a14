"""Times of motion over real loopback sockets: the sender's clock, silence, and what comes late."""

import time
from contextlib import closing

import numpy as np
import pytest

from edge_emotion.skeleton import Pose
from edge_emotion.sources.motion import Silence
from edge_emotion.sources.sender_clock import SenderClock
from fake_suit import Suit, body


@pytest.fixture
def suit():
    with closing(Suit()) as made:
        yield made


def test_poses_come_on_the_senders_clock_from_0(suit):
    poses = []
    for number in range(5):
        suit.clock.now += 0.1
        poses.append(suit.pose(50_000 + 100 * number))
    assert [pose.time for pose in poses] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert all(isinstance(pose, Pose) and pose.known.all() for pose in poses)
    assert suit.source.started == pytest.approx(1000.1)
    assert suit.source.warnings == []
    assert suit.source.name == f"mvn at 127.0.0.1:{suit.source.port}"


def test_started_follows_the_pose_with_the_least_delay(suit):
    suit.clock.now += 0.5  # the first is late by 0.4 s
    suit.pose(0)
    suit.clock.now += 0.6
    suit.pose(1000)
    assert suit.source.started == pytest.approx(1000.1)


def test_before_the_first_pose_there_is_silence_and_help_after_5_s(suit):
    assert [suit.silence(1.0), suit.silence(0.5)] == [1.0, 1.5]
    assert suit.source.warnings == []
    suit.silence(3.5)
    (line,) = suit.source.warnings
    port = suit.source.port
    assert line == (
        f"nothing has come at 127.0.0.1:{port} for 5 s; set the sender to MVN over UDP, this device's address and "
        "that port (127.0.0.1 hears senders on this device alone, 0.0.0.0 all); waiting"
    )
    suit.clock.now += 0.3
    assert suit.pose(70_000).time == pytest.approx(5.3)  # time goes on
    assert suit.source.started == pytest.approx(1000.0)
    assert suit.pose(70_100).time == pytest.approx(5.4)


def test_silence_goes_on_from_the_last_pose_and_is_told_once_for_each_time(suit):
    suit.pose(0)
    suit.pose(2000)  # a jump forward is kept
    assert suit.silence(1.0) == pytest.approx(3.0)
    assert suit.silence(0.5) == pytest.approx(3.5)
    assert suit.source.warnings == []
    suit.silence(3.5)
    suit.silence(60.0)
    line = f"nothing has come from 127.0.0.1:{suit.senders[0].getsockname()[1]} for 5 s; waiting"
    assert suit.source.warnings == [line]
    suit.clock.now += 1.0
    assert suit.pose(68_500).time == pytest.approx(68.5)
    suit.silence(5.0)
    assert suit.source.warnings == [f"{line} (silence 2)"]


def test_a_sender_that_paused_goes_on_after_the_silence(suit):
    suit.pose(0)
    assert suit.silence(4.0) == pytest.approx(4.0)
    suit.clock.now += 0.2
    suit.send(body(100))  # it may have been held back: for half a second it is waited whether time catches up
    wait_for(suit, 1)
    suit.clock.now += 0.5
    assert suit.pose(600).time == pytest.approx(4.7)
    suit.clock.now += 0.1
    assert suit.pose(700).time == pytest.approx(4.8)
    assert suit.source.counts["poses came twice or late"] == 1


def test_what_the_network_held_back_moves_no_clock(suit):
    for stall in range(5):
        begin = 2000 * stall
        suit.pose(begin)
        suit.silence(1.2)
        suit.send(*(body(begin + 100 * number) for number in range(1, 12)))  # at once, up to 1.1 s
        assert suit.pose(begin + 1300).time == pytest.approx(2.0 * stall + 1.3)
        suit.clock.now += 0.8
    assert suit.source.warnings == [
        f"127.0.0.1:{suit.source.port}: poses came twice or late and were left out: 10 or more"
    ]


def wait_for(suit, late):
    """Until the thread has left so many out."""
    deadline = time.monotonic() + 10
    while suit.source.counts["poses came twice or late"] < late:
        assert time.monotonic() < deadline
        time.sleep(0.001)  # the thread needs the lock


def test_what_comes_twice_or_late_is_left_out(suit):
    suit.pose(1000)
    suit.pose(1100)
    suit.send(body(1100), body(1050), body(1000), body(200))
    assert suit.pose(1200).time == pytest.approx(0.2)
    (line,) = suit.source.warnings
    assert line == f"127.0.0.1:{suit.source.port}: poses came twice or late and were left out: 4"


def test_a_sender_that_begins_anew_goes_on_where_it_was(suit):
    suit.pose(60_000)
    suit.clock.now += 0.1
    suit.pose(60_100)
    suit.clock.now += 0.5
    assert suit.pose(0).time == pytest.approx(0.6)
    suit.clock.now += 0.1
    assert suit.pose(100).time == pytest.approx(0.7)
    assert suit.source.started == pytest.approx(1000.0)
    assert "the sender's clock went back, going on from there: 1" in suit.source.warnings[0]


def test_iteration_wakes_as_soon_as_a_pose_comes():
    with closing(Suit(time.monotonic, stale=0.2)) as suit:
        assert isinstance(suit.next(), Silence)
        suit.pose(0)
        times = [suit.next().time for _ in range(2)]
        assert 0.15 < times[0] < 0.45
        assert 0.4 < times[1] - times[0] < 1.0


def test_a_senders_clock_never_goes_back():
    rng = np.random.default_rng(0)
    clock, told, last, arrived = SenderClock(), None, 0.0, 5.0
    for _ in range(5000):
        arrived += rng.exponential(0.02)
        if rng.random() < 0.05 and clock.time is not None:
            told = max(last, clock.time + arrived - clock.arrived)
            last = told
        time_ = clock.take(rng.choice([arrived, rng.uniform(-1e6, 1e6)], p=[0.9, 0.1]), arrived, told)
        if time_ is not None:
            assert time_ >= last - 1e-6
            last, told = time_, None
