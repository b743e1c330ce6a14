"""Calibration data goes through its file unchanged; what is not such a file is refused in one line."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.calibration_data import FILE, CalibrationData, no_crops, read_calibration


@pytest.fixture
def data() -> CalibrationData:
    random = np.random.default_rng(0)
    return CalibrationData(
        "face", 1, random.normal(size=(5, 4, 3)).astype(np.float32), random.normal(size=(6, 4, 3)).astype(np.float32),
        np.arange(6), random.integers(0, 255, (5, 8, 8), np.uint8), random.integers(0, 255, (6, 8, 8), np.uint8),
    )  # fmt: skip


def test_it_is_read_as_it_was_written(tmp_path: Path, data: CalibrationData) -> None:
    assert data.write(tmp_path) == tmp_path / FILE
    found = read_calibration(tmp_path / FILE)
    for field in fields(data):
        assert np.array_equal(getattr(found, field.name), getattr(data, field.name))
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    "change",
    [
        {"windows": np.zeros((0, 4, 3), np.float32)},
        {"truth": np.arange(5)},
        {"truth": np.arange(6.0)},
        {"check": np.full((6, 4, 3), np.nan, np.float32)},
        {"check": np.zeros((6, 4), np.float32)},
        {"check_crops": np.zeros((5, 8, 8), np.uint8)},
        {"windows": np.array([object()])},
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, data: CalibrationData, change: dict) -> None:
    file = replace(data, **change).write(tmp_path)
    with pytest.raises(EdgeEmotionError, match=r"calibration\.npz: (expected windows|not calibration data)"):
        read_calibration(file)


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(
    tmp_path: Path, data: CalibrationData, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = data.write(tmp_path)
    monkeypatch.setattr("edge_emotion_train.calibration_data.LARGEST", 1000)
    with pytest.raises(EdgeEmotionError, match="not calibration data"):
        read_calibration(file)


def test_damaged_and_foreign_archives_are_refused(tmp_path: Path, data: CalibrationData) -> None:
    good = data.write(tmp_path).read_bytes()
    random = np.random.default_rng(4)
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "version.npz", **{**vars(data), "feature_version": "abc"})
    files = [tmp_path / "array.npy", tmp_path / "version.npz"]
    for number in range(60):
        broken = bytearray(good)
        for place in random.integers(0, len(good), 1 + number % 6):
            broken[place] = random.integers(256)
        files.append(tmp_path / f"{number}.npz")
        files[-1].write_bytes(broken)
    refused = 0
    for file in files:
        try:
            read_calibration(file)
        except EdgeEmotionError as error:
            assert "\n" not in str(error)
            refused += 1
    assert (
        refused > 20
    )  # a changed byte of compressed numbers fails its checksum; one of a date does not matter


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 broken"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / FILE
    file.write_bytes(content)
    with pytest.raises(EdgeEmotionError, match="not calibration data"):
        read_calibration(file)
    with pytest.raises(EdgeEmotionError, match="not calibration data"):
        read_calibration(tmp_path / "none.npz")


def test_a_network_without_crops_has_none() -> None:
    assert len(no_crops()) == 0
