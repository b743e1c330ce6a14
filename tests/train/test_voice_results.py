"""The table of results: rates, spreads, leaky set apart, folds that took part in a choice told."""

import json

from edge_emotion_train.voice_results import markdown, rows, write_tables

ROW = {
    "corpus": "ravdess-speech", "trained_on": "ravdess-speech+emodb", "protocol": "emobox", "leaky": False,
    "classes": 8, "folds": 3, "seeds": 2, "uar_mean": 0.612, "uar_std": 0.05, "uar_seed_std": 0.011,
    "uar_fold_std": 0.043, "accuracy_mean": 0.64, "calibration_error_mean": 0.081, "parameters": 77369,
    "trained": {"commit": "abc"}, "uar_pooled": 0.61,
    "uar_by_fold": {"actors 01-04": 0.7, "actors 09-12": 0.5, "actors 17-20": 0.6},
}  # fmt: skip
STAMP = {"command": "x", "date": "d", "commit": "c", "machine": "m"}


def test_rates_spreads_and_untouched_folds():
    page = markdown([ROW], STAMP)
    assert "| 61.2 (1.1, 4.3) | 64.0 | 8.1 | 77,369 | abc |" in page
    assert "| actors 01-04 | 70.0 | yes |" in page
    assert "| actors 09-12 | 50.0 | no |" in page
    assert "had no part: 55.0 %" in page


def test_a_leaky_row_stands_out_and_a_part_says_so(tmp_path):
    leaky = {**ROW, "protocol": "leaky", "leaky": True}
    write_tables(tmp_path, [ROW, leaky], STAMP, complete=False)
    page = (tmp_path / "voice.md").read_text()
    assert "| **leaky** |" in page
    assert "Not complete" in page
    assert json.loads((tmp_path / "voice.json").read_text())["complete"] is False


def test_the_row_that_counts_comes_first_and_leaky_is_named():
    table = rows(3)
    assert table[0].name == "ravdess-emobox"
    assert table[0].seeds == 3
    assert {row.protocol for row in table if "leaky" in row.name} == {"leaky"}
