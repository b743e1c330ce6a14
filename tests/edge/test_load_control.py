import itertools
from dataclasses import replace

import pytest

from edge_emotion.load_control import FULL, WITH_FACE, WITHOUT_FACE, LoadControl, LoadSettings, Reading

EASY, STRAINED = Reading(0.2, 0.2, 50.0), Reading(0.97, 0.97, 50.0)


def run(control: LoadControl, reading: Reading, seconds: int, begin: float = 0.0) -> list[tuple[float, str]]:
    """Readings once a second; when the level changed, and why."""
    told = []
    for second in range(seconds):
        why = control.take(begin + second, reading)
        if why is not None:
            told.append((begin + second, why))
    return told


def test_a_device_that_cannot_keep_up_does_less_step_by_step() -> None:
    control = LoadControl(["face", "voice"])
    told = run(control, STRAINED, 30)
    assert [time for time, _ in told] == [
        3,
        7,
        11,
        15,
        19,
    ]  # 3 s of too much for each step, then no further one
    assert told[0][1] == "computing takes 97% of the time: at most 15 frames a second"
    assert control.level == WITH_FACE[-1]
    steps = [(level.frames, level.landmarks, level.every) for level in WITH_FACE]
    # Frame rate first, then landmark rate, then hop; never more of anything.
    assert all(a <= b for one, next_ in itertools.pairwise(steps) for a, b in zip(one, next_, strict=True))
    first = [
        next(i for i, step in enumerate(steps) if step[kind] > least)
        for kind, least in ((0, 0), (1, 0), (2, 1))
    ]
    assert first == sorted(first) and len(set(first)) == 3


def test_a_short_strain_changes_nothing() -> None:
    control = LoadControl(["voice"])
    assert not [run(control, reading, 2, 10.0 * n) for n in range(9) for reading in (STRAINED, EASY)
                if run(control, reading, 2, 10.0 * n + 5)]  # fmt: skip
    assert control.level == FULL


def test_more_is_done_again_when_there_is_room_and_more_carefully_when_it_proved_too_much() -> None:
    control = LoadControl(["voice"])
    run(control, STRAINED, 4)
    assert control.level == WITHOUT_FACE[1]
    assert run(control, EASY, 40, 100.0) == [(120.0, "there is room again: full rate")]
    assert len(run(control, STRAINED, 4, 140.0)) == 1  # 20 s later: it was too much
    assert [time for time, _ in run(control, EASY, 60, 200.0)] == [240.0]  # twice the rest
    assert not run(control, replace(EASY, busy=0.7), 1000, 300.0)


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        (replace(EASY, temperature=81.0), "81 °C"),
        (replace(EASY, throttled=True), "slows itself down"),
        (replace(EASY, cpu=0.6), "60% of a core, at most 50% allowed"),
    ],
)
def test_heat_throttling_and_the_limit_count_too(reading: Reading, said: str) -> None:
    control = LoadControl(["voice"], LoadSettings(50.0))
    ((_, why),) = run(control, reading, 5)
    assert said in why


def test_a_warm_device_or_one_near_its_limit_is_given_no_more() -> None:
    for reading in (replace(EASY, temperature=77.0), replace(EASY, cpu=0.45)):
        control = LoadControl(["voice"], LoadSettings(50.0))
        run(control, STRAINED, 4)
        assert not run(control, reading, 500, 10.0)


def test_an_unknown_temperature_is_no_obstacle() -> None:
    control = LoadControl(["voice"])
    run(control, STRAINED, 4)
    assert run(control, replace(EASY, temperature=None), 30, 10.0)
