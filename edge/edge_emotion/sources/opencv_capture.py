"""Cameras through OpenCV: V4L2 devices, network streams, and a file played as if it were one."""

import importlib
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.settings import CameraSettings
from edge_emotion.sources.camera_list import ROOT, VideoNode, busy, users_of, video_nodes
from edge_emotion.sources.capture import Picture, bgr
from edge_emotion.sources.picamera import INSTALL, csi_cameras

FILE_RATE = 25.0  # frames per second of a file that does not say its own


class V4l2Capture:
    """A V4L2 device, opened with the size and rate asked for or the nearest it can do."""

    finished = False

    def __init__(
        self,
        path: Path,
        settings: CameraSettings,
        opencv: Any = None,
        picamera2: Any = None,
        root: Path = ROOT,
    ) -> None:
        """path: of a node that exists and may be opened. EdgeEmotionError: busy, or no camera."""
        self.path, self._picamera2, self._root = path, picamera2, root
        self._opencv = opencv or load_opencv()
        known = [node for node in video_nodes(root) if node.path == path]
        self._node = known[0] if known else VideoNode(-1, path, path.name, "")
        self.name = f"{self._node.name} ({path})" if known else str(path)
        self._capture = self._opencv.VideoCapture(str(path), self._opencv.CAP_V4L2)
        if not self._capture.isOpened():
            self._capture.release()
            raise self.silent(0)
        for key, value in (
            (self._opencv.CAP_PROP_FRAME_WIDTH, settings.width),
            (self._opencv.CAP_PROP_FRAME_HEIGHT, settings.height),
            (self._opencv.CAP_PROP_FPS, settings.fps),
        ):
            self._capture.set(key, value)

    def read(self) -> Picture | None:
        """Wait for the next picture."""
        if not self._capture.grab():
            if not self.path.exists():  # unplugged: held on to, it would come back under another number
                raise EdgeEmotionError(
                    f"camera {self.name} is gone; plug it in again and run `edge-emotion devices`"
                )
            return None
        arrived = time.monotonic()
        stamp = self._capture.get(self._opencv.CAP_PROP_POS_MSEC) / 1e3  # the kernel's, 0 without
        good, image = self._capture.retrieve()
        return Picture(bgr(image, self.name), arrived, stamp if stamp > 0 else None) if good else None

    def close(self) -> None:
        """Give back the device."""
        self._capture.release()

    def silent(self, seconds: float) -> EdgeEmotionError:
        """Say why it may have given no picture at all: a CSI camera, a busy one, or a broken one."""
        if self._node.csi or (self._node.driver not in ("uvcvideo", "") and _is_raspberry_pi(self._root)):
            csi, problem = csi_cameras(self._picamera2)
            cure = (
                problem or f"choose picamera2, which knows {len(csi)}: --camera 0 --camera-backend picamera2"
            )
            return EdgeEmotionError(
                f"camera {self.name} is on a ribbon (CSI) and gives V4L2 no pictures; {cure}"
            )
        if users_of(self.path, self._root):
            return EdgeEmotionError(busy(self.path, self._root))
        if not seconds:
            return EdgeEmotionError(
                f"camera {self.name} cannot be opened; is another program using it? (see `edge-emotion devices`)"
            )
        return EdgeEmotionError(
            f"camera {self.name} opens but gave no picture in {seconds:g} s; plug it in again, at another port, "
            f"or, on a ribbon (CSI), use picamera2: {INSTALL}"
        )

    def gone(self, after: float) -> EdgeEmotionError:
        """Say that it stopped sending pictures."""
        return EdgeEmotionError(
            f"camera {self.name} stopped sending pictures after {after:.1f} s; "
            "check its plug and run `edge-emotion devices`"
        )


class StreamCapture:
    """A network stream (http, rtsp, ...) or a file at its own pace, through OpenCV's FFmpeg."""

    def __init__(self, address: str, settings: CameraSettings, opencv: Any = None) -> None:
        """address: URL or path. EdgeEmotionError when it cannot be opened."""
        self._opencv = opencv or load_opencv()
        self._is_file = "://" not in address
        self.name = Path(address).name if self._is_file else without_password(address)
        self.finished = False
        limit = round(settings.stall * 1000)
        limits = [
            self._opencv.CAP_PROP_OPEN_TIMEOUT_MSEC,
            limit,
            self._opencv.CAP_PROP_READ_TIMEOUT_MSEC,
            limit,
        ]
        self._capture = self._opencv.VideoCapture(address, self._opencv.CAP_FFMPEG, limits)
        if not self._capture.isOpened():
            self._capture.release()
            raise EdgeEmotionError(
                f"camera {self.name} cannot be opened; expected "
                + ("a video file" if self._is_file else "a stream that answers, e.g. http://HOST:8080/video")
            )
        rate = self._capture.get(self._opencv.CAP_PROP_FPS)
        self._period = 1 / (rate if 1 <= rate <= 240 else FILE_RATE)
        self._due = time.monotonic()

    def read(self) -> Picture | None:
        """Wait for the next picture; a file's come at its pace."""
        good, image = self._capture.read()
        if not good:
            self.finished = self._is_file
            return None
        if self._is_file:
            self._due += self._period
            time.sleep(max(0.0, self._due - time.monotonic()))
        return Picture(bgr(image, self.name), time.monotonic())

    def close(self) -> None:
        """Close the stream."""
        self._capture.release()

    def silent(self, seconds: float) -> EdgeEmotionError:
        """Say that no picture came at all."""
        return EdgeEmotionError(f"camera {self.name} answers but gave no picture in {seconds:g} s")

    def gone(self, after: float) -> EdgeEmotionError:
        """Say that it stopped sending pictures."""
        return EdgeEmotionError(
            f"camera {self.name} stopped sending pictures after {after:.1f} s; check it and the network"
        )


def load_opencv() -> Any:
    """Import OpenCV, with its own talk and FFmpeg's switched off; EdgeEmotionError names the package."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET; read when FFmpeg is first used
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")  # seconds; 10 would hold a closed camera
    try:
        opencv = importlib.import_module("cv2")
    except ImportError as error:
        raise EdgeEmotionError(
            f"OpenCV cannot be imported ({error}); install it: pip install opencv-python-headless"
        ) from error
    opencv.utils.logging.setLogLevel(0)  # 4.13 and later have no cv2.setLogLevel
    return opencv


def without_password(address: str) -> str:
    """Leave out user and password of a URL, which must not be shown."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address.partition("://")[0] + "://..."
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    return shown if shown.isprintable() else ascii(shown)


def _is_raspberry_pi(root: Path) -> bool:
    try:
        return "raspberry pi" in (root / "proc/device-tree/model").read_text(errors="replace").lower()
    except OSError:  # no such file: not a machine with a device tree
        return False
