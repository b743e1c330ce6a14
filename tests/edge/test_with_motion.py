"""Motion beside pictures and sound: files by their times, live by two threads."""

import threading

import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import Estimate
from edge_emotion.pipeline import Run
from edge_emotion.skeleton import Pose
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.motion import Silence
from edge_emotion.sources.sound import RATE
from edge_emotion.sources.timed_sound import Ended, TimedSound
from edge_emotion.sources.with_motion import POSES, LiveWithMotion, RecordedWithMotion
from fake_senses import FakeFace, FakeSource, FakeVoice, P, blocks, frame
from walking import walk, walking


def due(item) -> float:
    return item.time + (len(item.block.samples) / RATE if isinstance(item, TimedSound) else 0.0)


def test_files_are_merged_by_time():
    main = FakeSource([frame(n / 10) for n in range(11)])
    items = list(RecordedWithMotion(main, FakeSource(walk(1.5)), ["face"]))
    timed = [item for item in items if not isinstance(item, Ended)]
    assert [due(item) for item in timed] == sorted(due(item) for item in timed)
    assert sum(isinstance(item, Pose) for item in items) == 46
    ends = {item.modality: number for number, item in enumerate(items) if isinstance(item, Ended)}
    assert ends["face"] < ends["body"] == len(items) - 1
    assert isinstance(items[ends["face"] + 1], Pose)


def test_a_recording_of_sound_gets_times():
    items = list(RecordedWithMotion(FakeSource(blocks(1.0)), FakeSource(walk(1.0)), ["voice"]))
    sound = [item for item in items if isinstance(item, TimedSound)]
    assert [item.time for item in sound] == pytest.approx([n * 0.1 for n in range(10)])


class Mover:
    """An estimate at each whole second."""

    def reset(self): ...

    def push(self, item):
        whole = abs(item.time - round(item.time)) < 1e-6 and item.time > 0
        return [Estimate(item.time, "body", P, 1.0, 0.0)] if whole else []

    def flush(self):
        return []


def test_a_face_and_a_body_make_one_event():
    source = RecordedWithMotion(
        FakeSource([frame(n / 10) for n in range(21)]), FakeSource(walk(2.0)), ["face"]
    )
    run = Run(source, face=FakeFace(), body=Mover(), hold=0.3)
    events = list(run)
    assert next(event.time for event in events if "body" in event.modalities) == 1.0
    assert set(events[-1].modalities) == {"face", "body"}
    assert "body: 2 windows (0 abstained) in 2.00 s of poses (61, 30.5 a second)" in str(run.summary())


def test_a_limit_is_reached_though_the_motion_is_shorter():
    pictures = [frame(n / 10) for n in range(6000)]
    source = RecordedWithMotion(FakeSource(pictures), FakeSource(walk(1.0)), ["face"])
    run = Run(source, face=FakeFace(), body=Mover(), limit=2.0)
    assert list(run)[-1].time <= 2.0
    assert "pictures (21, " in str(run.summary())


def test_a_sense_that_a_source_lacks_has_dropped_nothing():
    source = RecordedWithMotion(FakeSource([frame(0.0)]), FakeSource(walk(1.0)), ["face"])
    assert Run(source, FakeVoice(), FakeFace(), body=Mover()).dropped("voice") == 0


def test_a_suit_that_starts_late_is_placed_where_it_comes():
    """The listener's silence goes on to its first pose; the camera began when it was opened."""
    now = [100.0]
    silence = [Silence(1.0 + 0.5 * n) for n in range(7)]

    class Late(FakeSource):
        def __iter__(self):
            for item in super().__iter__():
                now[0] = 100.0 + item.time + 0.01
                yield item

    source = LiveWithMotion(
        FakeSource([], then="wait"),
        Late([*silence, *walk(1.0, begin=4.3)], then=EdgeEmotionError("off")),
        ["face"],
        clock=lambda: now[0],
    )
    poses = []
    for item in source:
        if isinstance(item, Ended):
            break
        poses += [item] if isinstance(item, Pose) else []
    source.close()
    assert poses[0].time == pytest.approx(4.3, abs=0.02)
    assert poses[-1].time == pytest.approx(5.3, abs=0.02)


def test_live_both_come_and_the_main_source_ends_it():
    main = FakeSource([frame(n / 10) for n in range(5)])
    source = LiveWithMotion(main, FakeSource(walk(1.0), then="wait"), ["face"])
    items = list(source)
    assert sum(isinstance(item, Frame) for item in items) == 5
    source.close()
    assert main.closed == 1


def test_poses_are_on_the_clock_of_the_main_source_and_never_go_back():
    reached = threading.Event()

    class Motion(FakeSource):
        def __iter__(self):
            yield from super().__iter__()
            reached.set()

    source = LiveWithMotion(FakeSource([frame(1.0)], after=reached), Motion(walk(1.0)), ["face"])
    poses = [item for item in source if isinstance(item, Pose)]
    source.close()
    times = [pose.time for pose in poses]
    assert len(times) == 31
    assert times == sorted(times)


@pytest.mark.parametrize("fails", ["camera", "suit"])
def test_when_one_fails_the_other_goes_on(fails):
    lost = EdgeEmotionError("it is gone")
    camera = FakeSource([frame(0.0)], then=lost if fails == "camera" else "wait")
    suit = FakeSource(walk(1.0), then=lost if fails == "suit" else "wait")
    source = LiveWithMotion(camera, suit, ["face"])
    ended = next(item for item in source if isinstance(item, Ended))
    assert ended.modality == ("face" if fails == "camera" else "body")
    assert any("it is gone; going on with the" in line for line in source.warnings)
    source.close()


def test_when_both_fail_the_last_error_is_told():
    source = LiveWithMotion(
        FakeSource([], then=EdgeEmotionError("no camera")),
        FakeSource([], then=EdgeEmotionError("no suit")),
        ["face"],
    )
    with pytest.raises(EdgeEmotionError, match=r"no camera|no suit"):
        list(source)


def test_what_is_no_users_error_is_raised_at_once():
    source = LiveWithMotion(FakeSource([], then="wait"), FakeSource([], then=ZeroDivisionError()), ["face"])
    with pytest.raises(ZeroDivisionError):
        list(source)
    source.close()


def test_poses_that_nobody_takes_are_dropped_oldest_first_and_counted():
    done = threading.Event()

    class Motion(FakeSource):
        def __iter__(self):
            yield from super().__iter__()
            done.set()

    many = [walking(n / 30) for n in range(POSES + 100)]
    source = LiveWithMotion(FakeSource([], then="wait"), Motion(many, then="end"), ["face"])
    items = iter(source)
    first = next(items)  # starts the threads
    done.wait(10)
    rest = []
    for item in items:
        if isinstance(item, Ended):
            break
        rest.append(item)
    source.close()
    assert len(rest) + 1 + source.dropped_by_sense["body"] >= len(many)
    assert source.dropped_by_sense["body"] > 0
    assert first.time <= rest[0].time
    assert rest[-1].position[2] == pytest.approx(many[-1].position[2])


def test_closing_ends_the_iteration():
    source = LiveWithMotion(FakeSource([], then="wait"), FakeSource([], then="wait"), ["face"])
    closer = threading.Timer(0.05, source.close)
    closer.start()
    assert list(source) == []
    closer.join()


def test_sound_ends_with_its_camera():
    source = LiveWithMotion(
        FakeSource(blocks(0.3), then=EdgeEmotionError("gone")), FakeSource([], then="wait"), ["voice", "face"]
    )
    items = iter(source)
    ended = []
    while len(ended) < 2:
        item = next(items)
        if isinstance(item, Ended):
            ended.append(item.modality)
    assert ended == ["voice", "face"]
    source.close()


def test_a_voice_goes_on_beside_a_body_that_ended():
    source = LiveWithMotion(FakeSource(blocks(2.0)), FakeSource([], then=EdgeEmotionError("gone")), ["voice"])
    run = Run(source, FakeVoice())
    assert [event.time for event in run] == [0.5, 1.0, 1.5, 2.0]
