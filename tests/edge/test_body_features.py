"""Body nodes and what a network sees of them, by cases worked by hand."""

import numpy as np
import pytest

from edge_emotion.features.body import BODY, BODY_RAW, SEEN, continuous, pose_node, seen_joints
from edge_emotion.features.body_track import BodyTrack
from edge_emotion.rotations import IDENTITY, about, from_euler, product
from edge_emotion.skeleton import COUNT, JOINTS, SEGMENTS, Pose
from walking import walk, walking

STILL = np.tile(IDENTITY, (COUNT, 1))
AT = np.array([1.0, 0.9, 2.0])


def nodes_of(poses):
    track = BodyTrack()
    return [node for pose in poses for node in track.add(pose)]


def table(poses):
    return np.stack([node.values for node in nodes_of(poses)])


def test_a_node_holds_place_facing_tilts_and_joints():
    turned = STILL.copy()
    turned[0] = from_euler("YXZ", np.array([2.0, 0.3, 0.0]))
    turned[SEGMENTS.index("LeftLowerLeg")] = about(0, 0.8)
    node = pose_node(turned, AT)
    assert node[:6] == pytest.approx([1.0, 0.9, 2.0, 2.0, 0.3, 0.0], abs=1e-6)
    knee = 6 + 3 * JOINTS.index("jLeftKnee")
    assert node[knee] == pytest.approx(0.8)
    rest = np.delete(node[6:], knee - 6)
    assert np.abs(rest).max() < 1e-6


def test_sizes_are_those_of_the_paper_and_ours():
    assert BODY_RAW.features == 72
    assert BODY.features == 2 * SEEN + 9 == 105
    assert BODY.window(np.zeros((2, 120, 72), np.float32)).shape == (2, 120, 105)


def test_an_arm_that_is_raised_past_the_side_does_not_jump():
    raised = np.linspace(0, np.radians(150), 60)
    triples = np.stack([from_triple(angle) for angle in raised])[:, None]
    unwrapped = continuous(triples)[:, 0]
    assert unwrapped[:, 1] == pytest.approx(raised, abs=1e-6)
    assert np.abs(unwrapped[:, [0, 2]]).max() < 1e-6


def from_triple(angle):
    """A rotation about z alone, as it is told: beyond a quarter turn by the other triple."""
    return [0, angle, 0] if angle <= np.pi / 2 else [np.pi, np.pi - angle, np.pi]


def test_a_window_does_not_depend_on_what_was_before_it():
    nodes = table(walk(6.0))
    whole = BODY_RAW.window(nodes)
    for features in (BODY, BODY_RAW):
        assert features.window(whole[30:150]) == pytest.approx(features.window(nodes[30:150]), abs=1e-5)


def test_turning_round_and_round_is_a_steady_turn():
    spin = [Pose(n / 30, np.concatenate([about(1, 0.2 * n)[None], STILL[1:]]), AT) for n in range(120)]
    seen = BODY.window(table(spin))
    heading = 2 * SEEN + 4
    assert seen[:, heading] == pytest.approx(np.full(120, 6.0), abs=1e-3)


def test_walking_ahead_is_forward_whatever_the_direction():
    for facing in (0.0, 1.0, 3.0):
        ahead = np.array([np.sin(facing), 0, np.cos(facing)])
        poses = [
            Pose(n / 30, np.concatenate([about(1, facing)[None], STILL[1:]]), AT + 1.5 * n / 30 * ahead)
            for n in range(40)
        ]
        left, up, forward = BODY.window(table(poses))[:, 2 * SEEN + 5 : 2 * SEEN + 8].T
        assert forward == pytest.approx(np.full(40, 1.5), abs=1e-3)
        assert max(np.abs(left).max(), np.abs(up).max()) < 1e-3


def test_velocities_are_those_of_the_angles():
    seen = BODY.window(table(walk(4.0)))
    angles, velocities = seen[:, :SEEN], seen[:, SEEN : 2 * SEEN]
    assert velocities[1:-1] == pytest.approx((angles[2:] - angles[:-2]) * 15, abs=1e-3)


def test_angles_of_the_spine_are_added():
    bent = STILL.copy()
    for segment, angle in (("L5", 0.1), ("L3", 0.2), ("T8", 0.3)):
        bent[SEGMENTS.index(segment)] = about(0, angle)
    node = pose_node(bent, AT)
    assert BODY.window(np.stack([node, node]))[0, 0] == pytest.approx(0.6, abs=1e-6)


@pytest.mark.parametrize("rate", [12.0, 60.0, 120.0, 31.25])
def test_other_rates_give_the_same_nodes(rate):
    slow, even = nodes_of(walk(3.0, rate)), table(walk(3.0))
    assert [node.number for node in slow][:3] == [0, 1, 2]
    count = min(len(slow), len(even))
    assert count >= 90
    got = np.stack([node.values for node in slow[:count]])
    assert np.abs(got - even[:count]).max() < (0.06 if rate < 30 else 0.01)


def test_what_is_not_known_is_as_it_was_and_counted():
    first, second = walking(0.0), walking(1 / 30, without=("LeftLowerLeg", "L3"))
    nodes = nodes_of([first, second])
    knee = 6 + 3 * JOINTS.index("jLeftKnee")
    assert nodes[1].values[knee] == pytest.approx(nodes[0].values[knee])
    assert nodes[0].known == 1
    assert nodes[1].known == pytest.approx(16 / 17)  # the spine is told of by its other joints


def test_a_gap_begins_a_track_anew():
    track = BodyTrack()
    for pose in walk(1.0):
        track.add(pose)
    assert track.since == 0
    assert track.add(walking(1.4))[-1].number == 42  # bridged
    after = track.add(walking(2.0))
    assert track.since == 60
    assert [node.number for node in after] == [60]


def test_of_a_spine_one_joint_is_enough():
    known = np.zeros(COUNT, bool)
    assert not seen_joints(known).any()
    known[SEGMENTS.index("T12")] = True
    assert seen_joints(known).sum() == 1


def test_a_tilt_does_not_turn_the_heading():
    leaning = STILL.copy()
    leaning[0] = product(about(1, 1.0), about(0, 0.9))
    assert pose_node(leaning, AT)[3:6] == pytest.approx([1.0, 0.9, 0.0], abs=1e-6)
