"""No file of the project knows the machine it was written on."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = {
    "a path of one machine": r"(?<![\w.}])/(?:work|root|Users)/",
    "a package registry": r"--(?:extra-)?index-url|\bpypi\.\w+\.\w|artifactory|pythonhosted",
    "a key": r"-----BEGIN [A-Z ]*PRIVATE|\bAKIA[0-9A-Z]{16}|\bgh[ps]_[A-Za-z0-9]{30}",
}


@pytest.fixture(scope="module")
def texts():
    """Relative path -> text of every file that git tracks or would track, but for this one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if listed.returncode:
        pytest.skip("tracked files not checked: this is not a git clone")
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return {
        str(file.relative_to(ROOT)): data.decode()
        for file in files
        if file.is_file() and file != Path(__file__) and b"\0" not in (data := file.read_bytes())
    }


@pytest.mark.parametrize("what", ELSEWHERE)
def test_no_file_names(texts, what):
    pattern = re.compile(ELSEWHERE[what])
    found = [f"{name}: {hit[0]}" for name, text in texts.items() if (hit := pattern.search(text))]
    assert found == []


@pytest.mark.parametrize(
    ("what", "example"),
    [
        ("a path of one machine", "open('/root/.cache')"),
        ("a package registry", "pip install --index-url X"),
        ("a key", "key = AKIA" + "A" * 16),
    ],
)
def test_the_patterns_find_what_they_are_for(what, example):
    assert re.search(ELSEWHERE[what], example)
