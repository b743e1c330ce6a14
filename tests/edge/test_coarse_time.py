"""Times told as floats of single precision: kept while they are fine, replaced by arrivals once they are coarse."""

import socket
from contextlib import closing

import numpy as np
import pytest

from edge_emotion.replay import osc_sender
from edge_emotion.rotations import IDENTITY
from edge_emotion.skeleton import COUNT, Pose
from edge_emotion.sources.coarse_time import LOOKED_AT, CoarseTime
from edge_emotion.sources.motion import MotionNetworkSettings
from edge_emotion.sources.osc import VmcBody

HOUR = 3600.0


class SetClock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def single(seconds):
    return float(np.float32(seconds))


def told(begin, rate, count=60, precision=single):
    """Seconds that come out for poses at an even rate, and the CoarseTime that made them."""
    clock = SetClock()
    times = CoarseTime(clock)
    given = []
    for number in range(count):
        clock.now = 1000 + number / rate
        given.append(times.seconds(precision(begin + number / rate)))
    return np.array(given), times


# 2 ** 14 s, where a step becomes 2 ms, are 4.6 h; 2 ** 15 s 9.1 h, 4 ms; 2 ** 16 s 18.2 h, 8 ms.
@pytest.mark.parametrize(
    ("hours", "rate", "step"),
    [
        (0, 60, None),
        (4.5, 100, None),  # 1 ms of 10
        (4.6, 100, 2**-9),  # 2 ms of 10
        (9.0, 60, None),  # 2 ms of 17
        (9.2, 60, 2**-8),  # 4 ms of 17
        (18.0, 30, None),  # 4 ms of 33
        (18.3, 30, 2**-7),  # 8 ms of 33
        (36.5, 60, 2**-6),
        (36.5, 30, 2**-6),
        (36.5, 5, None),  # 16 ms of 200
        (300.0, 60, 2**-3),  # seven of eight poses have the time of the one before
        (480_000.0, 60, 2**7),  # seconds since 1970
    ],
)
def test_arrivals_are_taken_once_a_step_is_an_eighth_of_the_distance(hours, rate, step):
    given, times = told(hours * HOUR, rate)
    assert times.step == step
    if step is None:
        assert given == pytest.approx(hours * HOUR + np.arange(60) / rate, abs=1 / rate / 8)
        assert (given == given.astype(np.float32)).all()  # as they were told
    else:
        assert np.diff(given[LOOKED_AT - 1 :]) == pytest.approx(1 / rate, abs=1e-6)
        assert given[-1] - given[0] == pytest.approx(59 / rate, abs=step)


@pytest.mark.parametrize("precision", [float, lambda seconds: round(seconds * 1000) / 1000])
def test_double_precision_and_milliseconds_are_kept(precision):
    given, times = told(480_000 * HOUR + 0.001, 60, precision=precision)
    assert times.step is None
    assert np.diff(given) == pytest.approx(1 / 60, abs=1e-3)


def test_a_gap_a_pose_that_comes_twice_and_a_time_that_stands_still_are_no_coarse_times():
    times = CoarseTime(SetClock())
    for number in range(100):
        seconds = single(10 + number / 60 + (30 if number > 50 else 0))
        assert times.seconds(seconds) == times.seconds(seconds) == seconds
    still = CoarseTime(SetClock())
    assert {still.seconds(2.5) for _ in range(100)} == {2.5}
    assert times.step is still.step is None


def test_a_sender_that_begins_anew_has_its_own_time_again():
    clock = SetClock()
    times = CoarseTime(clock)
    for number in range(30):
        clock.now += 1 / 60
        times.seconds(single(40 * HOUR + number / 60))
    assert times.step is not None
    clock.now += 5.0
    assert times.seconds(0.25) == 0.25
    clock.now += 9.0
    assert times.seconds(0.5) == 0.5


@pytest.mark.parametrize(("hours", "coarse"), [(1, False), (36.5, True)])
def test_poses_of_a_sender_that_ran_for_long_come_at_even_times_with_one_note(hours, coarse):
    clock, bundle = SetClock(), osc_sender()
    pose = Pose(0.0, np.tile(IDENTITY, (COUNT, 1)), np.zeros(3))
    with (
        closing(VmcBody(MotionNetworkSettings(0), clock)) as source,
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender,
    ):
        items = iter(source)
        times = []
        for number in range(120):
            clock.now += 1 / 60
            sender.sendto(bundle(pose, number, hours * HOUR + number / 60), ("127.0.0.1", source.port))
            times.append(next(items).time)
        assert np.diff(times[LOOKED_AT:]) == pytest.approx(1 / 60, abs=1e-3)
        assert times[-1] == pytest.approx(119 / 60, abs=2**-6)
        assert source.dropped == 0 and not source.counts
        if coarse:
            (line,) = source.warnings
            assert line.startswith(
                f"osc at 127.0.0.1:{source.port}: the sender's time goes in steps of 15.6 ms"
            )
        else:
            assert source.warnings == []
