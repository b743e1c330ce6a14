"""MVN samples in our axes: joint angles worked by hand, and the three types against each other."""

from dataclasses import replace

import numpy as np
import pytest

from edge_emotion.rotations import about, inverse, product, rotated, to_xzy
from edge_emotion.skeleton import COUNT, JOINTS, PARENTS, SEGMENTS, T_POSE, to_parents, to_world
from edge_emotion.sources.motion_decoder import DatagramError, relative
from edge_emotion.sources.mvn_packets import EULER, JOINT_ANGLES, QUATERNION, MvnDatagram, build
from edge_emotion.sources.mvn_poses import MvnDecoder, whole_pose

RIGHT, LEFT, UP, DOWN, FORWARD, BACK = np.array(
    [[-1, 0, 0], [1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float
)
QUARTER = np.pi / 2


def angles(**degrees):
    """A type 20 sample of all joints; by name of the joint (abduction, rotation, flexion)."""
    ids = np.array([[256 * (PARENTS[child] + 1) + 1, 256 * (child + 1)] for child in range(1, COUNT)])
    values = np.zeros((22, 3))
    for name, given in degrees.items():
        values[JOINTS.index(name)] = given
    return MvnDatagram(JOINT_ANGLES, 0, 0, True, 0, 0, ids, values)


def world(kind, rotations, positions=None, segments=range(COUNT), milliseconds=0, sample=0):
    """A sample of MVN's own world rotations (N, 4), or Euler angles (N, 3), and positions."""
    count = len(rotations)
    positions = np.zeros((count, 3)) if positions is None else positions
    values = np.concatenate([positions, rotations], axis=1)
    ids = np.array(segments)[:, None] + 1
    return MvnDatagram(kind, sample, 0, True, milliseconds, 0, ids, values)


def identity(count=COUNT):
    return np.tile([1.0, 0, 0, 0], (count, 1))


# abduction, rotation, flexion of 90 degrees, what it moves and to where; worked by hand.
BY_HAND = [
    ("jRightElbow", (0, 0, 90), DOWN, FORWARD),
    ("jLeftElbow", (0, 0, 90), DOWN, FORWARD),
    ("jRightKnee", (0, 0, 90), DOWN, BACK),
    ("jLeftKnee", (0, 0, 90), DOWN, BACK),
    ("jRightHip", (0, 0, 90), DOWN, FORWARD),
    ("jLeftHip", (0, 0, 90), DOWN, FORWARD),
    ("jRightHip", (90, 0, 0), DOWN, RIGHT),
    ("jLeftHip", (90, 0, 0), DOWN, LEFT),
    ("jRightHip", (0, 90, 0), FORWARD, LEFT),
    ("jLeftHip", (0, 90, 0), FORWARD, RIGHT),
    ("jRightShoulder", (0, 0, 90), DOWN, FORWARD),
    ("jLeftShoulder", (0, 0, 90), DOWN, FORWARD),
    ("jRightShoulder", (90, 0, 0), DOWN, RIGHT),
    ("jLeftShoulder", (90, 0, 0), DOWN, LEFT),
    ("jRightShoulder", (0, 90, 0), FORWARD, LEFT),
    ("jLeftShoulder", (0, 90, 0), FORWARD, RIGHT),
    ("jRightT4Shoulder", (90, 0, 0), RIGHT, UP),
    ("jLeftT4Shoulder", (90, 0, 0), LEFT, UP),
    ("jRightT4Shoulder", (0, 90, 0), RIGHT, FORWARD),
    ("jLeftT4Shoulder", (0, 90, 0), LEFT, FORWARD),
    ("jRightWrist", (0, 0, 90), DOWN, LEFT),  # the palm looks at the thigh
    ("jLeftWrist", (0, 0, 90), DOWN, RIGHT),
    ("jRightWrist", (90, 0, 0), DOWN, BACK),
    ("jLeftWrist", (90, 0, 0), DOWN, BACK),
    ("jRightElbow", (0, 90, 0), LEFT, BACK),  # pronation: the palm looks back
    ("jLeftElbow", (0, 90, 0), RIGHT, BACK),
    ("jRightAnkle", (0, 0, 90), FORWARD, UP),
    ("jLeftAnkle", (0, 0, 90), FORWARD, UP),
    ("jRightBallFoot", (0, 0, 90), FORWARD, UP),
    ("jL5S1", (0, 0, 90), UP, FORWARD),
    ("jC1Head", (90, 0, 0), UP, RIGHT),
    ("jC1Head", (0, 90, 0), FORWARD, LEFT),
]


@pytest.mark.parametrize(("joint", "degrees", "start", "end"), BY_HAND)
def test_a_joint_moves_as_clinicians_say(joint, degrees, start, end):
    rotations, position = whole_pose(angles(**{joint: degrees}))
    child = JOINTS.index(joint) + 1
    assert rotated(rotations[child], start) == pytest.approx(end, abs=1e-9)
    rest = np.delete(rotations, [0, child], axis=0)
    assert rest == pytest.approx(identity(21))
    assert np.isnan(rotations[0]).all()
    assert np.isnan(position).all()


def test_joint_angles_keep_their_order():
    # ISB: z flexion, x abduction, y rotation, moving; ours x, z, y: the same order.
    rotations, _ = whole_pose(angles(jRightHip=(20, 10, 30), jLeftHip=(20, 10, 30)))
    told = np.degrees(to_xzy(rotations[[SEGMENTS.index("RightUpperLeg"), SEGMENTS.index("LeftUpperLeg")]]))
    assert told == pytest.approx(np.array([[-30, -20, 10], [-30, 20, -10]]))


def test_angles_between_distant_segments_are_no_joints():
    sample = angles(jC1Head=(0, 0, 20))
    extra = np.array(
        [[256 * 5 + 1, 256 * 7], [0, 256 * 1], [256 * 1, 256 * 5]]
    )  # T8 to head, upright pelvis, trunk
    more = replace(
        sample,
        ids=np.concatenate([sample.ids, extra]),
        values=np.concatenate([sample.values, np.full((3, 3), 77.0)]),
    )
    assert whole_pose(more)[0] == pytest.approx(whole_pose(sample)[0], nan_ok=True)


def test_the_t_pose_is_identity_there_and_raised_arms_here():
    rotations, _ = whole_pose(world(QUATERNION, identity()))
    assert to_world(rotations) == pytest.approx(T_POSE)
    right, left = SEGMENTS.index("RightUpperArm"), SEGMENTS.index("LeftUpperArm")
    assert rotated(to_world(rotations)[[right, left]], DOWN) == pytest.approx(
        np.array([RIGHT, LEFT]), abs=1e-9
    )


def test_the_n_pose_is_identity_here():
    # MVN's x is forward: an arm falls from the T-pose about it, the right one by +90, the left by -90 degrees.
    sent = identity()
    for segment, name in enumerate(SEGMENTS):
        if name.endswith(("Arm", "Forearm", "Hand")):
            sent[segment] = about(0, -QUARTER if name.startswith("Left") else QUARTER)
    assert whole_pose(world(QUATERNION, sent))[0] == pytest.approx(identity(), abs=1e-9)


def test_axes_and_places_of_the_world():
    # Turned to its left: MVN about z, ours about y. Forward, left, up: MVN x, y, z, ours z, x, y.
    sent = np.tile(about(2, 0.5), (COUNT, 1))
    rotations, position = whole_pose(world(QUATERNION, sent, np.tile([1.0, 2.0, 3.0], (COUNT, 1))))
    assert rotations[0] == pytest.approx(about(1, 0.5))
    assert position.tolist() == [2, 3, 1]


def test_euler_angles_are_about_moving_z_x_y_in_our_axes():
    degrees = np.tile([20.0, 30.0, 10.0], (COUNT, 1))  # x, y, z
    rotations, position = whole_pose(world(EULER, degrees, np.tile([1.0, 2.0, 3.0], (COUNT, 1))))
    by_hand = product(product(about(2, np.radians(10)), about(0, np.radians(20))), about(1, np.radians(30)))
    assert rotations[0] == pytest.approx(by_hand)
    assert to_world(rotations) == pytest.approx(product(by_hand, T_POSE))
    assert position.tolist() == [1, 2, 3]


def test_missing_segments_are_not_known_and_take_no_part():
    some = [0, 4, 8, 10]
    rng = np.random.default_rng(3)
    sent = rng.normal(size=(4, 4))
    sent /= np.linalg.norm(sent, axis=1, keepdims=True)
    rotations, _ = whole_pose(world(QUATERNION, sent, segments=some))
    assert np.flatnonzero(np.isfinite(rotations[:, 0])).tolist() == some
    ours = product(sent[:, [0, 2, 3, 1]], T_POSE[some])
    assert rotations[10] == pytest.approx(product(inverse(ours[2]), ours[3]))


def test_the_quick_way_to_parents_is_the_skeletons():
    rng = np.random.default_rng(0)
    for _ in range(50):
        turns = rng.normal(size=(COUNT, 4))
        turns /= np.linalg.norm(turns, axis=1, keepdims=True)
        turns[rng.random(COUNT) < 0.3] = np.nan
        assert relative(turns) == pytest.approx(to_parents(turns), nan_ok=True)


def decoded(decoder, *samples):
    return [pose for sample in samples for pose in decoder.decode(build(sample))]


@pytest.mark.parametrize(
    ("unit", "height", "expected"),
    [("auto", 0.9, 0.9), ("auto", 90.0, 0.9), ("m", 90.0, 90.0), ("cm", 0.9, 0.009), ("cm", 90.0, 0.9)],
)
def test_units_of_positions(unit, height, expected):
    sample = world(QUATERNION, identity(), np.tile([0, 0, height], (COUNT, 1)))
    (pose,) = decoded(MvnDecoder(unit), sample)
    assert pose.position[1] == pytest.approx(expected)


def test_auto_stays_in_centimetres_when_the_body_falls():
    places = [np.tile([0, 0, height], (COUNT, 1)) for height in (90.0, 4.0)]
    poses = decoded(MvnDecoder(), *(world(QUATERNION, identity(), place) for place in places))
    assert [pose.position[1] for pose in poses] == pytest.approx([0.9, 0.04])


def test_world_rotations_go_before_joint_angles():
    decoder = MvnDecoder()
    both = []
    for number in range(3):
        both += [
            world(QUATERNION, identity(), milliseconds=10 * number, sample=number),
            replace(angles(), milliseconds=10 * number, sample=number),
        ]
    poses = decoded(decoder, *both)
    assert [np.isfinite(pose.rotations[0, 0]) for pose in poses] == [True] * 3
    late = replace(angles(), milliseconds=2000)  # the others stopped long ago
    assert len(decoded(decoder, late)) == 1
    other = replace(angles(), milliseconds=20, character=1)  # another body never sent them
    assert decoded(decoder, other)[0].character == 1


def test_time_is_the_senders():
    (pose,) = decoded(MvnDecoder(), world(QUATERNION, identity(), milliseconds=86_399_999))
    assert pose.seconds == pytest.approx(86_399.999)


def test_a_sample_of_which_nothing_can_be_known_is_refused():
    with pytest.raises(DatagramError, match="no segment"):
        decoded(MvnDecoder(), world(QUATERNION, identity(1), segments=[1]))  # L5 without the pelvis
    with pytest.raises(DatagramError, match="no segment"):
        decoded(MvnDecoder(), replace(angles(), ids=angles().ids[:, ::-1]))


def test_other_types_are_counted_in_silence():
    decoder = MvnDecoder()
    datagram = build(world(QUATERNION, identity())).replace(b"MXTP02", b"MXTP24", 1)
    assert decoder.decode(datagram) == []
    assert decoder.counts == {"others": 1}
