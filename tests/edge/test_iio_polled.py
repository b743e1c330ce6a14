"""An inertial sensor that is polled: its clock, faults, and being unplugged."""

import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edge_emotion.sources import iio, iio_device
from edge_emotion.sources.iio import IioSensor, backoff
from edge_emotion.sources.iio_device import PolledImu, find_imu
from fake_iio import FakeIio, be_quick, take, wait_until


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[FakeIio]:
    made = FakeIio(tmp_path)
    yield made
    made.end()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    be_quick(monkeypatch)


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
