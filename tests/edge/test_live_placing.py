"""What live devices give, on the clock of the run."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.skeleton import Pose
from edge_emotion.sources.arrival_clock import ArrivalClock
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.live import LiveSources
from edge_emotion.sources.sound import RATE, SoundBlock
from edge_emotion.sources.timed_sound import TimedSound
from fake_device import Clock, FakeDevice, part
from fake_senses import blocks, frame
from walking import walking

GONE = EdgeEmotionError("the plug was pulled")
QUICK = (0.001, 0.01)  # seconds until a lost part is opened again


def test_all_are_on_the_clock_of_the_run() -> None:
    # The run starts at 100 s; the camera began at 100.25 s by the same clock, sound of 0.1 s arrives at 100.5 s.
    clock = Clock()

    def arrives(item: Any) -> None:
        clock.now = 100.5

    camera, microphone = FakeDevice([frame(0.0)], "end"), FakeDevice(blocks(0.1), "end", before=arrives)
    camera.started = 100.25  # type: ignore[attr-defined]
    items = list(LiveSources([part("face", camera), part("voice", microphone)], clock))
    found = {type(item).__name__: item.time for item in items if isinstance(item, Frame | TimedSound)}
    assert found == {"Frame": 0.25, "TimedSound": pytest.approx(0.4)}


def test_one_alone_keeps_its_own_times_until_it_is_lost() -> None:
    clock = Clock()
    times = iter([101.0, 102.0, 107.0])

    def arrives(item: Any) -> None:
        clock.now = next(times)

    first = FakeDevice([walking(0.25), walking(1.0)], GONE, before=arrives)
    source = LiveSources(
        [part("body", first, FakeDevice([walking(0.0)], "end", before=arrives))], clock, QUICK
    )
    poses = [item.time for item in source if isinstance(item, Pose)]
    assert poses == pytest.approx([0.25, 1.0, 6.0])  # 5 s after the one at 102


def placed_sound(arrivals: list[tuple[float, float]], size: float = 0.1) -> Iterator[TimedSound]:
    """Blocks that come at these seconds, with so much told as lost before each."""
    clock, at = Clock(), iter(arrivals)

    def arrives(item: Any) -> None:
        clock.now = 100.0 + next(at)[0]

    samples = np.zeros(round(size * RATE), np.float32)
    microphone = FakeDevice([SoundBlock(samples, lost) for _, lost in arrivals], "end", before=arrives)
    beside = part("body", FakeDevice([], "end"))
    source = LiveSources([part("voice", microphone), beside], clock)
    return (item for item in source if isinstance(item, TimedSound))


def test_sound_of_a_card_that_stood_still_is_told_as_lost() -> None:
    """Two blocks, 5 s in which the program or the card is stopped, and on: nobody says that sound is missing."""
    found = list(placed_sound([(0.1, 0.0), (0.2, 0.0), (5.3, 0.0), (5.4, 0.0)]))
    assert [item.time for item in found] == pytest.approx([0.0, 0.1, 5.2, 5.3])
    assert [item.block.lost for item in found] == pytest.approx([0.0, 0.0, 5.0, 0.0])


def test_sound_that_the_queue_dropped_is_told_once() -> None:
    found = list(placed_sound([(0.1, 0.0), (1.2, 1.0), (1.3, 0.0)]))
    assert [item.time for item in found] == pytest.approx([0.0, 1.1, 1.2])
    assert [item.block.lost for item in found] == [0.0, 1.0, 0.0]


def test_a_slow_drift_of_a_card_is_no_loss() -> None:
    found = list(placed_sound([(0.1 + 0.1012 * n, 0.0) for n in range(600)]))  # 1.2 % slow, 60 s
    assert not any(item.block.lost for item in found)
    assert found[-1].time == pytest.approx(0.1012 * 599, abs=0.25)


@pytest.mark.parametrize("alone", [True, False])
def test_sound_after_a_reopening_tells_what_was_missed(alone: bool) -> None:
    clock = Clock()
    times = iter([100.1, 107.3])

    def arrives(item: Any) -> None:
        clock.now = next(times)

    first, second = (FakeDevice(blocks(0.1), then, before=arrives) for then in (GONE, "end"))
    parts = [part("voice", first, second), part("body", FakeDevice([], "end"))][: 1 if alone else 2]
    sound = [item for item in LiveSources(parts, clock, QUICK) if isinstance(item, TimedSound | SoundBlock)]
    if alone:
        assert [item.lost for item in sound] == pytest.approx([0.0, 7.1])
    else:
        assert [item.time for item in sound] == pytest.approx([0.0, 7.2])
        assert sound[1].block.lost == pytest.approx(7.1)


def test_frames_are_thinned_to_a_period() -> None:
    clock = Clock(0.0)

    def arrives(item: Frame) -> None:
        clock.now = item.time

    camera = FakeDevice([frame(1 + n / 30) for n in range(61)], "end", before=arrives)
    camera.started = 0.0  # type: ignore[attr-defined]
    source = LiveSources([part("face", camera)], clock)
    source.slow_frames(0.1)
    count = sum(isinstance(item, Frame) for item in source) + source.dropped_by_sense["face"]
    assert count == 21  # 2 s at 10 a second


def test_an_arrival_clock_takes_the_least_delay_and_follows_a_drift() -> None:
    clock = ArrivalClock()
    assert clock.offset(10.25, 0.0) == 10.25
    assert clock.offset(10.35, 0.2) == 10.25  # 0.1 s better: not worth a step
    assert clock.offset(10.30, 0.29) == pytest.approx(10.01)
    assert clock.offset(11.9, 1.0) == pytest.approx(10.01)  # late once
    assert clock.offset(22.0, 11.5) == pytest.approx(10.5)  # late for longer than it remembers
