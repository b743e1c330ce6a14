"""The size of the plain install: what is weighed, and what does not pass."""

import zipfile
from pathlib import Path

import installed_size
import pytest

LIGHT = {"numpy": ("2", 60.0), "rich": ("15", 3.0)}


def test_a_wheel_weighs_what_it_unpacks_to_and_its_compiled_python(tmp_path: Path) -> None:
    wheel = tmp_path / "thing-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("thing/data.bin", bytes(1_000_000))
        archive.writestr("thing/module.py", "x = 1\n")
    weight = installed_size.weigh(wheel, tmp_path / "unpacked")
    compiled = list((tmp_path / "unpacked").rglob("*.pyc"))
    assert len(compiled) == 1
    assert weight == pytest.approx(1 + 6e-6 + compiled[0].stat().st_size / 1e6)


def test_a_wheel_of_several_systems_is_weighed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheels = [tmp_path / "a_b-1-py3-none-any.whl", tmp_path / "c-2-py3-none-any.whl"]
    monkeypatch.setattr(installed_size, "fetch", lambda *given: wheels)
    monkeypatch.setattr(installed_size, "weigh", lambda wheel, place: 5.0)
    known = {wheels[1].name: 7.0}
    weights = installed_size.weigh_install(tmp_path, [], tmp_path, known)
    assert weights == {"a-b": ("1", 5.0), "c": ("2", 7.0)}
    assert known == {wheels[0].name: 5.0, wheels[1].name: 7.0}


def test_the_table_has_a_column_a_system_and_the_sum() -> None:
    lines = installed_size.table({"here": LIGHT, "there": {"rich": ("15", 3.5)}})
    assert [line.split() for line in lines] == [
        ["here", "there"],
        ["numpy", "2", "60.0", "MB", "-"],
        ["rich", "15", "3.0", "MB", "3.5", "MB"],
        ["all", "63.0", "MB", "3.5", "MB"],
    ]


@pytest.mark.parametrize(
    ("install", "why"),
    [
        (LIGHT, []),
        ({"big": ("1", 249.9)}, []),
        ({"big": ("1", 250.0)}, ["pi: 250.0 MB, expected under 250 MB"]),
        (LIGHT | {"torch": ("2", 1.0)}, ["pi: torch came along"]),
    ],
)
def test_what_does_not_pass(install: dict[str, tuple[str, float]], why: list[str]) -> None:
    assert installed_size.failures({"pi": install}) == why
