import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge_emotion import machine


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", *identity, "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_commit_is_told_only_where_the_package_is_part_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "venv" / "edge_emotion"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (tmp_path / "other.txt").write_text("")
    monkeypatch.setattr(machine, "PACKAGE", package)
    git(tmp_path, "init")
    git(tmp_path, "add", "other.txt")
    git(tmp_path, "commit", "-m", "another project")
    assert machine.commit() == "unknown"
    git(tmp_path, "add", "venv")
    git(tmp_path, "commit", "-m", "this one")
    assert re.fullmatch(r"[0-9a-f]{10}", machine.commit())
    (package / "__init__.py").write_text("changed")
    assert re.fullmatch(r"[0-9a-f]{10}\+", machine.commit())


def test_now_and_processor_are_one_line() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", machine.now())
    assert machine.processor()
    assert "\n" not in machine.processor()
