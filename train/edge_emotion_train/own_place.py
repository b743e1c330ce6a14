"""Where an own run is written: in an unfinished folder first, which takes its place when everything is there."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError

RESULT = "own.json"  # in the run folder; its "mark" says of which clips the run is
INSIDE = ".unfinished"  # within a run folder that is there


def check_place(out: Path, mark: str) -> None:
    """EdgeEmotionError on a place that holds something else than an earlier run over the same clips."""
    if not out.exists():
        return
    if not out.is_dir():
        raise EdgeEmotionError(f"{out} is a file; expected a new folder for --out")
    if all(entry.name == INSIDE for entry in out.iterdir()):
        return
    try:
        same = json.loads((out / RESULT).read_text())["mark"] == mark
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise EdgeEmotionError(
            f"{out} holds something else than a run over these clips; choose another --out or delete it"
        )


@contextmanager
def whole_run(out: Path) -> Iterator[Path]:
    """An empty folder to write a run into, RESULT too; without an error in the block it becomes `out`.

    Into an `out` that is there, its entries are moved one by one, RESULT first: check_place knows by its mark that an
    interrupted move may be done again. Other files in `out` stay.
    """
    place = out.resolve()
    exists = place.is_dir()
    unfinished = place / INSIDE if exists else place.with_name(f".{place.name}{INSIDE}")
    if unfinished.is_dir():  # of a run that was killed
        shutil.rmtree(unfinished)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        if exists:
            for entry in sorted(unfinished.iterdir(), key=lambda entry: entry.name != RESULT):
                _move(entry, place / entry.name)
        else:
            unfinished.rename(place)
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished)


def _move(entry: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    entry.replace(target)
