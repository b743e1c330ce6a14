"""Which inertial sensors a made tree of sysfs has, how they are found, scaled and set."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources import iio_device
from edge_emotion.sources.iio import IioSensor, IioSettings
from edge_emotion.sources.iio_device import find_imu, list_devices, set_rate, to_units
from fake_iio import FakeIio


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[FakeIio]:
    made = FakeIio(tmp_path)
    yield made
    made.end()


def refusal(tree: FakeIio, **given: object) -> str:
    before = threading.active_count()
    with pytest.raises(EdgeEmotionError) as refused:
        IioSensor(tree.settings(**given))
    assert threading.active_count() == before
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_devices_are_listed_with_what_they_measure(tree: FakeIio) -> None:
    tree.add(10, "ads1015", {"in_voltage0_raw": 1})
    tree.mpu6050(2)
    tree.lsm6dsm(3)
    (tree.sysfs / "trigger0").mkdir()
    found = list_devices(tree.sysfs, tree.dev)
    assert [(d.id, d.name, d.acceleration, d.rotation) for d in found] == [
        ("iio:device2", "mpu6050", True, True),
        ("iio:device3", "lsm6dsm_accel", True, False),
        ("iio:device4", "lsm6dsm_gyro", False, True),
        ("iio:device10", "ads1015", False, False),
    ]
    assert found[0].node == tree.dev / "iio:device2"
    assert list_devices(tree.sysfs / "none") == []


@pytest.mark.parametrize(
    ("wanted", "halves"),
    [
        (None, ("iio:device1", "iio:device2")),
        ("lsm6dsm_accel", ("iio:device1", "iio:device2")),
        ("LSM6DSM_gyro", ("iio:device1", "iio:device2")),
        ("lsm6dsm", ("iio:device1", "iio:device2")),
        ("iio:device2", ("iio:device1", "iio:device2")),
        ("mpu6050", ("iio:device3", "iio:device3")),
        ("bma400", ("iio:device4", None)),
    ],
)
def test_a_sensor_is_found_by_name_and_its_halves_are_paired(
    tree: FakeIio, wanted: str | None, halves: tuple[str, str | None]
) -> None:
    tree.add(0, "ads1015", {})
    tree.lsm6dsm(1)
    tree.mpu6050(3)
    tree.add(4, "bma400", {f"in_accel_{axis}_raw": 0 for axis in "xyz"})
    found = find_imu(wanted, tree.sysfs, tree.dev)
    assert (found.acceleration.id, found.rotation and found.rotation.id) == halves


def test_two_chips_of_one_name_are_paired_by_their_numbers_and_chosen_by_them(tree: FakeIio) -> None:
    tree.lsm6dsm(0)
    tree.lsm6dsm(2)
    found = find_imu("iio:device3", tree.sysfs, tree.dev)
    assert found.rotation is not None
    assert (found.acceleration.id, found.rotation.id) == ("iio:device2", "iio:device3")
    assert found.name == "lsm6dsm_accel + lsm6dsm_gyro"
    assert "choose one of iio:device0, iio:device2" in refusal(tree, device="lsm6dsm_accel")


def test_an_unknown_device_lists_the_known(tree: FakeIio) -> None:
    assert "no accelerometer under" in refusal(tree) and "there is no IIO device at all" in refusal(tree)
    tree.add(0, "ads1015", {})
    assert "there are: iio:device0 'ads1015' (no movement); wire one" in refusal(tree)
    tree.mpu6050(1)
    assert "did you mean mpu6050? there are: " in refusal(tree, device="mpu6500")
    assert "iio:device1 'mpu6050' (acceleration, rotation)" in refusal(tree, device="zzz")
    assert "'ads1015' has no accelerometer" in refusal(tree, device="ads1015")


def test_raw_values_become_units_by_scale_and_offset_shared_or_by_axis(tree: FakeIio) -> None:
    tree.mpu6050()
    tree.set(0, "in_accel_x_scale", "0.5")
    tree.set(0, "in_accel_offset", "10")
    device = list_devices(tree.sysfs, tree.dev)[0]
    # (100 + 10) * 0.5, (-200 + 10) * 0.000598, (16384 + 10) * 0.000598
    np.testing.assert_allclose(
        to_units(device, "accel")(np.array([100.0, -200.0, 16384.0])), [55.0, -0.11362, 9.803612]
    )
    for wrong in ("", "abc", "nan", "0", "inf"):
        tree.set(0, "in_accel_x_scale", wrong)
        with pytest.raises(EdgeEmotionError, match="in_accel_x_scale: expected a number, got"):
            to_units(device, "accel")
    tree.set(0, "in_accel_x_scale", "0.5")
    (device.folder / "in_anglvel_scale").unlink()
    assert "mpu6050 has no in_anglvel_scale" in refusal(tree)


@pytest.mark.parametrize(
    ("available", "asked", "written"),
    [
        ("10 20 50 100 200 500", 100.0, "100"),
        ("12.5 26.0 52.0 104.0", 100.0, "104"),
        ("12.5 26.0 104.0", 13.0, "12.5"),
        ("[4 1 1000]", 100.0, "100"),
        ("[4 8 90]", 100.0, "90"),
        ("[0 1 500]", 30.0, "30"),
        ("junk", 30.0, "30"),
        ("50 nan -1 inf", 30.0, "50"),
    ],
)
def test_the_nearest_rate_is_set(tree: FakeIio, available: str, asked: float, written: str) -> None:
    tree.mpu6050()
    tree.set(0, "sampling_frequency_available", available)
    device = list_devices(tree.sysfs, tree.dev)[0]
    rate, warning = set_rate(device, "accel", asked)
    assert ((device.folder / "sampling_frequency").read_text().strip(), rate) == (written, float(written))
    assert warning is None


def test_a_rate_that_cannot_be_set_is_a_warning(tree: FakeIio, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, value: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    tree.mpu6050()
    monkeypatch.setattr(iio_device, "write_attribute", refuse)
    sensor = IioSensor(tree.settings(mode="polled"))
    assert sensor.mode == "polled"
    (said,) = sensor.warnings  # once for both quantities
    assert "mpu6050 stays at 50 Hz, 100 Hz cannot be set (permission denied)" in said
    sensor.close()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"device": " "}, "device: expected a name or None"),
        ({"mode": "fast"}, "mode: expected auto or buffered or polled, got 'fast'"),
        ({"rate": 0.5}, "rate: expected 1 to 1000 Hz, got 0.5"),
        ({"rate": float("nan")}, "rate: expected"),
    ],
)
def test_settings_are_checked(given: dict[str, object], said: str) -> None:
    with pytest.raises(EdgeEmotionError, match=said):
        IioSettings(**given)  # type: ignore[arg-type]
