"""Motion over real loopback sockets: one sender, bounded, whatever comes."""

import time
from contextlib import closing

import pytest

from edge_emotion.skeleton import Pose
from edge_emotion.sources.motion_datagrams import MOST_A_SECOND, WAITING
from fake_suit import Suit, body


@pytest.fixture
def suit():
    with closing(Suit()) as made:
        yield made


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
