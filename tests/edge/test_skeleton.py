"""The body contract: segments, rotations to parents and back, forward kinematics."""

import numpy as np
import pytest

from edge_emotion.rotations import IDENTITY, about, from_euler, product, unit
from edge_emotion.skeleton import (
    COUNT,
    HIPS_ABOVE_FLOOR,
    JOINTS,
    OFFSETS,
    PARENTS,
    SEGMENTS,
    T_POSE,
    Pose,
    joint_positions,
    to_parents,
    to_world,
)

NEUTRAL = np.tile(IDENTITY, (COUNT, 1))


def number(name: str) -> int:
    return SEGMENTS.index(name)


def any_rotations(*shape: int):
    return unit(np.random.default_rng(3).normal(size=(*shape, COUNT, 4)))


def same(p, q) -> bool:
    return bool((np.abs((p * q).sum(-1)) > 1 - 1e-9).all())


def test_a_joint_stands_between_each_segment_and_one_before_it():
    assert len(SEGMENTS) == len(set(SEGMENTS)) == 23
    assert len(JOINTS) == len(set(JOINTS)) == 22
    assert PARENTS[0] == -1
    assert all(0 <= parent < child for child, parent in enumerate(PARENTS) if child)
    for child, parent in (("Head", "Neck"), ("RightHand", "RightForearm"), ("LeftToe", "LeftFoot")):
        assert PARENTS[number(child)] == number(parent)
    assert {PARENTS[number(name)] for name in ("Neck", "LeftShoulder", "RightShoulder")} == {number("T8")}


def test_both_sides_mirror_each_other():
    for name in SEGMENTS:
        if name.startswith("Left"):
            mirrored = OFFSETS[number(name.replace("Left", "Right"))] * [-1, 1, 1]
            assert OFFSETS[number(name)] == pytest.approx(mirrored)
            assert T_POSE[number(name)] == pytest.approx(
                T_POSE[number(name.replace("Left", "Right"))] * [1, 1, 1, -1]
            )


def test_to_world_undoes_to_parents():
    world = any_rotations(5)
    assert same(to_world(to_parents(world)), world)
    relative = any_rotations(5)
    assert same(to_parents(to_world(relative)), relative)


@pytest.mark.parametrize(
    "unknown", [("L3",), ("L5", "L3", "T12"), ("T8",), ("RightHand", "LeftToe"), ("Neck", "Head")]
)
def test_what_is_known_comes_back_whatever_lies_between(unknown):
    world = any_rotations(4)
    missing = np.isin(SEGMENTS, unknown)
    told = world.copy()
    told[:, missing] = np.nan
    relative = to_parents(told)
    assert (np.isnan(relative).any(-1) == missing).all()
    assert same(to_world(relative)[:, ~missing], world[:, ~missing])


def test_a_segment_that_is_not_known_moves_with_its_parent():
    relative = NEUTRAL.copy()
    relative[number("LeftUpperArm")] = about(0, 1.0)
    relative[number("LeftForearm")] = np.nan
    world = to_world(relative)
    assert same(world[number("LeftForearm")], about(0, 1.0))
    assert same(world[number("LeftHand")], about(0, 1.0))


def test_without_the_pelvis_its_children_are_not_known():
    world = any_rotations()
    world[0] = np.nan
    known = Pose(0.0, to_parents(world), np.zeros(3)).known
    assert [name for name, there in zip(SEGMENTS, known, strict=True) if not there] == [
        "Pelvis", "L5", "RightUpperLeg", "LeftUpperLeg",
    ]  # fmt: skip


def test_one_number_that_is_none_makes_a_segment_unknown():
    rotations = NEUTRAL.copy()
    rotations[4, 2] = np.nan
    known = Pose(0.0, rotations, np.zeros(3)).known
    assert not known[4]
    assert known.sum() == 22


def test_the_neutral_pose_stands_on_the_floor_with_hanging_arms():
    places = joint_positions(NEUTRAL, np.array([0.0, HIPS_ABOVE_FLOOR, 0.0]))
    assert places[number("Head"), 1] == pytest.approx(0.93 + 0.63)
    for side, sign in (("Left", 1), ("Right", -1)):
        shoulder, hand = places[number(f"{side}UpperArm")], places[number(f"{side}Hand")]
        assert shoulder[0] == pytest.approx(sign * 0.17)
        assert hand - shoulder == pytest.approx([0, -0.54, 0])
        assert 0 < places[number(f"{side}Toe"), 1] < 0.05
        assert places[number(f"{side}Toe"), 2] > 0  # forward


def test_the_t_pose_has_level_arms_to_either_side():
    places = joint_positions(to_parents(T_POSE), np.zeros(3))
    for side, sign in (("Left", 1), ("Right", -1)):
        shoulder = places[number(f"{side}UpperArm")]
        assert places[number(f"{side}Forearm")] - shoulder == pytest.approx([sign * 0.29, 0, 0])
        assert places[number(f"{side}Hand")] - shoulder == pytest.approx([sign * 0.54, 0, 0])
        assert places[number(f"{side}Foot")][1] < -0.8


def test_forward_kinematics_worked_by_hand():
    rotations = NEUTRAL.copy()
    rotations[0] = about(1, np.pi / 2)  # to the left: z goes to x, x to -z
    rotations[number("LeftForearm")] = about(0, -np.pi / 2)  # forward
    places = joint_positions(rotations, np.array([1.0, 2.0, 3.0]))
    assert places[0] == pytest.approx([1, 2, 3])
    assert places[number("L5")] == pytest.approx([1, 2.09, 3])
    # T8 0.39 above the pelvis, shoulder 0.1 above and 0.17 to the left, elbow 0.29 below.
    elbow = np.array([1, 2 + 0.39 + 0.1 - 0.29, 3 - 0.17])
    assert places[number("LeftForearm")] == pytest.approx(elbow)
    assert places[number("LeftHand")] == pytest.approx(elbow + np.array([0.25, 0, 0]))


def test_many_poses_at_once_are_as_one_by_one():
    rotations = any_rotations(2, 3)
    positions = np.random.default_rng(5).normal(size=(2, 3, 3))
    together = joint_positions(rotations, positions)
    assert together.shape == (2, 3, COUNT, 3)
    assert together[1, 2] == pytest.approx(joint_positions(rotations[1, 2], positions[1, 2]))
    by_hand = product(product(rotations[0, 0, 0], rotations[0, 0, 1]), rotations[0, 0, 2])
    assert same(to_world(rotations)[0, 0, 2], by_hand)


def test_other_offsets_make_another_body():
    places = joint_positions(NEUTRAL, np.zeros(3), 2 * OFFSETS)
    assert places == pytest.approx(2 * joint_positions(NEUTRAL, np.zeros(3)))


def test_a_place_that_is_not_known_makes_no_place_known():
    assert np.isnan(joint_positions(NEUTRAL, np.full(3, np.nan))).all()


def test_the_bones_keep_their_length_in_any_pose():
    places = joint_positions(from_euler("XZY", np.random.default_rng(1).normal(size=(COUNT, 3))), np.zeros(3))
    bones = places[1:] - places[list(PARENTS[1:])]
    assert np.linalg.norm(bones, axis=-1) == pytest.approx(np.linalg.norm(OFFSETS[1:], axis=-1))
