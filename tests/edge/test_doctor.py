import json
from pathlib import Path

import pytest

from edge_emotion import __version__, doctor, doctor_system
from edge_emotion.doctor import DoctorSettings, as_json, examine, exit_code, lines_of, plan, sources, summary
from edge_emotion.doctor_check import FAIL, NONE, OK, WARN, Check, Finding, ok, warn
from edge_emotion.doctor_isolation import Ask, guarded
from fake_camera import FakePicamera2
from fakes import FakePortAudio

GOOD = Check("python", OK, "CPython", None)
WARNED = Check("clock", WARN, "1970", "set it")
FAILED = Check("portaudio", FAIL, "missing", "install it")
OFFLINE = ("cameras", "microphones", "sensors", "sources", "temperature", "governor", "memory")


class VersionedPortAudio(FakePortAudio):
    def get_portaudio_version(self) -> tuple[int, str]:
        return 1246976, "PortAudio V19.7.0"


def made(tmp_path: Path, **given: object) -> DoctorSettings:
    fakes = {"picamera2": FakePicamera2([]), "portaudio": VersionedPortAudio([])}
    return DoctorSettings(quick=True, root=tmp_path, folder=tmp_path, **{**fakes, **given})  # type: ignore[arg-type]


def quickly(ask: Ask) -> Finding:
    return guarded(ask)


def test_a_made_machine_is_examined_in_order(tmp_path: Path) -> None:
    checks = {check.name: check for check in examine(made(tmp_path), quickly)}
    assert [name for name in checks if name in OFFLINE] == list(OFFLINE)
    assert {checks[name].found for name in ("cameras", "microphones", "sensors")} == {NONE}
    assert checks["sources"].state == WARN
    assert "plug in" in str(checks["sources"].do)
    assert checks["portaudio"].found == "PortAudio V19.7.0"
    assert checks["bundle voice"].state == OK
    assert all((check.do is None) == (check.state == OK) for check in checks.values())


def test_the_names_in_the_docstring_are_those_that_come(tmp_path: Path) -> None:
    said = " ".join((doctor.__doc__ or "").split())
    for name, _ in plan(made(tmp_path), {}):
        kind = name.split()[0]
        assert (f'"{kind} NAME"' if kind in ("wheel", "bundle") else name) in said


def test_a_microphone_or_a_camera_is_enough() -> None:
    none, mic, half = ok(NONE), ok("0 'USB'"), warn("one of two may not be opened", "x")
    assert sources({"cameras": none, "microphones": mic}) == Finding(OK, "microphones")
    assert sources({"cameras": half, "microphones": none}) == Finding(OK, "cameras")
    assert sources({"cameras": none, "microphones": half}).state == WARN
    assert sources({"cameras": Finding(FAIL, "closed", "x"), "microphones": none}).state == WARN


def test_an_install_without_bundles_fails(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    checks = {check.name: check for check in examine(made(tmp_path, models=tmp_path / "models"), quickly)}
    assert checks["bundles"].state == checks["face networks"].state == FAIL


def test_a_check_that_raises_is_a_failure_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(root: Path) -> Finding:
        raise RuntimeError("unheard of")

    monkeypatch.setattr(doctor_system, "memory", broken)
    checks = {check.name: check for check in examine(made(tmp_path), quickly)}
    assert (checks["memory"].state, checks["memory"].found) == (
        FAIL,
        "the check itself failed: RuntimeError: unheard of",
    )
    assert checks["disk"].state in (OK, WARN)
    assert exit_code(checks.values()) == 1


def test_metadata_that_cannot_be_read_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["@@"])
    checks = {check.name: check for check in examine(made(tmp_path), quickly)}
    assert checks["wheels"].state == FAIL
    assert "got '@@'" in checks["wheels"].found


@pytest.mark.parametrize(
    ("checks", "code", "last"),
    [
        ([GOOD], 0, "1 checks, all well"),
        ([GOOD, WARNED], 0, "2 checks: 1 to look at, 1 well"),
        ([GOOD, FAILED, WARNED], 1, "3 checks: 1 failed, 1 to look at, 1 well"),
    ],
)
def test_the_end(checks: list[Check], code: int, last: str) -> None:
    assert exit_code(checks) == code
    assert summary(checks) == last


def test_lines_for_people() -> None:
    assert lines_of(GOOD) == ["ok    python: CPython"]
    assert lines_of(FAILED) == ["fail  portaudio: missing", "      -> install it"]


def test_one_object_for_programs() -> None:
    told = json.loads(as_json([GOOD, WARNED]))
    assert told.pop("machine").endswith(("x86_64", "aarch64", "arm64"))
    assert told == {
        "v": 1,
        "version": __version__,
        "state": "warn",
        "checks": [
            {"name": "python", "state": "ok", "found": "CPython", "do": None},
            {"name": "clock", "state": "warn", "found": "1970", "do": "set it"},
        ],
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [("a\n b\tc", "a b c"), ("x\x1b[2Jy", r"x\x1b[2Jy"), ("", "nothing"), ("48 °C", "48 °C")],
)
def test_what_comes_from_outside_is_one_line_that_a_terminal_may_be_shown(text: str, line: str) -> None:
    assert ok(text).found == line
