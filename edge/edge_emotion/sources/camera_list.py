"""Which cameras there are: V4L2's nodes by way of /sys, and CSI cameras by way of picamera2."""

import contextlib
import errno
import fcntl
import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources.picamera import INSTALL, csi_cameras

ROOT = Path("/")
_QUERYCAP = 0x80685600  # VIDIOC_QUERYCAP of linux/videodev2.h
_MAJOR = 81  # VIDEO_MAJOR: the kernel's number of all V4L2 nodes
_CAPTURE = 0x1 | 0x1000  # V4L2_CAP_VIDEO_CAPTURE, and its form of several planes
_CSI = ("unicam", "rp1-cfe", "rp1_cfe")  # sensors behind a ribbon: raw data that only libcamera can develop
_NO_CAMERA = ("bcm2835-codec", "bcm2835-isp", "pispbe", "rpivid", "hevc", "-dec", "-enc", "loopback-out")


@dataclass(frozen=True)
class VideoNode:
    """One /dev/videoN. name: what its driver calls it; driver: the kernel module, "" when unknown."""

    number: int
    path: Path
    name: str
    driver: str

    @property
    def csi(self) -> bool:
        """Whether it is a camera on a ribbon, which V4L2 opens but gets no pictures from."""
        return any(part in f"{self.driver} {self.name}".lower() for part in _CSI)


@dataclass(frozen=True)
class CameraDevice:
    """A camera that can be chosen. device: what to give as --camera; note: what a user must know, mostly ""."""

    device: str
    name: str
    backend: str
    note: str = ""


def list_cameras(root: Path = ROOT, picamera2: Any = None) -> list[CameraDevice]:
    """Every camera, those of picamera2 first; a number that one of them takes makes V4L2's go by its path."""
    csi, _ = csi_cameras(picamera2)
    cameras = [CameraDevice(str(number), name, "picamera2") for number, name in enumerate(csi)]
    for node in video_nodes(root):
        if node.csi and csi:
            continue
        device = str(node.path) if node.number < len(csi) else str(node.number)
        note = f"ribbon (CSI) camera, needs picamera2: {INSTALL}" if node.csi else ""
        cameras.append(CameraDevice(device, node.name, "v4l2", note))
    return cameras


def video_nodes(root: Path = ROOT) -> list[VideoNode]:
    """V4L2's nodes that give pictures, in order of their number; codecs and metadata are left out."""
    folder = root / "sys/class/video4linux"
    found = [node for entry in folder.glob("video*") if (node := _node(entry, root)) is not None]
    return sorted(found, key=lambda node: node.number)


def described(cameras: list[CameraDevice]) -> str:
    """One line for an error: the cameras that exist, or what to do without one."""
    if not cameras:
        return "no camera is plugged in; plug one in and run `edge-emotion devices`"
    return "there are: " + ", ".join(f"{camera.device} {camera.name!r}" for camera in cameras)


def lasting_path(path: Path, root: Path = ROOT) -> Path | None:
    """Udev's link to a node by the port that it is plugged into, None without one.

    A camera that comes back may have another number: the kernel keeps one as long as anybody holds it open.
    """
    for link in sorted((root / "dev/v4l/by-path").glob("*")):
        if link.resolve() == path.resolve():
            return link
    return None


def check_node(path: Path, root: Path = ROOT, picamera2: Any = None) -> None:
    """EdgeEmotionError when a node does not exist, may not be opened or gives no pictures."""
    number = path.name.removeprefix("video")
    wanted = f"has the number {number}" if number.isdecimal() else f"is at {path}"
    try:
        capabilities = query_capabilities(path)
    except PermissionError as error:
        raise EdgeEmotionError(
            f"camera {path} may not be opened by this user; add yourself to its group: "
            "sudo usermod -aG video $USER, then log out and in again"
        ) from error
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise EdgeEmotionError(busy(path, root)) from error
        raise EdgeEmotionError(f"no camera {wanted}; {described(list_cameras(root, picamera2))}") from error
    if _other_device(path):
        raise EdgeEmotionError(f"{path} is no camera; {described(list_cameras(root, picamera2))}")
    if capabilities is not None and not capabilities & _CAPTURE:
        raise EdgeEmotionError(
            f"{path} gives no pictures (metadata or a codec); {described(list_cameras(root, picamera2))}"
        )


def _other_device(path: Path) -> bool:
    """Whether a path is a device of another kind, /dev/null say."""
    found = path.stat()
    return stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) != _MAJOR


def busy(path: Path, root: Path = ROOT) -> str:
    """One line that says who uses a camera."""
    users = ", ".join(users_of(path, root)) or "another program"
    return f"camera {path} is busy: {users} uses it; end that program and try again"


def users_of(path: Path, root: Path = ROOT) -> list[str]:
    """Other programs that hold a node open, as far as this user may see: `cheese (process 812)`."""
    users = {}
    for held in root.glob("proc/[0-9]*/fd/*"):
        process = held.parents[1]
        with contextlib.suppress(OSError):  # it ended meanwhile, or it is another user's
            if str(held.readlink()) == str(path) and int(process.name) != os.getpid():
                users[process.name] = (process / "comm").read_text().strip()
    return [f"{name} (process {number})" for number, name in sorted(users.items())]


def query_capabilities(path: Path) -> int | None:
    """What a node can do, V4L2_CAP_ bits; None when it does not say. OSError when it cannot be opened."""
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        # struct v4l2_capability: driver[16], card[32], bus_info[32], version, capabilities, device_caps, reserved[3]
        said = fcntl.ioctl(descriptor, _QUERYCAP, bytes(104))
    except OSError:  # no V4L2 device, or one that has just been unplugged: opening it will tell
        return None
    finally:
        os.close(descriptor)
    capabilities, of_node = struct.unpack_from("II", said, 84)
    return int(of_node if capabilities & 0x80000000 else capabilities)  # V4L2_CAP_DEVICE_CAPS


def _node(entry: Path, root: Path) -> VideoNode | None:
    """A node by its folder in /sys; None for what is no camera."""
    number = entry.name.removeprefix("video")
    if not number.isdecimal():
        return None
    name = driver = ""
    with contextlib.suppress(OSError):  # unplugged meanwhile: the name stays unknown
        name = (entry / "name").read_text(errors="replace").strip()
    with contextlib.suppress(OSError):
        driver = (entry / "device/driver").readlink().name
    path = root / "dev" / entry.name
    if any(part in f"{driver} {name}".lower() for part in _NO_CAMERA):
        return None
    try:
        capabilities = query_capabilities(path)
    except OSError:  # may not be opened: it is listed all the same, so that the user is told why
        capabilities = None
    if capabilities is None:
        second = False
        with contextlib.suppress(OSError):  # a webcam's second node carries its metadata
            second = driver == "uvcvideo" and (entry / "index").read_text().strip() != "0"
        capabilities = 0 if second else _CAPTURE
    shown = name if name.isprintable() else ascii(name)
    return VideoNode(int(number), path, shown or entry.name, driver) if capabilities & _CAPTURE else None
