"""Quaternions against cases worked by hand."""

import numpy as np
import pytest

from edge_emotion.rotations import (
    about,
    between,
    blended,
    from_euler,
    from_matrix,
    heading,
    inverse,
    product,
    rotated,
    to_xzy,
    unit,
)

X, Y, Z = np.eye(3)
QUARTER = np.pi / 2


@pytest.mark.parametrize(("axis", "start", "end"), [(0, Y, Z), (1, Z, X), (2, X, Y)])
def test_a_quarter_turn_takes_each_axis_to_the_next(axis, start, end):
    assert rotated(about(axis, QUARTER), start) == pytest.approx(end, abs=1e-12)


def test_a_product_turns_by_the_second_first():
    both = product(about(2, QUARTER), about(0, QUARTER))
    assert rotated(both, Y) == pytest.approx(rotated(about(2, QUARTER), Z), abs=1e-12)
    assert product(both, inverse(both)) == pytest.approx([1, 0, 0, 0], abs=1e-12)


def test_euler_angles_come_back_in_the_stated_order():
    angles = np.random.default_rng(0).uniform(-1, 1, (200, 3)) * [np.pi, 1.5, np.pi]
    q = from_euler("XZY", angles)
    assert to_xzy(q) == pytest.approx(angles, abs=1e-9)
    by_hand = product(product(about(0, angles[:, 0]), about(2, angles[:, 1])), about(1, angles[:, 2]))
    assert q == pytest.approx(by_hand)


@pytest.mark.parametrize("b", [QUARTER, -QUARTER])
def test_a_locked_joint_is_told_by_one_angle(b):
    q = from_euler("XZY", np.array([0.4, b, 0.3]))
    told = to_xzy(q)
    assert told[2] == 0
    assert abs((from_euler("XZY", told) * q).sum()) == pytest.approx(1)


def test_heading_does_not_see_a_tilt():
    q = from_euler("YXZ", np.array([0.7, 0.5, -0.4]))
    assert heading(q) == pytest.approx(0.7)


@pytest.mark.parametrize(("start", "end"), [(X, Y), (-Y, Z), (Z, Z), (X, -X)])
def test_the_least_rotation_between_directions(start, end):
    assert rotated(between(start, end), start) == pytest.approx(end, abs=1e-12)


def test_a_matrix_gives_its_quaternion():
    q = from_euler("ZXY", np.array([2.0, -0.7, 0.4]))
    matrix = np.stack([rotated(q, axis) for axis in np.eye(3)], axis=1)
    assert abs((from_matrix(matrix) * q).sum()) == pytest.approx(1)


def test_half_way_is_half_the_angle_on_the_shorter_arc():
    p, q = about(1, 0.2), -about(1, 0.6)
    assert heading(blended(p, q, np.array([0.5]))) == pytest.approx(0.4, abs=1e-9)


def test_what_has_no_direction_is_not_known():
    assert np.isnan(unit(np.zeros(4))).all()
    assert np.isnan(unit(np.array([np.nan, 0, 0, 1]))).all()
    assert unit(np.array([0.0, 0, 3, 4])) == pytest.approx([0, 0, 0.6, 0.8])
