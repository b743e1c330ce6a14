"""Alignment: one similarity onto the template; crops of the same face from any camera are alike."""

import cv2
import numpy as np
import pytest

from edge_emotion.features.face_alignment import (
    ANCHORS,
    CROP,
    TEMPLATE,
    VIEWS,
    aligned_crop,
    aligned_shape,
    alignment,
    network_crop,
    viewed,
)
from edge_emotion.features.landmarks68 import MESH_POINTS, landmarks68, outer_eye_distance


def landmarks_at(scale: float, angle: float, shift: tuple[float, float]) -> np.ndarray:
    points = np.zeros((68, 2))
    points[list(ANCHORS)] = TEMPLATE
    points[0] = (0.0, 47.0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (scale * points @ turn.T + shift).astype(np.float32)


@pytest.mark.parametrize("scale", [0.3, 1.0, 7.0])
@pytest.mark.parametrize("angle", [-1.2, 0.0, 0.4])
def test_any_turned_scaled_shifted_face_has_the_same_shape(scale: float, angle: float) -> None:
    landmarks = landmarks_at(scale, angle, (320.0, -40.0))
    to_crop = alignment(landmarks)
    anchors = landmarks[list(ANCHORS)] @ to_crop[:, :2].T + to_crop[:, 2]
    assert np.allclose(anchors, TEMPLATE, atol=1e-2)
    shape = aligned_shape(landmarks, to_crop).reshape(68, 2)
    assert np.allclose(shape[0], (np.array([0.0, 47.0]) - 23.5) / 48, atol=1e-3)


def test_landmarks_on_one_point_give_no_scale_and_a_blank_crop() -> None:
    to_crop = alignment(np.full((68, 2), 5.0, np.float32))
    assert np.allclose(to_crop[:, :2], 0) and np.isfinite(to_crop).all()
    assert not aligned_crop(np.full((20, 20), 200, np.uint8), to_crop).any()


def test_a_crop_of_a_picture_that_is_the_crop_is_that_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (CROP, CROP), np.uint8)
    assert np.array_equal(aligned_crop(picture, np.eye(2, 3)), picture)
    margin = aligned_crop(picture, np.eye(2, 3), 8)
    assert margin.shape == (CROP + 16, CROP + 16)
    assert np.array_equal(margin[8:-8, 8:-8], picture)


@pytest.mark.parametrize("times", [2, 3, 4, 6, 8])
def test_a_sharper_camera_gives_the_averaged_crop(times: int) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (CROP * times, CROP * times), np.uint8)
    to_crop = np.array([[1 / times, 0, 0.5 / times - 0.5], [0, 1 / times, 0.5 / times - 0.5]])
    expected = cv2.resize(picture, (CROP, CROP), interpolation=cv2.INTER_AREA)
    inner = slice(1, -1)
    found = aligned_crop(picture, to_crop)
    assert np.abs(found[inner, inner].astype(int) - expected[inner, inner]).max() <= 1


def test_colour_becomes_grey_in_the_order_blue_green_red() -> None:
    picture = np.zeros((CROP, CROP, 3), np.uint8)
    picture[..., 2] = 255  # red
    assert aligned_crop(picture, np.eye(2, 3))[10, 10] == 76  # .299 * 255


def test_network_crops_have_mean_0_and_deviation_1_whatever_the_light() -> None:
    picture = np.random.default_rng(2).integers(60, 120, (3, CROP, CROP), np.uint8)
    standard = network_crop(picture)
    assert standard.dtype == np.float32
    assert np.allclose(standard.mean((1, 2)), 0, atol=1e-4) and np.allclose(
        standard.std((1, 2)), 1, atol=1e-3
    )
    assert np.allclose(network_crop((picture * 2).astype(np.uint8)), standard, atol=1e-4)
    assert not network_crop(np.full((CROP, CROP), 9, np.uint8)).any()


def test_68_landmarks_come_from_the_mesh_by_the_map() -> None:
    mesh = np.arange(MESH_POINTS, dtype=np.float32)[:, None] * np.ones(3, np.float32)
    landmarks = landmarks68(mesh)
    assert landmarks.shape == (68, 3)
    assert landmarks[[0, 3, 8, 27, 36, 45, 48, 67], 0].tolist() == [127, 95, 152, 87, 33, 263, 61, 87]


def test_outer_eye_distance() -> None:
    landmarks = np.zeros((68, 2), np.float32)
    landmarks[36], landmarks[45] = (1, 1), (4, 5)
    assert outer_eye_distance(landmarks) == pytest.approx(5.0)


def test_looks_mirror_and_zoom_about_the_middle_of_the_crop() -> None:
    assert np.array_equal(viewed(np.eye(2, 3), 0), np.eye(2, 3))
    picture = np.random.default_rng(3).integers(0, 256, (CROP, CROP), np.uint8)
    assert np.array_equal(aligned_crop(picture, viewed(np.eye(2, 3), 1)), picture[:, ::-1])
    for look, (width, mirrored) in enumerate(VIEWS):
        to_crop = viewed(np.eye(2, 3), look)
        assert np.allclose(to_crop @ [23.5, 23.5, 1], 23.5)  # the middle stays
        right = to_crop @ [33.5, 23.5, 1]
        assert right[0] == pytest.approx(23.5 + (-10 if mirrored else 10) / width)
    assert np.array_equal(viewed(np.eye(2, 3), len(VIEWS)), np.eye(2, 3))


@pytest.mark.parametrize("shift", [(0.0, 0.0), (-30.0, 200.0), (500.0, -60.0), (-900.0, 0.0)])
def test_a_colour_crop_is_the_crop_of_the_grey_picture(shift: tuple[float, float]) -> None:
    picture = np.random.default_rng(4).integers(0, 256, (120, 160, 3), np.uint8)
    picture = cv2.GaussianBlur(picture, (0, 0), 2)
    to_crop = alignment(landmarks_at(2.7, 0.3, shift))
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    difference = aligned_crop(picture, to_crop).astype(int) - aligned_crop(grey, to_crop)
    assert np.abs(difference).max() <= 1
