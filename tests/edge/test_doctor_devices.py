import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_emotion.doctor_access import barrier
from edge_emotion.doctor_cameras import cameras
from edge_emotion.doctor_check import FAIL, OK, WARN, Finding
from edge_emotion.doctor_sensors import sensors
from edge_emotion.doctor_sound import microphones, portaudio
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources import microphone
from fake_camera import FakePicamera2, hold_open, plug_in
from fake_iio import FakeIio
from fakes import FakePortAudio

NO_CSI = FakePicamera2([])
USB = ("USB PnP Sound Device", 1, (48000,))


class VersionedPortAudio(FakePortAudio):
    def get_portaudio_version(self) -> tuple[int, str]:
        return 1246976, "PortAudio V19.7.0"


def barred(node: Path) -> None:
    raise PermissionError(errno.EACCES, "Permission denied")


def test_no_camera_is_fine_by_itself(tmp_path: Path) -> None:
    assert cameras(tmp_path, NO_CSI) == Finding(OK, "none")


def test_cameras_of_one_name_are_each_told(tmp_path: Path) -> None:
    plug_in(tmp_path, 0, "HD Webcam")
    node = plug_in(tmp_path, 2, "HD Webcam")
    hold_open(tmp_path, node, 812, "cheese")
    assert cameras(tmp_path, NO_CSI) == Finding(
        OK, "0 'HD Webcam' [v4l2], 2 'HD Webcam' [v4l2] in use by cheese (process 812)"
    )


def test_a_camera_that_may_not_be_opened_fails_and_one_beside_it_softens_that(tmp_path: Path) -> None:
    node = plug_in(tmp_path, 0, "HD Webcam")
    group = "sudo usermod -aG video $USER, then log out and in again"
    assert cameras(tmp_path, NO_CSI, barred) == Finding(FAIL, "0 'HD Webcam' [v4l2] may not be opened", group)
    assert cameras(tmp_path, FakePicamera2(["imx219"]), barred) == Finding(
        WARN, f"0 'imx219' [picamera2], {node} 'HD Webcam' [v4l2] may not be opened", group
    )


def test_a_ribbon_camera_without_picamera2_fails_and_says_what_it_needs(tmp_path: Path) -> None:
    plug_in(tmp_path, 0, "rp1-cfe-csi2_ch0", "rp1-cfe")
    finding = cameras(tmp_path)
    assert (finding.state, finding.found) == (FAIL, "0 'rp1-cfe-csi2_ch0' [v4l2] needs picamera2")
    assert "sudo apt install python3-picamera2" in str(finding.do)
    assert cameras(tmp_path, FakePicamera2(["imx708"])) == Finding(OK, "0 'imx708' [picamera2]")


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EPERM, "may not be opened"),
        (errno.ENOENT, "has no /dev/x"),
        (errno.ENODEV, "cannot be opened (gone)"),
    ],
)
def test_what_keeps_a_user_from_a_device(number: int, why: str) -> None:
    def refuse(node: Path) -> None:
        raise OSError(number, "gone")

    found = barrier(Path("/dev/x"), "video", refuse)
    assert found is not None
    assert found.why == why


def test_a_device_in_use_and_a_free_one_are_no_barrier(tmp_path: Path) -> None:
    def busy(node: Path) -> None:
        raise OSError(errno.EBUSY, "busy")

    free = tmp_path / "node"
    free.touch()
    assert barrier(Path("/dev/x"), "video", busy) is None
    assert barrier(free, "video") is None


def test_portaudio_loads_or_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise EdgeEmotionError("the PortAudio library is missing; install it")

    assert portaudio(VersionedPortAudio([])) == Finding(OK, "PortAudio V19.7.0")
    monkeypatch.setattr(microphone, "load_portaudio", missing)
    finding = portaudio()
    assert (finding.state, finding.do) == (FAIL, "sudo apt install libportaudio2")


def test_microphones_are_listed_with_the_default(tmp_path: Path) -> None:
    fake = FakePortAudio([("HDMI", 0, (48000,)), USB, ("pulse\x1b[2J", 32, (44100,))], default=1)
    finding = microphones(tmp_path, fake)
    assert finding == Finding(OK, r"1 'USB PnP Sound Device' (default), 2 'pulse\x1b[2J'")


def test_no_microphone_is_fine_by_itself(tmp_path: Path) -> None:
    assert microphones(tmp_path, FakePortAudio([])) == Finding(OK, "none")


def test_a_recorder_that_portaudio_does_not_see_is_told(tmp_path: Path) -> None:
    node = tmp_path / "dev/snd/pcmC1D0c"
    node.parent.mkdir(parents=True)
    node.touch()
    assert microphones(tmp_path, FakePortAudio([])).state == WARN
    closed = microphones(tmp_path, FakePortAudio([]), barred)
    assert closed == Finding(
        FAIL, f"{node} may not be opened", "sudo usermod -aG audio $USER, then log out and in again"
    )


def test_without_portaudio_microphones_are_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise EdgeEmotionError("the PortAudio library is missing")

    monkeypatch.setattr(microphone, "load_portaudio", missing)
    finding = microphones(tmp_path)
    assert (finding.state, finding.found) == (WARN, "cannot be listed: the PortAudio library is missing")


@pytest.fixture
def iio(tmp_path: Path) -> Iterator[FakeIio]:
    """A tree whose sysfs lies where a root has it."""
    (tmp_path / "made").mkdir()
    made = FakeIio(tmp_path / "made")
    bus = tmp_path / "sys/bus/iio"
    bus.mkdir(parents=True)
    (bus / "devices").symlink_to(made.sysfs)
    yield made
    made.end()


def test_no_sensor_is_fine(tmp_path: Path) -> None:
    assert sensors(tmp_path) == Finding(OK, "none")


def test_a_sensor_is_measured_once(tmp_path: Path, iio: FakeIio) -> None:
    iio.mpu6050()
    iio.add(1, "bmp280", {"in_pressure_raw": 7})
    assert sensors(tmp_path) == Finding(
        OK, "iio:device0 'mpu6050', 9.8 m/s^2"
    )  # sqrt(.06^2 + .12^2 + 9.7976^2)


def test_a_sensor_that_cannot_be_read_is_a_warning(tmp_path: Path, iio: FakeIio) -> None:
    iio.mpu6050()
    iio.set(0, "in_accel_z_raw", "")
    finding = sensors(tmp_path)
    assert finding.state == WARN
    assert finding.found.startswith("iio:device0 'mpu6050' cannot be read: could not convert")
    assert "mpu6050" in str(finding.do)
