"""Stick figures: which bones are drawn where, and a picture that shows them."""

import cv2
import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.rotations import IDENTITY, about
from edge_emotion.skeleton import COUNT, SEGMENTS, T_POSE, Pose, to_parents
from edge_emotion_train.stick_figures import TIPS, bones, draw_stick_figures

NEUTRAL = Pose(0.0, np.tile(IDENTITY, (COUNT, 1)), np.full(3, np.nan))
RAISED = Pose(0.0, to_parents(T_POSE), np.zeros(3))


def without(pose: Pose, *names: str) -> Pose:
    rotations = pose.rotations.copy()
    rotations[np.isin(SEGMENTS, names)] = np.nan
    return Pose(pose.time, rotations, pose.position)


def test_there_is_a_bone_to_each_joint_and_a_tip_at_each_end():
    drawn = list(bones(NEUTRAL, IDENTITY))
    assert len(drawn) == COUNT - 1 + len(TIPS)
    assert sum(side == "Left" for _, side, _ in drawn) == sum(side == "Right" for _, side, _ in drawn) == 10
    assert all(known for _, _, known in drawn)
    points = np.concatenate([line for line, _, _ in drawn])
    assert points[:, 1].min() == pytest.approx(0.02)
    assert points[:, 1].max() == pytest.approx(1.74)
    assert all((line[:, 0] > -1e-9).all() for line, side, _ in drawn if side == "Left")


def test_what_is_not_known_takes_the_bones_that_it_turns():
    drawn = list(bones(without(NEUTRAL, "LeftForearm", "Head"), IDENTITY))
    unknown = [(line, side) for line, side, known in drawn if not known]
    assert [side for _, side in unknown] == ["", "Left"]
    assert unknown[0][0][0] == pytest.approx([0, 1.56, 0])  # the head's tip
    assert unknown[1][0][1] == pytest.approx([0.17, 0.88, 0])  # from elbow to wrist


def test_all_are_turned_by_the_first_ones_heading():
    turned = Pose(0.0, NEUTRAL.rotations.copy(), np.zeros(3))
    turned.rotations[0] = about(1, 1.0)
    for (a, _, _), (b, _, _) in zip(bones(turned, about(1, -1.0)), bones(NEUTRAL, IDENTITY), strict=True):
        assert a == pytest.approx(b)


def test_the_picture_has_both_colours_and_grey_for_the_unknown(tmp_path):
    path = tmp_path / "poses.png"
    draw_stick_figures({"file": RAISED, "MVN": without(RAISED, "LeftUpperArm"), "VMC": NEUTRAL}, path)
    picture = cv2.imread(str(path)).astype(int)
    assert picture.shape[1] > 800
    blue, green, red = np.moveaxis(picture, -1, 0)
    third = picture.shape[1] // 3
    assert ((blue > red + 80)[:, :third]).sum() > 200
    assert ((red > blue + 80)[:, :third]).sum() > 200
    half = picture.shape[0] // 2
    # From the front, x goes to the right: the raised left arm, blue, stands to the right of the red one.
    columns = [np.nonzero(mask[:half, :third])[1].mean() for mask in (red > blue + 80, blue > red + 80)]
    assert columns[0] < third / 2 < columns[1]
    grey = (np.abs(blue - 178) < 3) & (np.abs(red - 178) < 3) & (np.abs(green - 178) < 3)
    assert grey[:, third : 2 * third].sum() > 10 + 2 * grey[:, :third].sum()


def test_a_pose_of_which_nothing_is_known_can_be_drawn(tmp_path):
    path = tmp_path / "poses.png"
    draw_stick_figures({"nothing": Pose(0.0, np.full((COUNT, 4), np.nan), np.full(3, np.nan))}, path)
    assert path.stat().st_size > 1000


def test_nothing_to_draw_is_an_error(tmp_path):
    with pytest.raises(EdgeEmotionError, match="a pose or more"):
        draw_stick_figures({}, tmp_path / "poses.png")


def test_a_note_stands_above_its_pose_alone(tmp_path):
    pictures = []
    for number, notes in enumerate(({}, {"right": "off by 1 degree"}, {"nobody": "x"})):
        path = tmp_path / f"{number}.png"
        draw_stick_figures({"left": NEUTRAL, "right": NEUTRAL}, path, notes)
        pictures.append(cv2.imread(str(path))[:60])
    plain, noted, foreign = ((picture < 100).sum() for picture in pictures)
    assert noted > plain == foreign
