"""Datagrams of the Xsens MVN network stream (specification revision N, 2018): bytes <-> their items.

A header of 24 bytes, big-endian: "MXTP" and two digits for the type, sample counter u32, datagram counter u8 (bit 7:
the last of its sample), item count u8, time code u32 in ms, character u8, counts of body segments, props and finger
segments u8, 2 reserved, payload size u16. Items of three types are read:
01: segment i32, position 3 x f32, Euler angles x y z 3 x f32 in degrees; y up.
02: segment i32, position 3 x f32, quaternion w x y z 4 x f32; z up.
20: points i32 of the parent and of the child, angles x y z 3 x f32 in degrees. A point is 256 * segment + local point.
Segments count from 1, in the order of skeleton.SEGMENTS; props and fingers come after the 23.
"""

import struct
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_emotion.rotations import Array
from edge_emotion.skeleton import COUNT
from edge_emotion.sources.motion_decoder import LARGEST, LENGTHS, DatagramError

EULER, QUATERNION, JOINT_ANGLES = 1, 2, 20
_HEADER = struct.Struct(">6sIBBIBBBB2sH")
_MAGIC = b"MXTP"
_LAST = 0x80
POINTS = 256  # points of a segment
_WORDS = {EULER: (1, 6), QUATERNION: (1, 7), JOINT_ANGLES: (2, 3)}  # ids and numbers of an item, 4 bytes each
MOST_ITEMS = 255


@dataclass(frozen=True, eq=False)
class MvnDatagram:
    """One datagram of type EULER, QUATERNION or JOINT_ANGLES.

    sample: counter of the sample it is a part of. index, last: its place among the sample's datagrams.
    milliseconds: the sender's time code. character: which body. ids: (N, 1) segments or (N, 2) points.
    values: (N, 6), (N, 7) or (N, 3) finite numbers, in the order of the stream.
    """

    type: int
    sample: int
    index: int
    last: bool
    milliseconds: int
    character: int
    ids: NDArray[np.int64]
    values: Array


def parse(datagram: bytes) -> MvnDatagram | None:
    """Read a datagram; None for a type that is legal and not read; DatagramError for what is none.

    Segments outside the body, as props and fingers, are left out.
    """
    if len(datagram) < _HEADER.size:
        raise DatagramError("truncated" if datagram[:4] == _MAGIC else "wrong magic")
    (
        magic, sample, counter, items, milliseconds, character, body, props, fingers, reserved, size,
    ) = _HEADER.unpack_from(datagram)  # fmt: skip
    if magic[:4] != _MAGIC:
        raise DatagramError("wrong magic")
    if not magic[4:].isdigit():
        raise DatagramError("unknown type")
    kind = int(magic[4:])
    payload = len(datagram) - _HEADER.size
    # Before 2018 the last seven bytes were reserved and 0: the length speaks alone.
    old = size == 0 and not (body or props or fingers or any(reserved))
    if payload != size and not old:
        raise DatagramError("truncated" if payload < size else "payload size")
    if kind not in _WORDS:
        return None
    names, numbers = _WORDS[kind]
    if items == 0 or payload != items * 4 * (names + numbers):
        raise DatagramError("item count")
    shape = (items, names + numbers)
    ids = np.frombuffer(datagram, ">i4", offset=_HEADER.size).reshape(shape)[:, :names].astype(np.int64)
    values = np.frombuffer(datagram, ">f4", offset=_HEADER.size).reshape(shape)[:, names:]
    return _checked(
        MvnDatagram(
            kind,
            sample,
            counter & ~_LAST,
            counter & _LAST != 0,
            milliseconds,
            character,
            ids,
            _finite(values),
        ),
        max(COUNT, body) + props + fingers,
    )


def _finite(values: NDArray[np.float32]) -> Array:
    """Native float64 numbers; DatagramError where one is not finite or out of range."""
    with np.errstate(invalid="ignore"):  # a signalling NaN
        native = values.astype(np.float64)
    if not np.abs(native).max() <= LARGEST:  # NaN is not
        raise DatagramError("numbers that are not finite")
    return native


def _checked(datagram: MvnDatagram, segments: int) -> MvnDatagram:
    """Without items of props and fingers; segments: how many the sender has."""
    told = datagram.ids if datagram.type != JOINT_ANGLES else datagram.ids // POINTS
    # Angles to the vertical, which newer versions add to the joints', have no parent: 0.
    if told[:, -1].min() < 1 or told.min() < 0 or told.max() > segments:
        raise DatagramError("segment id")
    if datagram.type == QUATERNION:
        q = datagram.values[:, 3:]
        squares = np.einsum("ij,ij->i", q, q)
        if squares.min() < LENGTHS[0] or squares.max() > LENGTHS[1]:
            raise DatagramError("quaternion without length 1")
    if told.max() <= COUNT:
        return datagram
    ours = told.max(1) <= COUNT
    return replace(datagram, ids=datagram.ids[ours], values=datagram.values[ours])


def build(datagram: MvnDatagram) -> bytes:
    """The bytes of a datagram, which `parse` reads back as float32; ValueError when it has too many items."""
    names, numbers = _WORDS[datagram.type]
    count = len(datagram.ids)
    if not 0 < count <= MOST_ITEMS or datagram.values.shape != (count, numbers):
        raise ValueError(
            f"expected 1 to {MOST_ITEMS} items of {numbers} numbers, got {datagram.values.shape}"
        )
    items = np.empty((count, names + numbers), ">i4")
    items[:, :names] = datagram.ids
    items.view(">f4")[:, names:] = datagram.values
    payload = items.tobytes()
    counter = datagram.index | (_LAST if datagram.last else 0)
    header = _HEADER.pack(
        _MAGIC + b"%02d" % datagram.type, datagram.sample, counter, count, datagram.milliseconds,
        datagram.character, COUNT, 0, 0, b"\0\0", len(payload),
    )  # fmt: skip
    return header + payload
