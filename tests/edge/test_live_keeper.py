from types import SimpleNamespace
from typing import Any

import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.heat_watch import HeatWatch
from edge_emotion.live_keeper import LiveKeeper
from edge_emotion.load_control import WITH_FACE, LoadSettings
from edge_emotion.notice import Notice
from edge_emotion.pipeline import Run
from edge_emotion.sources.live import LiveSources
from edge_emotion.sources.live_part import LivePart
from edge_emotion.sources.source_change import Pulse
from edge_emotion.start_up import since_start
from fake_device import FakeDevice
from fake_senses import FakeFace, FakeVoice, blocks, frame

COOL = SimpleNamespace(temperature=None, throttled=False, close=lambda: None)


class Spread(FakeVoice):
    every = 1

    def spread(self, every: int) -> None:
        self.every = every


def live(camera: FakeDevice, microphone: FakeDevice, voice: FakeVoice, face: FakeFace) -> Run:
    parts = [LivePart(("face",), "camera", lambda: camera, camera),
             LivePart(("voice",), "microphone", lambda: microphone, microphone)]  # fmt: skip
    return Run(LiveSources(parts), voice, face)


def test_too_much_work_lowers_what_is_done_and_tells_it() -> None:
    voice, told, now = Spread(), [], [0.0]
    run = live(FakeDevice(), FakeDevice(), voice, FakeFace())
    run.tell = told.append
    keeper = LiveKeeper(run, ["face", "voice"], LoadSettings(50.0), heat=COOL,
                        clock=lambda: now[0], cpu=lambda: 0.8 * now[0])  # fmt: skip
    for _ in range(40):
        now[0] += 1.0
        keeper.pulse(Pulse(now[0], 0.5))
    assert keeper.level == len(WITH_FACE) - 1
    assert [notice.kind for notice in told] == ["load"] * keeper.level
    assert told[0] == Notice("load", "80% of a core, at most 50% allowed: at most 15 frames a second", 4.0)
    assert voice.every == WITH_FACE[-1].every
    assert run.source._placing.frame_period == WITH_FACE[-1].frames  # type: ignore[attr-defined]
    keeper.close()


def test_each_pulse_asks_whether_the_line_was_hung_up() -> None:
    class HungUpError(Exception):
        pass

    def hung_up() -> None:
        raise HungUpError

    run = live(FakeDevice(), FakeDevice(), FakeVoice(), FakeFace())
    keeper = LiveKeeper(run, [], hung_up=hung_up, heat=COOL)
    with pytest.raises(HungUpError):
        keeper.pulse(Pulse(1.0, 0.0))


def test_at_a_lower_rate_faces_are_looked_for_in_fewer_frames_and_all_are_shown() -> None:
    face, seen = FakeFace(), []
    run = live(
        FakeDevice([frame(n / 30) for n in range(31)], "end"), FakeDevice([], "end"), FakeVoice(), face
    )
    run.slow_down(WITH_FACE[3])
    run.watch = lambda picture, faces: seen.append(len(faces))
    list(run)
    assert len(face.times) <= 6 and len(seen) > 0
    assert all(b - a >= 0.19 for a, b in zip(face.times, face.times[1:], strict=False))


def test_heat_is_asked_in_a_thread_of_its_own() -> None:
    answers: list[Any] = []

    def heat() -> float:
        answers.append(len(answers))
        return 42.0

    watch = HeatWatch(heat, lambda: True, period=0.001)
    while len(answers) < 3:
        assert watch._thread.is_alive()
    watch.close()
    watch._thread.join(10)
    assert (watch.temperature, watch.throttled, watch._thread.is_alive()) == (42.0, True, False)


def test_a_run_knows_when_it_began_to_capture() -> None:
    run = live(FakeDevice([frame(0.0)], "end"), FakeDevice(blocks(0.1), "end"), FakeVoice(), FakeFace())
    before = since_start()
    list(run)
    assert run.captured is not None and before <= run.captured <= since_start()


def test_a_voice_alone_has_notices_on_its_own_clock() -> None:
    """The processor's clock may be seconds ahead of the card's, after days: no estimate goes stale for that."""
    microphone = FakeDevice(blocks(1.0), "end")
    run = Run(LiveSources([LivePart(("voice",), "microphone", lambda: microphone, microphone)]), FakeVoice())
    told: list[Notice] = []
    run.tell = told.append
    times = []
    for event in run:
        run.notice("load", "", 1000.0)
        times.append((event.time, event.emotion))
    assert [time for time, _ in times] == [0.5, 1.0]
    assert all(emotion for _, emotion in times)
    assert all(notice.time < 2.0 for notice in told)


def test_heat_goes_on_to_be_asked_when_it_cannot_be_told_once() -> None:
    answers = iter([OSError("no process to be had"), 42.0])

    def heat() -> float:
        answer = next(answers, 42.0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    watch = HeatWatch(heat, lambda: False, period=0.001)
    while watch.temperature is None:
        assert watch._thread.is_alive()
    watch.close()


def test_a_face_that_comes_back_begins_anew() -> None:
    """Nothing is told of the time in which there was no picture."""
    face, told = FakeFace(), []
    first = FakeDevice([frame(n / 10) for n in range(5)], EdgeEmotionError("its plug was pulled"))
    second = FakeDevice([frame(n / 10) for n in range(3)], "end")
    parts = [LivePart(("face",), "camera", lambda: second, first)]
    run = Run(LiveSources(parts, retry=(0.3, 0.3)), face=face)
    run.tell = told.append
    list(run)
    assert [notice.kind for notice in told] == ["source lost", "source back"]
    assert told[0].said == "fake: its plug was pulled"
    assert face.times and face.times[0] >= told[1].time - 0.1  # those before were forgotten
