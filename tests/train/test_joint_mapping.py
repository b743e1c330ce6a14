"""One pose through every protocol: encoders worked by hand, the angle that proves a mapping, and its picture."""

import numpy as np
import pytest

from bvh_body import body
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.rotations import IDENTITY, about, from_euler, product
from edge_emotion.skeleton import COUNT, JOINTS, PARENTS, SEGMENTS, Pose
from edge_emotion.skeleton_names import MVN_BVH
from edge_emotion.sources.mvn_packets import EULER, JOINT_ANGLES, parse
from edge_emotion.sources.mvn_poses import JOINT_AXES, joint_rotations
from edge_emotion_train import cli
from edge_emotion_train.joint_mapping import largest_difference, told_by_protocols
from edge_emotion_train.pose_encoders import (
    MOVING_ZXY,
    angles_about,
    euler_datagram,
    joint_angle_datagram,
    mvnx_document,
)

PROTOCOLS = {"MVNX", "MVN type 01", "MVN type 02", "MVN type 20", "VMC (OSC)"}


def neutral(**turned):
    """The neutral pose, but for the segments that are turned."""
    rotations = np.tile(IDENTITY, (COUNT, 1))
    for name, turn in turned.items():
        rotations[SEGMENTS.index(name)] = turn
    return Pose(0.0, rotations, np.array([0.1, 0.9, 0.2]))


def tumbled(seed, unknown=(), position=(0.1, 0.9, 0.2)):
    rotations = np.random.default_rng(seed).normal(size=(COUNT, 4))
    rotations /= np.linalg.norm(rotations, axis=1, keepdims=True)
    rotations[np.isin(SEGMENTS, unknown)] = np.nan
    return Pose(0.0, rotations, np.array(position))


def test_type_20_says_what_a_clinician_would():
    # The right forearm raised forward by 90 degrees; the left thigh to its side by 20 degrees.
    pose = neutral(RightForearm=about(0, -np.pi / 2), LeftUpperLeg=about(2, np.radians(20)))
    read = parse(joint_angle_datagram(pose))
    assert (read.type, len(read.ids)) == (JOINT_ANGLES, 22)
    values = dict(zip(JOINTS, read.values, strict=True))
    assert values.pop("jRightElbow") == pytest.approx([0, 0, 90])  # abduction, rotation, flexion
    assert values.pop("jLeftHip") == pytest.approx([20, 0, 0], abs=1e-5)
    assert np.array(list(values.values())) == pytest.approx(0, abs=1e-6)
    assert read.ids[0].tolist() == [256 * 1, 256 * 2]  # pelvis to L5


def test_type_01_says_degrees_about_x_y_and_z_from_the_t_pose():
    read = parse(euler_datagram(neutral(Pelvis=about(1, np.radians(30)))))
    assert read.type == EULER
    head, arm = SEGMENTS.index("Head"), SEGMENTS.index("LeftForearm")
    assert read.values[head, 3:] == pytest.approx([0, 30, 0], abs=1e-5)
    assert read.values[0, :3] == pytest.approx([0.1, 0.9, 0.2])
    # It hangs: from the T-pose, in which it points to the left, by -90 degrees about z, before the body turns.
    turned = from_euler("ZXY", np.radians(read.values[arm, [5, 3, 4]]))
    assert turned == pytest.approx(product(about(1, np.radians(30)), about(2, -np.pi / 2)), abs=1e-6)


def test_an_mvnx_frame_is_in_the_axes_of_mvn():
    text = mvnx_document(neutral(Pelvis=about(1, np.radians(60))))
    assert text.count("<segment ") == COUNT
    first = text.split("<orientation>")[1].split()[:4]
    assert [float(word) for word in first] == pytest.approx(
        [np.sqrt(0.75), 0, 0, 0.5], abs=1e-6
    )  # about its z
    place = text.split("<position>")[1].split()[:3]
    assert [float(word) for word in place] == [0.2, 0.1, 0.9]  # forward, left, up


@pytest.mark.parametrize(
    "angles", [(0.3, -0.4, 0.5), (3.0, 1.2, -2.0), (0.2, np.pi / 2, 0.0), (0.1, -np.pi / 2, 0.0)]
)
def test_angles_make_the_rotation_that_they_are_of(angles):
    turn = from_euler("ZXY", np.array(angles))
    assert angles_about(MOVING_ZXY, turn) == pytest.approx(angles, abs=1e-6)
    for joint in range(len(JOINTS)):
        flexion, abduction, rotation = angles
        turn = joint_rotations(np.array([joint]), np.degrees([[abduction, rotation, flexion]]))[0]
        assert angles_about(JOINT_AXES[joint], turn) == pytest.approx(angles, abs=1e-6)


@pytest.mark.parametrize(
    "unknown", [(), ("L3",), ("L3", "T8", "LeftToe", "RightToe"), ("RightShoulder", "Neck", "T12")]
)
def test_every_protocol_brings_the_joints_back(unknown):
    for seed in range(5):
        pose = tumbled(seed, unknown)
        told = told_by_protocols(pose)
        assert set(told) == PROTOCOLS
        for name, came in told.items():
            assert largest_difference(pose, came) < 5e-4, name
            known = pose.known & ([segment != "L3" for segment in SEGMENTS] if "VMC" in name else True)
            known[0] = name != "MVN type 20"
            assert (came.known == known).all(), name


def test_a_body_without_a_place_is_told_too():
    pose = tumbled(0, position=(np.nan,) * 3)
    assert all(largest_difference(pose, came) < 5e-4 for came in told_by_protocols(pose).values())


def test_the_largest_difference_by_hand():
    pose = tumbled(1)
    other = Pose(0.0, pose.rotations.copy(), pose.position)
    assert largest_difference(pose, other) == pytest.approx(0, abs=1e-6)
    other.rotations[0] = IDENTITY  # where the whole body looks is no joint's
    assert largest_difference(pose, other) == pytest.approx(0, abs=1e-6)
    knee, arm = SEGMENTS.index("LeftLowerLeg"), SEGMENTS.index("RightUpperArm")
    other.rotations[knee] = product(other.rotations[knee], about(0, np.radians(10)))
    other.rotations[arm] = -product(about(1, np.radians(25)), other.rotations[arm])  # q and -q are one
    assert largest_difference(pose, other) == pytest.approx(25)


def test_what_one_of_two_poses_lacks_is_taken_into_the_next_one_below():
    whole = tumbled(2)
    l3, t12 = SEGMENTS.index("L3"), SEGMENTS.index("T12")
    assert PARENTS[t12] == l3
    lacking = Pose(0.0, whole.rotations.copy(), whole.position)
    lacking.rotations[t12] = product(whole.rotations[l3], whole.rotations[t12])
    lacking.rotations[l3] = np.nan
    assert largest_difference(whole, lacking) == pytest.approx(0, abs=1e-6)
    lacking.rotations[t12] = whole.rotations[t12]
    assert largest_difference(whole, lacking) > 1


def test_poses_without_a_joint_in_common_cannot_be_compared():
    with pytest.raises(EdgeEmotionError, match="a joint in common"):
        largest_difference(tumbled(0, SEGMENTS[1:]), tumbled(0))


def test_a_pose_is_drawn_and_told_as_each_source_tells_it(tmp_path, capsys):
    take = tmp_path / "take.bvh"
    take.write_text(body(MVN_BVH, [{"LeftUpperArm": (40, 20, 0), "Pelvis": (0, 5, 30)}] * 30))
    picture = tmp_path / "x.png"
    assert cli.main(["body-skeleton", str(take), "--beside", str(take), "--out", str(picture)]) == 0
    assert picture.stat().st_size > 10_000
    lines = capsys.readouterr().out.splitlines()
    assert {line.split("  ")[0] for line in lines[:-1]} == PROTOCOLS
    assert all(float(line.split()[-2]) < 5e-4 for line in lines[:-1])


def test_a_second_after_the_end_is_refused(tmp_path, capsys):
    take = tmp_path / "take.bvh"
    take.write_text(body(MVN_BVH, [{}] * 3))
    assert cli.main(["body-skeleton", str(take), "--second", "9", "--out", str(tmp_path / "x.png")]) == 2
    assert "expected a second of it, got 9" in capsys.readouterr().err


def test_every_protocol_brings_a_real_pose_back(shared_data, tmp_path, capsys):
    take = shared_data / "body_bandai_namco_1/data/dataset-1_punch_normal_001.bvh"
    if not take.is_file():
        pytest.skip(f"needs {take}")
    assert cli.main(["body-skeleton", str(take), "--out", str(tmp_path / "x.png")]) == 0
    lines = capsys.readouterr().out.splitlines()[:-1]
    assert len(lines) == len(PROTOCOLS)
    assert all(float(line.split()[-2]) < 5e-4 for line in lines)
