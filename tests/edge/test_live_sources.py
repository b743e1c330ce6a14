import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.skeleton import Pose
from edge_emotion.sources import live
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.live import LiveSources
from edge_emotion.sources.live_part import LivePart
from edge_emotion.sources.motion import Silence
from edge_emotion.sources.source_change import BACK, LOST, Pulse, SourceChange
from edge_emotion.sources.timed_sound import Ended, TimedSound
from fake_device import Clock, FakeDevice, part
from fake_senses import blocks, frame
from walking import walking

GONE = EdgeEmotionError("the plug was pulled")
QUICK = (0.001, 0.01)  # seconds until a lost part is opened again


def until(source: LiveSources, enough: Callable[[list[Any]], object]) -> list[Any]:
    """What a source gives until there is enough of it; then it is closed."""
    items: list[Any] = []
    for item in source:
        items.append(item)
        if enough(items):
            break
    source.close()
    return items


def changes(items: list[Any]) -> list[SourceChange]:
    return [item for item in items if isinstance(item, SourceChange)]


def states(items: list[Any]) -> list[tuple[str, str]]:
    return [(change.state, change.name) for change in changes(items)]


def test_all_sound_comes_in_order_and_the_newest_frame() -> None:
    camera = FakeDevice([frame(t / 30) for t in range(300)], "end")
    source = LiveSources([part("face", camera), part("voice", FakeDevice(blocks(10.0), "end"))])
    items = list(source)
    frames = [item for item in items if isinstance(item, Frame)]
    assert (
        sum(isinstance(item, TimedSound) for item in items) == 100
    )  # none lost, although the inbox holds fewer
    assert frames and len(frames) + source.dropped_by_sense["face"] == 300
    assert [item.time for item in frames] == sorted(item.time for item in frames)
    assert sorted(item.modality for item in items if isinstance(item, Ended)) == ["face", "voice"]
    last = {
        kind: max(i for i, item in enumerate(items) if isinstance(item, kind)) for kind in (Frame, TimedSound)
    }
    ended = {item.modality: i for i, item in enumerate(items) if isinstance(item, Ended)}
    assert last[Frame] < ended["face"] and last[TimedSound] < ended["voice"]


@pytest.mark.parametrize("sense", ["face", "voice", "body"])
def test_what_is_lost_is_told_once_and_opened_until_it_is_back(sense: str) -> None:
    first = {"face": [frame(0.0)], "voice": blocks(0.1), "body": [walking(0.0)]}[sense]
    wire = FakeDevice(first, GONE, "first")
    again = FakeDevice(first, name="second")
    lost = part(sense, wire, GONE, EdgeEmotionError("not yet"), again)
    other = "voice" if sense == "face" else "face"
    going_on = FakeDevice([frame(0.0)] if other == "face" else blocks(0.1))
    source = LiveSources([lost, part(other, going_on)], retry=QUICK)
    items = until(source, lambda seen: (BACK, "second") in states(seen))
    assert states(items) == [(LOST, "first"), (BACK, "second")]
    told = changes(items)
    assert told[0].reason == "the plug was pulled" and told[0].senses == (sense,)
    assert told[0].time <= told[1].time
    assert (wire.closes, going_on.closes, lost.open.opened) == (1, 1, 4)  # type: ignore[attr-defined]
    assert not source.lost


def test_a_part_that_is_not_there_at_first_is_waited_for() -> None:
    absent = part("face", EdgeEmotionError("no camera"), FakeDevice([frame(0.0)], name="late"), opened=False)
    source = LiveSources([absent], retry=QUICK)
    items = until(source, lambda seen: any(isinstance(item, Frame) for item in seen))
    assert [(change.state, change.reason) for change in changes(items)] == [(LOST, "no camera"), (BACK, "")]


def test_a_driver_that_raises_what_nobody_expected_costs_its_own_sense_alone() -> None:
    broken = part("voice", FakeDevice([], ZeroDivisionError("by nought")), GONE)
    source = LiveSources([broken, part("face", FakeDevice([frame(0.0)]))], retry=QUICK)
    items = until(source, lambda seen: changes(seen) and any(isinstance(item, Frame) for item in seen))
    assert changes(items)[0].reason == "ZeroDivisionError: by nought"


def test_a_device_whose_driver_has_not_let_go_is_not_opened_again() -> None:
    waits = threading.Event()

    class Asked(FakeDevice):
        @property
        def released(self) -> bool:
            waits.set()
            return False

        @released.setter
        def released(self, value: bool) -> None: ...

    lost = part("face", Asked([], GONE), FakeDevice([frame(0.0)]))
    source = LiveSources([lost], retry=QUICK)
    items: list[Any] = []
    reader = threading.Thread(target=lambda: items.extend(source))
    reader.start()
    assert waits.wait(10)
    source.close()
    reader.join(10)
    assert lost.open.opened == 1  # type: ignore[attr-defined]
    assert not any(isinstance(item, Frame) for item in items)


def test_closing_does_not_wait_for_a_driver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LEAVING", 0.05)
    hung, fine = FakeDevice(blocks(0.1)), FakeDevice([frame(0.0)])
    hung.release.clear()
    source = LiveSources([part("voice", hung), part("face", fine)])
    until(source, lambda seen: len(seen) == 2)
    assert source.stuck and fine.closes == 1
    source.close()
    assert source.stuck and fine.closes == 1  # a second call neither waits nor forgets
    hung.release.set()
    for thread in source._leaving:
        thread.join(10)
    assert not source.stuck


def test_closing_ends_a_wait() -> None:
    devices = FakeDevice(), FakeDevice()
    source = LiveSources([part("face", devices[0]), part("voice", devices[1])])
    items: list[Any] = []
    reader = threading.Thread(target=lambda: items.extend(source))
    reader.start()
    source.close()
    reader.join(10)
    assert not reader.is_alive()
    assert [device.closes for device in devices] == [1, 1]


def test_poses_that_nobody_takes_are_dropped_oldest_first_and_counted() -> None:
    done = threading.Event()
    many = [walking(n / 30) for n in range(live.POSES + 100)]

    class Suit(FakeDevice):
        def __iter__(self) -> Iterator[Any]:
            yield from super().__iter__()
            done.set()

    source = LiveSources([part("body", Suit(many, "end"))])
    items = iter(source)
    poses = [next(items)]  # starts the thread
    assert done.wait(10)
    poses += [item for item in items if isinstance(item, Pose)]
    assert len(poses) + source.dropped_by_sense["body"] == len(many)
    assert source.dropped_by_sense["body"] > 0
    assert poses[-1].position[2] == pytest.approx(many[-1].position[2])


def test_time_goes_on_when_nothing_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PULSE", 0.02)
    source = LiveSources(
        [part("body", FakeDevice([], GONE), GONE), part("voice", FakeDevice())], retry=(60, 60)
    )
    items = until(source, lambda seen: sum(isinstance(item, Pulse) for item in seen) == 3)
    pulses = [item for item in items if isinstance(item, Pulse)]
    assert pulses == sorted(pulses, key=lambda pulse: pulse.time)
    assert all(0 <= pulse.busy <= 1 for pulse in pulses)


def test_a_file_at_its_own_pace_ends_the_run_and_its_error_is_raised() -> None:
    film = [frame(0.0), TimedSound(blocks(0.1)[0], 0.0), Ended("voice"), frame(0.1)]
    video = LivePart(("face", "voice"), "film", lambda: None, FakeDevice(film, "end"), file=True)
    items = list(LiveSources([video, part("body", FakeDevice([walking(0.0)]))]))
    assert [type(item) for item in items if not isinstance(item, Pose)] == [
        Frame,
        TimedSound,
        Ended,
        Frame,
        Ended,
    ]
    assert [item.modality for item in items if isinstance(item, Ended)] == ["voice", "face"]
    broken = LivePart(("face",), "film", lambda: None, FakeDevice([frame(0.0)], GONE), file=True)
    with pytest.raises(EdgeEmotionError, match="plug"):
        list(LiveSources([broken, part("body", FakeDevice())]))


def test_warnings_and_drops_are_those_of_all_devices() -> None:
    first, second = FakeDevice([frame(0.0)], GONE, "first"), FakeDevice([frame(0.0)], name="second")
    first.dropped, second.dropped = 3, 4
    source = LiveSources(
        [part("face", first, second), part("voice", FakeDevice([], "end", "mic"))], retry=QUICK
    )
    until(source, lambda seen: (BACK, "second") in states(seen) and any(isinstance(i, Ended) for i in seen))
    assert source.dropped_by_sense == {"face": 7, "voice": 0}


def test_a_device_that_hangs_as_it_is_closed_is_told_as_lost_all_the_same() -> None:
    hung = FakeDevice([], GONE, "hung")
    hung.release.clear()
    source = LiveSources([part("voice", hung), part("face", FakeDevice([frame(0.0)]))], retry=QUICK)
    items = until(source, lambda seen: changes(seen))
    assert states(items) == [(LOST, "hung")]
    hung.release.set()


def test_a_driver_that_hangs_as_it_is_opened_is_opened_once() -> None:
    """The device could not be had, but its thread still holds the node."""
    asked = threading.Event()

    class Held:
        @property
        def released(self) -> bool:
            asked.set()
            return False

    hangs = EdgeEmotionError("did not open within 10 s")
    hangs.held = Held()
    lost = part("face", hangs, opened=False)
    source = LiveSources([lost], retry=QUICK)
    reader = threading.Thread(target=lambda: list(source))
    reader.start()
    assert asked.wait(10)
    source.close()
    reader.join(10)
    assert lost.open.opened == 1  # type: ignore[attr-defined]


def test_what_is_lost_and_back_at_once_is_told_in_this_order() -> None:
    """Both happen while the computing is elsewhere."""
    back = threading.Event()
    again = FakeDevice([frame(0.0)], name="camera", before=lambda item: back.set())
    source = LiveSources([part("face", FakeDevice([], GONE, "camera"), again), part("voice", FakeDevice(blocks(0.1)))],
                         retry=QUICK)  # fmt: skip
    items = iter(source)
    first = next(items)
    assert back.wait(10)
    told: list[Any] = [first]
    for item in items:
        told.append(item)
        if (BACK, "camera") in states(told):
            break
    source.close()
    assert states(told) == [(LOST, "camera"), (BACK, "camera")]


def test_a_suit_that_says_it_is_silent_for_long_is_lost_until_it_moves() -> None:
    clock = Clock()

    def passes(item: Any) -> None:
        clock.now = 100.0 + item.time

    items = [walking(0.0), *(Silence(1.0 + n) for n in range(7)), walking(9.0)]
    suit = FakeDevice(items, "end", "suit", before=passes)
    told = list(LiveSources([part("body", suit), part("voice", FakeDevice([], "end"))], clock))
    assert [(change.state, change.time) for change in changes(told)] == [(LOST, 5.0), (BACK, 9.0)]
    assert changes(told)[0].reason == "nothing has come for 5 s"
    assert sum(isinstance(item, Silence) for item in told) == 4  # those before it was told
