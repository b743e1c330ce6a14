import os
import socket
from pathlib import Path

import pytest

from edge_emotion.systemd_notify import SystemdNotify


class Systemd:
    """The socket that systemd would listen at."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(5)
        self.variables = {
            "NOTIFY_SOCKET": str(path),
            "WATCHDOG_USEC": "10000000",
            "WATCHDOG_PID": str(os.getpid()),
        }

    def heard(self) -> str:
        return self._socket.recv(4096).decode()

    def quiet(self) -> bool:
        self._socket.setblocking(False)
        try:
            self._socket.recv(1)
        except BlockingIOError:
            return True
        return False


@pytest.fixture
def systemd(tmp_path: Path) -> Systemd:
    return Systemd(tmp_path / "notify")


def test_states_are_told_as_the_protocol_says(systemd: Systemd) -> None:
    notify = SystemdNotify(systemd.variables, clock=lambda: 12.5)
    assert notify.active and not systemd.variables  # no child answers for us
    notify.ready("camera 0 +\nmicrophone")
    assert systemd.heard() == "READY=1\nSTATUS=camera 0 + microphone\nWATCHDOG=1"
    notify.reloading()
    assert systemd.heard() == "RELOADING=1\nMONOTONIC_USEC=12500000\nWATCHDOG=1"
    notify.stopping()
    assert systemd.heard() == "STOPPING=1"


def test_the_watchdog_is_fed_at_twice_its_pace_and_no_faster(systemd: Systemd) -> None:
    now = [0.0]
    notify = SystemdNotify(systemd.variables, clock=lambda: now[0])
    for now[0] in (0.0, 1.0, 4.9, 5.0):
        notify.alive()
    assert (systemd.heard(), systemd.heard()) == ("WATCHDOG=1", "WATCHDOG=1")
    assert systemd.quiet()


def test_a_watchdog_of_another_process_and_none_at_all_are_left_alone(systemd: Systemd) -> None:
    for variables in ({**systemd.variables, "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "10000000"}, {}):
        notify = SystemdNotify(dict(variables))
        notify.alive()
    assert systemd.quiet()
    assert not SystemdNotify({}).active


def test_a_systemd_that_is_away_is_told_again(tmp_path: Path) -> None:
    path, now = tmp_path / "notify", [0.0]
    notify = SystemdNotify({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "10000000"}, clock=lambda: now[0])
    notify.alive()
    back, now[0] = Systemd(path), 0.1
    notify.alive()
    assert back.heard() == "WATCHDOG=1"
