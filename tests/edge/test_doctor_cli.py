"""The command as it is run, in processes of its own: on this machine, whatever it has."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_emotion import doctor
from edge_emotion.doctor_check import FAIL, OK, Check
from edge_emotion.doctor_cli import add_doctor, doctor_command

EDGE = Path(__file__).resolve().parents[2] / "edge"
WITHOUT_NUMPY = """
import sys
sys.modules["numpy"] = None
from edge_emotion.doctor_cli import main
sys.exit(main(["--quick", "--json"]))
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=EDGE,
        env={**os.environ, **environment},
        text=True,
        capture_output=True,
    )


def parsed(*arguments: str) -> argparse.Namespace:
    main = argparse.ArgumentParser()
    add_doctor(main.add_subparsers())
    return main.parse_args(arguments)


def test_the_whole_examination_runs_and_its_exit_code_is_that_of_its_worst_state() -> None:
    done = run("-m", "edge_emotion.doctor_cli", "--json")
    told = json.loads(done.stdout)
    states = {check["name"]: check["state"] for check in told["checks"]}
    assert done.returncode == int("fail" in states.values())
    assert told["state"] == max(states.values(), key=("ok", "warn", "fail").index)
    assert (
        states["python"] == states["wheel numpy"] == states["bundle voice"] == states["face networks"] == "ok"
    )


def test_without_numpy_it_starts_and_says_so() -> None:
    done = run("-c", WITHOUT_NUMPY)
    assert done.returncode == 1, done.stderr
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["wheel numpy"]["state"] == "fail"
    assert "pip install --force-reinstall 'numpy" in checks["wheel numpy"]["do"]
    assert checks["temperature"]["state"] in ("ok", "warn")


def test_every_failure_is_followed_by_what_to_do_and_the_last_line_sums_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = [Check("python", OK, "CPython", None), Check("portaudio", FAIL, "missing", "install it")]
    monkeypatch.setattr(doctor, "examine", lambda settings: iter(checks))
    assert doctor_command(parsed("doctor")) == 1
    assert capsys.readouterr().out.splitlines() == [
        "ok    python: CPython",
        "fail  portaudio: missing",
        "      -> install it",
        "2 checks: 1 failed, 1 well",
    ]


def test_quick_reaches_the_examination(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(doctor, "examine", lambda settings: iter(asked.append(settings.quick) or []))
    assert doctor_command(parsed("doctor", "--quick", "--json")) == 0
    assert doctor_command(parsed("doctor")) == 0
    assert asked == [True, False]


def test_a_terminal_without_the_letters_is_shown_them_escaped() -> None:
    program = "from edge_emotion.doctor_cli import _say; _say('48 °C 😀')"
    assert run("-c", program, PYTHONIOENCODING="ascii").stdout == "48 \\xb0C \\U0001f600\n"
