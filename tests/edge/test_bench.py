import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from edge_emotion import cli
from edge_emotion.bench import BLOCK, STAGES, installed_engines, speech_blocks, speech_like
from edge_emotion.bench_report import markdown, plain, verdict, write_result
from edge_emotion.errors import EdgeEmotionError


def test_bench_measures_every_stage(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["bench", "--model", str(tiny_bundle), "--engine", "onnx"]
    arguments += ["--seconds", "5", "--json"]
    assert cli.main([*arguments, "--out", str(tmp_path / "results")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "results" / "voice-latency.json").read_text()) == result
    assert "| onnx | features |" in (tmp_path / "results" / "voice-latency.md").read_text()
    assert {"date", "commit", "machine", "kernel", "python", "versions", "command"} <= set(result["stamp"])
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
    assert "network" in plain(page, verdict(result))


def result_of(share: float, memory: float) -> dict[str, object]:
    cost = {"stage": "features", "p50": 0.001, "p95": 0.001, "p99": 0.001, "share": share}
    row = {"engine": "onnx", "version": "1", "windows": 9, "stages": [cost], "cpu_share": 0.1,
           "peak_memory": memory, "start": 1.0}  # fmt: skip
    stamp = {"date": "today", "commit": "unknown", "machine": "m", "kernel": "k", "python": "3", "versions": {},
             "threads": 1, "warm_up_windows": 5, "command": "edge-emotion bench"}  # fmt: skip
    return {"stamp": stamp, "rows": [row]}


@pytest.mark.parametrize(
    ("share", "memory", "said"),
    [(0.01, 150e6, "within"), (0.03, 150e6, "BEYOND"), (0.01, 200e6, "BEYOND")],
)
def test_the_verdict_against_the_budgets(share: float, memory: float, said: str) -> None:
    (line,) = verdict(result_of(share, memory))
    assert line.startswith(f"onnx: {said} the budgets: features' real-time factor {share:.4f} (under 0.03)")
    result = result_of(share, memory)
    assert line in plain(markdown(result), verdict(result)).splitlines()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EdgeEmotionError, match="--out: cannot write to"):
        write_result(result_of(0.01, 1e6), tmp_path / "file" / "results")


def test_the_test_signal_comes_in_blocks() -> None:
    lengths = [len(block) for block in speech_blocks(1.0)]
    assert lengths == [round(BLOCK * 16000)] * 12 + [640]


def test_the_test_signal_is_always_the_same() -> None:
    sound = speech_like(1.0)
    assert np.array_equal(sound, speech_like(1.0))
    assert (sound.shape, sound.dtype) == ((16000,), np.float32)
    assert np.abs(sound).max() < 1


def test_a_runtime_that_is_not_installed_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed_engines() == ("litert", "onnx")
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else found(name)
    )
    assert installed_engines() == ("litert",)
