"""Which inertial sensors Linux's IIO subsystem knows, and their values and rates, by way of /sys."""

import contextlib
import difflib
import math
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError

SYSFS = Path("/sys/bus/iio/devices")
DEV = Path("/dev")
ACCELERATION, ROTATION = "accel", "anglvel"  # IIO's names of the quantities
AXES = ("x", "y", "z")
Vector = NDArray[np.float64]
Reading = tuple[float, Vector, Vector | None]  # time.monotonic(), m/s^2, rad/s
_PAGE = 4096  # bytes, no attribute of sysfs is longer
_PART = re.compile(r"[-_]?(accel|gyro)[-_]?", re.IGNORECASE)  # lsm6dsm_accel, icm42605-gyro, accel_3d


@dataclass(frozen=True)
class IioDevice:
    """One folder iio:deviceN.

    id: the folder's name, iio:device0 say. name: what the driver calls the chip. folder: in sysfs. node: in /dev.
    acceleration, rotation: whether it has in_accel_{x,y,z}_raw, in_anglvel_{x,y,z}_raw.
    """

    id: str
    name: str
    folder: Path
    node: Path
    acceleration: bool
    rotation: bool

    @property
    def number(self) -> int:
        """N of iio:deviceN."""
        return int(self.id.removeprefix("iio:device"))


@dataclass(frozen=True)
class Imu:
    """An accelerometer and, where there is one, the gyroscope of the same chip.

    acceleration: the device with the accelerometer. rotation: the one with the gyroscope, which is the same device
    for an MPU6050 and another for an LSM6DSx; None without.
    """

    acceleration: IioDevice
    rotation: IioDevice | None

    @property
    def name(self) -> str:
        """What the chip is called: mpu6050, or lsm6dsm_accel + lsm6dsm_gyro for one of two devices."""
        return " + ".join(device.name for device, _ in self.parts)

    @property
    def parts(self) -> list[tuple[IioDevice, tuple[str, ...]]]:
        """Each device once, with the quantities that are read from it."""
        if self.rotation is None:
            return [(self.acceleration, (ACCELERATION,))]
        if self.rotation == self.acceleration:
            return [(self.acceleration, (ACCELERATION, ROTATION))]
        return [(self.acceleration, (ACCELERATION,)), (self.rotation, (ROTATION,))]


def read_attribute(path: Path) -> str:
    """Text of a file of sysfs without its line's end; OSError as the driver gives it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _PAGE).decode(errors="replace").strip()
    finally:
        os.close(descriptor)


def write_attribute(path: Path, value: str) -> None:
    """Write a file of sysfs unless it holds the value already; OSError as the driver gives it."""
    if read_attribute(path) == value:
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)


def reason(error: Exception) -> str:
    """What the system says about an error, in lower case."""
    return (getattr(error, "strerror", None) or str(error)).lower()


def list_devices(sysfs: Path = SYSFS, dev: Path = DEV) -> list[IioDevice]:
    """Every IIO device in order of its number, also those that measure no movement; [] without the subsystem."""
    folders = [path for path in sysfs.glob("iio:device*") if path.name[10:].isdecimal()]
    return [_device(folder, dev) for folder in sorted(folders, key=lambda path: int(path.name[10:]))]


def find_imu(wanted: str | None = None, sysfs: Path = SYSFS, dev: Path = DEV) -> Imu:
    """Find a sensor by its device's name, its chip's name or iio:deviceN; None: the first accelerometer.

    Either half of a chip of two devices stands for both. EdgeEmotionError lists what there is.
    """
    devices = list_devices(sysfs, dev)
    if wanted is None:
        for device in devices:
            if device.acceleration:
                return _with_gyroscope(device, devices)
        raise EdgeEmotionError(
            f"no accelerometer under {sysfs}, {_described(devices)}; wire one and enable its driver "
            "(on a Raspberry Pi: dtoverlay=mpu6050 in /boot/firmware/config.txt)"
        )
    named = [device for device in devices if wanted.lower() in (device.id, device.name.lower())]
    named = named or [
        device for device in devices if wanted.lower() == _stem(device).lower() and device.acceleration
    ]
    if len(named) > 1:
        several = ", ".join(device.id for device in named)
        raise EdgeEmotionError(f"several IIO devices are called {wanted!r}; choose one of {several}")
    if not named:
        known = {name.lower(): name for device in devices for name in (device.name, device.id)}
        near = [known[name] for name in difflib.get_close_matches(wanted.lower(), known, 2, 0.6)]
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise EdgeEmotionError(f"no IIO device is called {wanted!r}; {meant}{_described(devices)}")
    if named[0].acceleration:
        return _with_gyroscope(named[0], devices)
    halves = [device for device in devices if device.acceleration and _same_chip(device, named[0])]
    if not named[0].rotation or not halves:
        raise EdgeEmotionError(f"IIO device {wanted!r} has no accelerometer; {_described(devices)}")
    return Imu(min(halves, key=lambda half: _distance(half, named[0])), named[0])


def to_units(device: IioDevice, quantity: str) -> Callable[[Vector], Vector]:
    """What turns (..., 3) raw values into m/s^2 or rad/s: (raw + offset) * scale, as ABI/testing/sysfs-bus-iio says.

    Scale and offset are shared or by axis. EdgeEmotionError when the scale is missing or no number.
    """
    scale = np.array([_factor(device, quantity, axis, "scale", None) for axis in AXES])
    offset = np.array([_factor(device, quantity, axis, "offset", 0.0) for axis in AXES])
    return lambda raw: (raw + offset) * scale


def read_raw(device: IioDevice, quantity: str) -> Vector:
    """Measure now: (3,) raw values; OSError as the driver gives it, ValueError for text that is no number."""
    raw = np.array([float(read_attribute(device.folder / f"in_{quantity}_{axis}_raw")) for axis in AXES])
    if not np.isfinite(raw).all():
        raise ValueError(f"in_{quantity}_*_raw of {device.id} is not finite")
    return raw


def set_rate(device: IioDevice, quantity: str, rate: float) -> tuple[float | None, str | None]:
    """Set the sampling frequency nearest to rate, Hz; gives the one that holds, None when unknown, and a warning.

    The warning, one line, says that the frequency could not be set; None when it holds or there is none to set.
    """
    for stem in (f"in_{quantity}_sampling_frequency", "sampling_frequency"):
        path = device.folder / stem
        current = _number(path)
        if current is None:
            continue
        nearest = _nearest(device.folder / f"{stem}_available", rate)
        if math.isclose(current, nearest, rel_tol=0.01):
            return current, None
        try:
            write_attribute(path, f"{nearest:.6f}".rstrip("0").rstrip("."))
        except OSError as error:
            return current, (
                f"{device.name} stays at {current:g} Hz, {nearest:g} Hz cannot be set ({reason(error)}); "
                f"write it to {path} as root"
            )
        return _number(path) or nearest, None
    return None, None


class PolledImu:
    """Reads a sensor's values one by one, on a schedule that does not drift; ticks that were missed are left out."""

    def __init__(self, imu: Imu, rate: float) -> None:
        """rate: Hz. EdgeEmotionError when the values have no unit."""
        self._period = 1 / rate
        pairs = [(device, quantity) for device, quantities in imu.parts for quantity in quantities]
        self._quantities = [(device, quantity, to_units(device, quantity)) for device, quantity in pairs]
        self._due = 0.0  # time.monotonic() of the next tick

    def read(self, closed: threading.Event) -> list[Reading]:
        """Wait for the next tick and measure; [] when closed. OSError and ValueError leave the schedule as it is."""
        if closed.wait(max(0.0, self._due - time.monotonic())):
            return []
        at = time.monotonic()
        self._due += self._period * (1 + max(0, math.floor((at - self._due) / self._period)))
        values = [convert(read_raw(device, quantity)) for device, quantity, convert in self._quantities]
        return [(at, values[0], values[1] if len(values) > 1 else None)]

    def close(self) -> None:
        """Nothing is held open between the ticks."""


def _device(folder: Path, dev: Path) -> IioDevice:
    name = ""
    with contextlib.suppress(OSError):  # unplugged meanwhile, or a driver without a name
        name = read_attribute(folder / "name")
    name = name if name.isprintable() else ascii(name)
    has = {
        quantity: all((folder / f"in_{quantity}_{axis}_raw").exists() for axis in AXES)
        for quantity in (ACCELERATION, ROTATION)
    }
    return IioDevice(
        folder.name, name or folder.name, folder, dev / folder.name, has[ACCELERATION], has[ROTATION]
    )


def _described(devices: list[IioDevice]) -> str:
    """The devices there are, for an error."""
    if not devices:
        return "there is no IIO device at all"
    kinds = {(True, True): "acceleration, rotation", (True, False): "acceleration", (False, True): "rotation"}
    said = [
        f"{device.id} {device.name!r} ({kinds.get((device.acceleration, device.rotation), 'no movement')})"
        for device in devices
    ]
    return "there are: " + ", ".join(said)


def _stem(device: IioDevice) -> str:
    """Name of the chip: lsm6dsm for lsm6dsm_accel."""
    return _PART.sub("", device.name)


def _same_chip(one: IioDevice, other: IioDevice) -> bool:
    return one != other and _stem(one) == _stem(other)


def _distance(one: IioDevice, other: IioDevice) -> tuple[bool, int]:
    """Sorts the halves of chips of one name: the same place on the bus first, then near numbers."""
    return one.folder.resolve().parent != other.folder.resolve().parent, abs(one.number - other.number)


def _with_gyroscope(device: IioDevice, devices: list[IioDevice]) -> Imu:
    if device.rotation:
        return Imu(device, device)
    halves = [other for other in devices if other.rotation and _same_chip(other, device)]
    return Imu(device, min(halves, key=lambda half: _distance(half, device), default=None))


def _number(path: Path) -> float | None:
    """A positive number in a file; None when there is none."""
    try:
        value = float(read_attribute(path))
    except (OSError, ValueError):
        return None
    return value if math.isfinite(value) and value > 0 else None


def _factor(device: IioDevice, quantity: str, axis: str, what: str, default: float | None) -> float:
    """Scale or offset of one axis; the default where the driver has none."""
    for path in (device.folder / f"in_{quantity}_{part}{what}" for part in (f"{axis}_", "")):
        try:
            said = read_attribute(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise EdgeEmotionError(f"{path} cannot be read: {reason(error)}; check the sensor") from error
        try:
            value = float(said)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or (what == "scale" and value == 0):
            raise EdgeEmotionError(f"{path}: expected a number, got {said[:40]!r}; check the sensor's driver")
        return value
    if default is None:
        raise EdgeEmotionError(
            f"{device.name} has no in_{quantity}_{what}, without which its values have no unit; "
            "expected a driver that gives it"
        )
    return default


def _nearest(path: Path, rate: float) -> float:
    """The frequency that a driver can do nearest to rate, by its list `a b c` or range `[least step most]`."""
    try:
        said = read_attribute(path)
        known = [float(word) for word in said.strip("[]").split()]
    except (OSError, ValueError):
        return rate  # not told: the driver rounds by itself, or refuses
    known = [value for value in known if math.isfinite(value) and value >= 0]
    if said.startswith("[") and len(known) == 3 and known[1] > 0:
        least, step, most = known
        return min(max(least + round((rate - least) / step) * step, least), most)
    return min(filter(None, known), key=lambda value: abs(value - rate), default=rate)
