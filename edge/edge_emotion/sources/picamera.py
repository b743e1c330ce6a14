"""CSI cameras, those on a ribbon, through picamera2; OpenCV opens them but gets no pictures from them."""

import importlib
import importlib.util
import os
import time
from typing import Any

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.settings import CameraSettings
from edge_emotion.sources.capture import Picture, bgr

INSTALL = "sudo apt install python3-picamera2, in a virtual environment made with --system-site-packages"


class PicameraCapture:
    """A CSI camera, opened and started. EdgeEmotionError: no picamera2, no such camera, or a busy one."""

    finished = False

    def __init__(self, number: int, settings: CameraSettings, picamera2: Any = None) -> None:
        """number: among csi_cameras(). picamera2: the module, or a stand-in for it."""
        picamera2 = picamera2 or load_picamera2()
        cameras = _csi_info(picamera2)
        if number >= len(cameras):
            listed = ", ".join(f"{n} {_model(info)!r}" for n, info in enumerate(cameras))
            raise EdgeEmotionError(
                f"libcamera knows no ribbon (CSI) camera with the number {number}; "
                + (f"there are: {listed}" if cameras else "check the ribbon (`rpicam-hello --list-cameras`)")
            )
        self.name = _model(cameras[number])
        try:
            self._camera = picamera2.Picamera2(cameras[number].get("Num", number))
        except (RuntimeError, IndexError) as error:
            raise self._refused(error) from error
        try:
            # libcamera names the order in a word of 32 bits: what it calls RGB888 lies in memory as B, G, R.
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": (settings.width, settings.height), "format": "RGB888"},
                    controls={"FrameRate": settings.fps},
                )
            )
            self._camera.start()
        except RuntimeError as error:
            self._camera.close()
            raise self._refused(error) from error

    def read(self) -> Picture | None:
        """Wait for the next picture."""
        try:
            request = self._camera.capture_request()
        except RuntimeError as error:
            raise self._refused(error) from error
        try:
            arrived = time.monotonic()
            stamp = request.get_metadata().get("SensorTimestamp")  # nanoseconds
            image = bgr(request.make_array("main"), self.name)
        finally:
            request.release()
        return Picture(image, arrived, stamp / 1e9 if stamp else None)

    def close(self) -> None:
        """Stop the camera and give it back."""
        self._camera.stop()
        self._camera.close()

    def silent(self, seconds: float) -> EdgeEmotionError:
        """Say why it may have given no picture at all."""
        return EdgeEmotionError(
            f"camera {self.name!r} gave no picture in {seconds:g} s; check its ribbon at both ends "
            "(`rpicam-hello` shows whether it works)"
        )

    def gone(self, after: float) -> EdgeEmotionError:
        """Say that it stopped sending pictures."""
        return EdgeEmotionError(
            f"camera {self.name!r} stopped sending pictures after {after:.1f} s; check its ribbon"
        )

    def _refused(self, error: Exception) -> EdgeEmotionError:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        return EdgeEmotionError(
            f"camera {self.name!r} cannot be opened ({reason}); is another program using it?"
        )


def csi_cameras(picamera2: Any = None) -> tuple[list[str], EdgeEmotionError | None]:
    """Models of the CSI cameras that libcamera reports, and why none could be asked for, where so."""
    try:
        return [_model(info) for info in _csi_info(picamera2 or load_picamera2())], None
    except EdgeEmotionError as error:
        return [], error


def load_picamera2() -> Any:
    """Import picamera2; EdgeEmotionError says how to install it, or how to mend its clash with numpy."""
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:ERROR")  # it tells its start-up to stderr
    try:
        return importlib.import_module("picamera2")
    except ImportError as error:
        missing = error.name in (None, "picamera2")
        raise EdgeEmotionError(
            "picamera2 is missing, which ribbon (CSI) cameras need: "
            f"{INSTALL}{'' if missing else f' (import of {error.name!r} failed)'}"
        ) from error
    except (
        ValueError
    ) as error:  # simplejpeg of apt was built against numpy 1, a newer one is in the environment
        raise EdgeEmotionError(
            f"picamera2 does not fit the numpy of this environment ({next(iter(str(error).splitlines()), '')}); "
            "run: pip install --force-reinstall simplejpeg"
        ) from error


def _csi_info(picamera2: Any) -> list[dict[str, Any]]:
    """What libcamera reports, without USB cameras, which it reports too and V4L2 serves as well."""
    return [info for info in picamera2.Picamera2.global_camera_info() if "usb" not in info["Id"].lower()]


def _model(info: dict[str, Any]) -> str:
    return str(info.get("Model", info["Id"]))
