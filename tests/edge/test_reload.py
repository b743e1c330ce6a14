"""A service's signals, over the whole program and a microphone that PortAudio and ALSA's file plugin make."""

import json
import os
import pty
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alsa_microphone import NEEDS_PORTAUDIO, make_home

pytestmark = NEEDS_PORTAUDIO


class Service:
    """The program as a service runs it, and what it writes, line by line."""

    def __init__(self, home: Path, *arguments: str, stdin: int | None = None, **variables: str) -> None:
        environment = {**os.environ, "HOME": str(make_home(home)), **variables}
        environment.pop("ALSA_CONFIG_PATH", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edge_emotion.cli", *arguments, "--allow-root", "--nice", "0"],
            env=environment, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def until(self, wanted: Any) -> dict[str, Any]:
        """The next line that is wanted; fails when the program ends before."""
        while True:
            line = self._lines.get(timeout=60)
            assert line is not None, self.process.stderr.read() if self.process.stderr else ""
            told: dict[str, Any] = json.loads(line)
            if wanted(told):
                return told

    def end(self, number: signal.Signals) -> tuple[int, float, str]:
        """Exit code, seconds until it, and what was said."""
        began = time.monotonic()
        self.process.send_signal(number)
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        return self.process.wait(30), time.monotonic() - began, said


@pytest.fixture
def configuration(tmp_path: Path, tiny_bundle: Path) -> Path:
    path = tmp_path / "edge-emotion.toml"
    path.write_text(f'mic = "default"\nmodel = "{tiny_bundle}"\nengine = "onnx"\njson = true\n')
    return path


@pytest.fixture
def service(tmp_path: Path, configuration: Path) -> Iterator[Service]:
    running = Service(tmp_path, "--config", str(configuration))
    yield running
    running.process.kill()
    running.process.wait()


def configuration_flags(configuration: Path) -> list[str]:
    found = tomllib.loads(configuration.read_text())
    return ["--model", found["model"], "--engine", found["engine"]]


def event(told: dict[str, Any]) -> bool:
    return "notice" not in told


def configured(told: dict[str, Any]) -> bool:
    return told.get("notice") == "configuration"


def test_sigterm_ends_it_with_the_summary_and_code_0(service: Service) -> None:
    service.until(event)
    code, _, said = service.end(signal.SIGTERM)
    assert code == 0
    assert "windows (" in said and "after the start: first capture" in said
    assert "Traceback" not in said


def test_sighup_reads_the_configuration_anew(service: Service, configuration: Path) -> None:
    service.until(event)
    service.process.send_signal(signal.SIGHUP)
    assert service.until(configured)["said"] == "read anew: nothing has changed"

    text = configuration.read_text()
    configuration.write_text(text + "smothing = 2.0\n")
    service.process.send_signal(signal.SIGHUP)
    said = service.until(configured)["said"]
    assert said.startswith("goes on as before: ") and "line 5" in said and "smoothing" in said
    service.until(event)

    configuration.write_text(text + "smoothing = 2.0\n")
    service.process.send_signal(signal.SIGHUP)
    begun = service.until(configured)
    assert (begun["t"], begun["said"]) == (0.0, "read anew: the run begins again")
    assert service.until(event)["modalities"]["voice"]
    code, _, said = service.end(signal.SIGTERM)
    assert (code, said.count("windows (")) == (0, 2)  # of each run


@pytest.mark.parametrize("configured", [True, False])
def test_a_terminal_that_is_closed_ends_the_run(
    tmp_path: Path, configuration: Path, configured: bool
) -> None:
    """At a terminal the signal says so; without --config there is nothing to read anew."""
    outer, inner = pty.openpty()
    arguments = ["--config", str(configuration)]
    if not configured:
        arguments = ["--mic", "default", "--json", *configuration_flags(configuration)]
    service = Service(tmp_path, *arguments, stdin=inner if configured else None)
    service.until(event)
    code, _, said = service.end(signal.SIGHUP)
    os.close(outer)
    os.close(inner)
    assert code == 0
    assert "windows (" in said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('face-model = "nowhere.emo"\ncamera = "97"\n', "97"),
        ('record = "/dev/null/recordings"\n', "/dev/null/recordings"),
        ("smoothing = -3.0\n", "line 5: smoothing: expected 0 or more seconds"),
    ],
)
def test_a_configuration_that_cannot_be_opened_changes_nothing(
    service: Service, configuration: Path, line: str, said: str
) -> None:
    service.until(event)
    configuration.write_text(configuration.read_text() + line)
    service.process.send_signal(signal.SIGHUP)
    told = service.until(configured)["said"]
    assert told.startswith("goes on as before: ") and said in told
    service.until(event)
    assert service.end(signal.SIGTERM)[0] == 0


def test_systemd_is_told(tmp_path: Path, configuration: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        variables = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        service = Service(tmp_path, "--config", str(configuration), **variables)
        try:
            assert systemd.recv(4096).decode().startswith("READY=1\nSTATUS=default")
            assert b"WATCHDOG=1" in systemd.recv(4096)
            service.process.send_signal(signal.SIGTERM)
            states = {systemd.recv(4096).decode() for _ in range(1)}
            while "STOPPING=1" not in states:
                states.add(systemd.recv(4096).decode())
            assert service.process.wait(30) == 0
        finally:
            service.process.kill()
            service.process.wait()
