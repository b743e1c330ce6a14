"""A camera as a source of pictures, whichever way it is plugged in: USB, ribbon (CSI) or network."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.settings import CameraSettings
from edge_emotion.sources.camera_list import ROOT, check_node
from edge_emotion.sources.capture import Capture, Picture
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.frame_clock import FrameClock
from edge_emotion.sources.newest_frame import NewestFrame
from edge_emotion.sources.opencv_capture import StreamCapture, V4l2Capture, without_password
from edge_emotion.sources.picamera import PicameraCapture, csi_cameras

RETRY = 0.02  # seconds until a camera that gave nothing is asked again
OPENING = 2  # times the stall: how long a camera may take to open
GRACE = 0.5  # seconds more after a stall: it may be us who stood still, and the camera sends
CLOSING = 1.0  # seconds that close() waits for a driver; its thread then ends by itself


class Camera:
    """Opens a camera and gives its newest frame each time; a thread of its own reads, and closes, the device.

    The first picture is awaited when the object is made, so that a wrong camera is refused before anything
    else; the clock starts at 0 with the first frame after iteration began (frames before are let go).
    EdgeEmotionError: no camera, an unknown, busy or forbidden one, one that gives no pictures or vanishes.
    """

    def __init__(
        self, settings: CameraSettings, opencv: Any = None, picamera2: Any = None, root: Path = ROOT
    ) -> None:
        """opencv, picamera2: the modules, or stand-ins for them. root: of /dev, /sys and /proc."""
        self._settings = settings
        self._open = choose(settings, opencv, picamera2, root)
        self._box = NewestFrame()
        self._clock = FrameClock()
        self._opened, self._first = threading.Event(), threading.Event()
        self._delivering, self._closed = threading.Event(), threading.Event()
        self._capture: Capture | None = None
        self._warnings: list[str] = []
        self._reader = threading.Thread(target=self._read, name="camera", daemon=True)
        self.name = without_password(settings.device)
        self._reader.start()
        try:
            self._await_first()
        except BaseException as error:
            self.close()
            if isinstance(error, EdgeEmotionError):
                error.held = self
            raise

    def __iter__(self) -> Iterator[Frame]:
        """Start the clock and give the newest frames until it is closed; EdgeEmotionError when it vanishes."""
        self._delivering.set()
        return self._frames()

    def close(self) -> None:
        """Stop reading; the reading thread gives back the device, at once or when its driver lets go of it."""
        self._closed.set()
        self._box.end()
        if threading.current_thread() is not self._reader:
            self._reader.join(CLOSING)

    @property
    def path(self) -> Path | None:
        """Node of a V4L2 camera; None of others."""
        return getattr(self._capture, "path", None)

    @property
    def released(self) -> bool:
        """Whether the driver has let go of the device; some need long after close()."""
        return not self._reader.is_alive()

    @property
    def started(self) -> float | None:
        """What time.monotonic() was at time 0; None before the first frame."""
        return self._clock.started

    @property
    def dropped(self) -> int:
        """Frames replaced by a newer one before they were taken out."""
        return self._box.dropped

    @property
    def warnings(self) -> list[str]:
        """Lines about a picture of another size than asked for."""
        return list(self._warnings)

    def _frames(self) -> Iterator[Frame]:
        last = 0.0
        while True:
            frame = self._box.get(self._settings.stall)
            if frame is None and not self._box.ended:
                frame = self._box.get(GRACE)
            if self._closed.is_set():
                return
            if frame is None:
                if self._box.ended:  # a file played as a camera
                    return
                assert self._capture is not None  # the first picture has come
                raise self._capture.gone(last)
            last = frame.time
            yield frame

    def _await_first(self) -> None:
        stall = self._settings.stall
        if not self._opened.wait(OPENING * stall):
            raise EdgeEmotionError(f"camera {self.name} did not open within {OPENING * stall:g} s; check it")
        if self._capture is not None:
            self.name = self._capture.name
        if not self._first.wait(stall) and self._capture is not None:
            raise self._capture.silent(stall)
        if self._box.ended:
            self._box.get(0)  # raises what the thread met
            raise EdgeEmotionError(f"camera {self.name} holds no picture")

    def _read(self) -> None:
        """Body of the thread."""
        try:
            self._capture = capture = self._open()
            self._opened.set()
            try:
                while not self._closed.is_set() and not capture.finished:
                    picture = capture.read()
                    if picture is None:
                        self._closed.wait(RETRY)
                    else:
                        self._take(picture)
            finally:
                capture.close()
            self._box.end()
        except Exception as error:  # noqa: BLE001 - raised again where the frames are taken out
            self._box.end(error)
        finally:
            self._opened.set()
            self._first.set()

    def _take(self, picture: Picture) -> None:
        if not self._first.is_set():
            height, width = picture.image.shape[:2]
            asked = self._settings.width, self._settings.height
            capture = self._capture
            if (width, height) != asked and capture is not None and not isinstance(capture, StreamCapture):
                self._warnings.append(
                    f"camera {capture.name}: asked for {asked[0]}x{asked[1]}, it gives {width}x{height}"
                )
        if self._delivering.is_set():
            self._box.put(Frame(picture.image, self._clock.time(picture.arrived, picture.stamp)))
        self._first.set()


def choose(
    settings: CameraSettings, opencv: Any = None, picamera2: Any = None, root: Path = ROOT
) -> Callable[[], Capture]:
    """Find what a device name means; gives what opens it. EdgeEmotionError when there is no such camera."""
    device, backend = settings.device, settings.backend
    if "://" in device:
        return partial(StreamCapture, device, settings, opencv)
    number = int(device) if device.isascii() and device.isdecimal() else None
    if backend == "picamera2":
        if number is None:
            raise EdgeEmotionError(f"picamera2 knows cameras by number, e.g. 0; got {device!r}")
        return partial(PicameraCapture, number, settings, picamera2)
    if number is not None:
        if backend == "auto" and number < len(csi_cameras(picamera2)[0]):
            return partial(PicameraCapture, number, settings, picamera2)
        path = root / "dev" / f"video{number}"
    else:
        path = Path(device)
        if path.is_file():
            return partial(StreamCapture, device, settings, opencv)
        if path.parts[:2] != ("/", "dev"):
            raise EdgeEmotionError(
                f"no camera {device!r}; expected a number, /dev/videoN or a URL such as http://HOST:8080/video"
            )
        path = (root / path.relative_to("/")).resolve()  # /dev/v4l/by-id/usb-..., say, is a link
    check_node(path, root, picamera2)
    return partial(V4l2Capture, path, settings, opencv, picamera2, root)
