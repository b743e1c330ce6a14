"""An inertial sensor on the machine's own bus (I2C, SPI) as a source of movement, through Linux IIO."""

import contextlib
import errno
import math
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources.datagram_warnings import rounded
from edge_emotion.sources.iio_buffered import IDLE, BufferedImu
from edge_emotion.sources.iio_device import (
    DEV,
    SYSFS,
    Imu,
    PolledImu,
    Vector,
    find_imu,
    list_devices,
    reason,
    set_rate,
)
from edge_emotion.sources.motion import Silence

MODES = ("auto", "buffered", "polled")
POLL_LIMIT = 100.0  # Hz, beyond which polling costs too much
QUEUE = 2.0  # seconds of samples that may wait to be computed
STALL = 3.0  # seconds after which a buffer that fills with nothing is given up
STALE, SILENCES = 1.0, 0.5  # seconds without a sample until silence is told, and between its tellings
RETRY, RETRY_MOST = 0.5, 8.0  # seconds until an unplugged sensor is looked for again
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.ESHUTDOWN)


@dataclass(frozen=True)
class IioSettings:
    """Which sensor, and how it is read."""

    device: str | None = None
    """Name of the device or of its chip, or iio:deviceN; None for the first that has an accelerometer."""
    mode: str = "auto"
    """How: "buffered" by the kernel (needs rights), "polled" up to 100 Hz, "auto": polled if it cannot be buffered."""
    rate: float = 100.0
    """Samples per second asked for; Hz. A sensor that cannot do it gives the nearest it can."""
    sysfs: Path = SYSFS
    """Where the kernel lists the devices."""
    dev: Path = DEV
    """Where their nodes are."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        if self.device is not None and not self.device.strip():
            raise EdgeEmotionError(f"device: expected a name or None for the first, got {self.device!r}")
        if self.mode not in MODES:
            raise EdgeEmotionError(f"mode: expected {' or '.join(MODES)}, got {self.mode!r}")
        if not 1 <= self.rate <= 1000:
            raise EdgeEmotionError(f"rate: expected 1 to 1000 Hz, got {self.rate}")


@dataclass(frozen=True)
class ImuSample:
    """What a sensor measured at one time.

    time: seconds on the sensor's clock (monotonic, 0 with the first sample). acceleration: (3,) float64, m/s^2, with
    gravity. rotation: (3,) float64, rad/s, None without a gyroscope.
    """

    time: float
    acceleration: Vector
    rotation: Vector | None


class IioSensor:
    """Opens a sensor and gives its samples; a thread of its own reads, a bounded inbox drops the oldest first.

    A sensor that is unplugged gives `Silence`, with a warning, until it is back. What it measured before iteration
    began is let go. EdgeEmotionError: no sensor, an unknown one, or, in mode "buffered", no buffer to be had.
    """

    def __init__(self, settings: IioSettings | None = None) -> None:
        self._settings = settings = settings or IioSettings()
        self._mode = settings.mode
        self._closed = threading.Event()
        self._inbox: queue.Queue[ImuSample | Exception | None] = queue.Queue(math.ceil(QUEUE * settings.rate))
        self.dropped = 0  # samples, because computing was too slow
        self._notes: dict[str, str] = {}
        self.started: float | None = None  # what time.monotonic() was at time 0
        self._failed = self._losses = 0
        self._begun = 0.0
        self._waits = backoff()
        self._thread: threading.Thread | None = None
        imu = find_imu(settings.device, settings.sysfs, settings.dev)
        self.name = imu.name
        name = imu.acceleration.name
        names = [device.name for device in list_devices(settings.sysfs, settings.dev)]
        # It may come back under another number, but its name may be that of a twin.
        self._wanted = settings.device or (name if names.count(name) == 1 else imu.acceleration.id)
        self._reader: BufferedImu | PolledImu | None = self._open(imu)

    def __iter__(self) -> Iterator[ImuSample | Silence]:
        """Start the clock and give the samples, in order of time, until it is closed; silence while none come."""
        if self._thread is None and not self._closed.is_set():
            if isinstance(self._reader, BufferedImu):
                self._reader.discard()
            self._heard = self._begun = time.monotonic()
            self._thread = threading.Thread(target=self._run, name="iio", daemon=True)
            self._thread.start()
        return self._samples()

    def close(self) -> None:
        """Stop reading and give back the device."""
        self._closed.set()
        self._put(None)
        if self._thread is None:
            self._give_up()
        elif threading.current_thread() is not self._thread:
            self._thread.join(10 * IDLE)

    @property
    def mode(self) -> str:
        """How it is read now: "buffered" or "polled"; "none" while it is unplugged and once it is closed."""
        reader = self._reader
        return "none" if reader is None else "buffered" if isinstance(reader, BufferedImu) else "polled"

    @property
    def warnings(self) -> list[str]:
        """Lines about polling instead of buffering, another rate, samples that were not read, and unplugging."""
        return [f"sensor {self.name}: {note}" for note in list(self._notes.values())]

    def _samples(self) -> Iterator[ImuSample | Silence]:
        wait = STALE
        while not self._closed.is_set():
            try:
                item = self._inbox.get(timeout=wait)
            except queue.Empty:
                wait = SILENCES
                if self.started is None:
                    self.started = self._begun
                yield Silence(time.monotonic() - self.started)
                continue
            wait = STALE
            if item is None:
                break
            if isinstance(item, Exception):
                raise item
            yield item
        self._put(None)  # for whoever iterates once more

    def _put(self, item: "ImuSample | Exception | None") -> None:
        """Give a sample, what broke the thread, or None for the end; the oldest makes room for it."""
        while True:
            try:
                return self._inbox.put_nowait(item)
            except queue.Full:
                with contextlib.suppress(queue.Empty):  # taken meanwhile
                    self.dropped += isinstance(self._inbox.get_nowait(), ImuSample)

    def _open(self, imu: Imu) -> BufferedImu | PolledImu:
        rates = []
        for device, quantities in imu.parts:
            for quantity in quantities:
                rate, warning = set_rate(device, quantity, self._settings.rate)
                rates.append(rate or self._settings.rate)  # Hz
                if warning is not None:
                    self._notes[warning] = warning  # once for what two quantities share
        if self._mode != "polled":
            self._notes.pop("mode", None)
            try:
                return BufferedImu(imu, rates[0])
            except EdgeEmotionError as error:
                if self._mode == "buffered":
                    raise
                self._notes["mode"] = f"polled, not buffered: {error}"
        return PolledImu(imu, min(*rates, self._settings.rate, POLL_LIMIT))

    def _run(self) -> None:
        """Body of the thread."""
        try:
            while not self._closed.is_set():
                if self._reader is None:
                    self._reopen()
                else:
                    self._read(self._reader)
        except Exception as error:  # noqa: BLE001 - raised again where the samples are taken out
            self._put(error)
        finally:
            self._give_up()
            self._put(None)

    def _read(self, reader: BufferedImu | PolledImu) -> None:
        try:
            readings = reader.read(self._closed)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in GONE:
                self._give_up()
                self._losses += 1
                self._notes["lost"] = (
                    f"was unplugged (times: {rounded(self._losses)}); it goes on by itself when it is back"
                )
            else:
                self._failed += 1
                self._notes["failed"] = (
                    f"samples could not be read ({reason(error)}): {rounded(self._failed)}"
                )
            return
        if readings:
            self._heard, self._waits = time.monotonic(), backoff()
        elif isinstance(reader, BufferedImu) and time.monotonic() - self._heard > STALL:
            self._stalled()
        for at, acceleration, rotation in readings:
            self.started = at if self.started is None else self.started
            self._put(ImuSample(at - self.started, acceleration, rotation))

    def _stalled(self) -> None:
        """The buffer was set up but stays empty, which an interrupt on another pin is the usual cause of."""
        self._heard = time.monotonic()
        self._notes["mode"] = f"its buffer got no sample in {STALL:g} s; check its trigger and interrupt pin"
        if self._mode == "auto":
            self._mode, self._notes["mode"] = "polled", f"polled, not buffered: {self._notes['mode']}"
            self._give_up()

    def _reopen(self) -> None:
        if self._closed.wait(next(self._waits)):
            return
        try:
            imu = find_imu(self._wanted, self._settings.sysfs, self._settings.dev)
        except EdgeEmotionError:  # not back yet
            return
        try:
            self._reader, self._heard = self._open(imu), time.monotonic()
            self._notes.pop("opening", None)
        except EdgeEmotionError as error:  # not all of it is back, or not for us
            self._notes["opening"] = f"is back but cannot be opened yet: {error}"

    def _give_up(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def backoff() -> Iterator[float]:
    """Give seconds to wait before each try: 0.5, then twice as long each time up to 8, without end."""
    wait = RETRY
    while True:
        yield wait
        wait = min(2 * wait, RETRY_MOST)
