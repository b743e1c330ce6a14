"""An inertial sensor read through the kernel's buffer: its stamps, pairing, and what is no buffer."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources import iio, iio_layout
from edge_emotion.sources.iio import IioSensor
from fake_iio import FakeIio, be_quick, lsm_sample, mpu_sample, take, wait_until

MS = 1_000_000  # ns


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[FakeIio]:
    made = FakeIio(tmp_path)
    yield made
    made.end()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    be_quick(monkeypatch)


@pytest.fixture
def same_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stamps are those of our clock, however late a busy machine reads them."""
    monkeypatch.setattr(iio_layout, "SAME_CLOCK", 3600.0)


def now(ago: int) -> int:
    """A driver's stamp so many ms ago."""
    return time.monotonic_ns() - ago * MS


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
