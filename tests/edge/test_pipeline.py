import numpy as np
import pytest

from edge_emotion.estimate import Estimate
from edge_emotion.fusion import Event
from edge_emotion.leading_face import leading
from edge_emotion.pipeline import Run
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.sound import RATE, SoundBlock
from edge_emotion.sources.timed_sound import Ended, TimedSound
from fake_faces import face, landmarks
from fake_senses import FakeFace, FakeSource, FakeVoice, blocks, frame


def recording(seconds: float, chunk: float) -> list[Frame | TimedSound]:
    """Frames each 0.1 s and sound, as a video gives them: in the order in which they are due."""
    items: list[Frame | TimedSound] = [frame(round(n * 0.1, 6)) for n in range(round(seconds * 10) + 1)]
    sound = [TimedSound(block, n * chunk) for n, block in enumerate(blocks(seconds, chunk))]
    due = {id(item): item.time + chunk for item in sound}
    return sorted([*items, *sound], key=lambda item: due.get(id(item), item.time))


def told(events: list[Event]) -> list[tuple[float, int | None, list[tuple[str, float]]]]:
    return [
        (event.time, event.identity, sorted((name, e.time) for name, e in event.modalities.items()))
        for event in events
    ]


def test_sound_alone_gives_an_event_for_each_estimate() -> None:
    source, voice = FakeSource(blocks(1.6)), FakeVoice()
    run = Run(source, voice)
    assert [event.time for event in run] == [0.5, 1.0, 1.5]
    assert source.closed and voice.flushes == 1
    summary = run.summary()
    assert str(summary).startswith("3 windows (0 abstained) in 1.60 s of sound, latency p50 150.0 ms")
    assert str(summary).endswith("0 frames dropped")


def test_lost_sound_is_told_and_counted_in_the_meters_time() -> None:
    items = blocks(0.2)
    items[1] = SoundBlock(items[1].samples, lost=2.0)
    voice, seen = FakeVoice(), []
    run = Run(FakeSource(items), voice)
    run.meter = lambda time, level: seen.append((round(time, 2), round(level)))
    list(run)
    assert voice.lost == 2.0
    assert seen == [(0.1, -20), (2.2, -20)]


def test_pictures_alone() -> None:
    watched: list[tuple[float, int]] = []
    run = Run(FakeSource([frame(t / 10) for t in range(11)]), face=FakeFace(comes=0.5))
    run.watch = lambda given, faces: watched.append((given.time, len(faces)))
    events = list(run)
    assert [event.emotion for event in events] == [None] * 5 + ["anger"] * 6
    assert [event.identity for event in events] == [None] * 5 + [1] * 6
    assert watched == [(t / 10, int(t >= 5)) for t in range(11)]
    assert "11 windows (5 abstained) in 1.00 s of pictures (11, 11.0 a second)" in str(run.summary())


@pytest.mark.parametrize("chunk", [0.05, 0.1, 0.5])
def test_both_senses_of_a_recording_come_in_order_of_time_however_it_is_cut(chunk: float) -> None:
    run = Run(FakeSource(recording(2.0, chunk)), FakeVoice(), FakeFace(), hold=0.3 + chunk)
    events = list(run)
    assert [event.time for event in events] == pytest.approx([t / 10 for t in range(21)])
    at_half = events[5]  # 0.5 s: both senses in one event
    assert {name: e.time for name, e in at_half.modalities.items()} == {"face": 0.5, "voice": 0.5}
    assert told(events) == told(list(Run(FakeSource(recording(2.0, 0.1)), FakeVoice(), FakeFace(), hold=0.4)))
    voice, face_ = run.summary().senses
    assert (voice.windows, face_.windows, face_.frames) == (4, 21, 21)
    assert [line.split(":")[0] for line in str(run.summary()).splitlines()] == ["voice", "face"]


def test_a_leader_that_changes_at_every_frame_is_known_for_as_long_as_sound_is_late() -> None:
    class Blinking(FakeFace):
        """Face 1 in the first frame, then face 2 and nobody in turn."""

        def push(self, frame: Frame) -> list[Estimate]:
            number = round(frame.time * 30)
            self._there, self._comes = [face(identity=2 if number else 1)], 1e9 if number % 2 else 0.0
            return super().push(frame)

    frames = [frame(n / 30) for n in range(121)]
    sound = [TimedSound(SoundBlock(np.full(round(4 * RATE), 0.1, np.float32)), 0.0)]
    events = list(Run(FakeSource([*frames, *sound]), FakeVoice(), Blinking(), hold=4.3))
    spoken = [event for event in events if any(e.modality == "voice" for e in event.modalities.values())]
    assert {event.time for event in spoken} >= {0.5, 4.0}  # 120 changes after the first were to be remembered
    assert next(event.identity for event in events if event.time == 4.0) == 2


def test_live_estimates_wait_for_nothing_and_time_does_not_go_back() -> None:
    run = Run(FakeSource(recording(2.0, 0.1)), FakeVoice(), FakeFace())
    events = list(run)
    times = [event.time for event in events]
    assert times == sorted(times)
    assert len(events) == 21 + 4
    late = next(event for event in events if "voice" in event.modalities)
    assert (late.time, late.modalities["voice"].time) == (0.7, 0.5)  # its sound to 0.65 s is there with 0.7 s


def test_the_voices_clock_is_set_to_the_sources() -> None:
    # A microphone that starts 0.3 s after the camera.
    items = [TimedSound(block, 0.3 + n * 0.1) for n, block in enumerate(blocks(1.0))]
    meter: list[float] = []
    run = Run(FakeSource(items), FakeVoice(behind=0.0))
    run.meter = lambda time, level: meter.append(round(time, 6))
    assert [event.time for event in run] == [0.8, 1.3]
    assert meter[0] == 0.4


@pytest.mark.parametrize("over", ["voice", "face"])
def test_a_sense_that_ended_is_flushed_once_and_the_other_goes_on(over: str) -> None:
    voice = FakeVoice()
    items = [*(TimedSound(b, n / 10) for n, b in enumerate(blocks(0.6))), frame(0.6), Ended(over), frame(0.7)]
    events = list(Run(FakeSource(items), voice, FakeFace()))
    assert voice.flushes == 1
    assert events[-1].time == 0.7


@pytest.mark.parametrize("limit", [1.0, 0.95])
def test_the_limit_cuts_sound_and_pictures(limit: float) -> None:
    voice, watcher = FakeVoice(), FakeFace()
    list(Run(FakeSource(recording(2.0, 0.1)), voice, watcher, limit=limit, hold=0.4))
    assert voice.heard == round(limit * RATE)
    assert watcher.times[-1] <= limit
    voice = FakeVoice()
    list(Run(FakeSource(blocks(2.0)), voice, limit=limit))
    assert voice.heard == round(limit * RATE)


def test_what_no_sense_is_for_is_passed_over() -> None:
    events = list(Run(FakeSource(recording(1.0, 0.1)), FakeVoice()))
    assert {name for event in events for name in event.modalities} == {"voice"}
    run = Run(FakeSource(recording(1.0, 0.1)), face=FakeFace())
    assert {name for event in run for name in event.modalities} == {"face"}
    assert [sense.modality for sense in run.summary().senses] == ["face"]


def test_each_face_has_events_of_its_own_and_the_voice_joins_the_larger() -> None:
    two = [face(landmarks(scale=5.0), identity=1), face(landmarks(scale=2.0), identity=2)]
    events = list(Run(FakeSource(recording(1.0, 0.1)), FakeVoice(), FakeFace(there=two), hold=0.4))
    assert [event.identity for event in events[:4]] == [1, 2, 1, 2]
    assert {event.identity for event in events if "voice" in event.modalities} == {1}


def test_a_face_hardly_larger_does_not_take_the_voice_over() -> None:
    small, large = face(landmarks(scale=3.0), identity=1), face(landmarks(scale=3.2), identity=2)
    huge = face(landmarks(scale=4.0), identity=3)
    assert leading([large, small], None) == 2
    assert leading([large, small], 1) == 1
    assert leading([huge, small], 1) == 3
    assert leading([], 1) is None


def test_the_source_is_closed_when_a_sense_fails() -> None:
    class Failing(FakeVoice):
        def push(self, samples: np.ndarray) -> list:  # type: ignore[type-arg]
            raise ValueError("broken")

    source = FakeSource(blocks(1.0))
    with pytest.raises(ValueError, match="broken"):
        list(Run(source, Failing()))
    assert source.closed
