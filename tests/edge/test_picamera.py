import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.settings import CameraSettings
from edge_emotion.sources import picamera
from edge_emotion.sources.camera import Camera
from edge_emotion.sources.picamera import csi_cameras, load_picamera2
from fake_camera import FakeOpenCV, FakePicamera2, Feed, picture, plug_in


def test_auto_takes_the_ribbon_camera_and_its_times_are_the_sensors(tmp_path: Path) -> None:
    plug_in(tmp_path, 0, "HD Webcam")
    feed = Feed()
    module = FakePicamera2(["imx219"], feed)
    feed.give(picture(9, 240, 320), 1.0)
    settings = CameraSettings("0", width=320, height=240, fps=25)
    camera = Camera(settings, FakeOpenCV(feed), module, tmp_path)
    assert camera.name == "imx219"
    assert module.log[:2] == ["open 1", "start"]  # libcamera's own number: the USB camera has 0
    assert module.configured == {
        "main": {"size": (320, 240), "format": "RGB888"},
        "controls": {"FrameRate": 25},
    }
    frames = iter(camera)
    blue = np.zeros((240, 320, 3), np.uint8)
    blue[..., 0] = 255  # picamera2's RGB888 lies in memory as B, G, R
    taken = []
    for stamp in (500.0, 500.04, 500.08):
        feed.give(blue, stamp)
        taken.append(next(frames))
    assert [round(frame.time, 6) for frame in taken] == [0.0, 0.04, 0.08]
    assert taken[0].image[0, 0].tolist() == [255, 0, 0]
    assert camera.warnings == [] and camera.dropped == 0
    feed.end()
    camera.close()
    assert module.log[-2:] == ["stop", "close"]
    assert module.log.count("release") == 4


def test_v4l2_is_taken_where_it_is_forced_or_the_number_is_no_ribbons(tmp_path: Path) -> None:
    plug_in(tmp_path, 0, "HD Webcam")
    plug_in(tmp_path, 1, "Logitech C270")
    module = FakePicamera2(["imx219"])
    for settings in (CameraSettings("0", backend="v4l2"), CameraSettings("1"), CameraSettings("/dev/video0")):
        feed = Feed()
        feed.give(picture(1))
        opencv = FakeOpenCV(feed)
        camera = Camera(settings, opencv, module, tmp_path)
        feed.end()
        camera.close()
        assert len(opencv.opened) == 1
    assert module.log == []


@pytest.mark.parametrize(
    ("device", "module", "said"),
    [
        ("1", FakePicamera2(["imx219"]), "no ribbon (CSI) camera with the number 1; there are: 0 'imx219'"),
        ("0", FakePicamera2([]), "number 0; check the ribbon"),
        ("/dev/video0", FakePicamera2(["imx219"]), "picamera2 knows cameras by number"),
        (
            "0",
            FakePicamera2(["imx219"], refusal="Camera __init__ sequence did not complete."),
            "camera 'imx219' cannot be opened (Camera __init__ sequence did not complete.); is another program",
        ),
    ],
)
def test_refusals(tmp_path: Path, device: str, module: Any, said: str) -> None:
    with pytest.raises(EdgeEmotionError) as refused:
        Camera(CameraSettings(device, backend="picamera2"), None, module, tmp_path)
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_a_ribbon_camera_that_gives_nothing_or_stops(tmp_path: Path) -> None:
    settings = CameraSettings("0", stall=0.3)
    module = FakePicamera2(["imx219"])
    with pytest.raises(EdgeEmotionError, match=r"'imx219' gave no picture in 0\.3 s; check its ribbon"):
        Camera(settings, None, module, tmp_path)
    module.feed.end()
    module = FakePicamera2(["imx219"])
    module.feed.give(picture(1))
    camera = Camera(settings, None, module, tmp_path)
    with pytest.raises(EdgeEmotionError, match=r"'imx219' stopped sending pictures after 0\.0 s"):
        next(iter(camera))
    module.feed.end()
    camera.close()


def test_a_request_that_fails_is_one_line(tmp_path: Path) -> None:
    module = FakePicamera2(["imx219"])
    module.feed.give(picture(1))
    camera = Camera(CameraSettings("0"), None, module, tmp_path)
    frames = iter(camera)
    module.feed.give(RuntimeError("Camera frontend has timed out!"))
    with pytest.raises(EdgeEmotionError, match="Camera frontend has timed out!"):
        next(frames)
    camera.close()


def test_its_absence_names_the_package_of_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    cameras, problem = csi_cameras()
    assert cameras == []
    assert "sudo apt install python3-picamera2" in str(problem) and "--system-site-packages" in str(problem)
    with pytest.raises(EdgeEmotionError, match="picamera2 is missing"):
        Camera(CameraSettings("0", backend="picamera2"))


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (
            ValueError("numpy.dtype size changed, may indicate binary incompatibility.\nmore"),
            "pip install --force-reinstall simplejpeg",
        ),
        (
            ModuleNotFoundError("No module named 'libcamera'", name="libcamera"),
            "import of 'libcamera' failed",
        ),
    ],
)
def test_an_install_that_does_not_fit(monkeypatch: pytest.MonkeyPatch, raised: Exception, said: str) -> None:
    def fail(name: str) -> ModuleType:
        raise raised

    monkeypatch.setattr(picamera.importlib, "import_module", fail)
    with pytest.raises(EdgeEmotionError) as refused:
        load_picamera2()
    assert said in str(refused.value) and "\n" not in str(refused.value)
