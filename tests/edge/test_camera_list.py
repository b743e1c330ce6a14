import errno
from pathlib import Path

import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources import camera_list
from edge_emotion.sources.camera_list import (
    CameraDevice,
    check_node,
    described,
    lasting_path,
    list_cameras,
    query_capabilities,
    users_of,
    video_nodes,
)
from fake_camera import FakePicamera2, hold_open, plug_in


def test_only_nodes_that_give_pictures_are_listed(tmp_path: Path) -> None:
    plug_in(tmp_path, 2, "Logitech C270")
    plug_in(tmp_path, 0, "HD Webcam")
    plug_in(tmp_path, 1, "HD Webcam", index=1)  # its metadata
    plug_in(tmp_path, 10, "bcm2835-codec-decode", "bcm2835-codec")
    plug_in(tmp_path, 13, "bcm2835-isp-output0", "bcm2835-isp")
    plug_in(tmp_path, 19, "rpivid", "rpivid")
    assert [(node.number, node.name, node.driver) for node in video_nodes(tmp_path)] == [
        (0, "HD Webcam", "uvcvideo"),
        (2, "Logitech C270", "uvcvideo"),
    ]


def test_what_a_node_says_of_itself_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, int | None] = {"video0": 0x00800000, "video1": 0x1, "video2": 0x1000}
    monkeypatch.setattr(camera_list, "query_capabilities", lambda path: said[path.name])
    for number in range(3):
        plug_in(tmp_path, number, "HD Webcam", index=number)
    assert [node.number for node in video_nodes(tmp_path)] == [1, 2]


def test_a_device_of_another_kind_is_no_camera_rather_than_a_busy_one() -> None:
    with pytest.raises(EdgeEmotionError, match=r"^/dev/null is no camera; "):
        check_node(Path("/dev/null"))


def test_a_node_that_may_not_be_opened_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(camera_list, "query_capabilities", refuse)
    plug_in(tmp_path, 0, "HD Webcam")
    plug_in(tmp_path, 1, "HD Webcam", index=1)
    assert [node.number for node in video_nodes(tmp_path)] == [0]


def test_ribbon_cameras_come_first_and_take_their_numbers(tmp_path: Path) -> None:
    plug_in(tmp_path, 0, "unicam-image", "unicam")
    plug_in(tmp_path, 1, "HD Webcam")
    assert list_cameras(tmp_path, FakePicamera2(["imx219", "ov5647"])) == [
        CameraDevice("0", "imx219", "picamera2"),
        CameraDevice("1", "ov5647", "picamera2"),
        CameraDevice(str(tmp_path / "dev/video1"), "HD Webcam", "v4l2"),
    ]


def test_a_ribbon_camera_without_picamera2_is_listed_with_what_it_needs(tmp_path: Path) -> None:
    plug_in(tmp_path, 0, "rp1-cfe-csi2_ch0", "rp1-cfe")
    (camera,) = list_cameras(tmp_path)
    assert (camera.device, camera.backend) == ("0", "v4l2")
    assert "sudo apt install python3-picamera2" in camera.note


def test_no_camera_is_no_error_here(tmp_path: Path) -> None:
    assert list_cameras(tmp_path, FakePicamera2([])) == []
    assert described([]) == "no camera is plugged in; plug one in and run `edge-emotion devices`"


def test_a_file_that_is_no_device_says_nothing_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    assert query_capabilities(plug_in(tmp_path, 0, "x")) is None
    with pytest.raises(FileNotFoundError):
        query_capabilities(tmp_path / "video9")


def test_a_name_that_could_drive_a_terminal_is_escaped(tmp_path: Path) -> None:
    plug_in(tmp_path, 0, "\x1b[31mred")
    (node,) = video_nodes(tmp_path)
    assert node.name.isprintable()


def test_programs_that_hold_a_camera(tmp_path: Path) -> None:
    node = plug_in(tmp_path, 0, "HD Webcam")
    hold_open(tmp_path, node, 812, "cheese")
    hold_open(tmp_path, tmp_path / "dev/video2", 900, "vlc")
    assert users_of(node, tmp_path) == ["cheese (process 812)"]


def test_a_camera_is_known_by_its_port(tmp_path: Path) -> None:
    folder = tmp_path / "dev/v4l/by-path"
    folder.mkdir(parents=True)
    for number in (0, 2):
        (tmp_path / f"dev/video{number}").touch()
        (folder / f"usb-port{number}-video-index0").symlink_to(f"../../video{number}")
    assert lasting_path(tmp_path / "dev/video2", tmp_path) == folder / "usb-port2-video-index0"
    assert lasting_path(tmp_path / "dev/video4", tmp_path) is None
