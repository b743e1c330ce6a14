from importlib import metadata

import pytest

from edge_emotion.doctor_requirement import Requirement, fits, requirement
from edge_emotion.errors import EdgeEmotionError

VERSIONS = (
    "0",
    "0.9.9",
    "1.0",
    "1.0rc1",
    "1.0.post1",
    "1.26.4",
    "2.0.dev3",
    "2.13.0+cpu",
    "4.13.0.92",
    "4.14a1",
    "30",
)


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("numpy>=1.26", Requirement("numpy", ">=1.26", "")),
        ("opencv-python-headless<4.14,>=4.11", Requirement("opencv-python-headless", "<4.14,>=4.11", "")),
        ("uvicorn[standard] (>=0.2) ; extra == 'web'", Requirement("uvicorn", ">=0.2", "extra == 'web'")),
        ("rich", Requirement("rich", "", "")),
    ],
)
def test_a_line_of_metadata_is_read(line: str, read: Requirement) -> None:
    assert requirement(line) == read


@pytest.mark.parametrize(
    ("version", "asked", "inside"),
    [
        ("4.13.0.92", ">=4.11,<4.14", True),
        ("4.14.0", ">=4.11,<4.14", False),
        ("4.9", ">=4.11", False),
        ("4.14rc1", "<4.14", False),
        ("1.0", "==1.0.0", True),
        ("2.13.0+cpu", "==2.13.0", True),
        ("1.4.9", "~=1.4.2", True),
        ("1.5", "~=1.4.2", False),
        ("1.4.2", "==1.4.*,!=1.4.1", True),
        ("1.4.1", "==1.4.*,!=1.4.1", False),
        ("7", "", True),
    ],
)
def test_a_version_is_inside_or_not(version: str, asked: str, inside: bool) -> None:
    assert fits(version, asked) is inside


def test_markers_hold_by_extra_and_by_python() -> None:
    wanted = requirement("av>=15; extra == 'video' and python_version >= '3.9'")
    assert wanted.applies("video")
    assert not wanted.applies()
    assert not requirement("av; python_version < '3.9' or sys_platform in 'win32 cygwin'").applies()


@pytest.mark.parametrize("line", ["", "numpy>=", "x; open('y')", "x; os_name", "x; python_version ~= '3.1'"])
def test_what_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(EdgeEmotionError, match=r"^expected a "):
        asked = requirement(line)
        asked.applies()
        fits("1.0", asked.versions)


def test_a_version_that_is_none_is_refused() -> None:
    with pytest.raises(EdgeEmotionError, match=r"expected a version such as 1\.26\.4, got 'unknown'"):
        fits("unknown", ">=1")


def test_every_requirement_of_every_installed_package_is_judged_as_packaging_does() -> None:
    known = pytest.importorskip("packaging.requirements")
    lines = {line for found in metadata.distributions() for line in found.requires or []}
    judged = 0
    for line in sorted(lines):
        theirs = known.Requirement(line)
        if theirs.url or "~=" in str(theirs.marker) or "===" in line or "platform_release" in line:
            continue
        ours = requirement(line)
        for extra in ("", "test", "onnx"):
            assert ours.applies(extra) == (
                theirs.marker is None or theirs.marker.evaluate({"extra": extra})
            ), line
        for version in VERSIONS:
            assert fits(version, ours.versions) == theirs.specifier.contains(version, prereleases=True), (
                line,
                version,
            )
        judged += 1
    assert judged > 20
