"""The environments of demo.py and test.py: remade when their inputs change, one clear line when they fail."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import environment
import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAIN, EDITABLE = [".[video]"], ["--editable", ".[dev]"]


@pytest.fixture
def project(tmp_path):
    """A small project: what demo.py needs, and one module."""
    for name in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE", "NOTICE", "demo.py", "test.py"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    for folder, package in (
        ("edge", "edge_emotion"),
        ("train", "edge_emotion_train"),
        ("export", "edge_emotion_export"),
    ):
        (tmp_path / folder / package).mkdir(parents=True)
        (tmp_path / folder / package / "__init__.py").write_text('"""Empty."""\n')
    return tmp_path


def test_a_changed_lock_makes_both_environments_stale(project):
    before = [environment.fingerprint(project, how) for how in (PLAIN, EDITABLE)]
    (project / "constraints.txt").write_text("rich==15.0.0\n")
    after = [environment.fingerprint(project, how) for how in (PLAIN, EDITABLE)]
    assert all(new != old for new, old in zip(after, before, strict=True))


def test_a_changed_source_makes_only_the_plain_environment_stale(project):
    before = [environment.fingerprint(project, how) for how in (PLAIN, EDITABLE)]
    (project / "edge" / "edge_emotion" / "__init__.py").write_text('"""Changed."""\n')
    (project / "edge" / "edge_emotion" / "left.pyc").write_bytes(b"compiled")
    after = [environment.fingerprint(project, how) for how in (PLAIN, EDITABLE)]
    assert after[0] != before[0]
    assert after[1] == before[1]
    changed = after[0]
    (project / "edge" / "edge_emotion" / "left.pyc").unlink()
    assert environment.fingerprint(project, PLAIN) == changed


def test_an_environment_that_is_ready_is_left_alone(project, capsys):
    programs = project / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (project / ".venv" / "made-from").write_text(environment.fingerprint(project, PLAIN))
    assert environment.environment(project, ".venv", PLAIN) == programs
    assert capsys.readouterr().err == ""


def test_a_python_that_is_too_old_is_named(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(environment.SetupError, match=r"needs Python 3\.11 or newer, this is 3\.9\.2"):
        environment.check_python()


def test_a_python_without_venv_names_the_package(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "ensurepip" else found(name)
    )
    with pytest.raises(environment.SetupError, match="apt install python3-venv"):
        environment.check_python()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Collecting rich\nERROR: No matching\nERROR: Two\nnotice: new pip\n\n", "Two"),
        ("one\ntwo\n", "two"),
        ("", "no output"),
    ],
)
def test_the_line_that_says_why(text, line):
    assert environment.last_line(text, "ERROR: ") == line


@pytest.mark.parametrize(("script", "folder"), [("demo.py", ".venv"), ("test.py", ".venv-dev")])
def test_without_a_package_index_one_line_and_nothing_taken_for_made(project, script, folder):
    offline = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    offline |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
    done = subprocess.run([sys.executable, script], cwd=project, env=offline, text=True, capture_output=True)
    assert done.returncode == 2
    assert done.stdout == ""
    told, failed = done.stderr.splitlines()[:-1], done.stderr.splitlines()[-1]
    assert all(line.startswith("edge-emotion: ") for line in told)
    assert failed.startswith(f"{script}: pip failed")
    assert failed.endswith(f"see {folder}/setup.log")
    assert not (project / folder / "made-from").exists()
