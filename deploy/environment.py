"""A virtual environment from pyproject.toml and constraints.txt: made once, and again when they change.

Standard library alone, and readable by any Python 3: one that is too old gets a sentence, not a traceback.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

OLDEST_PYTHON = (3, 11)
INSTALLED_FOLDERS = ("edge", "train", "export")


class SetupError(Exception):
    """The environment cannot be made: one line that says why and what to do."""


def check_python() -> None:
    """Raise SetupError when this Python is too old or cannot make virtual environments."""
    if sys.version_info < OLDEST_PYTHON:
        wanted, found = (".".join(map(str, version)) for version in (OLDEST_PYTHON, sys.version_info[:3]))
        raise SetupError(f"needs Python {wanted} or newer, this is {found}: call it with a newer python3.x")
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise SetupError(
            "this Python cannot make virtual environments: on Debian, sudo apt install python3-venv"
        )


def fingerprint(root: Path, requirement: list[str]) -> str:
    """Hash of everything the environment is made from; an editable install follows the sources by itself."""
    files = [root / "pyproject.toml", root / "constraints.txt"]
    if "--editable" not in requirement:
        for folder in INSTALLED_FOLDERS:
            files += sorted(f for f in (root / folder).rglob("*") if f.is_file() and f.suffix != ".pyc")
    digest = hashlib.sha256(repr((sys.version, requirement, str(root))).encode())
    for file in files:
        digest.update(f"{file.relative_to(root)} {file.stat().st_size}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def environment(root: Path, folder: str, requirement: list[str]) -> Path:
    """Return the bin folder of root/folder, with `pip install requirement` done under constraints.txt.

    requirement: arguments of pip: [".[video]"] or ["--editable", ".[dev]"]. pip's words go to root/folder/setup.log.
    Raises SetupError when the environment cannot be made; the next call finishes what is half made.
    """
    check_python()
    place = root / folder
    stamp, log, python = place / "made-from", place / "setup.log", place / "bin" / "python"
    wanted = fingerprint(root, requirement)
    if stamp.is_file() and stamp.read_text() == wanted and python.exists():
        return python.parent
    say(f"making {folder} (once, and again when the project changes)")
    stamp.unlink(missing_ok=True)
    if not runs_this_version(python):
        made = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(place)],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if made.returncode:
            raise SetupError(f"cannot make {folder}: {last_line(made.stdout)}")
    say(f"installing {' '.join(requirement)} into {folder} (pip's words: {folder}/setup.log)")
    # --no-compile: Python compiles what it imports by itself, the rest of the big packages would be waste.
    quietly = ["--disable-pip-version-check", "--no-input", "--no-compile"]
    install = ["-m", "pip", "install", *quietly, "-c", "constraints.txt"]
    with log.open("w") as out:
        done = subprocess.run(
            [str(python), *install, *requirement], cwd=root, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    if done.returncode:
        reason = last_line(log.read_text(), "ERROR: ")
        raise SetupError(f"pip failed (is the network there?): {reason}; see {folder}/setup.log")
    stamp.write_text(wanted)
    return python.parent


def runs_this_version(python: Path) -> bool:
    """Whether `python` is there, starts, and is the same version as this one."""
    if not python.exists():
        return False
    asked = subprocess.run(
        [str(python), "-c", "import pip, sys; print(sys.version)"], text=True, capture_output=True
    )
    return asked.returncode == 0 and asked.stdout.strip() == sys.version.strip()


def last_line(text: str, starting: str = "") -> str:
    """Return the last line that says something, of those that start with `starting` when there are any."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (
        [line.removeprefix(starting) for line in lines if line.startswith(starting)] or lines or ["no output"]
    )[-1]


def say(line: str) -> None:
    """Tell what is being done, on stderr: stdout belongs to the program that follows."""
    print(f"edge-emotion: {line}", file=sys.stderr, flush=True)
