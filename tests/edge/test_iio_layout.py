import struct
from pathlib import Path

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources.iio_layout import enable_elements, lay_out, parse_element, read_layout
from fake_iio import FakeIio, mpu_sample


def column(kind: str, stored: bytes) -> list[float]:
    """What one element of this type reads in stored bytes."""
    raw, stamps = lay_out([parse_element("in_accel_x", kind, "0")]).decode(stored)
    assert stamps is None
    return [float(value) for value in raw[:, 0]]


@pytest.mark.parametrize(
    ("kind", "stored", "values"),
    [
        ("be:s16/16>>0", b"\x01\x02\xff\xfe", [258, -2]),
        ("le:s16/16", b"\x01\x02\xfe\xff", [513, -2]),
        ("le:u16/16>>0", b"\xfe\xff", [65534]),
        ("le:s12/16>>4", b"\xf0\x7f\x00\x80\xff\xff", [2047, -2048, -1]),  # 0x7ff0, 0x8000, 0xffff
        ("be:u12/16>>4", b"\x80\x0f", [0x800]),
        (
            "le:s10/16",
            b"\x00\x02\xff\xfd",
            [-512, 511],
        ),  # 0x0200; 0xfdff, whose top six bits are no part of it
        ("be:s24/32>>8", b"\xff\xff\xfe\x77\x00\x00\x02\x99", [-2, 2]),
        ("le:u8/8", b"\xff\x01", [255, 1]),
        ("be:s8/8", b"\xff\x01", [-1, 1]),
        ("le:s1/8>>7", b"\x80\x7f", [-1, 0]),
        ("be:s64/64", struct.pack(">q", -(2**62)), [-(2.0**62)]),
        ("le:u64/64", struct.pack("<Q", 2**63), [2.0**63]),
        ("le:u33/64>>31", struct.pack("<Q", 2**64 - 2**31), [2.0**33 - 1]),
    ],
)
def test_values_are_shifted_masked_and_signed(kind: str, stored: bytes, values: list[float]) -> None:
    assert column(kind, stored) == values


def test_elements_are_ordered_by_index_and_aligned_to_their_own_size() -> None:
    layout = lay_out(
        [
            parse_element("in_accel_z", "le:s16/16", "7"),
            parse_element("in_accel_x", "le:u8/8", "0"),
            parse_element("in_accel_y", "be:s32/32", "3"),
        ]
    )
    assert layout.channels == ("in_accel_x", "in_accel_y", "in_accel_z")
    assert (layout.offsets, layout.size) == ((0, 4, 8), 12)
    sample = b"\x05" + bytes(3) + struct.pack(">i", -70000) + struct.pack("<h", 9) + bytes(2)
    raw, _ = layout.decode(2 * sample)
    assert raw.tolist() == [[5, -70000, 9], [5, -70000, 9]]
    assert raw.dtype == np.float64


def test_a_timestamp_keeps_all_its_nanoseconds_and_is_no_channel() -> None:
    layout = lay_out(
        [parse_element("in_accel_x", "be:s16/16", "0"), parse_element("in_timestamp", "le:s64/64", "1")]
    )
    assert (layout.channels, layout.offsets, layout.size) == (("in_accel_x",), (0, 8), 16)
    raw, stamps = layout.decode(b"\x00\x07" + bytes(6) + struct.pack("<q", 1_700_000_000_123_456_789))
    assert raw.tolist() == [[7]]
    assert stamps is not None and stamps.tolist() == [1_700_000_000_123_456_789]


def test_no_samples_are_none() -> None:
    raw, _ = lay_out([parse_element("in_accel_x", "be:s16/16", "0")]).decode(b"")
    assert raw.shape == (0, 1)


def test_a_device_in_sysfs_enables_what_is_wanted_alone(tmp_path: Path) -> None:
    iio = FakeIio(tmp_path)
    scan = iio.mpu6050(buffered=True) / "scan_elements"
    (scan / "in_temp_en").write_text("1\n")
    wanted = [f"in_{quantity}_{axis}" for quantity in ("accel", "anglvel") for axis in "xyz"]
    enable_elements(scan, wanted)
    assert (scan / "in_temp_en").read_text().strip() == "0"
    layout = read_layout(scan)
    assert layout.channels == tuple(wanted)
    assert (layout.offsets, layout.size) == ((0, 2, 4, 6, 8, 10, 16), 24)
    raw, stamps = layout.decode(mpu_sample((1, -2, 3), (4, 5, -6), 99))
    assert raw.tolist() == [[1, -2, 3, 4, 5, -6]]
    assert stamps is not None and stamps.tolist() == [99]
    with pytest.raises(EdgeEmotionError, match="expected in_magn_x_en, which is missing"):
        enable_elements(scan, ["in_magn_x"])
    iio.end()


@pytest.mark.parametrize(
    ("kind", "index", "said"),
    [
        ("le:s17/16", "0", "_type: expected 1 to 16 valid bits, got 'le:s17/16'"),
        ("le:s0/16", "0", "expected 1 to 16 valid bits"),
        ("le:s12/24", "0", "expected a storage of 8, 16, 32, 64 bits"),
        ("le:s12/0", "0", "expected a storage of"),
        ("le:s12/16>>5", "0", "expected a shift of at most 4 bits"),
        ("le:s12/16>>99999", "0", "expected [be|le]:"),
        ("le:s16/16X2>>0", "0", "got the repeated 'le:s16/16X2>>0'"),
        ("me:s16/16", "0", "got 'me:s16/16'"),
        ("le:s16/16 junk", "0", "expected [be|le]:[s|u]bits/storage[>>shift]"),
        ("le:s١٦/16", "0", "expected [be|le]:"),
        ("", "0", "got ''"),
        ("x" * 4000, "0", "expected [be|le]:"),
        ("le:s16/16", "-1", "_index: expected 0 to 999, got '-1'"),
        ("le:s16/16", "1000", "expected 0 to 999"),
        ("le:s16/16", "9" * 4000, "expected 0 to 999"),
        ("le:s16/16", "٣", "expected 0 to 999"),
        ("le:s16/16", "", "got ''"),
    ],
)
def test_a_hostile_layout_is_one_line(kind: str, index: str, said: str) -> None:
    with pytest.raises(EdgeEmotionError) as refused:
        parse_element("in_accel_x", kind, index)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 200


def test_missing_files_two_of_one_index_none_and_half_a_sample_are_told(tmp_path: Path) -> None:
    iio = FakeIio(tmp_path)
    scan = iio.mpu6050(buffered=True) / "scan_elements"
    with pytest.raises(EdgeEmotionError, match="expected enabled elements, got none"):
        read_layout(scan)
    enable_elements(scan, ["in_accel_x", "in_accel_y"])
    (scan / "in_accel_y_index").write_text("0\n")
    with pytest.raises(EdgeEmotionError, match="got 0 for in_accel_x and in_accel_y"):
        read_layout(scan)
    (scan / "in_accel_y_type").unlink()
    with pytest.raises(
        EdgeEmotionError, match="in_accel_y_type: expected the layout of a sample, got: no such"
    ):
        read_layout(scan)
    with pytest.raises(EdgeEmotionError, match="expected samples of 2 bytes, got 3 bytes"):
        column("le:s16/16", b"\x00\x00\x00")
    iio.end()
