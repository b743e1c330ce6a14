"""MVNX files written by hand: segments by label, axes, gaps, and what is no such file."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.rotations import about, product, rotated
from edge_emotion.skeleton import SEGMENTS, joint_positions, to_world
from edge_emotion.sources import mvnx
from edge_emotion.sources.mvnx import read_mvnx

TURN = about(2, np.pi / 2)  # about MVN's z, the vertical: to the left
V4 = 'xmlns="http://www.xsens.com/mvn/mvnx"'


def text(values) -> str:
    return " ".join(f"{value:.6f}" for value in np.ravel(values))


def frame(index, turned=None, kind="normal", labels=SEGMENTS, place=(1.0, 2.0, 3.0), time=0) -> str:
    """A frame in the T-pose, but for the segments in `turned`: label -> quaternion in MVN's world."""
    q = [(turned or {}).get(label, (1.0, 0, 0, 0)) for label in labels]
    places = [place if label == "Pelvis" else (9.0, 9.0, 9.0) for label in labels]
    return (
        f'<frame time="{time}" index="{index}" type="{kind}">'
        f"<orientation>{text(q)}</orientation>"
        f"<position>{text(places)}</position><jointAngle>{text(np.zeros(66))}</jointAngle></frame>"
    )


def document(frames, labels=SEGMENTS, rate="60", root="mvnx", namespace=V4, ids=None, head="") -> str:
    numbers = ids or range(1, len(labels) + 1)
    prefix = root.rpartition(":")[0]
    segment = f"{prefix}:segment" if prefix else "segment"
    listed = "".join(
        f'<{segment} label="{label}" id="{number}"><points><point label="p"/></points></{segment}>'
        for number, label in zip(numbers, labels, strict=True)
    )
    body = (
        f'<mvn version="2022"/><subject label="a" frameRate="{rate}" segmentCount="{len(labels)}">'
        f"<segments>{listed}</segments><frames segmentCount='{len(labels)}'>{''.join(frames)}</frames></subject>"
    )
    if prefix:
        for name in ("subject", "segments", "frames"):
            body = body.replace(f"<{name}", f"<{prefix}:{name}").replace(f"</{name}", f"</{prefix}:{name}")
    return f'<?xml version="1.0" encoding="UTF-8"?>{head}<{root} {namespace} version="4">{body}</{root}>'


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "take.mvnx"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_t_pose_has_level_arms_and_its_pelvis_in_our_axes(tmp_path):
    file = read_mvnx(written(tmp_path, document([frame(0), frame(1)])))
    poses = file.poses
    assert file.period == pytest.approx(1 / 60)
    assert [pose.time for pose in poses] == pytest.approx([0, 1 / 60])
    assert poses[0].known.all()
    # MVN's 1 m forward, 2 m to the left, 3 m up.
    assert poses[0].position == pytest.approx([2, 3, 1])
    places = joint_positions(poses[0].rotations, np.zeros(3))
    left = places[SEGMENTS.index("LeftHand")] - places[SEGMENTS.index("LeftUpperArm")]
    assert left == pytest.approx([0.54, 0, 0], abs=1e-6)
    toe = places[SEGMENTS.index("RightToe")] - places[SEGMENTS.index("RightFoot")]
    assert toe == pytest.approx([0, -0.07, 0.13], abs=1e-6)


def test_a_turn_to_the_left_about_mvns_z_is_one_about_our_y(tmp_path):
    turned = dict.fromkeys(SEGMENTS, TURN)
    poses = read_mvnx(written(tmp_path, document([frame(0, turned)]))).poses
    assert abs((poses[0].rotations[0] * about(1, np.pi / 2)).sum()) == pytest.approx(1, abs=1e-6)
    # What looked forward looks to the left.
    assert rotated(poses[0].rotations[0], np.array([0.0, 0, 1])) == pytest.approx([1, 0, 0], abs=1e-6)
    for number in (1, 6, 15):  # nothing else moved
        assert abs(poses[0].rotations[number][0]) == pytest.approx(1, abs=1e-6)


def test_a_raised_forearm_is_told_relative_to_its_upper_arm(tmp_path):
    # From the T-pose, about MVN's x (forward), by 90 degrees: the left arm, which lies along y, points up.
    turned = {"LeftForearm": about(0, np.pi / 2), "LeftHand": about(0, np.pi / 2)}
    poses = read_mvnx(written(tmp_path, document([frame(0, turned)]))).poses
    places = joint_positions(poses[0].rotations, np.zeros(3))
    forearm = places[SEGMENTS.index("LeftHand")] - places[SEGMENTS.index("LeftForearm")]
    assert forearm == pytest.approx([0, 0.25, 0], abs=1e-6)
    assert poses[0].rotations[SEGMENTS.index("LeftHand")] == pytest.approx([1, 0, 0, 0], abs=1e-6)


def test_segments_are_found_by_label_or_id_and_others_ignored(tmp_path):
    turned = {"Head": TURN}
    plain = read_mvnx(written(tmp_path, document([frame(0, turned)]))).poses
    shuffled = (*SEGMENTS[::-1], "Prop1")
    other = read_mvnx(
        written(tmp_path, document([frame(0, turned, labels=shuffled)], labels=shuffled, ids=range(1, 25)))
    ).poses
    assert other[0].rotations == pytest.approx(plain[0].rotations)
    assert other[0].position == pytest.approx(plain[0].position)
    # Listed backwards, but with ids that say the order of the numbers.
    listed = document([frame(0, turned)], labels=SEGMENTS[::-1], ids=range(23, 0, -1))
    assert read_mvnx(written(tmp_path, listed)).poses[0].rotations == pytest.approx(plain[0].rotations)


def test_a_segment_that_is_missing_is_not_known(tmp_path):
    labels = tuple(name for name in SEGMENTS if name not in ("L3", "RightHand"))
    file = read_mvnx(written(tmp_path, document([frame(0, labels=labels)], labels=labels)))
    assert [name for name, known in zip(SEGMENTS, file.poses[0].known, strict=True) if not known] == [
        "L3",
        "RightHand",
    ]
    assert "L3, RightHand" in file.warnings[0]


def test_a_number_that_is_none_makes_its_segment_unknown(tmp_path):
    content = document([frame(0, {"Neck": (np.nan,) * 4, "Head": (0.0,) * 4, "L5": (np.inf, 0, 0, 0)})])
    pose = read_mvnx(written(tmp_path, content)).poses[0]
    assert [name for name, known in zip(SEGMENTS, pose.known, strict=True) if not known] == [
        "L5",
        "Neck",
        "Head",
    ]


def test_a_file_without_positions_has_poses_at_no_place(tmp_path):
    content = document([frame(0)])
    start, end = content.index("<position>"), content.index("</position>") + len("</position>")
    pose = read_mvnx(written(tmp_path, content[:start] + content[end:])).poses[0]
    assert np.isnan(pose.position).all()
    assert pose.known.all()


def test_calibration_frames_are_skipped_and_missing_ones_are_a_gap(tmp_path):
    kinds = [frame("", kind=kind) for kind in ("identity", "tpose", "tpose-isb", "npose")]
    frames = [*kinds, frame(10, time=0), frame(11, time=400), frame(20, time=401)]
    file = read_mvnx(written(tmp_path, document(frames, rate="100")))
    assert [pose.time for pose in file.poses] == pytest.approx([0, 0.01, 0.1])
    assert file.warnings == ()


@pytest.mark.parametrize("wrong", [1, 0, 999999999999])
def test_frames_whose_index_does_not_follow_are_left_out(wrong, tmp_path):
    file = read_mvnx(written(tmp_path, document([frame(0), frame(1), frame(wrong), frame(2)])))
    assert [pose.time for pose in file.poses] == pytest.approx([0, 1 / 60, 2 / 60])
    assert file.warnings == ("take.mvnx: frames whose index does not follow are left out: 1",)


def test_frames_without_an_index_follow_one_another(tmp_path):
    poses = read_mvnx(written(tmp_path, document([frame(""), frame("x"), frame("-3")]))).poses
    assert [pose.time for pose in poses] == pytest.approx([0, 1 / 60, 2 / 60])


@pytest.mark.parametrize(
    ("root", "namespace"), [("mvnx", ""), ("m:mvnx", 'xmlns:m="http://www.xsens.com/mvn/mvnx"')]
)
def test_namespaces_do_not_matter(root, namespace, tmp_path):
    content = document([frame(0)], root=root, namespace=namespace)
    assert len(read_mvnx(written(tmp_path, content)).poses) == 1


def test_utf_16_is_read(tmp_path):
    content = document([frame(0)]).replace("UTF-8", "UTF-16").encode("utf-16")
    assert len(read_mvnx(written(tmp_path, content)).poses) == 1


def test_a_file_that_breaks_off_gives_what_there_is(tmp_path):
    content = document([frame(0), frame(1), frame(2)])
    file = read_mvnx(written(tmp_path, content[: content.rindex("<position>")]))
    assert len(file.poses) == 2
    assert "damaged" in file.warnings[0]
    assert "2 frames before" in file.warnings[0]


def test_the_first_of_two_subjects_is_read(tmp_path):
    content = document([frame(0)])
    subject = content[content.index("<subject") : content.index("</mvnx>")]
    file = read_mvnx(written(tmp_path, content.replace(subject, subject + subject)))
    assert len(file.poses) == 1
    assert "2 subjects" in file.warnings[0]


def test_how_the_file_is_cut_into_pieces_changes_nothing(tmp_path, monkeypatch):
    path = written(tmp_path, document([frame(number, {"Head": TURN}) for number in range(5)]))
    whole = read_mvnx(path).poses
    monkeypatch.setattr(mvnx, "CHUNK", 37)
    monkeypatch.setattr(mvnx, "BLOCK", 2)
    pieces = read_mvnx(path).poses
    assert [pose.time for pose in pieces] == [pose.time for pose in whole]
    assert all((a.rotations == b.rotations).all() for a, b in zip(whole, pieces, strict=True))


def test_only_numbers_are_kept_of_a_long_file(tmp_path):
    one = frame(0)
    filler = f"<sensorFreeAcceleration>{'0.123456 ' * 3000}</sensorFreeAcceleration></frame>"
    frames = [one.replace('index="0"', f'index="{n}"').replace("</frame>", filler) for n in range(400)]
    path = written(tmp_path, document(frames))
    tracemalloc.start()
    poses = read_mvnx(path).poses
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(poses) == 400
    assert peak < path.stat().st_size / 2


MANY = " ".join(f"a{n}=''" for n in range(5000))
BOMB = '<!DOCTYPE mvnx [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'


WRONG = [
    ("", "no frame can be read"),
    ("HIERARCHY", "no frame can be read"),
    ("<bvh/>", "its first element is 'bvh'"),
    (document([frame(0)], head=BOMB), "DOCTYPE"),
    (document([frame(0)], head='<!DOCTYPE mvnx SYSTEM "file:///etc/passwd">'), "DOCTYPE"),
    (document([]), "no frame of type"),
    (document([frame(0, kind="tpose")]), "no frame of type"),
    (document([frame(0)], rate="0"), "frameRate"),
    (document([frame(0)], rate="fast"), "frameRate"),
    (document([frame(0)], rate="nan"), "frameRate"),
    (document([frame(0)], rate="1e9"), "frameRate"),
    (document([frame(0)], labels=[f"s{n}" for n in range(23)]), "segments are not MVN's"),
    (document([frame(0)], labels=("Pelvis",) * 23), "segments are not MVN's"),
    (document([frame(0)]).replace("<segments", "<parts").replace("</segments", "</parts"), "not 0 numbers"),
    (document([frame(0, labels=SEGMENTS[:22])]), "not 92 numbers"),
    (document([frame(0).replace("1.000000", "one", 1)]), "not 92 numbers"),
    (document([frame(0).replace("orientation", "velocity")]), "joint angles alone"),
    (document(["<frame type='normal' index='0'/>"]), "no orientation"),
    (f"<mvnx><frames>{frame(0)}</frames></mvnx>", "frames without a subject"),
    ("<mvnx>" * 40, "lie in one another"),
    (f"<mvnx><comment {MANY}/></mvnx>", "too many names"),
    (f"<mvnx {'a' * 3_000_000}=''/>", "far too long"),
    (f"<mvnx><!--{'a' * 3_000_000}--></mvnx>", "far too long"),
    (document(["<frame><orientation>" + "1 " * 200_000 + "</orientation></frame>"]), "far too long"),
    ('<?xml version="1.0" encoding="no-such"?><mvnx/>', "no frame can be read"),
]


@pytest.mark.parametrize(("content", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_is_no_mvnx_file_is_told_in_a_line(content, said, tmp_path):
    with pytest.raises(EdgeEmotionError) as caught:
        read_mvnx(written(tmp_path, content))
    assert said in str(caught.value)
    assert "take.mvnx" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_joint_angles_alone_are_refused_with_what_to_do(tmp_path):
    content = document([frame(0).replace("orientation", "velocity")])
    with pytest.raises(EdgeEmotionError, match="export it again from MVN as MVNX with orientation"):
        read_mvnx(written(tmp_path, content))


def test_a_file_that_is_too_large_or_none_is_refused(tmp_path, monkeypatch):
    path = written(tmp_path, document([frame(0), frame(1)]))
    for missing in (tmp_path / "no.mvnx", tmp_path / "a\0b.mvnx"):
        with pytest.raises(EdgeEmotionError, match="no such file"):
            read_mvnx(missing)
    with pytest.raises(EdgeEmotionError, match="no regular file"):
        read_mvnx(tmp_path)
    monkeypatch.setattr(mvnx, "MOST_FRAMES", 1)
    with pytest.raises(EdgeEmotionError, match="more than 1 frames"):
        read_mvnx(path)
    monkeypatch.setattr(mvnx, "MOST_BYTES", 100)
    with pytest.raises(EdgeEmotionError, match="larger than"):
        read_mvnx(path)


def test_world_rotations_of_the_t_pose_are_those_of_the_contract(tmp_path):
    pose = read_mvnx(written(tmp_path, document([frame(0, {"Pelvis": TURN, "RightUpperArm": TURN})]))).poses[
        0
    ]
    world = to_world(pose.rotations)
    expected = product(about(1, np.pi / 2), about(2, -np.pi / 2))
    assert abs((world[SEGMENTS.index("RightUpperArm")] * expected).sum()) == pytest.approx(1, abs=1e-6)
