"""Mutated bundles, configurations and recordings, a few of each; tests/fuzz_files.py feeds a hundred thousand."""

import json
import os
from pathlib import Path

import pytest
from tqdm import tqdm

from fuzz_child import case_of, fuzzed_of
from fuzz_files import Figures, Fuzz
from fuzz_page import READERS, write_results
from fuzz_planted import FAULTS


def fuzzed(what: str, count: int, keep: Path, seed: int = 0) -> Figures:
    with tqdm(total=count, disable=True) as bar:
        return Fuzz(what, seed, keep, bar).run(count, 1)


@pytest.mark.parametrize(("what", "count"), [("bundles", 250), ("configs", 300), ("sounds", 300)])
def test_no_file_gets_more_than_an_answer(what: str, count: int, tmp_path: Path) -> None:
    figures = fuzzed(what, count, tmp_path)
    assert figures.failures == []
    assert figures.cases == count and figures.ended["read"] > 0 and figures.ended["refused"] > count / 2
    assert not any(tmp_path.iterdir())


def test_every_fault_is_noticed_and_its_file_kept(tmp_path: Path) -> None:
    count = 30
    figures = fuzzed("planted", count, tmp_path)
    assert figures.cases == count
    kinds = {kind: set(ended) for kind, ended in figures.kinds.items()}
    assert kinds == {kind: {{"read": "read", "refused": "refused"}.get(kind, "failed")} for kind in FAULTS}
    said = {failure["kind"]: failure["said"] for failure in figures.failures}
    assert "died of SIGSEGV" in said["crash"]
    assert "more than a second of CPU" in said["hang"]
    assert "MemoryError" in said["memory"]
    assert "stray.txt" in said["write outside"]
    assert "left.txt" in said["leave"]
    assert "it wrote" in said["start"]
    assert "ValueError: from inside" in said["another error"]
    assert "more than a printable line" in said["two lines"]
    first = figures.failures[0]
    assert (tmp_path / f"planted-{first['number']}.txt").read_text() == first["kind"]


@pytest.mark.parametrize("what", READERS)
def test_a_case_is_the_same_each_time(what: str) -> None:
    one, two = fuzzed_of(what), fuzzed_of(what)
    for number in range(20):
        assert case_of(one, what, 3, number) == case_of(two, what, 3, number)
    assert case_of(one, what, 3, 0) != case_of(one, what, 4, 0)


def test_the_results_of_one_kind_leave_the_others(tmp_path: Path) -> None:
    out = tmp_path / "fuzz.json"
    for what in ("sounds", "bundles"):
        figures = Figures(what, 0)
        figures.add(0, "bytes", "read", "", 0.25)
        figures.add(1, "bytes", "refused", "no", 0.75)
        write_results(out, [figures], 2.0)
    known = json.loads(out.read_text())
    assert list(known) == ["bundles", "sounds"]
    assert known["sounds"]["kinds"] == {"bytes": {"read": 1, "refused": 1}}
    assert (known["sounds"]["cpu_ms_mean"], known["sounds"]["slowest_case"]) == (500.0, 1)
    page = out.with_suffix(".md").read_text()
    assert "| bytes | 2 | 1 | 1 | 0 |" in page and page.index("## Bundles") < page.index("## Sounds")
    assert os.fspath(tmp_path) not in page
