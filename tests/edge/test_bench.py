import json
from pathlib import Path

import numpy as np
import pytest

from edge_emotion import cli
from edge_emotion.bench import STAGES, markdown, plain, speech_like


def test_bench_measures_every_stage(tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["bench", "--model", str(tiny_bundle), "--engine", "onnx", "--seconds", "5", "--json"]
    assert cli.main(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    assert {"date", "machine", "kernel", "python", "versions", "command"} <= set(result["stamp"])
    (row,) = result["rows"]
    assert [cost["stage"] for cost in row["stages"]] == list(STAGES)
    for cost in row["stages"]:
        assert 0 < cost["p50"] <= cost["p95"] <= cost["p99"]
    parts = {cost["stage"]: cost["p50"] for cost in row["stages"]}
    assert parts["all"] > max(parts[stage] for stage in STAGES[:-1])
    assert row["windows"] >= 10
    assert row["cpu_share"] > 0
    assert row["peak_memory"] > 20e6
    page = markdown(result)
    assert page.count("\n| onnx |") == len(STAGES) + 1
    assert "network" in plain(result)


def test_the_test_signal_is_always_the_same() -> None:
    sound = speech_like(1.0)
    assert np.array_equal(sound, speech_like(1.0))
    assert (sound.shape, sound.dtype) == ((16000,), np.float32)
    assert np.abs(sound).max() < 1
