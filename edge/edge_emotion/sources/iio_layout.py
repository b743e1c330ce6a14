"""How the samples in an IIO device's buffer are laid out, what they hold, and how they are got.

Source: the kernel's Documentation/iio/iio_devbuf.rst and ABI/testing/sysfs-bus-iio (scan_elements).
"""

import contextlib
import errno
import math
import os
import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources.iio_device import AXES, IioDevice, read_attribute, reason, to_units, write_attribute

TIMESTAMP = "in_timestamp"  # s64, nanoseconds
STORAGES = (8, 16, 32, 64)  # bits
MOST_INDEX = 999
HELD = 2.0  # seconds of samples that the kernel holds
READ = 256  # samples read at a time
SAME_CLOCK = 1.0  # seconds that the driver's clock may differ from ours and still count as the same
_TYPE = re.compile(r"(be|le):([su])(\d{1,4})/(\d{1,4})(X\d{1,4})?(?:>>(\d{1,4}))?", re.ASCII)
_FORM = "expected [be|le]:[s|u]bits/storage[>>shift]"


@dataclass(frozen=True)
class ScanElement:
    """One value of a sample.

    name: in_accel_x say. index: its place among the enabled elements. big: whether big-endian. signed: whether two's
    complement. bits: valid ones. storage: bits it takes up. shift: bits to the right of the valid ones.
    """

    name: str
    index: int
    big: bool
    signed: bool
    bits: int
    storage: int
    shift: int

    @property
    def size(self) -> int:
        """Bytes it takes up, which it is aligned to as well."""
        return self.storage // 8

    def decode(self, stored: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Values of (n, size) stored bytes: (n,) int64; unsigned ones of 64 bits wrap around from 2^63 on."""
        kind = np.dtype(f"{'>' if self.big else '<'}u{self.size}")
        words = np.ascontiguousarray(stored).view(kind)[:, 0].astype(np.uint64)
        unused = np.uint64(64 - self.bits)
        # To the top of the word, which drops what lies above the valid bits; back down, which extends the sign.
        top = (words >> np.uint64(self.shift)) << unused
        if self.signed:
            return top.view(np.int64) >> np.int64(unused)
        return (top >> unused).view(np.int64)


@dataclass(frozen=True)
class ScanLayout:
    """The enabled elements of a device in order of their index, each aligned to its own size.

    elements: the timestamp, where enabled, among them. offsets: of each, bytes. size: of a sample, bytes, a multiple of
    the largest element's.
    """

    elements: tuple[ScanElement, ...]
    offsets: tuple[int, ...]
    size: int

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the elements other than the timestamp: the columns that decode() gives."""
        return tuple(element.name for element in self.elements if element.name != TIMESTAMP)

    def decode(self, data: bytes) -> tuple[NDArray[np.float64], NDArray[np.int64] | None]:
        """Values of whole samples: (n, channels) float64, raw, and (n,) int64 timestamps, ns, None without.

        EdgeEmotionError for bytes that are no whole number of samples.
        """
        if len(data) % self.size:
            raise EdgeEmotionError(
                f"IIO buffer: expected samples of {self.size} bytes, got {len(data)} bytes; read whole samples"
            )
        samples = np.frombuffer(data, np.uint8).reshape(-1, self.size)
        columns, stamps = [], None
        for element, offset in zip(self.elements, self.offsets, strict=True):
            values = element.decode(samples[:, offset : offset + element.size])
            if element.name == TIMESTAMP:
                stamps = values
            else:
                columns.append(values if element.signed else values.view(np.uint64))
        raw = np.empty((len(samples), len(columns)), np.float64)
        for column, values_of in enumerate(columns):
            raw[:, column] = values_of
        return raw, stamps


def parse_element(name: str, kind: str, index: str) -> ScanElement:
    """Make an element of the text in its _type and _index; EdgeEmotionError says what is wrong with them."""
    found = _TYPE.fullmatch(kind.strip())
    if found is None:
        raise EdgeEmotionError(f"{name}_type: {_FORM}, got {kind[:40]!r}; check the sensor's driver")
    order, sign, bits, storage, repeat, shift = found.groups()
    if repeat is not None:
        raise EdgeEmotionError(f"{name}_type: {_FORM}, got the repeated {kind[:40]!r}; choose another sensor")
    if not index.isascii() or not index.isdecimal() or len(index) > 4 or int(index) > MOST_INDEX:
        raise EdgeEmotionError(
            f"{name}_index: expected 0 to {MOST_INDEX}, got {index[:40]!r}; check the sensor's driver"
        )
    element = ScanElement(
        name, int(index), order == "be", sign == "s", int(bits), int(storage), int(shift or 0)
    )
    wrong = ""
    if element.storage not in STORAGES:
        wrong = f"a storage of {', '.join(map(str, STORAGES))} bits"
    elif not 1 <= element.bits <= element.storage:
        wrong = f"1 to {element.storage} valid bits"
    elif element.shift > element.storage - element.bits:
        wrong = f"a shift of at most {element.storage - element.bits} bits"
    if wrong:
        raise EdgeEmotionError(f"{name}_type: expected {wrong}, got {kind[:40]!r}; check the sensor's driver")
    return element


def lay_out(elements: Collection[ScanElement]) -> ScanLayout:
    """Place elements one after another; EdgeEmotionError for none or two of one index."""
    if not elements:
        raise EdgeEmotionError("IIO scan: expected enabled elements, got none; write 1 to scan_elements/*_en")
    ordered = tuple(sorted(elements, key=lambda element: element.index))
    for one, other in pairwise(ordered):
        if one.index == other.index:
            raise EdgeEmotionError(
                f"IIO scan: expected an index for each element, got {one.index} for {one.name} and {other.name}; "
                "check the sensor's driver"
            )
    offsets, end = [], 0
    for element in ordered:
        offsets.append(_aligned(end, element.size))
        end = offsets[-1] + element.size
    return ScanLayout(ordered, tuple(offsets), _aligned(end, max(element.size for element in ordered)))


def read_layout(scan: Path) -> ScanLayout:
    """Layout of the elements that are enabled in a folder scan_elements; EdgeEmotionError says what is wrong."""
    elements = []
    try:
        for path in sorted(scan.glob("*_en")):
            name = path.name.removesuffix("_en")
            if read_attribute(path) == "1":
                kind, index = (read_attribute(scan / f"{name}_{what}") for what in ("type", "index"))
                elements.append(parse_element(name, kind, index))
    except OSError as error:
        raise EdgeEmotionError(
            f"{error.filename or scan}: expected the layout of a sample, got: {reason(error)}; read it polled"
        ) from error
    return lay_out(elements)


def enable_elements(scan: Path, wanted: Collection[str]) -> None:
    """Enable the wanted elements and the timestamp, where there is one, and disable all others.

    EdgeEmotionError when a wanted one is missing; OSError, as the driver gives it, when one cannot be switched.
    """
    present = {path.name.removesuffix("_en") for path in scan.glob("*_en")}
    if missing := sorted(set(wanted) - present):
        raise EdgeEmotionError(f"{scan}: expected {missing[0]}_en, which is missing; read the sensor polled")
    for name in sorted(present):
        write_attribute(scan / f"{name}_en", str(int(name in wanted or name == TIMESTAMP)))


class ScanBuffer:
    """The buffer of one device, which fills from its making on until close().

    descriptor: of its node, to wait for samples with. EdgeEmotionError when it cannot be set up: no rights, no
    trigger, another program that uses it.
    """

    def __init__(self, device: IioDevice, quantities: Collection[str], rate: float) -> None:
        """quantities: "accel", "anglvel". rate: of the device, Hz."""
        self._device, self._rate = device, rate
        self._conversions = {quantity: to_units(device, quantity) for quantity in quantities}
        self._enable = device.folder / "buffer/enable"
        self._rest = b""
        self._offset: float | None = None  # seconds, from the driver's clock to ours
        self._last = -math.inf  # seconds, of the newest sample
        self.descriptor = -1
        try:
            self.descriptor = os.open(device.node, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            self._set_up()
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise self._refused(error) from error
            raise

    def discard(self) -> None:
        """Let go of the samples that are there."""
        with contextlib.suppress(OSError):
            while len(os.read(self.descriptor, READ * self._layout.size)) == READ * self._layout.size:
                pass

    def read(self) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """Samples that are there: (n,) times on time.monotonic(), and (n, 3) m/s^2 or rad/s by quantity.

        OSError as the driver gives it, of ENODEV when the device is gone.
        """
        try:
            got = os.read(self.descriptor, READ * self._layout.size)
        except BlockingIOError:
            got = None
        arrived = time.monotonic()
        if got == b"":
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        data = self._rest + (got or b"")
        whole = len(data) // self._layout.size * self._layout.size
        raw, stamps = self._layout.decode(data[:whole])
        self._rest = data[whole:]
        values = {q: convert(raw[:, self._columns[q]]) for q, convert in self._conversions.items()}
        return self._times(len(raw), stamps, arrived), values

    def check(self) -> None:
        """OSError when the device is gone, which a wait for its buffer does not always tell."""
        read_attribute(self._enable)

    def close(self) -> None:
        """Stop filling the buffer."""
        if self.descriptor < 0:  # another program's, which goes on
            return
        with contextlib.suppress(OSError):  # gone, or not ours to switch
            write_attribute(self._enable, "0")
        os.close(self.descriptor)

    def _set_up(self) -> None:
        folder, scan = self._device.folder, self._device.folder / "scan_elements"
        write_attribute(self._enable, "0")  # left on by a program that was killed
        self._set_trigger()
        names = {q: [f"in_{q}_{axis}" for axis in AXES] for q in self._conversions}
        enable_elements(scan, [name for of_one in names.values() for name in of_one])
        self._layout = read_layout(scan)
        self._columns = {q: [self._layout.channels.index(name) for name in names[q]] for q in names}
        write_attribute(folder / "buffer/length", str(max(READ, round(HELD * self._rate))))
        with contextlib.suppress(OSError):  # old kernels have no choice of clock
            write_attribute(folder / "current_timestamp_clock", "monotonic")
        write_attribute(self._enable, "1")

    def _set_trigger(self) -> None:
        """Choose the device's own trigger where none is set; one that fills its buffer by itself has no such file."""
        device, path = self._device, self._device.folder / "trigger/current_trigger"
        if not path.exists() or read_attribute(path):
            return
        for name in sorted(device.folder.parent.glob("trigger*/name")):
            trigger = read_attribute(name)
            if trigger.startswith(f"{device.name}-") and trigger.endswith(f"dev{device.number}"):
                write_attribute(path, trigger)
                return
        raise EdgeEmotionError(
            f"{device.name} has no trigger; wire its interrupt, or write the name of another trigger to {path}"
        )

    def _times(self, count: int, stamps: NDArray[np.int64] | None, arrived: float) -> NDArray[np.float64]:
        """Times of count samples: by the driver's stamps while these go on and keep up with our clock, else even."""
        if not count:
            return np.zeros(0)
        times: NDArray[np.float64] | None = None
        if stamps is not None:
            seconds = stamps.astype(np.float64) * 1e-9
            behind = arrived - seconds[-1]
            if self._offset is None or abs(behind - self._offset) > SAME_CLOCK:
                self._offset = 0.0 if abs(behind) <= SAME_CLOCK else float(behind)
            times = seconds + self._offset
        if times is None or times[0] <= self._last or (np.diff(times) <= 0).any():
            end = max(arrived, self._last + 1e-6 * count)
            start = max(self._last, end - count / self._rate)
            times = start + (end - start) * np.arange(1, count + 1) / count
        self._last = float(times[-1])
        return times

    def _refused(self, error: OSError) -> EdgeEmotionError:
        name, node, folder = self._device.name, self._device.node, self._device.folder
        path = error.filename or self._enable
        if isinstance(error, PermissionError):
            return EdgeEmotionError(
                f"{path} of {name} may not be used by this user; run as root, or let a udev rule give your group "
                f"{node} and the files in {folder}"
            )
        if error.errno == errno.EBUSY:
            return EdgeEmotionError(f"{path} of {name} is busy: another program uses it; end that program")
        return EdgeEmotionError(f"{name} cannot be buffered, {path}: {reason(error)}; read it polled")


def _aligned(offset: int, size: int) -> int:
    return -(-offset // size) * size
