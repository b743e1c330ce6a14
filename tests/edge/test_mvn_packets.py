"""MVN datagrams: bytes against the layout of the specification, and everything that is to be refused."""

import struct
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from edge_emotion.skeleton import SEGMENTS
from edge_emotion.sources.motion_decoder import DatagramError
from edge_emotion.sources.mvn_frames import INCOMPLETE, MOST_PARTS, WAITING, MvnFrames
from edge_emotion.sources.mvn_packets import EULER, JOINT_ANGLES, QUATERNION, MvnDatagram, build, parse


def quaternions(count=23, first=1, **changed):
    values = np.zeros((count, 7))
    values[:, 3] = 1
    values[:, 0] = np.arange(count)
    ids = np.arange(first, first + count)[:, None]
    return replace(MvnDatagram(QUATERNION, 7, 0, True, 1234, 0, ids, values), **changed)


def header(kind=b"MXTP02", items=23, size=736, body=23, props=0, fingers=0, counter=0x80):
    return struct.pack(
        ">6sIBBIBBBB2sH", kind, 7, counter, items, 1234, 0, body, props, fingers, b"\0\0", size
    )


def test_a_whole_body_has_the_sizes_of_the_specification():
    assert len(build(quaternions())) == 760
    angles = MvnDatagram(JOINT_ANGLES, 0, 0, True, 0, 0, np.full((22, 2), 256), np.zeros((22, 3)))
    assert len(build(angles)) == 464


def test_a_datagram_written_by_hand_is_read():
    item = struct.pack(">i3f4f", 3, 1.0, 2.0, 3.0, 0.0, 1.0, 0.0, 0.0)
    read = parse(header(items=1, size=32) + item)
    assert (read.type, read.sample, read.index, read.last) == (QUATERNION, 7, 0, True)
    assert (read.milliseconds, read.character) == (1234, 0)
    assert SEGMENTS[int(read.ids[0, 0]) - 1] == "L3"
    assert read.values.tolist() == [[1, 2, 3, 0, 1, 0, 0]]


@pytest.mark.parametrize(
    ("kind", "names", "numbers"), [(EULER, 1, 6), (QUATERNION, 1, 7), (JOINT_ANGLES, 2, 3)]
)
def test_what_is_built_is_read_back(kind, names, numbers):
    values = np.random.default_rng(kind).normal(size=(5, numbers))
    if kind == QUATERNION:
        values[:, 3:] /= np.linalg.norm(values[:, 3:], axis=1, keepdims=True)
    ids = np.arange(1, 6)[:, None] * (256 if names == 2 else 1) + np.arange(names)
    written = MvnDatagram(kind, 2**32 - 1, 3, False, 2**32 - 1, 255, ids, values)
    read = parse(build(written))
    for name in ("type", "sample", "index", "last", "milliseconds", "character"):
        assert getattr(read, name) == getattr(written, name)
    assert (read.ids == ids).all()
    assert (read.values == values.astype(np.float32)).all()


def broken(**places):
    """A whole body with some of its numbers replaced: item, number -> value."""
    datagram = bytearray(build(quaternions()))
    for place, value in places.items():
        item, number = map(int, place.removeprefix("at").split("_"))
        struct.pack_into(">f", datagram, 24 + item * 32 + 4 + number * 4, value)
    return bytes(datagram)


def with_id(segment):
    datagram = bytearray(build(quaternions()))
    struct.pack_into(">i", datagram, 24, segment)
    return bytes(datagram)


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", "wrong magic"),
        (b"MXTP02", "truncated"),
        (b"HTTP/1.1 200 OK and so on, and on", "wrong magic"),
        (build(quaternions())[:-1], "truncated"),
        (build(quaternions())[:24], "truncated"),
        (build(quaternions()) + b"\0", "payload size"),
        (header(b"MXTPxy", 0, 0), "unknown type"),
        (header(b"MXTP\xb22", 0, 0), "unknown type"),
        (header(items=22) + bytes(736), "item count"),
        (header(items=0, size=0), "item count"),
        (header(items=23, size=23 * 28) + bytes(23 * 28), "item count"),
        (with_id(0), "segment id"),
        (with_id(-1), "segment id"),
        (with_id(24), "segment id"),
        (with_id(2**31 - 1), "segment id"),
        (broken(at2_1=np.nan), "finite"),
        (broken(at22_6=np.inf), "finite"),
        (broken(at0_0=1e30), "finite"),
        (broken(at4_3=0.0), "quaternion"),
        (broken(at4_3=40.0), "quaternion"),
    ],
)
def test_what_is_no_mvn_is_refused_with_its_reason(datagram, reason):
    with pytest.raises(DatagramError, match=reason):
        parse(datagram)


def test_a_signalling_nan_is_refused_without_a_word():
    datagram = bytearray(build(quaternions()))
    datagram[28:32] = b"\x7f\xa0\0\0"
    with pytest.raises(DatagramError, match="finite"):
        parse(bytes(datagram))


@pytest.mark.parametrize("kind", [b"MXTP03", b"MXTP12", b"MXTP21", b"MXTP23", b"MXTP25"])
def test_other_types_are_legal_and_not_read(kind):
    assert parse(header(kind, 1, 4) + bytes(4)) is None


def test_props_and_fingers_are_left_out():
    datagram = bytearray(build(quaternions(25)))
    with pytest.raises(DatagramError, match="segment id"):
        parse(bytes(datagram))
    datagram[17], datagram[18] = 1, 40
    read = parse(bytes(datagram))
    assert read.ids[:, 0].tolist() == list(range(1, 24))
    assert len(read.values) == 23


def test_old_senders_leave_the_last_seven_bytes_zero():
    datagram = bytearray(build(quaternions()))
    datagram[17:24] = bytes(7)
    assert len(parse(bytes(datagram)).ids) == 23


def parts(count=3, sample=7):
    """A body split over datagrams of 8, 8 and 7 segments."""
    cut = np.array_split(np.arange(23), count)
    whole = quaternions(sample=sample)
    return [
        replace(whole, index=index, last=index == count - 1, ids=whole.ids[rows], values=whole.values[rows])
        for index, rows in enumerate(cut)
    ]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (0, 0, 1, 1, 2)])
def test_a_split_sample_is_put_together_in_any_order(order):
    counts = Counter()
    frames, given = MvnFrames(counts), parts()
    done = [frames.push(given[index]) for index in order]
    assert [each is None for each in done] == [True] * (len(order) - 1) + [False]
    assert done[-1].ids[:, 0].tolist() == list(range(1, 24))
    assert (done[-1].values == quaternions().values).all()
    assert not counts


def test_samples_that_miss_a_part_are_given_up():
    counts = Counter()
    frames = MvnFrames(counts)
    for sample in range(1000):
        assert frames.push(parts(sample=sample)[0]) is None
    assert counts == {INCOMPLETE: 1000 - WAITING}
    assert len(frames._waiting) == WAITING
    assert frames.push(parts(2, sample=2000)[0]) is None
    assert frames.push(parts(2, sample=2000)[1]) is not None


def test_a_sample_with_too_many_parts_or_a_segment_twice_is_refused():
    frames = MvnFrames(Counter())
    with pytest.raises(DatagramError, match="too many parts"):
        frames.push(quaternions(index=MOST_PARTS, last=False))
    frames.push(quaternions(index=0, last=False))
    with pytest.raises(DatagramError, match="twice"):
        frames.push(quaternions(index=1, last=True))


@pytest.mark.parametrize("count", [0, 256])
def test_a_datagram_holds_1_to_255_items(count):
    with pytest.raises(ValueError, match="1 to 255 items"):
        build(quaternions(count))
