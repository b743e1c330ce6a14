"""VMC messages: the mirrored world worked by hand, where frames end, and hostile OSC."""

import struct

import numpy as np
import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from edge_emotion.rotations import about, product, rotated
from edge_emotion.skeleton import COUNT, SEGMENTS, T_POSE, to_parents, to_world
from edge_emotion.skeleton_names import UNITY
from edge_emotion.sources.motion_decoder import DatagramError
from edge_emotion.sources.osc_messages import messages
from edge_emotion.sources.vmc import UNTIMED, VmcDecoder

QUARTER = np.pi / 2
NEUTRAL = (0.0, 0, 0, 0, 0, 0, 1)


def message(address, *arguments):
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument, "f" if isinstance(argument, float) else None)
    return builder.build()


def bone(name, placed=NEUTRAL, address="/VMC/Ext/Bone/Pos"):
    return message(address, name, *map(float, placed))


def root(placed=NEUTRAL):
    return bone("root", placed, "/VMC/Ext/Root/Pos")


def time(seconds):
    return message("/VMC/Ext/T", float(seconds))


def bundle(*contents):
    builder = OscBundleBuilder(IMMEDIATELY)
    for content in contents:
        builder.add_content(content)
    return builder.build()


def unity(axis, angle):
    """Unity's quaternion x y z w about one of its axes."""
    w, *vector = about(axis, angle)
    return (0.0, 0, 0, *vector, w)


def decoded(decoder, *contents):
    return [pose for content in contents for pose in decoder.decode(content.dgram)]


def one(*contents):
    (pose,) = decoded(VmcDecoder(), bundle(message("/VMC/Ext/OK", 1), time(2.5), *contents))
    return pose


def everything():
    return [bone(name) for name in UNITY]


def test_identity_is_the_t_pose():
    pose = one(root(), *everything())
    assert pose.seconds == 2.5
    known = np.isfinite(pose.rotations[:, 0])
    assert [SEGMENTS[number] for number in np.flatnonzero(~known)] == ["L3"]
    assert to_world(pose.rotations)[known] == pytest.approx(T_POSE[known])


def test_the_mirrored_world_by_hand():
    # Unity is left-handed: about its y, z turns to x, to the right; the hips then look to the body's right, ours -x.
    pose = one(bone("Hips", (1.0, 2.0, 3.0, *unity(1, QUARTER)[3:])), bone("Head", unity(0, QUARTER)))
    assert rotated(pose.rotations[0], np.array([0, 0, 1.0])) == pytest.approx([-1, 0, 0], abs=1e-6)
    assert pose.position.tolist() == [-1, 2, 3]
    # About its x, y turns to z: the head nods forward, as about our +x.
    assert pose.rotations[SEGMENTS.index("Head")] == pytest.approx(about(0, QUARTER), abs=1e-6)


def test_arms_that_fall_from_the_t_pose_are_neutral():
    # Unity, z forward and x right, left-handed: the right arm, along +x, falls by -90 degrees about z.
    pose = one(
        *(bone(name) for name in UNITY if not name.endswith("UpperArm")),
        bone("RightUpperArm", unity(2, -QUARTER)),
        bone("LeftUpperArm", unity(2, QUARTER)),
    )
    known = np.isfinite(pose.rotations[:, 0])
    assert pose.rotations[known] == pytest.approx(np.tile([1.0, 0, 0, 0], (22, 1)), abs=1e-6)


def test_it_is_what_world_rotations_give():
    rng = np.random.default_rng(0)
    turns = rng.normal(size=(len(UNITY), 4))
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    pose = one(*(bone(name, (0, 0, 0, *q[1:], q[0])) for name, q in zip(UNITY, turns, strict=True)))
    local = np.full((COUNT, 4), np.nan)
    for segment, q in zip(UNITY.values(), turns, strict=True):
        local[SEGMENTS.index(segment)] = q * [1, 1, -1, -1]
    world = product(to_world(local), T_POSE)
    world[SEGMENTS.index("L3")] = np.nan
    assert pose.rotations == pytest.approx(to_parents(world), abs=1e-6, nan_ok=True)


def test_the_root_carries_the_hips():
    pose = one(root((1, 0, 0, *unity(1, QUARTER)[3:])), bone("Hips", (0, 1, 2, 0, 0, 0, 1)))
    # Unity: the hips stand at z 2, which the root turns to x 2, and moves to x 3: 3 to the body's right.
    assert pose.position == pytest.approx([-3, 1, 0], abs=1e-6)
    assert rotated(pose.rotations[0], np.array([0, 0, 1.0])) == pytest.approx([-1, 0, 0], abs=1e-6)


def test_a_bone_that_is_not_sent_anew_is_not_known():
    decoder = VmcDecoder()
    first, second = decoded(
        decoder, bundle(time(0), bone("Hips"), bone("Head")), bundle(time(1), bone("Hips"))
    )
    head = SEGMENTS.index("Head")
    assert np.isfinite(first.rotations[head]).all()
    assert np.isnan(second.rotations[head]).all()


def test_without_hips_joints_are_known_and_the_pelvis_is_not():
    pose = one(bone("LeftUpperLeg"), bone("LeftLowerLeg", unity(0, 0.5)))
    assert np.isnan(pose.rotations[0]).all()
    assert np.isnan(pose.position).all()
    assert pose.rotations[SEGMENTS.index("LeftLowerLeg")] == pytest.approx(about(0, 0.5), abs=1e-6)


def frames(order, count=4):
    """Loose messages of three bones and the time, which comes last or first."""
    bones = [bone(name) for name in ("Hips", "Spine", "Head")]
    return [
        each
        for number in range(count)
        for each in ([*bones, time(number)] if order == "last" else [time(number), *bones])
    ]


@pytest.mark.parametrize(("order", "times"), [("last", [0, 1, 2, 3]), ("first", [1, 2, 3])])
def test_loose_messages_make_frames_whenever_the_time_comes(order, times):
    poses = decoded(VmcDecoder(), *frames(order))
    assert [pose.seconds for pose in poses] == times
    assert all(np.isfinite(pose.rotations[:, 0]).sum() == 3 for pose in poses)


def test_a_frame_split_over_bundles_is_whole_from_the_second_on():
    decoder = VmcDecoder()
    poses = []
    for number in range(4):
        poses += decoded(decoder, bundle(time(number), bone("Hips")), bundle(bone("Spine"), bone("Head")))
    assert [np.isfinite(pose.rotations[:, 0]).sum() for pose in poses] == [1, 2, 3, 3]
    assert [pose.seconds for pose in poses] == [0, 1, 2, 3]


def test_a_sender_that_tells_no_time_ends_a_frame_where_a_bone_comes_again():
    poses = decoded(VmcDecoder(), *[bone("Hips"), bone("Head")] * 3)
    assert [pose.seconds for pose in poses] == [None, None]


def test_a_frame_whose_time_was_lost_is_left_out():
    decoder = VmcDecoder()
    poses = decoded(decoder, bone("Hips"), time(1), bone("Hips"), bone("Hips"), time(3))
    assert [pose.seconds for pose in poses] == [1, 3]
    assert decoder.counts[UNTIMED] == 1


def test_other_messages_are_let_go():
    decoder = VmcDecoder()
    blend = message("/VMC/Ext/Blend/Val", "Joy", 1.0)
    assert decoded(decoder, bundle(blend), blend, message("/VMC/Ext/OK", 1), bundle()) == []
    assert decoder.counts == {"others": 4}
    assert len(decoded(decoder, bundle(time(0), blend, bone("Hips"), bone("LeftEye")))) == 1


def raw(size, content=b""):
    return b"#bundle\0" + bytes(8) + struct.pack(">i", size) + content


def deep(levels):
    content = time(0).dgram
    for _ in range(levels):
        content = raw(len(content), content)
    return content


HIPS = bone("Hips").dgram


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", "neither"),
        (b"MXTP02", "neither"),
        (b"/", "truncated"),
        (b"/VMC/Ext/Bone/Pos\0\0\0", "arguments"),
        (b"#bundle\0", "truncated"),
        (raw(-4), "element size"),  # python-osc alone would read this one for ever
        (raw(0), "element size"),
        (raw(3, b"/ab"), "element size"),
        (raw(400, HIPS), "truncated"),
        (raw(4, b"abcd"), "neither"),
        (HIPS[:-4], "truncated"),
        (HIPS + bytes(4), "arguments"),
        (HIPS.replace(b",sf", b",ff"), "arguments"),
        (HIPS.replace(b",sf", b",s["), "arguments"),
        (HIPS.replace(b"Hips", b"\xff\xfe\xfd\xfc"), "arguments"),
        (HIPS + bytes(400), "arguments"),
        (message("/VMC/Ext/Bone/Pos", "Hips", 1.0).dgram, "arguments"),
        (message("/VMC/Ext/Bone/Pos", *["Hips"] * 8).dgram, "arguments"),
        (message("/VMC/Ext/T", "soon").dgram, "arguments"),
        (time(np.nan).dgram, "finite"),
        (bone("Hips", (np.inf, 0, 0, 0, 0, 0, 1)).dgram, "finite"),
        (bone("Hips", (0, 0, 0, 0, 0, 0, 0)).dgram, "quaternion"),
        (deep(5), "too deep"),
        (
            b"#bundle\0" + bytes(8) + raw(16)[16:20] * 0 + (struct.pack(">i", 4) + b"/a\0\0") * 1100,
            "too many",
        ),
        (bytes(65508), "too large"),
    ],
)
def test_what_is_no_vmc_is_refused_with_its_reason(datagram, reason):
    with pytest.raises(DatagramError, match=reason):
        VmcDecoder().decode(datagram)


def test_bundles_in_bundles_keep_the_order_of_their_messages():
    inner, outer = time(1).dgram, time(2).dgram
    datagram = (
        raw(len(raw(len(inner), inner)), raw(len(inner), inner)) + struct.pack(">i", len(outer)) + outer
    )
    told = messages(datagram, [b"/VMC/Ext/T"])
    assert [each.arguments for each in told] == [(1.0,), (2.0,)]
    assert decoded(VmcDecoder(), time(1)) == []


def test_a_refused_datagram_leaves_no_trace():
    decoder = VmcDecoder()
    good, bad = bone("Head").dgram, bone("Hips", (0,) * 7).dgram
    datagram = raw(len(good), good) + struct.pack(">i", len(bad)) + bad
    with pytest.raises(DatagramError):
        decoder.decode(datagram)
    (pose,) = decoded(decoder, bundle(time(0), bone("Hips")))
    assert np.isfinite(pose.rotations[:, 0]).sum() == 1
