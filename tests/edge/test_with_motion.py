"""A file of motion beside pictures and sound."""

import pytest

from edge_emotion.estimate import Estimate
from edge_emotion.pipeline import Run
from edge_emotion.skeleton import Pose
from edge_emotion.sources.sound import RATE
from edge_emotion.sources.timed_sound import Ended, TimedSound
from edge_emotion.sources.with_motion import RecordedWithMotion
from fake_senses import FakeFace, FakeSource, FakeVoice, P, blocks, frame
from walking import walk


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
