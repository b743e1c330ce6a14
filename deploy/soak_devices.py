"""A camera, a sound card and a suit for the soak: they play clips at their own pace and break when they are told."""

import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.replay import ReplaySettings, sending
from edge_emotion.skeleton import Pose

RATE = 16000
NO_PICTURE = 0.05  # seconds that a driver waits in vain each time


class Trouble:
    """What is wrong with a device just now; each ends by itself at a time."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def begin(self, kind: str, seconds: float) -> None:
        """kind: "unplugged", "stalled", "garbage", "jump"."""
        self._until[kind] = time.monotonic() + seconds

    def has(self, kind: str) -> bool:
        """Whether this is wrong now."""
        return time.monotonic() < self._until.get(kind, 0.0)

    def wait_while(self, kind: str) -> None:
        """Hang, as a driver call does that does not come back."""
        while (left := self._until.get(kind, 0.0) - time.monotonic()) > 0:
            threading.Event().wait(left)


class LoopedCamera:
    """The module cv2 for one camera: pictures of a clip again and again, with the driver's stamps."""

    CAP_V4L2, CAP_FFMPEG = 200, 1900
    CAP_PROP_POS_MSEC, CAP_PROP_FRAME_WIDTH, CAP_PROP_FRAME_HEIGHT, CAP_PROP_FPS = 0, 3, 4, 5

    def __init__(
        self, pictures: Sequence[NDArray[np.uint8]], fps: float, trouble: Trouble, seed: int
    ) -> None:
        self._pictures, self._period, self._trouble = pictures, 1 / fps, trouble
        self._random = np.random.default_rng(seed)
        self._number = 0
        self._due = time.monotonic()
        self._stamp, self._jump = 0.0, 0.0
        self._jumping = False
        self.opened = 0

    def VideoCapture(self, *given: Any) -> "LoopedCamera":  # noqa: N802 - OpenCV's name
        """Open the camera."""
        self.opened += 1
        self._trouble.wait_while("opening hangs")
        self._due = time.monotonic()
        return self

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        """Whether it is plugged in."""
        return not self._trouble.has("unplugged")

    def set(self, key: int, value: float) -> bool:
        """Take any setting."""
        return True

    def get(self, key: int) -> float:
        """The driver's stamp, milliseconds."""
        return self._stamp * 1000 if key == self.CAP_PROP_POS_MSEC else 0.0

    def grab(self) -> bool:
        """Wait for the next picture."""
        self._trouble.wait_while("stalled")
        if self._trouble.has("unplugged"):
            threading.Event().wait(NO_PICTURE)
            return False
        self._due = max(self._due + self._period, time.monotonic() - 1.0)
        threading.Event().wait(max(0.0, self._due - time.monotonic()))
        self._number += 1
        jumping = self._trouble.has("jump")
        if jumping and not self._jumping:  # the driver's clock is set: an hour on, or back
            self._jump += 3600.0 * self._random.choice([-1, 1])
        self._jumping = jumping
        self._stamp = time.monotonic() + self._jump
        return True

    def retrieve(self) -> tuple[bool, Any]:
        """Give it, or garbage."""
        picture = self._pictures[self._number % len(self._pictures)]
        if not self._trouble.has("garbage"):
            return True, picture
        shapes: list[tuple[int, ...]] = [(*picture.shape[:2], 4), (1, 1, 3), picture.shape, (2000, 3, 1)]
        shape = shapes[self._random.integers(len(shapes))]
        return bool(self._random.random() < 0.7), self._random.integers(0, 256, shape, np.uint8)

    def release(self) -> None:
        """Nothing is held."""


class LoopedSoundCard:
    """The module sounddevice with one microphone: a recording again and again, at its own pace."""

    class PortAudioError(Exception):
        """What PortAudio raises."""

    def __init__(self, sound: NDArray[np.int16], trouble: Trouble, seed: int) -> None:
        self._sound, self._trouble = sound, trouble
        self._random = np.random.default_rng(seed)
        self.default = SimpleNamespace(device=(0, -1))
        self.opened = 0

    _initialized = 1

    def _terminate(self) -> None:
        return

    def _initialize(self) -> None:
        return

    def query_hostapis(self) -> list[dict[str, Any]]:
        """One sound system."""
        return [{"name": "soak"}]

    def query_devices(self) -> list[dict[str, Any]]:
        """One microphone, while it is plugged in."""
        if self._trouble.has("unplugged"):
            return []
        return [{"name": "looped", "hostapi": 0, "max_input_channels": 1, "default_samplerate": float(RATE)}]

    def check_input_settings(self, **given: Any) -> None:
        """It can do all."""

    def InputStream(self, **given: Any) -> "_Stream":  # noqa: N802 - sounddevice's name
        """Open the microphone."""
        if self._trouble.has("unplugged"):
            raise self.PortAudioError("Device unavailable")
        self.opened += 1
        return _Stream(self._sound, self._trouble, self._random, **given)


class _Stream:
    """Calls back with each block when it is due, and not at all while the card is broken."""

    def __init__(
        self,
        sound: NDArray[np.int16],
        trouble: Trouble,
        noise: np.random.Generator,
        blocksize: int,
        callback: Callable[..., None],
        finished_callback: Callable[[], None],
        **given: Any,
    ) -> None:
        self._sound, self._trouble, self._noise = sound, trouble, noise
        self._size, self._callback, self._finished = blocksize, callback, finished_callback
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._play, name="sound card", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._trouble.wait_while("stalled")  # closing a stream of a card that hangs hangs too
        self._finished()

    def _play(self) -> None:
        begin, due = 0, time.monotonic()
        status = SimpleNamespace(input_overflow=False)
        while not self._closed.is_set():
            due += self._size / RATE
            if (
                time.monotonic() - due > 0.5
            ):  # the machine stood still: the card has written over what nobody took
                due = time.monotonic()
                status = SimpleNamespace(input_overflow=True)
            self._closed.wait(max(0.0, due - time.monotonic()))
            if self._trouble.has("unplugged") or self._trouble.has("stalled"):
                continue
            block = np.take(self._sound, np.arange(begin, begin + self._size), mode="wrap")[:, None]
            begin += self._size
            if self._trouble.has("garbage"):
                block = self._noise.integers(-32768, 32768, block.shape, np.int16)
            self._callback(block, len(block), None, status)
            status = SimpleNamespace(input_overflow=False)


class LoopedSuit:
    """Sends poses as an MVN suit until it is closed; garbage is sent beside or instead of them."""

    def __init__(self, poses: Sequence[Pose], port: int, trouble: Trouble, seed: int) -> None:
        self._poses, self._port, self._trouble = poses, port, trouble
        self._random = random.Random(seed)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._send, name="suit", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop sending."""
        self._closed.set()
        self._thread.join(5)

    def _send(self) -> None:
        settings = ReplaySettings("mvn", port=self._port, loop=True)
        while not self._closed.is_set():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
                for _ in sending(self._poses, settings):
                    if self._trouble.has("garbage"):
                        self._send_garbage(wire)
                    jump = self._trouble.has("jump")
                    if jump:
                        self._trouble.begin("jump", 0.0)
                    if (
                        jump
                        or self._closed.is_set()
                        or self._trouble.has("unplugged")
                        or self._trouble.has("stalled")
                    ):
                        break  # what is switched off, hangs or has its clock set begins anew
            for kind in ("unplugged", "stalled"):
                self._trouble.wait_while(kind)

    def _send_garbage(self, wire: socket.socket) -> None:
        for _ in range(20):
            size = self._random.choice([0, 1, 23, 24, 500, 1400, 60000])
            head = self._random.choice([b"MXTP02", b"MXTP20", b"MXTP99", b"\0\0"])
            wire.sendto(head[:size] + self._random.randbytes(max(0, size - 6)), ("127.0.0.1", self._port))
