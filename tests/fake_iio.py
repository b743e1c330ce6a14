"""A made tree of /sys/bus/iio/devices and /dev: an MPU6050 of one big-endian device, an LSM6DSM of two little ones.

Raw values times these scales, worked by hand: 16384 * 0.000598 = 9.797632 m/s^2, 1000 * 0.001064724 = 1.064724 rad/s.
"""

import os
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import pytest

from edge_emotion.sources import iio
from edge_emotion.sources.iio import IioSensor, IioSettings, ImuSample

DEADLINE = 30.0  # seconds until a test that hangs fails
Vector = Sequence[int]


def be_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick tries, and no stall on a machine that is busy."""
    monkeypatch.setattr(iio, "RETRY", 0.01)
    monkeypatch.setattr(iio, "STALL", 3600.0)


class FakeIio:
    """Folders in which devices are plugged in and out; each test ends it, which closes its pipes."""

    def __init__(self, root: Path) -> None:
        self.sysfs, self.dev, self._away = root / "sysfs", root / "dev", root / "away"
        for folder in (self.sysfs, self.dev, self._away):
            folder.mkdir()
        self._pipes: dict[int, int] = {}

    def settings(self, **given: object) -> IioSettings:
        return IioSettings(sysfs=self.sysfs, dev=self.dev, **given)  # type: ignore[arg-type]

    def add(
        self, number: int, name: str, files: Mapping[str, object], scan: Mapping[str, str] | None = None
    ) -> Path:
        """scan: the _type of each element, in order of its index; with it there are a buffer and a pipe as node."""
        folder = self.folder(number)
        folder.mkdir()
        for file, value in {"name": name, **files}.items():
            _write(folder / file, value)
        if scan is not None:
            for file in ("buffer/enable", "buffer/length"):
                _write(folder / file, 0)
            _write(folder / "current_timestamp_clock", "realtime")
            for index, (element, kind) in enumerate(scan.items()):
                for what, value in (("en", 0), ("index", index), ("type", kind)):
                    _write(folder / "scan_elements" / f"{element}_{what}", value)
            os.mkfifo(self.dev / folder.name)
            self._pipes[number] = os.open(self.dev / folder.name, os.O_RDWR | os.O_NONBLOCK)
        return folder

    def mpu6050(self, number: int = 0, buffered: bool = False, trigger: str = "mpu6050-dev0") -> Path:
        axes = [f"in_{quantity}_{axis}" for quantity in ("accel", "anglvel") for axis in "xyz"]
        kinds = dict.fromkeys([*axes[:3], "in_temp", *axes[3:]], "be:s16/16>>0")
        files = {
            **{f"{axis}_raw": raw for axis, raw in zip(axes, (100, -200, 16384, 0, -500, 1000), strict=True)},
            "in_accel_scale": "0.000598", "in_anglvel_scale": "0.001064724", "in_temp_raw": -3000,
            "sampling_frequency": 50, "sampling_frequency_available": "10 20 50 100 200 500",
        }  # fmt: skip
        if buffered:
            files["trigger/current_trigger"] = trigger
        return self.add(
            number, "mpu6050", files, {**kinds, "in_timestamp": "le:s64/64>>0"} if buffered else None
        )

    def lsm6dsm(self, first: int = 0, buffered: bool = False) -> None:
        """Scales of 0.001 m/s^2 and 0.01 rad/s; no trigger, as its own FIFO fills the buffer."""
        for number, quantity, name, scale in (
            (first, "accel", "lsm6dsm_accel", "0.001"),
            (first + 1, "anglvel", "lsm6dsm_gyro", "0.01"),
        ):
            axes = [f"in_{quantity}_{axis}" for axis in "xyz"]
            files = {
                **{f"{axis}_raw": raw for axis, raw in zip(axes, (10, 20, 9810), strict=True)},
                f"in_{quantity}_scale": scale,
                "sampling_frequency": "104.000000",
                "sampling_frequency_available": "12.5 26.0 52.0 104.0 208.0",
            }
            kinds = {**dict.fromkeys(axes, "le:s16/16>>0"), "in_timestamp": "le:s64/64>>0"}
            self.add(number, name, files, kinds if buffered else None)

    def folder(self, number: int) -> Path:
        return self.sysfs / f"iio:device{number}"

    def set(self, number: int, file: str, value: object) -> None:
        """Change a file at once, as the kernel does: a reader never sees it empty."""
        folder = self.folder(number)
        _write(folder.parent / "new", value)
        (folder.parent / "new").rename(folder / file)

    def send(self, number: int, data: bytes) -> None:
        os.write(self._pipes[number], data)

    def unplug(self, number: int) -> Path:
        return self.folder(number).rename(self._away / f"iio:device{number}")

    def plug(self, number: int) -> None:
        (self._away / f"iio:device{number}").rename(self.folder(number))

    def end(self) -> None:
        for pipe in self._pipes.values():
            os.close(pipe)


def mpu_sample(acceleration: Vector, rotation: Vector, stamp: int) -> bytes:
    """24 bytes: six big-endian numbers, four bytes of padding, the time in ns."""
    return struct.pack(">6h", *acceleration, *rotation) + bytes(4) + struct.pack("<q", stamp)


def lsm_sample(values: Vector, stamp: int) -> bytes:
    """16 bytes: three little-endian numbers, two bytes of padding, the time in ns."""
    return struct.pack("<3h", *values) + bytes(2) + struct.pack("<q", stamp)


def take(sensor: IioSensor, samples: Iterator[ImuSample], count: int) -> list[ImuSample]:
    """The next samples; fewer, so that the test fails, when they do not come."""
    watch = threading.Timer(DEADLINE, sensor.close)
    watch.daemon = True
    watch.start()
    try:
        return list(islice(samples, count))
    finally:
        watch.cancel()


def wait_until(true: Callable[[], bool]) -> None:
    """Come back when something is so; a failure when it is not within the deadline."""
    end, never = time.monotonic() + DEADLINE, threading.Event()
    while not true():
        assert time.monotonic() < end, "it did not come about"
        never.wait(0.005)


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{value}\n")
