"""Motion over real loopback sockets: one sender, bounded, whatever comes; by a clock that the test sets."""

import socket
import sys
import threading
import time
from contextlib import closing

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.skeleton import Pose
from edge_emotion.sources.motion import MotionNetworkSettings, Silence
from edge_emotion.sources.motion_datagrams import MOST_A_SECOND, WAITING, MotionListener
from edge_emotion.sources.mvn import MvnSuit
from edge_emotion.sources.mvn_packets import QUATERNION, MvnDatagram, build
from edge_emotion.sources.mvn_poses import MvnDecoder
from edge_emotion.sources.osc import VmcBody
from edge_emotion.sources.sender_clock import SenderClock


class SetClock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def body(milliseconds, character=0, segments=23, **changed):
    values = np.zeros((segments, 7))
    values[:, 3] = 1
    ids = np.arange(1, segments + 1)[:, None]
    sample = milliseconds
    return build(MvnDatagram(QUATERNION, sample, 0, True, milliseconds, character, ids, values))


class Suit:
    """A listener at any free port with a sender to it."""

    def __init__(self, clock=None, **settings):
        self.clock = clock or SetClock()
        self.source = MvnSuit(MotionNetworkSettings(0, **settings), self.clock)
        self.items = iter(self.source)
        self.senders = [self.socket(), self.socket()]

    def socket(self):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        return made

    def send(self, *datagrams, sender=0):
        for datagram in datagrams:
            self.senders[sender].sendto(datagram, ("127.0.0.1", self.source.port))

    def pose(self, milliseconds, **how):
        """Send a pose and await it: all that was sent before by the same has been dealt with."""
        self.send(body(milliseconds, **how))
        return self.next_pose()

    def next(self):
        return next(self.items)

    def next_pose(self):
        """The next pose; silence may be told before it has come."""
        return next(item for item in self.items if isinstance(item, Pose))

    def silence(self, after):
        self.clock.now += after
        item = self.next()
        assert isinstance(item, Silence)
        return item.time

    def close(self):
        self.source.close()
        for sender in self.senders:
            sender.close()


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


def test_one_sender_is_followed_until_it_is_silent(suit):
    suit.pose(0)
    suit.send(*[body(5000)] * 3, sender=1)
    suit.clock.now += 0.1
    # Datagrams of two sockets to one keep their order on loopback.
    assert suit.pose(100).time == pytest.approx(0.1)
    first = suit.senders[0].getsockname()[1]
    assert suit.source.counts == {"datagrams of other senders": 3}
    assert (
        f"datagrams of other senders or bodies left out, 127.0.0.1:{first} is followed: 3"
        in suit.source.warnings[0]
    )
    suit.clock.now += 1.5
    suit.send(body(7), sender=1)
    assert suit.next_pose().time == pytest.approx(
        1.6
    )  # by our clock, since its own says nothing of the first's
    suit.send(body(200))
    suit.send(body(107), sender=1)
    assert suit.next_pose().time == pytest.approx(1.7)
    assert suit.source.counts == {"datagrams of other senders": 4}


def test_one_body_of_a_sender_is_followed(suit):
    suit.pose(0, character=2)
    suit.send(body(10, character=0), body(20, character=1))
    assert suit.pose(30, character=2).time == pytest.approx(0.03)
    assert suit.source.counts == {"datagrams of other senders": 2}


def test_what_is_refused_is_told_by_reason_and_other_types_are_not(suit):
    other = body(0).replace(b"MXTP02", b"MXTP12", 1)
    suit.send(*[b"hello"] * 25, *[body(0)[:-1]] * 3, other)
    suit.pose(0)
    place = f"127.0.0.1:{suit.source.port}"
    assert suit.source.warnings == [
        f"{place}: datagrams that were no MVN (truncated): 3",
        f"{place}: datagrams that were no MVN (wrong magic): 10 or more",
    ]
    assert suit.source.counts == {"refused: truncated": 3, "refused: wrong magic": 25, "others": 1}


def test_the_largest_and_the_empty_datagram_are_read(suit):
    suit.send(bytes(65507), b"", body(0)[:24] + bytes(65483))
    assert suit.pose(0).time == 0


def test_a_suit_that_changes_its_joints_is_told_once(suit):
    suit.pose(0)
    for number in range(1, 4):
        pose = suit.pose(10 * number, segments=15 if number % 2 else 23)
        assert pose.known.sum() == (15 if number % 2 else 23)
    assert suit.source.warnings == [
        f"127.0.0.1:{suit.source.port}: the body changed from 22 to 14 joints; going on"
    ]


def fill(suit, count):
    """Poses 10 ms apart, in portions that the socket holds, dealt with by the thread before this goes on."""
    for start in range(0, count, 50):
        portion = range(start, min(start + 50, count))
        taken = suit.source._in_second + len(portion)
        suit.send(*(body(10 * number) for number in portion))
        while True:
            with suit.source._changed:
                if suit.source._in_second >= taken:
                    break
            time.sleep(0.001)  # the thread needs the lock


def test_the_queue_is_bounded_and_the_oldest_are_dropped(suit):
    assert suit.silence(1.0) == 1.0  # the thread runs
    fill(suit, WAITING + 100)
    assert suit.source.dropped == 100
    assert suit.next_pose().time == pytest.approx(2.0)
    assert len(suit.source._poses) == WAITING - 1


def test_more_than_a_bounded_number_a_second_is_left_out(suit):
    assert suit.silence(1.0) == 1.0
    fill(suit, MOST_A_SECOND + 50)
    assert suit.source.counts == {"datagrams came too fast": 50}
    assert f"datagrams faster than {MOST_A_SECOND} a second left out: 10 or more" in suit.source.warnings[0]
    suit.clock.now += 1.0
    while suit.source._poses:
        suit.next_pose()
    assert isinstance(suit.pose(10 * MOST_A_SECOND + 2000), Pose)  # after the silence that was told


@pytest.mark.parametrize("iterating", [True, False])
def test_close_ends_iteration_at_once_and_frees_the_port(iterating):
    source = MvnSuit(MotionNetworkSettings(0, stale=60.0))
    begun, ended = threading.Event(), threading.Event()

    def iterate():
        begun.set()
        assert list(source) == []
        ended.set()

    thread = threading.Thread(target=iterate, daemon=True)
    if iterating:
        thread.start()
        assert begun.wait(5)
    start = time.monotonic()
    source.close()
    source.close()
    if iterating:
        assert ended.wait(5)
    assert time.monotonic() - start < 2
    assert list(source) == []
    with closing(MvnSuit(MotionNetworkSettings(source.port))) as again:
        assert again.port == source.port


def test_close_in_the_midst_of_iterating(suit):
    suit.send(*(body(number) for number in range(10)))
    suit.next()
    suit.source.close()
    assert list(suit.items) == []


def test_iteration_wakes_as_soon_as_a_pose_comes():
    with closing(Suit(time.monotonic, stale=0.2)) as suit:
        assert isinstance(suit.next(), Silence)
        suit.pose(0)
        times = [suit.next().time for _ in range(2)]
        assert 0.15 < times[0] < 0.45
        assert 0.4 < times[1] - times[0] < 1.0


def test_a_port_in_use_is_named():
    with closing(MvnSuit(MotionNetworkSettings(0))) as first:
        with pytest.raises(EdgeEmotionError) as told:
            MvnSuit(MotionNetworkSettings(first.port))
        assert str(told.value) == (
            f"UDP port {first.port} of 127.0.0.1 is in use; close the other program, or choose another: "
            "--imu mvn:PORT"
        )


@pytest.mark.parametrize("listen", ["203.0.113.7", "no such host", "a" * 300])
def test_an_address_that_is_not_ours_is_refused(listen):
    with pytest.raises(EdgeEmotionError, match="expected an address of this device") as told:
        VmcBody(MotionNetworkSettings(0, listen))
    assert "\n" not in str(told.value)
    assert "--imu osc:PORT" in str(told.value)


def test_without_python_osc_its_install_is_told(monkeypatch):
    for name in ("edge_emotion.sources.vmc", "edge_emotion.sources.osc_messages"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "pythonosc.osc_message", None)
    with pytest.raises(EdgeEmotionError, match="pip install python-osc"):
        VmcBody(MotionNetworkSettings(0))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"port": -1}, "port: expected 0 to 65535, got -1"),
        ({"port": 65536}, "port"),
        ({"listen": ""}, "listen"),
        ({"unit": "inch"}, "unit: expected auto or m or cm, got 'inch'"),
        ({"stale": 0.0}, "stale"),
        ({"stale": float("nan")}, "stale"),
    ],
)
def test_settings_are_checked(wrong, said):
    with pytest.raises(EdgeEmotionError, match=said):
        MotionNetworkSettings(**wrong)


def test_a_failure_in_the_thread_is_raised_where_poses_are_taken_out():
    class Broken(MvnDecoder):
        def decode(self, datagram):
            raise ZeroDivisionError

    with closing(Suit()) as suit:
        suit.source._decoder = Broken()
        suit.send(body(0))
        with pytest.raises(ZeroDivisionError):
            suit.next()


def test_the_network_failing_is_one_line():
    class Gone(MvnDecoder):
        def decode(self, datagram):
            raise OSError(100, "Network is down")

    source = MotionListener(Gone(), MotionNetworkSettings(0), "mvn", 9763)
    with closing(source), closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
        sender.sendto(b"x", ("127.0.0.1", source.port))
        with pytest.raises(
            EdgeEmotionError, match=r"mvn at .* failed \(Network is down\); check the network"
        ):
            list(source)


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
