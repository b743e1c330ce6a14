"""Action units of RAVDESS' faces by OpenFace 2, one CSV a take: 17 intensities (0..5), 18 presences (0 or 1) a frame.

The columns carry OpenFace's own names, AU01_r ... AU45_r and AU01_c ... AU45_c, in any order and among others, divided
by ";" or ",". Where OpenFace's columns `timestamp`, `success` and `confidence` are there they are used; without them a
row is a frame at 30 a second, as RAVDESS was filmed.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.corpora.ravdess_speech import LABELS

NAME = "ravdess-face-au"
LICENCE = "RAVDESS (Livingstone & Russo 2018) and its OpenFace tracking: CC BY-NC-SA 4.0"
TREE = "DIR/Actor_01/01-01-01-01-01-01-01.csv, one folder an actor, one OpenFace table a take"
INTENSITIES = (
    "AU01_r", "AU02_r", "AU04_r", "AU05_r", "AU06_r", "AU07_r", "AU09_r", "AU10_r", "AU12_r", "AU14_r", "AU15_r",
    "AU17_r", "AU20_r", "AU23_r", "AU25_r", "AU26_r", "AU45_r",
)  # fmt: skip
PRESENCES = (
    "AU01_c", "AU02_c", "AU04_c", "AU05_c", "AU06_c", "AU07_c", "AU09_c", "AU10_c", "AU12_c", "AU14_c", "AU15_c",
    "AU17_c", "AU20_c", "AU23_c", "AU25_c", "AU26_c", "AU28_c", "AU45_c",
)  # fmt: skip
COLUMNS = INTENSITIES + PRESENCES  # P = 35
LAYOUT = (
    "OpenFace's columns AU01_r ... AU45_r (17, 0 to 5) and AU01_c ... AU45_c (18, 0 or 1), divided by ; or ,"
)
RATE = 30.0  # nodes a second
CONFIDENCE = 0.5  # a frame tracked with less is bridged, like one without success
LONGEST = 600.0  # s: a table that claims to last longer is none of a take's
_CLIP = re.compile(r"0[12]-01-(0[1-8])-0[12]-0[12]-0[12]-(\d\d)")


def clips(folder: Path) -> list[Clip]:
    """All takes under a folder of the published layout; EdgeEmotionError shows the expected tree."""
    if not folder.is_dir():
        raise EdgeEmotionError(f"{NAME}: no folder {folder}; expected {TREE}")
    files = sorted(folder.glob("Actor_*/*.csv"), key=lambda file: file.name)
    if not files:
        raise EdgeEmotionError(f"{NAME}: no tables in {folder}; expected {TREE}")
    found = []
    for file in files:
        match = _CLIP.fullmatch(file.stem)
        if not match or file.parent.name != f"Actor_{match[2]}":
            raise EdgeEmotionError(f"{NAME}: {file} is not named as RAVDESS speech is; expected {TREE}")
        found.append(Clip(file, NAME, f"ravdess-{match[2]}", LABELS[int(match[1]) - 1]))
    return found


def action_units(path: Path) -> NDArray[np.float32]:
    """Nodes (k, 35) of one take on the even grid of 30 Hz, in the order of COLUMNS.

    Between two frames, and over frames in which OpenFace lost the face, values are interpolated linearly.
    EdgeEmotionError names the layout when the table is of another.
    """
    names, table = _table(path)
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise _wrong(path, f"{len(missing)} columns are missing, the first {missing[0]}")
    values = table[:, [names.index(name) for name in COLUMNS]]
    seen = np.ones(len(table), bool)
    if "success" in names:
        seen &= table[:, names.index("success")] > 0
    if "confidence" in names:
        seen &= table[:, names.index("confidence")] >= CONFIDENCE
    if not seen.any():
        raise _wrong(path, "no frame in which OpenFace found the face")
    _check_ranges(path, values[seen])
    time = _times(path, names, table)
    grid = np.arange(round((time[-1] - time[0]) * RATE) + 1) / RATE + time[0]
    return np.stack([np.interp(grid, time[seen], column) for column in values[seen].T], 1).astype(np.float32)


def _table(path: Path) -> tuple[list[str], NDArray[np.float64]]:
    """Names of the columns and the table's numbers (rows, columns)."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EdgeEmotionError(f"{NAME}: cannot read {path} as text: {error}; expected {LAYOUT}") from error
    lines = [line for line in lines if line.strip()]
    if len(lines) < 2:
        raise _wrong(path, "no rows of numbers")
    mark = ";" if ";" in lines[0] else ","
    names = [name.strip() for name in lines[0].split(mark)]
    rows = []
    for number, line in enumerate(lines[1:], 1):
        try:
            row = [float(cell) for cell in line.split(mark)]
        except ValueError as error:
            raise _wrong(path, f"row {number} holds what is no number ({error})") from error
        if len(row) != len(names):
            raise _wrong(path, f"row {number} has {len(row)} values under {len(names)} names")
        rows.append(row)
    return names, np.array(rows)


def _check_ranges(path: Path, values: NDArray[np.float64]) -> None:
    if not np.isfinite(values).all():
        raise _wrong(path, "values that are not finite")
    highest = np.array([5.0] * len(INTENSITIES) + [1.0] * len(PRESENCES))
    outside = ((values < 0) | (values > highest)).any(0)
    if outside.any():
        raise _wrong(path, f"{COLUMNS[int(outside.argmax())]} is out of range")


def _times(path: Path, names: list[str], table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Time of each row, s."""
    if "timestamp" not in names:
        return np.arange(len(table)) / RATE
    time = table[:, names.index("timestamp")]
    if not np.isfinite(time).all() or (np.diff(time) <= 0).any() or time[-1] - time[0] > LONGEST:
        raise _wrong(path, f"timestamps that do not rise evenly within {LONGEST:.0f} s (one face a table)")
    return time


def _wrong(path: Path, what: str) -> EdgeEmotionError:
    return EdgeEmotionError(f"{NAME}: {path}: {what}; expected {LAYOUT}")
