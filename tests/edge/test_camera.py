import errno
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.settings import CameraSettings
from edge_emotion.sources import camera_list
from edge_emotion.sources.camera import Camera
from edge_emotion.sources.capture import bgr
from edge_emotion.sources.frame_clock import FrameClock
from edge_emotion.sources.opencv_capture import without_password
from fake_camera import (
    NOTHING,
    FakeOpenCV,
    FakePicamera2,
    Feed,
    PictureServer,
    hold_open,
    picture,
    plug_in,
)

NO_CSI = FakePicamera2([])
SHORT = 0.3  # seconds: the stall of cameras that are meant to stall
Nodes = dict[str, int | OSError | None]


@pytest.fixture(autouse=True)
def nodes(monkeypatch: pytest.MonkeyPatch) -> Nodes:
    """What opening a node finds, by its name: V4L2_CAP_ bits, None, or a refusal; a missing one is ENOENT."""
    found: Nodes = {}

    def query(path: Path) -> int | None:
        said = found.get(path.name, 1)
        if isinstance(said, OSError):
            raise said
        if not path.exists():
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))
        return said

    monkeypatch.setattr(camera_list, "query_capabilities", query)
    return found


@pytest.fixture
def feed() -> Iterator[Feed]:
    feed = Feed()
    yield feed
    feed.end()


def start(feed: Feed, root: Path, stall: float = 20.0, **changes: Any) -> tuple[Camera, FakeOpenCV]:
    """A camera at /dev/video0 whose first picture, which nobody gets, has come."""
    plug_in(root, 0, "HD Webcam")
    feed.give(picture(99, 480, 640))
    opencv = FakeOpenCV(feed)
    return Camera(CameraSettings("0", stall=stall, **changes), opencv, NO_CSI, root), opencv


def refusal(root: Path, device: str = "0", stall: float = SHORT, **given: Any) -> str:
    """What the user is told who asks for a camera that is of no use."""
    backend = given.pop("backend", "auto")
    opencv = given.pop("opencv", None) or FakeOpenCV(Feed())
    before = threading.active_count()
    with pytest.raises(EdgeEmotionError) as refused:
        Camera(CameraSettings(device, backend=backend, stall=stall), opencv, given.pop("csi", NO_CSI), root)
    opencv.feed.end()
    assert threading.active_count() <= before + 1  # at most a reader whose driver does not let go of it yet
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_frames_come_in_order_on_a_clock_that_starts_at_0(feed: Feed, tmp_path: Path) -> None:
    camera, opencv = start(feed, tmp_path)
    before = time.monotonic()
    frames = iter(camera)
    taken = []
    for value in (1, 2, 3):
        feed.give(picture(value))
        taken.append(next(frames))
    assert [int(frame.image[0, 0, 0]) for frame in taken] == [1, 2, 3]
    assert taken[0].time == 0.0
    assert taken[0].time < taken[1].time < taken[2].time <= time.monotonic() - before
    assert camera.started is not None and before <= camera.started <= time.monotonic()
    assert camera.dropped == 0
    assert (opencv.asked[3], opencv.asked[4], opencv.asked[5]) == (640, 480, 30)
    assert opencv.opened == [(str(tmp_path / "dev/video0"), FakeOpenCV.CAP_V4L2)]
    assert camera.name == f"HD Webcam ({tmp_path / 'dev/video0'})"
    assert camera.warnings == []
    feed.end()
    camera.close()
    assert list(frames) == []
    assert opencv.released.is_set()


def test_the_newest_frame_wins_and_the_others_are_counted(feed: Feed, tmp_path: Path) -> None:
    camera, _ = start(feed, tmp_path)
    feed.wait_until_asked(2)  # once for the first picture, once more after it was let go
    frames = iter(camera)
    for value in (1, 2, 3):
        feed.give(picture(value))
    feed.wait_until_asked(3)
    assert int(next(frames).image[0, 0, 0]) == 3
    assert camera.dropped == 2
    camera.close()


def test_pictures_before_iteration_are_let_go_and_not_counted(feed: Feed, tmp_path: Path) -> None:
    camera, _ = start(feed, tmp_path)
    for value in (7, 8):
        feed.give(picture(value))
    feed.wait_until_asked(4)
    frames = iter(camera)
    feed.give(picture(9))
    assert int(next(frames).image[0, 0, 0]) == 9
    assert camera.dropped == 0
    camera.close()


def test_another_size_than_asked_for_is_said(feed: Feed, tmp_path: Path) -> None:
    camera, _ = start(feed, tmp_path, width=1280, height=720)
    assert camera.warnings == [f"camera {camera.name}: asked for 1280x720, it gives 640x480"]
    camera.close()


def test_an_unplugged_camera_is_an_error_and_closing_does_not_hang(feed: Feed, tmp_path: Path) -> None:
    camera, opencv = start(feed, tmp_path, SHORT)
    frames = iter(camera)
    feed.give(picture(1))
    next(frames)
    feed.end()
    with pytest.raises(EdgeEmotionError, match=r"stopped sending pictures after 0\.0 s; check its plug"):
        next(frames)
    camera.close()
    camera.close()
    assert opencv.released.wait(20)


def test_a_driver_that_never_returns_does_not_hang_close(feed: Feed, tmp_path: Path) -> None:
    camera, opencv = start(feed, tmp_path, SHORT)
    with pytest.raises(EdgeEmotionError, match="stopped sending pictures"):
        next(iter(camera))
    camera.close()  # the fake driver still waits
    assert not opencv.released.is_set()
    feed.end()
    assert opencv.released.wait(20)


def test_closing_from_another_thread_ends_the_iteration(feed: Feed, tmp_path: Path) -> None:
    camera, _ = start(feed, tmp_path)
    frames = iter(camera)
    feed.give(picture(1))
    next(frames)
    closer = threading.Thread(target=camera.close)
    closer.start()
    assert list(frames) == []
    closer.join()


def test_what_goes_wrong_in_the_reading_thread_is_raised_where_frames_are_taken(
    feed: Feed, tmp_path: Path
) -> None:
    camera, _ = start(feed, tmp_path)
    feed.give(np.zeros((2, 2, 3), np.float32))
    with pytest.raises(EdgeEmotionError, match=r"gives pictures of float32 and shape \(2, 2, 3\)"):
        next(iter(camera))
    camera.close()


@pytest.mark.parametrize(
    "image",
    [
        np.array([[5, 6]], np.uint8),
        np.array([[[5], [6]]], np.uint8),
        np.array([[[5, 5, 5], [6, 6, 6]]], np.uint8),
        np.array([[[5, 5, 5, 255], [6, 6, 6, 0]]], np.uint8),
    ],
)
def test_grey_and_transparent_pictures_become_b_g_r(image: Any) -> None:
    converted = bgr(image, "x")
    assert converted.tolist() == [[[5, 5, 5], [6, 6, 6]]]
    assert converted.flags.c_contiguous


@pytest.mark.parametrize("shape", [(2,), (2, 2, 2), (0, 4, 3), (1, 2, 3, 4)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(EdgeEmotionError, match="expected 8 bits"):
        bgr(np.zeros(shape, np.uint8), "x")


def times(pairs: list[tuple[float, float | None]]) -> list[float]:
    clock = FrameClock()
    return [round(clock.time(arrived, stamp), 3) for arrived, stamp in pairs]


def test_stamps_of_the_driver_give_the_times_while_they_go_with_the_clock() -> None:
    # Exposed each 0.1 s; the second arrives late. The driver's clock may start anywhere.
    assert times([(10.0, 3.0), (10.15, 3.1), (10.2, 3.2)]) == [0.0, 0.1, 0.2]


@pytest.mark.parametrize(
    "pairs",
    [
        [(10.0, None), (10.1, None), (10.2, None)],
        [(10.0, 3.0), (10.1, 3.0), (10.2, 3.0)],  # always the same
        [(10.0, 3.0), (10.1, 30.0), (10.2, 30.1)],  # jumps
        [(10.0, 3.0), (10.1, None), (10.2, 3.2)],
    ],
)
def test_other_stamps_are_not_trusted(pairs: list[tuple[float, float | None]]) -> None:
    assert times(pairs) == [0.0, 0.1, 0.2]


def test_times_never_run_backwards_when_stamps_lose_their_trust() -> None:
    assert times([(10.0, 3.0), (10.1, 3.3), (10.2, 3.2), (10.5, 3.5)]) == [0.0, 0.3, 0.3, 0.5]


def test_the_clock_starts_when_the_first_frame_was_exposed() -> None:
    clock = FrameClock()
    clock.time(10.0, 9.96)
    assert clock.started == 9.96
    clock = FrameClock()
    clock.time(10.0, 812345.0)  # a clock of its own
    assert clock.started == 10.0


def test_no_camera(tmp_path: Path) -> None:
    assert "no camera has the number 0; no camera is plugged in" in refusal(tmp_path)


def test_a_wrong_number_lists_those_that_exist(tmp_path: Path) -> None:
    plug_in(tmp_path, 0, "HD Webcam")
    plug_in(tmp_path, 1, "HD Webcam", index=1)
    plug_in(tmp_path, 2, "Logitech C270")
    plug_in(tmp_path, 10, "bcm2835-codec-decode", "bcm2835-codec")
    assert "no camera has the number 7; there are: 0 'HD Webcam', " in refusal(tmp_path, "7")


def test_a_node_without_pictures_is_refused(tmp_path: Path, nodes: Nodes) -> None:
    plug_in(tmp_path, 0, "HD Webcam")
    plug_in(tmp_path, 1, "HD Webcam", index=1)
    nodes["video1"] = 0x00800000  # V4L2_CAP_META_CAPTURE
    said = refusal(tmp_path, "1")
    assert "video1 gives no pictures (metadata or a codec); there are: 0 'HD Webcam'" in said


def test_no_permission_names_the_group(tmp_path: Path, nodes: Nodes) -> None:
    plug_in(tmp_path, 0, "HD Webcam")
    nodes["video0"] = PermissionError(errno.EACCES, "Permission denied")
    assert "sudo usermod -aG video $USER" in refusal(tmp_path)


def test_a_busy_camera_names_the_program_that_has_it(tmp_path: Path, nodes: Nodes) -> None:
    hold_open(tmp_path, plug_in(tmp_path, 0, "HD Webcam"), 812, "cheese")
    said = refusal(tmp_path, opencv=FakeOpenCV(Feed(), opens=False))
    assert "is busy: cheese (process 812) uses it" in said
    nodes["video0"] = OSError(errno.EBUSY, "Device or resource busy")
    assert "is busy: cheese (process 812) uses it" in refusal(tmp_path)


def test_a_camera_that_does_not_open(tmp_path: Path) -> None:
    plug_in(tmp_path, 0, "HD Webcam")
    said = refusal(tmp_path, opencv=FakeOpenCV(Feed(), opens=False))
    assert "HD Webcam" in said and "cannot be opened; is another program using it?" in said


@pytest.mark.parametrize("nothing", [True, False], ids=["reads fail", "reads wait"])
def test_a_camera_that_opens_and_gives_no_picture(tmp_path: Path, nothing: bool) -> None:
    plug_in(tmp_path, 0, "HD Webcam")
    feed = Feed()
    if nothing:
        feed.give(NOTHING)
    said = refusal(tmp_path, opencv=FakeOpenCV(feed))
    assert "opens but gave no picture in 0.3 s" in said and "python3-picamera2" in said


def test_a_ribbon_camera_under_v4l2_is_pointed_to_picamera2(tmp_path: Path) -> None:
    plug_in(tmp_path, 0, "unicam-image", "unicam")
    assert "--camera-backend picamera2" in refusal(tmp_path, csi=FakePicamera2(["imx219"]), backend="v4l2")
    said = refusal(tmp_path, csi=None)  # no such module here
    assert "is on a ribbon (CSI)" in said
    assert "sudo apt install python3-picamera2" in said and "--system-site-packages" in said


@pytest.mark.parametrize("device", ["nowhere.mp4", "camera", "-1", "²"])
def test_a_name_that_is_none(tmp_path: Path, device: str) -> None:
    assert "expected a number, /dev/videoN or a URL" in refusal(tmp_path, device)


def test_a_path_below_dev_and_a_link_to_it(tmp_path: Path) -> None:
    node = plug_in(tmp_path, 2, "Logitech C270")
    link = tmp_path / "dev/v4l/by-id/usb-046d_C270-video-index0"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../video2")
    for device in ("/dev/video2", "/dev/v4l/by-id/usb-046d_C270-video-index0"):
        feed = Feed()
        feed.give(picture(1))
        opencv = FakeOpenCV(feed)
        camera = Camera(CameraSettings(device), opencv, NO_CSI, tmp_path)
        feed.end()
        camera.close()
        assert opencv.opened[0][0] == str(node)
    assert "no camera has the number 9; there are: 2 'Logitech C270'" in refusal(tmp_path, "/dev/video9")


@pytest.mark.parametrize(
    ("shown", "address"),
    [
        ("rtsp://host:554/live", "rtsp://me:secret@host:554/live"),
        ("http://host/video", "http://host/video?token=secret"),
        ("http://...", "http://[secret"),
    ],
)
def test_a_password_is_not_shown(shown: str, address: str) -> None:
    assert without_password(address) == shown


# From here on with the real OpenCV.


def jpegs(count: int = 8) -> list[bytes]:
    cv2 = pytest.importorskip("cv2")
    blue = np.zeros((48, 64, 3), np.uint8)
    blue[..., 0] = 250
    encoded = [cv2.imencode(".jpg", np.clip(blue + n, 0, 255).astype(np.uint8))[1] for n in range(count)]
    return [image.tobytes() for image in encoded]


def test_a_stream_over_http_and_its_server_going_away(capfd: pytest.CaptureFixture[str]) -> None:
    server = PictureServer(jpegs())
    try:
        camera = Camera(CameraSettings(server.url, stall=2.0))
        frames = iter(camera)
        taken = [next(frames) for _ in range(5)]
        assert taken[0].time == 0.0
        assert all(a.time < b.time for a, b in pairwise(taken))
        assert taken[0].image.shape == (48, 64, 3)
        blue, _, red = taken[0].image.mean((0, 1))
        assert blue > 200 and red < 60
    finally:
        server.leave()
    with pytest.raises(EdgeEmotionError, match="stopped sending pictures") as broken:
        for _ in range(1000):
            next(frames)
    assert "secret" not in str(broken.value) + camera.name
    camera.close()
    assert capfd.readouterr() == ("", "")


def test_a_server_that_is_not_there_is_one_quiet_line(tmp_path: Path) -> None:
    """In a process of its own: OpenCV reads once what it may say on stderr."""
    pytest.importorskip("cv2")
    server = PictureServer([b"x"])
    server.leave()
    script = (
        "import sys\n"
        "from edge_emotion.errors import EdgeEmotionError\n"
        "from edge_emotion.settings import CameraSettings\n"
        "from edge_emotion.sources.camera import Camera\n"
        "for device in sys.argv[1:]:\n"
        "    try:\n        Camera(CameraSettings(device, stall=5))\n"
        "    except EdgeEmotionError as error:\n        print(error)\n"
    )
    garbage = tmp_path / "garbage.mp4"
    garbage.write_bytes(b"no video at all" * 100)
    run = subprocess.run(
        [sys.executable, "-c", script, server.url, str(garbage)], capture_output=True, text=True, timeout=120
    )
    assert run.stderr == ""
    lines = run.stdout.splitlines()
    assert len(lines) == 2
    assert "127.0.0.1" in lines[0] and "cannot be opened; expected a stream that answers" in lines[0]
    assert "secret" not in lines[0]
    assert lines[1] == "camera garbage.mp4 cannot be opened; expected a video file"


def test_a_file_is_played_as_a_camera(shared_data: Path) -> None:
    pytest.importorskip("cv2")
    camera = Camera(CameraSettings(str(shared_data / "clips" / "single_face.mp4")))
    frames = list(camera)
    assert 2 <= len(frames) <= 71  # newest wins: a slow machine gets fewer
    assert all(a.time < b.time for a, b in pairwise(frames))
    assert frames[0].image.shape == (360, 640, 3)
    camera.close()
