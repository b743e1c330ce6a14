"""install.sh on a made machine: its plan, its files, its refusals. The real one is deploy/install_proof.py's."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from install_proof_root import BESIDE

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SCRIPTS = [DEPLOY / "install.sh", DEPLOY / "install_environment.sh"]
LOCK = (ROOT / "constraints.txt").read_text()
BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="no bash on this machine")
# Commands that change a system: on the made machine each only writes down that it was called.
CHANGING = ("useradd", "usermod", "groupadd", "userdel", "groupdel", "systemctl", "udevadm", "install", "ln", "mkdir",
            "touch", "rm", "runuser", "apt-get")  # fmt: skip
ANSWERS = {
    "dpkg": "echo arm64",
    "dpkg-query": "exit 1",
    "apt-cache": "[ $2 != python3-picamera2 ] || echo '  Candidate: 0.3.31-1'",
    "id": "[ $1 = -u ] && echo 1000",
    "getent": "[ $1 = group ] && [ $2 != edge-emotion ]",
    "df": "echo head; echo /dev/x 9999 1 5000 1% /",
}


@pytest.fixture
def machine(tmp_path):
    """A call of install.sh by which every command that changes something is a stand-in; answers: of other commands."""
    programs, called = tmp_path / "programs", tmp_path / "called"
    programs.mkdir()

    def program(name: str, body: str) -> None:
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)

    def call(*arguments: str, **answers: str) -> subprocess.CompletedProcess[str]:
        for name in CHANGING:
            program(name, f'echo "{name} $*" >> {called}')
        for name, body in (ANSWERS | {key.replace("_", "-"): body for key, body in answers.items()}).items():
            program(name, body)
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
        script = ["bash", str(DEPLOY / "install.sh"), *arguments]
        done = subprocess.run(script, text=True, capture_output=True, env=environment, cwd=tmp_path)
        call.changed = called.read_text().splitlines() if called.exists() else []
        return done

    return call


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_bash_reads_it(script):
    done = subprocess.run(["bash", "-n", str(script)], text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_shellcheck_finds_nothing():
    if shutil.which("shellcheck") is None:
        pytest.skip("no shellcheck on this machine")
    done = subprocess.run(["shellcheck", "-x", *map(str, SCRIPTS)], text=True, capture_output=True)
    assert done.stdout == ""


def test_a_dry_run_prints_the_plan_and_changes_nothing(machine, tmp_path):
    prefix = tmp_path / "prefix"
    done = machine("--dry-run", "--no-service", "--prefix", str(prefix))
    assert (done.returncode, done.stderr) == (0, "")
    assert machine.changed == []
    assert not prefix.exists()
    plan = [line for line in done.stdout.splitlines() if line.startswith("would run: ")]
    wanted = ["apt-get update", "python3-picamera2", "-m venv", f"install -c {prefix}/constraints.txt {ROOT}",
              "edge-emotion models", "/etc/edge-emotion.toml", "99-edge-emotion.rules", "emotion doctor"]  # fmt: skip
    places = [next(at for at, line in enumerate(plan) if word in line) for word in wanted]
    assert places == sorted(places)
    assert not any("useradd" in line or "systemctl" in line for line in plan)


def test_a_dry_run_with_the_service_makes_its_user_and_enables_it(machine):
    done = machine("--dry-run", "--prefix", "/opt/not-there/edge-emotion")
    assert done.returncode == 0
    for line in (
        "useradd --system",
        "usermod -aG video",
        "usermod -aG i2c",
        "systemctl -q enable edge-emotion",
    ):
        assert f"would run: {line}" in done.stdout


def test_offline_pip_is_kept_from_the_index(machine, tmp_path):
    done = machine("--dry-run", "--wheels", str(tmp_path))
    assert f"--no-index --find-links {tmp_path} " in done.stdout


def laid(folder: Path, *arguments: str) -> list[str]:
    """What install.sh says while it lays its files below a folder."""
    script = ["bash", str(DEPLOY / "install.sh"), "--root", str(folder), *arguments]
    done = subprocess.run(script, text=True, capture_output=True, check=True)
    return done.stdout.splitlines()


def test_the_files_are_laid_once_and_the_configuration_is_the_owners(tmp_path):
    config = tmp_path / "etc/edge-emotion.toml"
    laid(tmp_path)
    assert config.read_text() == (DEPLOY / "edge-emotion.toml").read_text()
    assert "install.sh: nothing to change: all of it is up to date" in laid(tmp_path)
    config.write_text("mine = true\n")
    rules = tmp_path / "etc/udev/rules.d/99-edge-emotion.rules"
    rules.write_text("old\n")
    said = laid(tmp_path)
    assert config.read_text() == "mine = true\n"
    assert rules.read_text() == (DEPLOY / rules.name).read_text()
    assert any(line.startswith(f"install.sh: kept: {config}") for line in said)


def test_uninstalling_keeps_the_configuration_unless_it_is_purged(tmp_path):
    laid(tmp_path)
    laid(tmp_path, "--uninstall")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["edge-emotion.toml"]
    laid(tmp_path, "--uninstall", "--purge")
    assert not (tmp_path / "etc/edge-emotion.toml").exists()
    assert "install.sh: nothing to remove" in laid(tmp_path, "--uninstall", "--purge")


def test_the_unit_follows_the_prefix(tmp_path):
    laid(tmp_path, "--prefix", "/srv/emotion")
    unit = (tmp_path / "etc/systemd/system/edge-emotion.service").read_text()
    assert "\nExecStart=/srv/emotion/bin/edge-emotion --config /etc/edge-emotion.toml\n" in unit


def test_what_lies_beside_a_wheel_is_enough(tmp_path):
    for name in BESIDE:
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "image").mkdir()
    script = ["bash", str(tmp_path / "install.sh"), "--root", str(tmp_path / "image")]
    assert subprocess.run(script, capture_output=True).returncode == 0


REFUSALS = [
    ((), {"dpkg": "echo armhf"}, "install the 64-bit Raspberry Pi OS"),
    ((), {"python3": "[ $1 = --version ] && echo Python 3.9.2 || exit 1"}, "Python 3.9.2: expected Python 3.11"),
    ((), {}, "only root may install"),
    ((), {"id": "echo 0", "apt-get": "echo E: Could not get lock /var/lib/dpkg/lock >&2; exit 100"}, "another apt"),
    ((), {"id": "echo 0", "apt-get": "echo E: Temporary failure resolving x >&2; exit 100"}, "connect the network"),
    ((), {"id": "echo 0", "apt-get": "echo E: No space left on device >&2; exit 100"}, "the disk is full"),
    ((), {"id": "echo 0", "apt-get": "echo E: Broken packages >&2; exit 100"}, "update failed: E: Broken packages"),
    (("--dry-run",), {"df": "echo head; echo /dev/x 9 1 42 1% /"}, "42 MB free"),
    (("--prefix", "/home/pi/emotion"), {}, "the service cannot see that folder"),
    (("--prefix", "opt"), {}, "expected a whole path"),
    (("--prefix", "/usr/../opt"), {}, "expected a whole path"),
    (("--prefix",), {}, "expected a folder after it"),
    (("--dry-run", "--prefix", "/usr/bin"), {}, "/usr/bin is there and not made by install.sh"),
    (("--wheels", "/not/there"), {}, "expected a folder of wheels"),
    (("--purge",), {}, "expected --uninstall beside it"),
    (("--dryrun",), {}, "unknown option '--dryrun'"),
    (("--uninstall",), {}, "only root may uninstall"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "answers", "said"), REFUSALS)
def test_what_cannot_be_is_refused_in_one_line_before_anything_changes(machine, arguments, answers, said):
    done = machine(*arguments, **{name.replace("-", "_"): body for name, body in answers.items()})
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("install.sh: ")
    assert said in line
    assert machine.changed == []


def constraints(system_numpy: str) -> list[str]:
    """The versions that are installed where apt's numpy is of this generation, "" where picamera2 is not there."""
    source = (
        f'source "{DEPLOY}/install_environment.sh"; lock={ROOT}/constraints.txt system_numpy={system_numpy}'
    )
    done = subprocess.run(
        ["bash", "-c", f"{source}; constraints"], text=True, capture_output=True, check=True
    )
    return done.stdout.splitlines()


def test_the_versions_are_the_locks_unless_picamera2_needs_an_older_numpy():
    assert constraints("") == constraints("2") == LOCK.splitlines()
    older = [line for line in constraints("1") if line not in LOCK.splitlines()]
    assert sorted(older) == ["ml-dtypes==0.5.4", "numpy==1.26.4", "opencv-python-headless==4.11.0.86"]
    assert len(constraints("1")) == len(LOCK.splitlines())


def test_the_older_versions_are_within_what_the_project_asks_for():
    from edge_emotion.doctor_requirement import fits, requirement

    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    pins = dict(line.split("==") for line in constraints("1") if re.match(r"[\w-]+==", line))
    for line in asked:
        wanted = requirement(line)
        assert fits(pins[wanted.name], wanted.versions), line
