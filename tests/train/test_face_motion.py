"""The motion model: shapes come and go as written, frames are seen as slower cameras see them."""

from dataclasses import replace

import numpy as np
import pytest

from edge_emotion.emotions import EMOTIONS
from edge_emotion.features.face_alignment import aligned_shape, alignment
from edge_emotion_train.face_motion import (
    LOWER_LIDS,
    MIRRORED,
    UPPER_LIDS,
    FaceMotion,
    Looks,
    head_directions,
    mirrored_shapes,
    moving_windows,
    steady_windows,
)

STILL = FaceMotion(held=1.0, turn=0.0, nod=0.0, blinks=0.0, noise=0.0, dropped=0.0, young=0.0)
HAPPY, NEUTRAL = EMOTIONS.index("happiness"), EMOTIONS.index("neutral")


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(3)


def looks_of(random: np.random.Generator, count: int) -> Looks:
    shapes = random.normal(0, 0.1, (count, 136)).astype(np.float32)
    one = random.normal(0, 1, (count, 1, 1, 4)).astype(np.float32)
    return Looks(shapes, np.broadcast_to(one, (count, 2, 3, 4)))


def windows_of(how: FaceMotion, random: np.random.Generator, labels: list[int]):
    stills, neutral = looks_of(random, len(labels)), looks_of(random, len(labels))
    head = np.ones((2, 136), np.float32)
    made, targets = moving_windows(stills, np.array(labels), neutral, head, how, 90, random)
    return stills, neutral, made, targets


def held(stills: Looks) -> np.ndarray:
    return steady_windows(stills.shapes, stills.embeddings[:, 0, :1], 90)


def test_mirroring_twice_gives_the_shape_again_and_swaps_the_eyes() -> None:
    assert sorted(MIRRORED.tolist()) == list(range(68))
    shape = np.arange(136, dtype=np.float32)
    assert np.array_equal(mirrored_shapes(mirrored_shapes(shape)), shape)
    points = mirrored_shapes(shape).reshape(68, 2)
    assert points[36].tolist() == [-90.0, 91.0]  # landmark 45 stood at (90, 91)
    assert points[8].tolist() == [-16.0, 17.0]  # the chin stays the chin


def test_a_held_expression_without_noise_is_the_still_repeated(random: np.random.Generator) -> None:
    stills, _, made, targets = windows_of(STILL, random, [HAPPY, NEUTRAL])
    assert np.allclose(made, held(stills), atol=1e-6)
    assert targets.argmax(1).tolist() == [HAPPY, NEUTRAL] and np.allclose(targets.max(1), 1)


def test_an_expression_comes_and_goes_on_the_line_from_the_neutral_face(random: np.random.Generator) -> None:
    how = replace(STILL, held=0.0, onset=(1.0, 1.0), apex=(0.5, 0.5), offset=(0.5, 0.5))
    stills, neutral, made, targets = windows_of(how, random, [HAPPY] * 20)
    whole = (stills.shapes - neutral.shapes)[:, None]
    way = ((made[..., :136] - neutral.shapes[:, None]) * whole).sum(2) / (whole * whole).sum(2)
    assert np.allclose(made[..., :136], neutral.shapes[:, None] + way[..., None] * whole, atol=2e-3)
    assert way.min() > -1e-3 and way.max() < 1.001
    assert np.ptp(way, axis=1).max() > 0.95  # some windows hold the whole way from neutral to apex
    share = np.clip(way.mean(1) / how.shown, 0, 1)
    assert np.allclose(targets[:, HAPPY], share, atol=0.03) and np.allclose(targets.sum(1), 1)


def test_a_neutral_still_does_not_change(random: np.random.Generator) -> None:
    stills, _, made, targets = windows_of(replace(STILL, held=0.0), random, [NEUTRAL] * 4)
    assert np.allclose(made, held(stills), atol=1e-6)
    assert np.allclose(targets[:, NEUTRAL], 1)


def test_goals_stand_for_the_labels(random: np.random.Generator) -> None:
    stills, goals = (
        looks_of(random, 2),
        np.array([[0.5, 0.1, 0, 0, 0, 0, 0.4], [0, 1, 0, 0, 0, 0, 0]], np.float32),
    )
    how = replace(STILL, held=1.0)
    _, targets = moving_windows(
        stills, np.full(2, HAPPY), stills, np.zeros((2, 136), np.float32), how, 90, random, goals
    )
    assert np.allclose(targets, goals)


def test_looks_take_turns_in_mirroring(random: np.random.Generator) -> None:
    stills = looks_of(random, 6)
    sides = np.array([10.0, 20.0], np.float32)[None, :, None, None]
    stills = Looks(stills.shapes, np.broadcast_to(sides, (6, 2, 3, 4)))
    made, _ = moving_windows(
        stills, np.full(6, HAPPY), stills, np.zeros((2, 136), np.float32), STILL, 90, random
    )
    seen = made[:, :, 136]
    assert set(seen[:, 0].tolist()) == {10.0, 20.0}  # either may come first
    assert (np.abs(np.diff(seen[:, ::12], axis=1)) == 10).all()
    turns = np.flatnonzero(np.diff(seen[0])) + 1
    assert np.array_equal(np.diff(turns), np.full(len(turns) - 1, 12)) and turns[0] <= 12


def test_steady_windows_show_the_looks_in_turn() -> None:
    embeddings = np.arange(6, dtype=np.float32).reshape(1, 6, 1)
    made = steady_windows(np.zeros((1, 136), np.float32), embeddings, 90)
    assert made[0, ::6, 136].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 0, 1]


def test_a_slow_camera_gives_straight_lines_between_its_frames(random: np.random.Generator) -> None:
    how = replace(STILL, noise=0.01, rates=(10.0, 10.0))
    _, _, made, _ = windows_of(how, random, [HAPPY])
    bends = np.abs(np.diff(made[0, :, :136], 2, axis=0)).max(1) > 1e-5
    assert 20 <= bends.sum() <= 31  # ten frames a second for three seconds


def test_a_blink_brings_the_upper_lids_onto_the_lower_ones(random: np.random.Generator) -> None:
    how = replace(STILL, blinks=3.0, blink=0.4, rates=(30.0, 30.0))
    stills, _, made, _ = windows_of(how, random, [HAPPY])
    points = made[0, :, :136].reshape(90, 68, 2)
    apart = np.abs(points[:, UPPER_LIDS] - points[:, LOWER_LIDS]).sum((1, 2))
    open_eyes = stills.shapes[0].reshape(68, 2)
    expected = np.abs(open_eyes[list(UPPER_LIDS)] - open_eyes[list(LOWER_LIDS)]).sum()
    assert apart.max() == pytest.approx(expected, rel=1e-4) and apart.min() < 0.3 * expected


def test_a_young_presence_repeats_itself(random: np.random.Generator) -> None:
    how = replace(STILL, noise=0.01, young=1.0)
    _, _, made, _ = windows_of(how, random, [HAPPY])
    lengths = [n for n in range(30, 90) if np.array_equal(made[0, n:], made[0, : 90 - n])]
    assert lengths


def test_head_directions_predict_a_small_turn() -> None:
    random = np.random.default_rng(0)
    mesh = random.normal(0, 1, (468, 3)).astype(np.float32) * [1, 1, 0.4]
    mesh = mesh.astype(np.float32)

    def shape(points: np.ndarray) -> np.ndarray:
        from edge_emotion.features.landmarks68 import landmarks68

        landmarks = landmarks68(points)
        return aligned_shape(landmarks, alignment(landmarks))

    angle = np.radians(2.0)
    turned = mesh.copy()
    turned[:, 0] = np.cos(angle) * mesh[:, 0] + np.sin(angle) * mesh[:, 2]
    moved = shape(turned) - shape(mesh)
    expected = 2.0 * head_directions(mesh)[0]
    assert np.linalg.norm(moved - expected) < 0.15 * np.linalg.norm(moved)
