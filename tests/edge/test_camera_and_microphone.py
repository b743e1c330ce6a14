import threading
from typing import Any

import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources.camera_and_microphone import ArrivalClock, CameraAndMicrophone
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.timed_sound import Ended, TimedSound
from fake_senses import FakeSource, blocks, frame

GONE = EdgeEmotionError("the plug was pulled")


def kinds(items: list[Any]) -> list[str]:
    return [item.modality if isinstance(item, Ended) else type(item).__name__ for item in items]


def test_all_sound_comes_in_order_and_the_newest_frame() -> None:
    source = CameraAndMicrophone(FakeSource([frame(t / 30) for t in range(300)]), FakeSource(blocks(10.0)))
    items = list(source)
    sound = [item for item in items if isinstance(item, TimedSound)]
    frames = [item for item in items if isinstance(item, Frame)]
    assert len(sound) == 100  # none lost, although more than the inbox holds
    assert frames and len(frames) + source.dropped_by_sense["face"] == 300
    assert [item.time for item in frames] == sorted(item.time for item in frames)
    assert sorted(kinds(items))[-2:] == ["face", "voice"]
    source.close()


@pytest.mark.parametrize(
    ("over", "then", "said"),
    [
        ("face", GONE, "the plug was pulled; going on with the microphone alone"),
        ("voice", GONE, "the plug was pulled; going on with the camera alone"),
        ("face", "end", "the camera ended; going on with the microphone alone"),
        ("voice", "end", "the microphone ended; going on with the camera alone"),
    ],
)
def test_one_that_fails_or_ends_is_told_once_and_the_other_goes_on(
    over: str, then: Exception | str, said: str
) -> None:
    told = threading.Event()
    if over == "face":
        source = CameraAndMicrophone(FakeSource([], then), FakeSource(blocks(1.0), after=told))
    else:
        source = CameraAndMicrophone(FakeSource([frame(0.0)], after=told), FakeSource([], then))
    items = []
    for item in source:
        items.append(item)
        told.set()
        assert source.warnings == [said]
    assert kinds(items)[0] == over
    assert set(kinds(items)[1:-1]) == {"TimedSound" if over == "face" else "Frame"}
    assert kinds(items)[-1] == ("voice" if over == "face" else "face")


def test_both_failing_ends_with_the_second_ones_error() -> None:
    source = CameraAndMicrophone(FakeSource([], GONE), FakeSource([], GONE))
    with pytest.raises(EdgeEmotionError, match="plug"):
        list(source)
    assert len(source.warnings) == 1


def test_what_is_no_users_error_is_raised_at_once() -> None:
    source = CameraAndMicrophone(FakeSource([], ValueError("a bug")), FakeSource([], "wait"))
    with pytest.raises(ValueError, match="a bug"):
        list(source)
    source.close()


def test_closing_ends_a_wait() -> None:
    camera, microphone = FakeSource([], "wait"), FakeSource([], "wait")
    source = CameraAndMicrophone(camera, microphone)
    items: list[Any] = []
    reader = threading.Thread(target=lambda: items.extend(source))
    reader.start()
    source.close()
    reader.join(10)
    assert not reader.is_alive()
    assert (items, camera.closed, microphone.closed) == ([], 1, 1)


def test_both_are_on_the_clock_of_the_run() -> None:
    # The run starts at 100 s; the camera began at 100.25 s by the same clock, sound of 0.1 s arrives at 100.5 s.
    times = iter([100.0, 100.5])

    class Started(FakeSource):
        started = 100.25

    camera, microphone = Started([frame(0.0)]), FakeSource(blocks(0.1))
    items = list(CameraAndMicrophone(camera, microphone, clock=lambda: next(times)))
    found = {type(item).__name__: item.time for item in items if not isinstance(item, Ended)}
    assert found == {"Frame": 0.25, "TimedSound": pytest.approx(0.4)}


def test_an_arrival_clock_takes_the_least_delay_and_follows_a_drift() -> None:
    clock = ArrivalClock()
    assert clock.offset(10.25, 0.0) == 10.25
    assert clock.offset(10.35, 0.2) == 10.25  # 0.1 s better: not worth a step
    assert clock.offset(10.30, 0.29) == pytest.approx(10.01)
    assert clock.offset(11.9, 1.0) == pytest.approx(10.01)  # late once
    assert clock.offset(22.0, 11.5) == pytest.approx(10.5)  # late for longer than it remembers
