"""Stand-ins for cameras: OpenCV's and picamera2's calls, a tree of /dev and /sys, and a server of pictures."""

import queue
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
NOTHING = object()  # what a driver gives that waited in vain


def picture(value: int, height: int = 4, width: int = 6) -> Image:
    return np.full((height, width, 3), value, np.uint8)


class Feed:
    """Pictures that a test hands to a fake driver one by one; the driver waits for them as a real one does."""

    def __init__(self) -> None:
        self._queue: queue.Queue[tuple[Any, float]] = queue.Queue()
        self._waiting = threading.Semaphore(0)
        self._ended = threading.Event()

    def give(self, image: Any, stamp: float = 0.0) -> None:
        """image: an array, NOTHING, or an exception to raise. stamp: the driver's, seconds."""
        self._queue.put((image, stamp))

    def take(self) -> tuple[Any, float]:
        self._waiting.release()
        while not self._ended.is_set():
            try:
                image, stamp = self._queue.get(timeout=0.01)
            except queue.Empty:
                continue
            if isinstance(image, Exception):
                raise image
            return image, stamp
        return NOTHING, 0.0

    def wait_until_asked(self, times: int) -> None:
        """Wait until the driver was asked so many times more: it is done with what was given before."""
        for _ in range(times):
            assert self._waiting.acquire(timeout=20), "the camera's thread does not read"

    def end(self) -> None:
        """Let a waiting driver go, with nothing, as when a device is unplugged."""
        self._ended.set()


class FakeOpenCV:
    """The module cv2, as far as a camera needs it; every VideoCapture takes from the feed."""

    CAP_V4L2, CAP_FFMPEG = 200, 1900
    CAP_PROP_POS_MSEC, CAP_PROP_FRAME_WIDTH, CAP_PROP_FRAME_HEIGHT, CAP_PROP_FPS = 0, 3, 4, 5
    CAP_PROP_OPEN_TIMEOUT_MSEC, CAP_PROP_READ_TIMEOUT_MSEC = 53, 54

    def __init__(self, feed: Feed, opens: bool = True) -> None:
        self.feed = feed
        self.opens = opens
        self.opened: list[tuple[Any, ...]] = []
        self.asked: dict[int, float] = {}
        self.released = threading.Event()

    def VideoCapture(self, *given: Any) -> "FakeVideoCapture":  # noqa: N802 - OpenCV's name
        self.opened.append(given)
        return FakeVideoCapture(self)


class FakeVideoCapture:
    def __init__(self, opencv: FakeOpenCV) -> None:
        self._opencv = opencv
        self._image: Any = None
        self._stamp = 0.0

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self._opencv.opens

    def set(self, key: int, value: float) -> bool:
        self._opencv.asked[key] = value
        return True

    def get(self, key: int) -> float:
        return self._stamp * 1000 if key == FakeOpenCV.CAP_PROP_POS_MSEC else 0.0

    def grab(self) -> bool:
        self._image, self._stamp = self._opencv.feed.take()
        return self._image is not NOTHING

    def retrieve(self) -> tuple[bool, Any]:
        return True, self._image

    def release(self) -> None:
        self._opencv.released.set()


class FakePicamera2:
    """The module picamera2 with CSI cameras of these models, and a USB camera, which libcamera lists as well."""

    def __init__(self, models: Sequence[str], feed: Feed | None = None, refusal: str | None = None) -> None:
        self.feed = feed or Feed()
        self.refusal = refusal
        self.configured: dict[str, Any] = {}
        self.log: list[str] = []
        listed = [{"Num": 0, "Id": "\\_SB_.PCI0-usb-1:1.0-046d:0825", "Model": "USB webcam"}]
        listed += [
            {"Num": n + 1, "Id": f"/base/soc/i2c0mux/i2c@1/{model}@10", "Model": model}
            for n, model in enumerate(models)
        ]
        outer = self

        class Picamera2:
            @staticmethod
            def global_camera_info() -> list[dict[str, Any]]:
                return listed

            def __init__(self, number: int) -> None:
                if outer.refusal:
                    raise RuntimeError(outer.refusal)
                outer.log.append(f"open {number}")

            def create_video_configuration(self, **given: Any) -> dict[str, Any]:
                return given

            def configure(self, configuration: dict[str, Any]) -> None:
                outer.configured = configuration

            def start(self) -> None:
                outer.log.append("start")

            def capture_request(self) -> Any:
                image, stamp = outer.feed.take()
                if image is NOTHING:
                    raise RuntimeError("Camera frontend has timed out!")
                return SimpleNamespace(
                    make_array=lambda name: {"main": image}[name],
                    get_metadata=lambda: {"SensorTimestamp": round(stamp * 1e9)},
                    release=lambda: outer.log.append("release"),
                )

            def stop(self) -> None:
                outer.log.append("stop")

            def close(self) -> None:
                outer.log.append("close")

        self.Picamera2 = Picamera2


def plug_in(root: Path, number: int, name: str, driver: str = "uvcvideo", index: int = 0) -> Path:
    """Make /dev/videoN and its folder in /sys below a root; gives the node."""
    entry = root / "sys/class/video4linux" / f"video{number}"
    (entry / "device").mkdir(parents=True)
    (entry / "name").write_text(f"{name}\n")
    (entry / "index").write_text(f"{index}\n")
    (entry / "device/driver").symlink_to(f"../../bus/drivers/{driver}")
    node = root / "dev" / f"video{number}"
    node.parent.mkdir(exist_ok=True)
    node.touch()
    return node


def hold_open(root: Path, node: Path, process: int, program: str) -> None:
    """Make a process in /proc below a root that has the node open."""
    folder = root / "proc" / str(process)
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_text(f"{program}\n")
    (folder / "fd/7").symlink_to(node)


class PictureServer:
    """An MJPEG stream over HTTP on 127.0.0.1, as IP cameras and phone apps give it; leave() cuts it off."""

    def __init__(self, jpegs: Sequence[bytes], rate: float = 50.0) -> None:
        self._gone = threading.Event()
        gone = self._gone

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
                self.end_headers()
                number = 0
                while not gone.wait(1 / rate):
                    jpeg = jpegs[number % len(jpegs)]
                    number += 1
                    head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    try:
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                    except OSError:  # the reader has left
                        return

            def log_message(self, *said: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://someone:secret@127.0.0.1:{self._server.server_address[1]}/video?key=secret"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Cut off every reader and answer nobody any more."""
        self._gone.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
