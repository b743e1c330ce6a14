"""Where a static int8 network loses: found in a network whose fault is known, and gone with the cure."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from edge_emotion_export.fold import FoldedLGrIN
from edge_emotion_export.interface import window_interface
from edge_emotion_export.static_error import ErrorRow, cause, static_error_rows
from edge_emotion_export.tflite_file import tflite_bytes
from small_lgrin import TIED, small_lgrin


def windows(number: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(number, 12, 5)).astype(np.float32)


@pytest.fixture(scope="module")
def rows() -> dict[str, list[ErrorRow]]:
    """Of a network whose head divides a few pooled numbers by a tiny deviation."""
    model = small_lgrin(TIED)
    with torch.no_grad():
        model.head[0].running_var[::9] = 1e-5
    content = tflite_bytes(FoldedLGrIN(model), window_interface(TIED))
    return static_error_rows(content, windows(40, 0), windows(20, 1))


def test_the_plain_recipe_shows_the_head(rows: dict[str, list[ErrorRow]]) -> None:
    head = rows["plain"][-1]
    assert (head.operation, head.shape) == ("FULLY_CONNECTED", (1, 3))
    assert head.scale > 0 and head.spread > 20 and head.alone > 0
    assert all(row.scale > 0 and row.alone >= 0 for row in rows["plain"])
    assert sum(row.share for row in rows["plain"]) == pytest.approx(1)


def test_the_cure_leaves_the_head_no_error_of_its_own(rows: dict[str, list[ErrorRow]]) -> None:
    plain, ours = rows["plain"][-1], rows["ours"][-1]
    assert (ours.operation, ours.shape) == (plain.operation, plain.shape)
    assert ours.scale == ours.alone == ours.share == 0
    joined = [row for row in rows["ours"] if row.operation == "CONCATENATION"]
    assert joined[-1].scale == 0 and all(
        row.scale > 0 for row in joined[:-1]
    )  # the pooled numbers, read by the head
    assert any(row.scale > 0 for row in rows["ours"] if row.operation == "FULLY_CONNECTED")


def test_ranges_and_steps_belong_together(rows: dict[str, list[ErrorRow]]) -> None:
    for row in rows["plain"]:
        assert row.low < row.high
        # 255 steps over about the range, zero included; the ranges are of other windows than the rows.
        width = max(row.high, 0) - min(row.low, 0)
        assert 0.3 * width <= 255 * row.scale <= 4 * width


def test_cause_names_the_largest_share() -> None:
    made = [
        ErrorRow("ADD", (1, 4), -1, 1, 0.1, 0.0, 0.01, 0.02, 0.03, 0.36),
        ErrorRow("FULLY_CONNECTED", (1, 7), -1, 1, 0.1, 88.4, 0.01, 0.02, 0.04, 0.64),
    ]
    assert cause(made) == (
        "FULLY_CONNECTED 1x7 makes 64.0 % of the squared error: 0.040 logits alone, all others together 0.030; "
        "its weights' columns spread over 88 to 1"
    )
