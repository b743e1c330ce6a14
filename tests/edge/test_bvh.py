"""BVH files: a two-joint one worked by hand, bad ones, bodies of the known families, and real recordings."""

from pathlib import Path

import numpy as np
import pytest

from bvh_body import body, hierarchy, motion
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.rotations import about, product, rotated
from edge_emotion.skeleton import OFFSETS, SEGMENTS, T_POSE, Pose, joint_positions, to_world
from edge_emotion.skeleton_names import BANDAI_BVH, BVH_NAMINGS, MIXAMO_BVH, MVN_BVH
from edge_emotion.sources import bvh
from edge_emotion.sources.bvh import read_bvh
from edge_emotion.sources.bvh_poses import bvh_poses

LEG = hierarchy([("Hips", -1, (0, 0, 0)), ("Knee", 0, (0, -1, 0))])
STILL = [0.0] * 9


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "take.bvh"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def poses_of(folder: Path, text: str) -> list[Pose]:
    return bvh_poses(read_bvh(written(folder, text)))


def same(p, q) -> bool:
    """Whether quaternions (..., 4) are one rotation."""
    return bool((np.abs((p * q).sum(-1)) > 1 - 1e-9).all())


def test_a_file_of_two_joints_is_read(tmp_path):
    file = read_bvh(written(tmp_path, LEG + "\n" + motion([STILL, range(9)], period=0.05)))
    assert file.names == ("Hips", "Knee")
    assert file.parents == (-1, 0)
    assert file.offsets.tolist() == [[0, 0, 0], [0, -1, 0]]
    assert [len(channels) for channels in file.channels] == [6, 3]
    assert file.frames.tolist() == [STILL, list(range(9))]
    assert (file.period, file.warnings) == (0.05, ())


@pytest.mark.parametrize(
    ("order", "knee"),
    [
        # Z first, then the turned X: Rz(90) Rx(90) takes -y by Rx to -z, which Rz leaves.
        ("Zrotation Xrotation Yrotation", (1, 2, 2)),
        # X first: Rx(90) Rz(90) takes -y by Rz to x, which Rx leaves.
        ("Xrotation Zrotation Yrotation", (2, 2, 3)),
    ],
)
def test_forward_kinematics_follow_the_order_of_the_channels(order, knee, tmp_path):
    text = hierarchy([("Hips", -1, (0, 0, 0)), ("Knee", 0, (0, -1, 0))], order)
    turned, places = read_bvh(
        written(tmp_path, text + "\n" + motion([[1, 2, 3, 90, 90, 0, 0, 0, 0]]))
    ).motion()
    assert places[0, 0] == pytest.approx([1, 2, 3])
    assert places[0, 1] == pytest.approx(knee)
    first, second = (2, 0) if order.startswith("Z") else (0, 2)
    by_hand = product(about(first, np.pi / 2), about(second, np.pi / 2))
    assert same(turned[0], np.stack([by_hand, by_hand]))


def test_a_knee_turns_after_the_hips(tmp_path):
    # Hips 90 degrees about y: x goes to -z. The knee's own turn about its z is about the world's x.
    turned, _ = read_bvh(written(tmp_path, LEG + "\n" + motion([[0, 0, 0, 0, 0, 90, 30, 0, 0]]))).motion()
    assert same(turned[0, 1], product(about(0, np.radians(30)), about(1, np.pi / 2)))


def test_a_joint_with_positions_of_its_own_stands_there_not_at_its_offset(tmp_path):
    text = LEG.replace("CHANNELS 3 Zrotation", "CHANNELS 5 Xposition Zposition Zrotation")
    _, places = read_bvh(
        written(tmp_path, text + "\n" + motion([[0, 0, 0, 0, 0, 0, 7, 8, 0, 0, 0]]))
    ).motion()
    assert places[0, 1] == pytest.approx([7, -1, 8])


def test_a_joint_without_channels_is_stiff(tmp_path):
    text = LEG.replace("CHANNELS 3 Zrotation Xrotation Yrotation", "CHANNELS 0")
    turned, _ = read_bvh(written(tmp_path, text + "\n" + motion([[0, 0, 0, 0, 0, 90]]))).motion()
    assert same(turned[0, 1], turned[0, 0])


def test_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path):
    text = LEG + "\n" + motion([STILL, STILL])
    assert len(read_bvh(written(tmp_path, text.replace("\n", "\r\n").encode("utf-8-sig"))).frames) == 2


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_wrong_count_of_frames_is_told(count, tmp_path):
    file = read_bvh(written(tmp_path, LEG + "\n" + motion([STILL, STILL], count=count)))
    assert len(file.frames) == 2
    assert file.warnings == (f"take.bvh says {count} frames and holds 2: these are read",)


GOOD = LEG + "\n" + motion([STILL, STILL])
BAD = {
    "empty": ("", "HIERARCHY first"),
    "another format": ("<mvnx/>", "HIERARCHY first"),
    "no MOTION": (LEG, "MOTION after it"),
    "no joints": ("HIERARCHY\n" + motion([STILL]), "is not closed"),
    "no frames": (LEG + "\nMOTION\nFrames: 0\nFrame Time: 0.04\n", "holds no frame"),
    "no count": (GOOD.replace("Frames: 2", "Frames: many"), "Frames: N"),
    "no frame time": (GOOD.replace("Frame Time", "Time"), "Frames: N"),
    "frame time 0": (GOOD.replace("Time: 0.04", "Time: 0"), "frame time of"),
    "frame time nan": (GOOD.replace("Time: 0.04", "Time: nan"), "Frames: N"),
    "a word": (LEG + "\n" + motion([STILL]).replace("0 0 0\n", "0 0 x\n"), "9 finite numbers in frame 1"),
    "NaN": (LEG + "\n" + motion([STILL]).replace("0 0 0\n", "0 0 nan\n"), "9 finite numbers in frame 1"),
    "infinity": (LEG + "\n" + motion([STILL]).replace("0 0 0\n", "0 0 1e999\n"), "9 finite numbers"),
    "enormous": (LEG + "\n" + motion([STILL]).replace("0 0 0\n", "0 0 1e300\n"), "9 finite numbers"),
    "too many numbers": (LEG + "\n" + motion([STILL, [*STILL, 1.0]]), "9 finite numbers in frame 2"),
    "breaks off in a frame": (GOOD[:-6], "9 finite numbers in frame 2"),
    "breaks off in the hierarchy": (LEG[:-20] + "\n" + motion([STILL]), "its hierarchy"),
    "a brace too many": (GOOD.replace("MOTION", "}\nMOTION"), "'}' where it should not"),
    "too many channels": (GOOD.replace("CHANNELS 3", "CHANNELS 9"), "expected 0 to 6"),
    "channels that are none": (GOOD.replace("Zrotation Xrotation", "Wrotation Xrotation"), "that are none"),
    "a channel twice": (GOOD.replace("3 Zrotation Xrotation", "3 Xrotation Xrotation"), "that are none"),
    "an offset that is none": (GOOD.replace("OFFSET 0.000000 -1", "OFFSET north -1"), "three numbers"),
    "no channels": ("HIERARCHY ROOT Hips { OFFSET 0 0 0 }\n" + motion([STILL]), "joints have channels"),
    "a joint twice": (GOOD.replace("Knee", "Hips"), "names a joint twice"),
    "two roots": (GOOD.replace("JOINT", "ROOT"), "joint in the wrong place"),
    "no root": (GOOD.replace("ROOT", "JOINT"), "joint in the wrong place"),
    "no text": (b"HIERARCHY \xff\xfe", "is no text"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_told_in_a_line(kind, tmp_path):
    text, said = BAD[kind]
    with pytest.raises(EdgeEmotionError) as caught:
        read_bvh(written(tmp_path, text))
    assert said in str(caught.value)
    assert "take.bvh" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_too_large_or_no_file_is_refused(tmp_path, monkeypatch):
    with pytest.raises(EdgeEmotionError, match="no such file"):
        read_bvh(tmp_path / "no.bvh")
    with pytest.raises(EdgeEmotionError, match="no regular file"):
        read_bvh(tmp_path)
    path = written(tmp_path, GOOD)
    monkeypatch.setattr(bvh, "MOST_NUMBERS", 17)
    with pytest.raises(EdgeEmotionError, match="more than 17 numbers"):
        read_bvh(path)
    monkeypatch.setattr(bvh, "MOST_JOINTS", 1)
    with pytest.raises(EdgeEmotionError, match="more than 1 joints"):
        read_bvh(path)


@pytest.mark.parametrize("naming", BVH_NAMINGS, ids=lambda naming: naming.name)
def test_each_family_is_known_by_its_joints(naming, tmp_path):
    text = body(naming, [{}, {}])
    if naming is BANDAI_BVH:
        text = text.replace("ROOT Hips", "ROOT joint_Root\n{\nOFFSET 0 0 0\nCHANNELS 0\nJOINT Hips", 1)
        text = text.replace("\nMOTION", "\n}\nMOTION")
    poses = poses_of(tmp_path, text)
    told = [name for name, known in zip(SEGMENTS, poses[0].known, strict=True) if known]
    assert told == [name for name in SEGMENTS if name in naming.segments.values()]
    assert [pose.time for pose in poses] == pytest.approx([0, 0.04])


def test_other_joints_are_refused_with_what_is_known(tmp_path):
    with pytest.raises(EdgeEmotionError, match=r"take\.bvh has joints that are not known \(Hips, Knee"):
        poses_of(tmp_path, GOOD)


@pytest.mark.parametrize("naming", [MVN_BVH, MIXAMO_BVH], ids=lambda naming: naming.name)
@pytest.mark.parametrize("raised", [False, True])
def test_a_body_at_rest_is_neutral_or_in_the_t_pose(naming, raised, tmp_path):
    pose = poses_of(tmp_path, body(naming, raised=raised))[0]
    world = to_world(pose.rotations)
    assert same(world, T_POSE if raised else np.tile([1.0, 0, 0, 0], (23, 1)))


# How a file's axes stand to ours: (x left, y up, z forward) -> the file's.
AXES = {
    "Z up, looks along -y": lambda v: np.array([v[0], -v[2], v[1]]),
    "Z up, looks along x": lambda v: np.array([v[2], v[0], v[1]]),
    "Y up, looks along x": lambda v: np.array([v[2], v[1], -v[0]]),
}


@pytest.mark.parametrize("axes", AXES)
def test_the_rest_pose_says_how_the_files_axes_lie(axes, tmp_path):
    place = AXES[axes]
    # Each of the file's axes among ours is a column of the inverse, a transpose.
    matrix = np.stack([place(axis) for axis in np.eye(3)], axis=1)
    bent = {"LeftForearm": (30.0, 0.0, 0.0)}  # about the file's z
    poses = poses_of(tmp_path, body(MVN_BVH, [{}, bent], place, at=(100.0, 200.0, 300.0)))
    assert same(to_world(poses[0].rotations), np.array([1.0, 0, 0, 0]))
    assert poses[0].position == pytest.approx(matrix.T @ [1, 2, 3], abs=1e-5)
    axis = matrix.T @ [0, 0, 1]
    expected = np.array([np.cos(np.radians(15)), *np.sin(np.radians(15)) * axis])
    assert same(poses[1].rotations[SEGMENTS.index("LeftForearm")], expected)


@pytest.mark.parametrize("unit", [1.0, 0.0254, 0.01, 0.001])
def test_the_unit_is_seen_from_the_length_of_a_leg(unit, tmp_path):
    pose = poses_of(tmp_path, body(MVN_BVH, unit=unit, at=(0, 2 / unit, 0)))[0]
    assert pose.position == pytest.approx([0, 2, 0], rel=1e-4)


def test_a_rest_pose_that_does_not_stand_is_refused(tmp_path):
    text = body(MVN_BVH, place=lambda v: np.array([v[0] + v[1], 0, 0]))
    with pytest.raises(EdgeEmotionError, match="no standing body"):
        poses_of(tmp_path, text)


def test_a_segment_that_the_file_lacks_is_not_known_and_changes_no_other(tmp_path):
    turned = [{"Head": (10.0, 20, 30), "Pelvis": (5.0, 0, 0)}]
    whole = poses_of(tmp_path, body(MVN_BVH, turned))[0]
    part = poses_of(tmp_path, body(MVN_BVH, turned, without=["T12", "Neck"]))[0]
    assert [name for name, known in zip(SEGMENTS, part.known, strict=True) if not known] == ["T12", "Neck"]
    assert part.rotations[part.known] == pytest.approx(whole.rotations[part.known])


BONES = [
    (side + upper, side + lower)
    for side in ("Left", "Right")
    for upper, lower in (("UpperArm", "Forearm"), ("Forearm", "Hand"), ("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot"))
]  # fmt: skip


@pytest.mark.parametrize(
    ("folder", "name", "naming"),
    [
        ("body_bandai_namco_1/data", "dataset-1_bow_happy_001.bvh", BANDAI_BVH),
        ("body_bandai_namco_1/data", "dataset-1_dash_sad_001.bvh", BANDAI_BVH),
        ("body_bandai_namco_1/data", "dataset-1_kick_normal_001.bvh", BANDAI_BVH),
        ("body_ebedb_format", "000003.bvh", MVN_BVH),
        ("body_ebedb_format", "raw_000001.bvh", MVN_BVH),
    ],
)
def test_real_bones_point_where_the_file_says(folder, name, naming, shared_data):
    path = shared_data / folder / name
    if not path.is_file():
        pytest.skip(f"needs {path}")
    file = read_bvh(path)
    poses = bvh_poses(file)
    _, places = file.motion()  # both corpora: x to the left, y up, z forward
    ours = joint_positions(np.stack([p.rotations for p in poses]), np.stack([p.position for p in poses]))
    where = {
        segment: file.names.index(joint) for joint, segment in naming.segments.items() if joint in file.names
    }
    for upper, lower in (*BONES, ("Pelvis", "L5"), ("Neck", "Head")):
        theirs = places[:, where[lower]] - places[:, where[upper]]
        bone = ours[:, SEGMENTS.index(lower)] - ours[:, SEGMENTS.index(upper)]
        cosine = (theirs * bone).sum(-1) / np.linalg.norm(theirs, axis=-1) / np.linalg.norm(bone, axis=-1)
        assert cosine.min() > np.cos(np.radians(0.5)), (upper, lower)
    hips = places[:, where["Pelvis"]] * 0.01
    assert np.stack([p.position for p in poses]) == pytest.approx(hips)


def test_real_elbows_and_knees_bend_as_joints_do(shared_data):
    path = shared_data / "body_bandai_namco_1/data/dataset-1_walk_normal_001.bvh"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    poses = bvh_poses(read_bvh(path))
    for side in ("Left", "Right"):
        for segment, offset, sign in (("Forearm", "Hand", 1), ("LowerLeg", "Foot", -1)):
            q = np.stack([pose.rotations[SEGMENTS.index(side + segment)] for pose in poses])
            # Seen from the upper segment a forearm bends forward, a shank back.
            forward = rotated(q, OFFSETS[SEGMENTS.index(side + offset)])[:, 2]
            assert (sign * forward > -0.02).all()
            assert (sign * forward).max() > 0.05


def test_names_with_the_programs_own_before_them_are_known(tmp_path):
    text = body(MIXAMO_BVH)
    for joint in MIXAMO_BVH.segments:
        text = text.replace(f"JOINT {joint}\n", f"JOINT mixamorig:{joint}\n")
    text = text.replace("ROOT Hips", "ROOT mixamorig:Hips")
    assert poses_of(tmp_path, text)[0].known.sum() == len(MIXAMO_BVH.segments)


@pytest.mark.parametrize("missing", ["LeftUpperLeg", "LeftLowerLeg", "RightUpperLeg"])
def test_a_body_without_a_leg_is_refused(missing, tmp_path):
    with pytest.raises(EdgeEmotionError, match="joints that are not known"):
        poses_of(tmp_path, body(MIXAMO_BVH, without=(missing,)))


def test_a_joint_may_be_called_like_the_heading_of_the_frames(tmp_path):
    text = (
        "HIERARCHY\nROOT LOCOMOTION\n{\nOFFSET 0 0 0\nCHANNELS 1 Xrotation\nEnd Site\n{\nOFFSET 0 1 0\n}\n}\n"
    )
    file = read_bvh(written(tmp_path, text + "MOTION\nFrames: 1\nFrame Time: 0.1\n5\n"))
    assert file.names == ("LOCOMOTION",)
    assert file.frames.tolist() == [[5.0]]


def test_few_channels_of_many_joints_are_counted_as_what_they_become(tmp_path, monkeypatch):
    monkeypatch.setattr("edge_emotion.sources.bvh.MOST_NUMBERS", 100)
    joints = "".join(f"JOINT j{n}\n{{\nOFFSET 0 1 0\n" for n in range(9))
    text = f"HIERARCHY\nROOT r\n{{\nOFFSET 0 0 0\nCHANNELS 1 Xrotation\n{joints}{'}' + chr(10)}" + "}\n" * 9
    with pytest.raises(EdgeEmotionError, match="more than 100 numbers"):
        read_bvh(written(tmp_path, text + "MOTION\nFrames: 2\nFrame Time: 0.1\n5\n5\n"))
