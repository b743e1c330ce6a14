import math

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_emotion.features.movement import Movement, MovementEvidence, arousal, without_gravity

GRAVITY = 9.81
FLAT = np.eye(3)
_C, _S = math.cos(0.7), math.sin(0.7)
TILTED = np.array([[_C, 0, _S], [0, 1, 0], [-_S, 0, _C]]) @ np.array([[1, 0, 0], [0, _C, -_S], [0, _S, _C]])


def shaken(
    frequency: float, amplitude: float, rate: float = 100.0, seconds: float = 6.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and acceleration of a sine along x, gravity along z."""
    times = np.arange(round(seconds * rate)) / rate
    acceleration = np.zeros((len(times), 3))
    acceleration[:, 0] = amplitude * np.sin(2 * np.pi * frequency * times)
    acceleration[:, 2] = GRAVITY
    return times, acceleration


def evidence(times: NDArray[np.float64], *values: NDArray[np.float64]) -> MovementEvidence:
    movement = Movement()
    movement.push(times, *values)
    found = movement.evidence()
    assert found is not None
    return found


@pytest.mark.parametrize("turn", [FLAT, TILTED], ids=["flat", "tilted"])
@pytest.mark.parametrize("rate", [31.0, 100.0, 416.0])
def test_a_sine_has_its_frequency_and_rms_at_any_rate_and_orientation(
    turn: NDArray[np.float64], rate: float
) -> None:
    times, acceleration = shaken(2.0, 3.0, rate)
    found = evidence(times, acceleration @ turn.T)
    assert found.energy == pytest.approx(3.0 / math.sqrt(2), rel=0.03)
    assert found.rhythm == pytest.approx(2.0, abs=0.05)
    assert found.seconds == 4.0
    assert found.rotation is None


def test_orientation_alone_changes_nothing() -> None:
    times, acceleration = shaken(1.3, 2.0)
    flat, tilted = evidence(times, acceleration), evidence(times, acceleration @ TILTED.T)
    assert tilted.energy == pytest.approx(flat.energy, rel=1e-9)
    assert tilted.rhythm == flat.rhythm


@pytest.mark.parametrize("turn", [FLAT, TILTED], ids=["flat", "tilted"])
def test_a_still_wrist_has_little_arousal_and_no_rhythm(turn: NDArray[np.float64]) -> None:
    noise = np.random.default_rng(0).normal(0, 0.02, (600, 3))
    found = evidence(np.arange(600) / 100, (noise + np.array([0, 0, GRAVITY])) @ turn.T)
    assert found.energy < 0.05
    assert found.arousal == -1.0
    assert found.rhythm is None


def test_gravity_that_turns_slowly_is_no_movement() -> None:
    angle = np.linspace(0, np.pi / 2, 200)  # a quarter turn in 4 s
    turning = GRAVITY * np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=1)
    assert np.sqrt((without_gravity(turning) ** 2).sum(axis=1).mean()) < 0.13
    assert np.abs(without_gravity(np.tile([1.0, 2.0, 3.0], (200, 1)))).max() < 1e-12


@pytest.mark.parametrize("frequency", [0.5, 1.0, 3.0, 5.0])
def test_rhythms_of_the_whole_band_are_found(frequency: float) -> None:
    assert evidence(*shaken(frequency, 2.0)).rhythm == pytest.approx(frequency, abs=0.05)


def test_what_is_no_rhythm() -> None:
    assert evidence(*shaken(8.0, 2.0)).rhythm is None  # a tremor
    assert evidence(*shaken(2.0, 2.0, seconds=2.5)).rhythm is None  # too short
    assert evidence(*shaken(2.0, 0.1)).rhythm is None  # as weak as noise
    noise = np.random.default_rng(1).normal(0, 3.0, (600, 3))
    assert evidence(np.arange(600) / 100, noise).rhythm is None


def test_arousal_is_the_logarithm_of_energy_between_still_and_vigorous() -> None:
    assert [arousal(energy) for energy in (0.0, 0.05, 8.0, 100.0)] == pytest.approx([-1, -1, 1, 1])
    assert arousal(math.sqrt(0.05 * 8.0)) == pytest.approx(0.0)
    rising = [arousal(energy) for energy in np.geomspace(0.05, 8.0, 20)]
    assert rising == sorted(set(rising))


def test_how_samples_are_split_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    times = np.cumsum(rng.uniform(0.002, 0.05, 700))
    acceleration, rotation = rng.normal(0, 2, (700, 3)), rng.normal(0, 1, (700, 3))
    one = evidence(times, acceleration, rotation)
    for size in (1, 7, 100):
        movement = Movement()
        for at in range(0, 700, size):
            chunk = slice(at, at + size)
            movement.push(times[chunk], acceleration[chunk], rotation[chunk])
        assert movement.evidence() == one
    single = Movement()
    for at in range(700):
        single.push(float(times[at]), acceleration[at], rotation[at])
    assert single.evidence() == one


def test_the_window_forgets_and_does_not_grow() -> None:
    times, acceleration = shaken(2.0, 5.0, 400.0, 3.0)
    movement = Movement()
    movement.push(times, acceleration)
    movement.push(3.0 + np.arange(2400) / 400, np.tile([0.0, 0.0, GRAVITY], (2400, 1)))
    found = movement.evidence()
    assert found is not None
    assert found.energy < 1e-9
    assert found.seconds == 4.0


def test_a_point_is_the_mean_of_the_lines_between_samples() -> None:
    # x = 0 at 0 s, 1 at 0.01 s, 0 at 0.02 s, then on like that: each 20 ms has a mean of 0.5, and nothing moves.
    times = np.arange(301) / 100
    acceleration = np.zeros((301, 3))
    acceleration[1::2, 0] = 1.0
    found = evidence(times, acceleration)
    assert found.energy < 1e-9
    assert found.seconds == 3.0


def test_rotation_is_its_rms_where_half_of_the_window_has_it() -> None:
    times, acceleration = shaken(2.0, 1.0, seconds=4.5)
    turning = np.tile([0.0, 3.0, 4.0], (len(times), 1))
    assert evidence(times, acceleration, turning).rotation == pytest.approx(5.0)
    movement = Movement()
    for at, time in enumerate(times):
        movement.push(time, acceleration[at], turning[at] if time < 2.0 else None)
    found = movement.evidence()
    assert found is not None and found.rotation is None  # 1.5 s of 4 s


def test_bad_samples_are_skipped_and_counted() -> None:
    times, acceleration = shaken(2.0, 3.0)
    rotation = np.ones_like(acceleration)
    bad_times, bad, bad_rotation = times.copy(), acceleration.copy(), rotation.copy()
    bad[100, 1], bad[200, 0], bad_times[300], bad_rotation[400, 2] = np.nan, np.inf, np.nan, -np.inf
    movement = Movement()
    movement.push(bad_times, bad, bad_rotation)
    movement.push(times[-1], acceleration[-1], rotation[-1])  # once more: not later
    assert movement.skipped == 5
    found = movement.evidence()
    assert found is not None
    assert found.energy == pytest.approx(evidence(times, acceleration).energy, rel=0.01)


def test_nothing_is_said_before_a_second_and_across_a_gap() -> None:
    movement = Movement()
    assert movement.evidence() is None
    times, acceleration = shaken(2.0, 3.0)
    movement.push(times[:90], acceleration[:90])
    assert movement.evidence() is None
    movement.push(times[90:], acceleration[90:])
    assert movement.evidence() is not None
    movement.push(times[-1] + 0.6, acceleration[-1])
    assert movement.evidence() is None
    movement.push(times, acceleration)  # a source that starts again at 0
    found = movement.evidence()
    assert found is not None and found.seconds == 4.0
