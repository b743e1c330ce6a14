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
    ClassMeans,
    FaceMotion,
    class_means,
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


@pytest.fixture
def means(random: np.random.Generator) -> ClassMeans:
    shapes = random.normal(0, 0.1, (7, 136)).astype(np.float32)
    embeddings = random.normal(0, 1, (7, 4)).astype(np.float32)
    shapes[NEUTRAL] = embeddings[NEUTRAL] = 0
    return ClassMeans(shapes, embeddings, np.zeros((2, 136), np.float32))


def windows_of(how: FaceMotion, means: ClassMeans, random: np.random.Generator, labels: list[int]):
    count = len(labels)
    shapes = random.normal(0, 0.1, (count, 136)).astype(np.float32)
    looks = np.repeat(random.normal(0, 1, (count, 1, 4)), 3, 1).astype(np.float32)
    made, targets = moving_windows(shapes, looks, np.array(labels), means, how, 90, random)
    return shapes, looks, made, targets


def test_mirroring_twice_gives_the_shape_again_and_swaps_the_eyes() -> None:
    assert sorted(MIRRORED.tolist()) == list(range(68))
    shape = np.arange(136, dtype=np.float32)
    assert np.array_equal(mirrored_shapes(mirrored_shapes(shape)), shape)
    points = mirrored_shapes(shape).reshape(68, 2)
    assert points[36].tolist() == [-90.0, 91.0]  # landmark 45 stood at (90, 91)
    assert points[8].tolist() == [-16.0, 17.0]  # the chin stays the chin


def test_a_held_expression_without_noise_is_the_still_repeated(
    means: ClassMeans, random: np.random.Generator
) -> None:
    shapes, looks, made, targets = windows_of(STILL, means, random, [HAPPY, NEUTRAL])
    expected = steady_windows(shapes, looks[:, 0], 90)
    assert np.allclose(made, expected, atol=1e-6)
    assert targets.argmax(1).tolist() == [HAPPY, NEUTRAL] and np.allclose(targets.max(1), 1)


def test_where_the_expression_is_not_yet_there_its_mean_is_taken_away(
    means: ClassMeans, random: np.random.Generator
) -> None:
    how = replace(STILL, held=0.0, onset=(1.0, 1.0), apex=(0.5, 0.5), offset=(0.5, 0.5))
    shapes, _, made, targets = windows_of(how, means, random, [HAPPY] * 20)
    away = (shapes[:, None] - made[..., :136]) / means.shapes[HAPPY]  # 1 - strength, at every landmark
    strength = 1 - away.mean(2)
    assert np.allclose(away, away[..., :1], atol=2e-3)
    assert strength.min() > -1e-3 and strength.max() < 1.001
    assert np.ptp(strength, axis=1).max() > 0.95  # some windows hold the whole way from neutral to apex
    share = np.clip(strength.mean(1) / how.shown, 0, 1)
    assert np.allclose(targets[:, HAPPY], share, atol=0.03) and np.allclose(targets.sum(1), 1)


def test_a_neutral_still_does_not_change(means: ClassMeans, random: np.random.Generator) -> None:
    shapes, looks, made, targets = windows_of(replace(STILL, held=0.0), means, random, [NEUTRAL] * 4)
    assert np.allclose(made, steady_windows(shapes, looks[:, 0], 90), atol=1e-6)
    assert np.allclose(targets[:, NEUTRAL], 1)


def test_a_slow_camera_gives_straight_lines_between_its_frames(
    means: ClassMeans, random: np.random.Generator
) -> None:
    how = replace(STILL, noise=0.01, rates=(10.0, 10.0))
    _, _, made, _ = windows_of(how, means, random, [HAPPY])
    bends = np.abs(np.diff(made[0, :, :136], 2, axis=0)).max(1) > 1e-5
    assert 20 <= bends.sum() <= 31  # ten frames a second for three seconds


def test_a_blink_brings_the_upper_lids_onto_the_lower_ones(
    means: ClassMeans, random: np.random.Generator
) -> None:
    how = replace(STILL, blinks=3.0, blink=0.4, rates=(30.0, 30.0))
    shapes, _, made, _ = windows_of(how, means, random, [HAPPY])
    points = made[0, :, :136].reshape(90, 68, 2)
    apart = np.abs(points[:, UPPER_LIDS] - points[:, LOWER_LIDS]).sum((1, 2))
    open_eyes = shapes[0].reshape(68, 2)
    expected = np.abs(open_eyes[list(UPPER_LIDS)] - open_eyes[list(LOWER_LIDS)]).sum()
    assert apart.max() == pytest.approx(expected, rel=1e-4) and apart.min() < 0.3 * expected


def test_a_young_presence_repeats_itself(means: ClassMeans, random: np.random.Generator) -> None:
    how = replace(STILL, noise=0.01, young=1.0)
    _, _, made, _ = windows_of(how, means, random, [HAPPY])
    lengths = [n for n in range(30, 90) if np.array_equal(made[0, n:], made[0, : 90 - n])]
    assert lengths


def test_class_means_are_differences_from_the_neutral_mean() -> None:
    labels = np.repeat(np.arange(7), 2)
    shapes = np.repeat(np.arange(7, dtype=np.float32), 2)[:, None] * np.ones(136, np.float32)
    mesh = np.random.default_rng(0).normal(0, 1, (468, 3)).astype(np.float32)
    found = class_means(shapes, shapes[:, :4], labels, mesh)
    assert found.shapes[:, 0].tolist() == [kind - NEUTRAL for kind in range(7)]


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
