"""An inertial sensor read through the kernel's buffers: one, or two whose samples are paired by time."""

import select
import threading
from collections import deque
from collections.abc import Iterator

from edge_emotion.sources.iio_device import ACCELERATION, ROTATION, Imu, Reading, Vector
from edge_emotion.sources.iio_layout import ScanBuffer

IDLE = 0.1  # seconds that a wait for a buffer lasts
PATIENCE = 0.25  # seconds that an acceleration waits for the angular velocity of its time
NEAR = 0.1  # seconds between the two, at most


class BufferedImu:
    """Reads the buffer of one device, or those of two and pairs their samples by time.

    EdgeEmotionError: a buffer cannot be had.
    """

    def __init__(self, imu: Imu, rate: float) -> None:
        """rate: Hz, at which the devices sample."""
        self._poll = select.poll()
        self._buffers: dict[int, ScanBuffer] = {}
        self._accelerations: deque[tuple[float, Vector]] = deque()
        self._rotations: deque[tuple[float, Vector]] = deque(maxlen=4096)
        self._rotates = imu.rotation is not None
        try:
            for device, quantities in imu.parts:
                buffer = ScanBuffer(device, quantities, rate)
                self._buffers[buffer.descriptor] = buffer
                self._poll.register(buffer.descriptor, select.POLLIN)
        except BaseException:
            self.close()
            raise

    def discard(self) -> None:
        """Let go what was measured up to now."""
        for buffer in self._buffers.values():
            buffer.discard()

    def read(self, closed: threading.Event) -> list[Reading]:
        """Wait for samples, for 0.1 s; OSError of ENODEV when a device is gone."""
        ready = self._poll.poll(IDLE * 1000)
        taken = 0
        try:
            for descriptor, _ in ready:
                times, values = self._buffers[descriptor].read()
                taken += len(times)
                for quantity, inbox in ((ACCELERATION, self._accelerations), (ROTATION, self._rotations)):
                    inbox.extend(zip(times.tolist(), values.get(quantity, ()), strict=False))
            for buffer in () if ready else self._buffers.values():
                buffer.check()
        except OSError:
            closed.wait(IDLE)  # the descriptor may stay readable
            raise
        if ready and not taken:
            closed.wait(IDLE)
        return list(self._paired())

    def close(self) -> None:
        """Give back the devices."""
        for buffer in self._buffers.values():
            buffer.close()
        self._buffers.clear()

    def _paired(self) -> Iterator[Reading]:
        """Take out the accelerations whose nearest angular velocity has come, or is not going to."""
        turns = self._rotations
        while self._accelerations:
            at, acceleration = self._accelerations[0]
            waited = (turns and turns[-1][0] >= at) or self._accelerations[-1][0] - at >= PATIENCE
            if self._rotates and not waited:
                return
            while len(turns) > 1 and abs(turns[1][0] - at) <= abs(turns[0][0] - at):
                turns.popleft()
            near = bool(turns) and abs(turns[0][0] - at) <= NEAR
            self._accelerations.popleft()
            yield at, acceleration, turns[0][1] if near else None
