import os
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources import iio, iio_device, iio_layout
from edge_emotion.sources.iio import IioSensor, IioSettings, backoff
from edge_emotion.sources.iio_device import PolledImu, find_imu, list_devices, set_rate, to_units
from fake_iio import FakeIio, lsm_sample, mpu_sample, take, wait_until

MS = 1_000_000  # ns


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[FakeIio]:
    made = FakeIio(tmp_path)
    yield made
    made.end()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick tries, and no stall on a machine that is busy."""
    monkeypatch.setattr(iio, "RETRY", 0.01)
    monkeypatch.setattr(iio, "STALL", 3600.0)


@pytest.fixture
def same_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stamps are those of our clock, however late a busy machine reads them."""
    monkeypatch.setattr(iio_layout, "SAME_CLOCK", 3600.0)


def refusal(tree: FakeIio, **given: object) -> str:
    before = threading.active_count()
    with pytest.raises(EdgeEmotionError) as refused:
        IioSensor(tree.settings(**given))
    assert threading.active_count() == before
    assert "\n" not in str(refused.value)
    return str(refused.value)


def now(ago: int) -> int:
    """A driver's stamp so many ms ago."""
    return time.monotonic_ns() - ago * MS


# Devices


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


# Polled


def test_a_polled_sensor_gives_units_on_a_clock_that_starts_at_0(tree: FakeIio) -> None:
    tree.mpu6050()
    before = time.monotonic()
    sensor = IioSensor(tree.settings(mode="polled"))
    got = take(sensor, iter(sensor), 3)
    np.testing.assert_allclose(got[0].acceleration, [0.0598, -0.1196, 9.797632])
    assert got[0].rotation is not None
    np.testing.assert_allclose(got[0].rotation, [0.0, -0.532362, 1.064724])
    assert got[0].time == 0.0 < got[1].time < got[2].time
    assert sensor.started is not None and before <= sensor.started
    assert (sensor.name, sensor.mode, sensor.warnings) == ("mpu6050", "polled", [])
    sensor.close()
    assert list(sensor) == []


def test_two_devices_are_polled_together_and_one_without_a_gyroscope_gives_none(tree: FakeIio) -> None:
    tree.lsm6dsm(0)
    tree.add(5, "bma400", {f"in_accel_{axis}_raw": 3 for axis in "xyz"} | {"in_accel_scale": 0.5})
    both = IioSensor(tree.settings(mode="polled"))
    (sample,) = take(both, iter(both), 1)
    np.testing.assert_allclose(sample.acceleration, [0.01, 0.02, 9.81])
    assert sample.rotation is not None
    np.testing.assert_allclose(sample.rotation, [0.1, 0.2, 98.1])
    both.close()
    alone = IioSensor(tree.settings(device="bma400", mode="polled"))
    (sample,) = take(alone, iter(alone), 1)
    assert sample.acceleration.tolist() == [1.5, 1.5, 1.5] and sample.rotation is None
    alone.close()


def test_the_schedule_does_not_drift_and_leaves_out_missed_ticks(
    tree: FakeIio, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.mpu6050()
    clock = [1000.0]

    class Waiting(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            clock[0] += (timeout or 0.0) + 0.002  # woken 2 ms late each time
            return False

    monkeypatch.setattr(iio_device, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    polled = PolledImu(find_imu(None, tree.sysfs, tree.dev), 50.0)
    times = [polled.read(Waiting())[0][0] for _ in range(4)]
    clock[0] += 0.05  # two ticks go by
    times.append(polled.read(Waiting())[0][0])
    times.append(polled.read(Waiting())[0][0])
    np.testing.assert_allclose(np.diff(times[1:4]), 0.02)
    late, after = times[4] - times[1], times[5] - times[1]
    assert late == pytest.approx(3 * 0.02 + 0.032)  # at once, having been due in the meantime
    assert after == pytest.approx(0.1)  # on the old schedule


@pytest.mark.parametrize("spoil", ["text", "folder"])
def test_samples_that_cannot_be_read_are_skipped_and_counted(tree: FakeIio, spoil: str) -> None:
    raw = tree.mpu6050() / "in_accel_y_raw"
    sensor = IioSensor(tree.settings(mode="polled"))
    samples = iter(sensor)
    assert len(take(sensor, samples, 1)) == 1
    if spoil == "text":
        tree.set(0, "in_accel_y_raw", "no number")
    else:
        raw.rename(raw.with_name("aside"))
        raw.mkdir()  # for a moment there is none, which counts as unplugged
    wait_until(lambda: any("samples could not be read" in line for line in sensor.warnings))
    if spoil == "folder":
        raw.rmdir()
    tree.set(0, "in_accel_y_raw", 1000)
    values = (sample.acceleration[1] for sample in islice(samples, 10_000))
    watch = threading.Timer(30, sensor.close)
    watch.start()
    assert any(value == pytest.approx(0.598) for value in values)
    watch.cancel()
    sensor.close()


def test_an_unplugged_sensor_is_told_once_and_goes_on_when_it_is_back(tree: FakeIio) -> None:
    tree.mpu6050()
    sensor = IioSensor(tree.settings(mode="polled"))
    samples = iter(sensor)
    before = take(sensor, samples, 2)
    away = tree.unplug(0)
    wait_until(lambda: bool(sensor.warnings))
    assert [line for line in sensor.warnings if "unplugged" in line] == sensor.warnings
    (away / "in_accel_x_raw").write_text("200\n")
    tree.plug(0)
    watch = threading.Timer(30, sensor.close)
    watch.start()
    after = next(sample for sample in samples if sample.acceleration[0] == pytest.approx(0.1196))
    watch.cancel()
    assert after.time > before[-1].time
    assert len(sensor.warnings) == 1 and "goes on by itself" in sensor.warnings[0]
    sensor.close()


def test_tries_are_further_and_further_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iio, "RETRY", 0.5)
    assert list(islice(backoff(), 7)) == [0.5, 1, 2, 4, 8, 8, 8]


def test_closing_ends_a_wait_for_an_unplugged_sensor(tree: FakeIio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iio, "RETRY", 3600.0)
    tree.mpu6050()
    sensor = IioSensor(tree.settings(mode="polled"))
    samples = iter(sensor)
    tree.unplug(0)
    wait_until(lambda: bool(sensor.warnings))
    sensor.close()
    sensor.close()
    assert take(sensor, samples, 1_000_000) == []
    assert "iio" not in [thread.name for thread in threading.enumerate()]


def test_closing_before_iteration_gives_nothing(tree: FakeIio) -> None:
    tree.mpu6050(buffered=True)
    sensor = IioSensor(tree.settings())
    sensor.close()
    assert list(sensor) == []
    assert (tree.folder(0) / "buffer/enable").read_text().strip() == "0"


# Buffered


@pytest.mark.usefixtures("same_clock")
def test_a_buffered_sensor_is_set_up_and_decoded(tree: FakeIio) -> None:
    folder = tree.mpu6050(buffered=True)
    (folder / "buffer/enable").write_text("1\n")  # left on by a program that was killed
    sensor = IioSensor(tree.settings(mode="buffered"))
    files = ("buffer/enable", "buffer/length", "current_timestamp_clock", "sampling_frequency")
    assert [(folder / file).read_text().strip() for file in files] == ["1", "256", "monotonic", "100"]
    enabled = {path.name for path in folder.glob("scan_elements/*_en") if path.read_text().strip() == "1"}
    assert len(enabled) == 7 and "in_temp_en" not in enabled
    tree.send(0, mpu_sample((7, 7, 7), (7, 7, 7), now(900)))  # before iteration: let go
    samples = iter(sensor)
    first = now(100)
    data = b"".join(
        mpu_sample((100 + k, -200, 16384), (0, -500, 1000), first + 10 * MS * k) for k in range(3)
    )
    tree.send(0, data[:30])  # a sample and a quarter
    tree.send(0, data[30:])
    got = take(sensor, samples, 3)
    np.testing.assert_allclose([sample.time for sample in got], [0.0, 0.01, 0.02], atol=1e-6)
    np.testing.assert_allclose(got[2].acceleration, [102 * 0.000598, -0.1196, 9.797632])
    assert got[2].rotation is not None
    np.testing.assert_allclose(got[2].rotation, [0.0, -0.532362, 1.064724])
    assert sensor.started == pytest.approx(first * 1e-9, abs=1e-6)
    assert (sensor.mode, sensor.warnings, sensor.dropped) == ("buffered", [], 0)
    sensor.close()
    assert (folder / "buffer/enable").read_text().strip() == "0"


@pytest.mark.parametrize("stamps", [(0, 0, 0), (5 * 10**18, 5 * 10**18 + 1, 3), (-(2**63), 2**63 - 1, 0)])
def test_stamps_that_do_not_go_on_are_replaced_by_even_times(
    tree: FakeIio, stamps: tuple[int, int, int]
) -> None:
    tree.mpu6050(buffered=True)
    sensor = IioSensor(tree.settings(mode="buffered"))
    samples = iter(sensor)
    tree.send(0, b"".join(mpu_sample((1, 1, 1), (1, 1, 1), stamp) for stamp in stamps))
    times = [sample.time for sample in take(sensor, samples, 3)]
    np.testing.assert_allclose(times, [0.0, 0.01, 0.02], atol=1e-6)
    sensor.close()


def test_stamps_of_another_clock_keep_their_distances(tree: FakeIio) -> None:
    tree.mpu6050(buffered=True)
    before = time.monotonic()
    sensor = IioSensor(tree.settings(mode="buffered"))
    samples = iter(sensor)
    since_1970 = 1_700_000_000 * 1000 * MS
    tree.send(0, b"".join(mpu_sample((1, 1, 1), (1, 1, 1), since_1970 + k * 30 * MS) for k in range(3)))
    times = [sample.time for sample in take(sensor, samples, 3)]
    np.testing.assert_allclose(times, [0.0, 0.03, 0.06], atol=1e-5)
    assert sensor.started is not None and before - 0.06 <= sensor.started <= time.monotonic()
    sensor.close()


@pytest.mark.usefixtures("same_clock")
def test_two_buffers_are_paired_by_the_nearest_time(tree: FakeIio) -> None:
    tree.lsm6dsm(0, buffered=True)
    sensor = IioSensor(tree.settings(mode="buffered"))
    samples = iter(sensor)
    first = now(200)
    tree.send(0, b"".join(lsm_sample((k, 20, 9810), first + 10 * MS * k) for k in range(3)))
    turns = ((1, 5), (9, 6), (22, 7))  # ms, raw value
    tree.send(1, b"".join(lsm_sample((value, 0, 0), first + at * MS) for at, value in turns))
    got = take(sensor, samples, 3)
    np.testing.assert_allclose([sample.acceleration[0] for sample in got], [0.0, 0.001, 0.002])
    turned = [None if sample.rotation is None else float(sample.rotation[0]) for sample in got]
    assert turned == pytest.approx([0.05, 0.06, 0.07])
    np.testing.assert_allclose([sample.time for sample in got], [0.0, 0.01, 0.02], atol=1e-6)
    sensor.close()


@pytest.mark.usefixtures("same_clock")
def test_an_acceleration_does_not_wait_for_a_gyroscope_that_is_silent(tree: FakeIio) -> None:
    tree.lsm6dsm(0, buffered=True)
    sensor = IioSensor(tree.settings(mode="buffered"))
    samples = iter(sensor)
    first = now(400)
    tree.send(0, b"".join(lsm_sample((k, 0, 0), first + 100 * MS * k) for k in range(4)))
    (sample,) = take(sensor, samples, 1)
    assert sample.acceleration[0] == 0.0 and sample.rotation is None
    sensor.close()


@pytest.mark.usefixtures("same_clock")
def test_the_oldest_samples_are_dropped_and_counted(tree: FakeIio) -> None:
    tree.mpu6050(buffered=True)
    sensor = IioSensor(tree.settings(mode="buffered", rate=10))  # room for 2 s: 20 samples
    samples = iter(sensor)
    first = now(300)
    for k in range(30):
        tree.send(0, mpu_sample((k, 0, 0), (0, 0, 0), first + 10 * MS * k))
    wait_until(lambda: sensor.dropped == 10)
    got = take(sensor, samples, 20)
    np.testing.assert_allclose([sample.acceleration[0] / 0.000598 for sample in got], np.arange(10, 30))
    sensor.close()


def test_a_device_takes_its_own_trigger_where_none_is_set(tree: FakeIio) -> None:
    folder = tree.mpu6050(buffered=True, trigger="")
    for number, name in enumerate(("mpu6050-dev7", "mpu6050-dev0")):
        (tree.sysfs / f"trigger{number}").mkdir()
        (tree.sysfs / f"trigger{number}/name").write_text(f"{name}\n")
    sensor = IioSensor(tree.settings(mode="buffered"))
    assert (folder / "trigger/current_trigger").read_text().strip() == "mpu6050-dev0"
    sensor.close()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("trigger", "mpu6050 has no trigger; wire its interrupt"),
        ("node", "cannot be buffered, .*: no such file or directory"),
        ("rights", "may not be used by this user; run as root, or let a udev rule"),
        ("busy", "is busy: another program uses it"),
        ("layout", "in_accel_x_type: expected 1 to 16 valid bits"),
        ("length", "buffer/length: no such file"),
    ],
)
def test_a_buffer_that_cannot_be_had_is_polled_with_a_warning_or_an_error(
    tree: FakeIio, monkeypatch: pytest.MonkeyPatch, fault: str, said: str
) -> None:
    folder = tree.mpu6050(buffered=True, trigger="" if fault == "trigger" else "mpu6050-dev0")
    node, opened = tree.dev / "iio:device0", os.open
    if fault == "node":
        node.unlink()
    elif fault == "layout":
        tree.set(0, "scan_elements/in_accel_x_type", "be:s20/16")
    elif fault == "length":
        (folder / "buffer/length").unlink()
    elif fault in ("rights", "busy"):
        number = 13 if fault == "rights" else 16
        (folder / "buffer/enable").write_text("1\n")  # by the other program

        def refuse(path: Path, flags: int) -> int:
            if path == node:
                raise OSError(number, "refused", str(path))
            return opened(path, flags)

        monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(EdgeEmotionError, match=said) as refused:
        IioSensor(tree.settings(mode="buffered"))
    assert "\n" not in str(refused.value)
    sensor = IioSensor(tree.settings(mode="auto"))
    assert sensor.mode == "polled"
    (line,) = sensor.warnings
    assert line == f"sensor mpu6050: polled, not buffered: {refused.value}"
    assert (folder / "buffer/enable").read_text().strip() == ("1" if fault in ("rights", "busy") else "0")
    (sample,) = take(sensor, iter(sensor), 1)
    assert sample.acceleration[2] == pytest.approx(9.797632)
    sensor.close()


@pytest.mark.parametrize("mode", ["auto", "buffered"])
def test_a_buffer_that_stays_empty_is_told_and_polled_instead_where_that_may_be(
    tree: FakeIio, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(iio, "STALL", 0.01)
    tree.mpu6050(buffered=True)
    sensor = IioSensor(tree.settings(mode=mode))
    samples = iter(sensor)
    wait_until(lambda: bool(sensor.warnings))
    assert "its buffer got no sample" in sensor.warnings[0]
    if mode == "auto":
        (sample,) = take(sensor, samples, 1)
        assert sample.acceleration[2] == pytest.approx(9.797632)
    assert sensor.mode == ("polled" if mode == "auto" else "buffered")
    sensor.close()


def test_an_unplugged_buffer_is_set_up_again(tree: FakeIio) -> None:
    folder = tree.mpu6050(buffered=True)
    sensor = IioSensor(tree.settings(mode="buffered"))
    samples = iter(sensor)
    tree.send(0, mpu_sample((1, 0, 0), (0, 0, 0), now(50)))
    assert len(take(sensor, samples, 1)) == 1
    away = tree.unplug(0)
    wait_until(lambda: bool(sensor.warnings))
    (away / "buffer/enable").write_text("0\n")
    tree.plug(0)
    wait_until(lambda: (folder / "buffer/enable").read_text().strip() == "1")
    tree.send(0, mpu_sample((2, 0, 0), (0, 0, 0), now(0)))
    (sample,) = take(sensor, samples, 1)
    assert sample.acceleration[0] == pytest.approx(2 * 0.000598)
    assert len(sensor.warnings) == 1 and "unplugged" in sensor.warnings[0]
    sensor.close()
