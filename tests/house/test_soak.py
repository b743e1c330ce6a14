"""The soak's schedule, devices and judgement; the soak itself is a command."""

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from soak_devices import LoopedCamera, LoopedSoundCard, LoopedSuit, Trouble
from soak_faults import KINDS, QUIET_END, THROTTLE_EVERY, WARM_UP, Fault, schedule
from soak_report import Happened, Watch, _slope, figures, markdown, missed

from edge_emotion.notice import Notice
from edge_emotion.settings import CameraSettings, MicrophoneSettings
from edge_emotion.sources.camera import Camera
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.live import LiveSources
from edge_emotion.sources.live_part import LivePart
from edge_emotion.sources.microphone import Microphone
from edge_emotion.sources.motion import MotionNetworkSettings
from edge_emotion.sources.mvn import MvnSuit
from edge_emotion.sources.source_change import BACK, LOST, SourceChange
from walking import walk


@pytest.mark.parametrize("seed", range(5))
def test_the_schedule_of_20_minutes_has_every_kind_and_room_to_recover(seed: int) -> None:
    faults = schedule(20, 64, seed)
    assert len(faults) == 64 and {fault.kind for fault in faults} == set(KINDS)
    times = [fault.at for fault in faults]
    assert times == sorted(times) and times[0] >= WARM_UP and times[-1] <= 1200 - QUIET_END
    throttled = [fault.at for fault in faults if fault.kind == "throttle"]
    assert all(b - a >= THROTTLE_EVERY for a, b in itertools.pairwise(throttled))
    assert faults == schedule(20, 64, seed)


def trouble(kind: str) -> Trouble:
    found = Trouble()
    found.begin(kind, 0.6)
    return found


@pytest.mark.parametrize("kind", ["unplugged", "stalled"])
def test_a_card_that_breaks_costs_the_sound_until_it_is_back(kind: str) -> None:
    wrong = Trouble()
    card = LoopedSoundCard(np.zeros(16000, np.int16), wrong, 0)

    def opened() -> Microphone:
        return Microphone(MicrophoneSettings(stall=0.1), card)

    source = LiveSources([LivePart(("voice",), "card", opened, opened())], retry=(0.05, 0.1))
    told: list[Any] = []
    for number, item in enumerate(source):
        if number == 3:
            wrong.begin(kind, 1.5)  # the microphone waits 0.1 s for sound, and 0.5 s more
        if isinstance(item, SourceChange):
            told.append(item.state)
        if told == [LOST, BACK]:
            break
    source.close()
    assert told == [LOST, BACK]


def test_a_camera_gives_garbage_and_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/video0").touch()
    picture = np.zeros((48, 64, 3), np.uint8)
    opencv = LoopedCamera([picture], 50.0, trouble("garbage"), 0)
    camera = Camera(CameraSettings("/dev/video0", backend="v4l2"), opencv, SimpleNamespace(), tmp_path)
    frames = []
    for frame in camera:
        frames.append(frame)
        if len(frames) > 5 and frame.image.shape == picture.shape and not frame.image.any():
            break
    camera.close()
    assert all(isinstance(frame, Frame) and frame.image.shape[2] == 3 for frame in frames)


def test_a_suit_sends_beside_garbage() -> None:
    suit = MvnSuit(MotionNetworkSettings(port=0))
    sender = LoopedSuit(walk(1.0), suit.port, trouble("garbage"), 0)
    for poses, _ in enumerate(suit):
        if poses > 20 and suit.counts:
            break
    sender.close()
    suit.close()
    assert suit.counts.total() > 0


def watched(faults: list[Happened], silent: tuple[str, float, float] = ("", 0.0, 0.0)) -> dict[str, Any]:
    """Figures of 700 s in which every sense judged twice a second; silent: a sense, from when to when."""
    watch = Watch(None, quiet=True)
    watch.begun -= 700.0
    for sense, came in watch.came.items():
        times = watch.begun + np.arange(0.0, 700.0, 0.5)
        came.extend(t for t in times if not (sense == silent[0] and silent[1] < t - watch.begun < silent[2]))
    for second in range(700):
        watch.measured.extend([watch.begun + second, 10**8, 9, 7])
    happened = [Happened(fault.fault, watch.begun + fault.began) for fault in faults]
    source = SimpleNamespace(dropped_by_sense={"face": 0}, lost={})
    return figures(watch, happened, 0, SimpleNamespace(source=source))


UNPLUGGED = Happened(Fault("camera unplugged", "camera", 100.0, 5.0), 100.0)


def test_what_recovers_meets_the_bars() -> None:
    told = watched([UNPLUGGED], ("face", 100.0, 110.0))
    assert not missed(told)
    assert told["by_kind"]["camera unplugged"] == {"faults": 1, "recovered": 1, "slowest_recovery_s": 5.0}
    told |= {"stamp": {"date": "d", "commit": "c", "machine": "m"}, "command": "x"}
    assert "All bars are met." in markdown(told)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"out_of_order": 1}, "1 events out of order"),
        ({"lost_at_end": {"face": "gone"}}, "lost at the end"),
        ({"level_at_end": 2}, "load still lowered"),
        ({"descriptors": {"first": 9, "last": 10, "most": 10}}, "descriptors grew"),
        ({"memory_slope_mb_per_hour": 1.0}, "memory grows by 1.0 MB an hour"),
    ],
)
def test_each_bar_that_is_missed_is_told(change: dict[str, Any], said: str) -> None:
    (line,) = missed(watched([UNPLUGGED]) | change)
    assert said in line


def test_a_sense_that_stays_away_and_one_that_was_not_touched_are_told() -> None:
    assert "0 of 1 recovered" in missed(watched([UNPLUGGED], ("face", 100.0, 140.0)))[0]
    (line,) = missed(watched([UNPLUGGED], ("voice", 101.0, 106.0)))
    assert line.startswith("camera unplugged: voice silent for")


def test_a_growing_memory_has_a_slope() -> None:
    samples = [(60.0 * minute + second, 10**8 + 10**5 * minute) for minute in range(10) for second in (0, 30)]
    assert _slope(samples) * 3600 == pytest.approx(6e6, rel=0.01)  # 0.1 MB a minute


def test_events_that_go_back_are_counted() -> None:
    watch = Watch(None, quiet=True)
    watch.notice(Notice("load", "", 2.0))
    watch.event(SimpleNamespace(time=1.9, modalities={}))
    assert (watch.events, watch.out_of_order) == (1, 1)
