import json
import platform
from pathlib import Path

import numpy as np
import pytest

from edge_emotion import cli
from edge_emotion.bench_report import markdown, plain, write_result
from edge_emotion.bench_sound import BLOCK, speech_blocks, speech_like
from edge_emotion.bench_voice import STAGES
from edge_emotion.errors import EdgeEmotionError


def test_bench_measures_every_stage(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["bench", "--voice", "--model", str(tiny_bundle), "--engine", "onnx"]
    arguments += ["--seconds", "5", "--json"]
    assert cli.main([*arguments, "--out", str(tmp_path / "results")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "results" / "voice-latency.json").read_text()) == result
    assert "| onnx | fp32 | features |" in (tmp_path / "results" / "voice-latency.md").read_text()
    made = result["stamp"]
    assert {"date", "commit", "machine", "versions", "before", "after"} <= set(made)
    assert (made["python"], made["threads"], made["warm_up_windows"]) == (platform.python_version(), 1, 5)
    assert made["kernel"] == f"{platform.system()} {platform.release()}"
    assert made["command"].startswith(f"edge-emotion bench --voice --model {tiny_bundle} --precision auto ")
    assert "face" not in result
    (row,) = result["voice"]
    assert [cost["stage"] for cost in row["stages"]] == list(STAGES)
    for cost in row["stages"]:
        assert 0 < cost["p50"] <= cost["p95"] <= cost["p99"]
        assert cost["runs"] == row["hops"] >= 10
        assert cost["share"] > 0
    parts = {cost["stage"]: cost["p50"] for cost in row["stages"]}
    assert parts["all"] > max(parts[stage] for stage in STAGES[:-1])
    assert row["precision"] == "fp32"  # what "auto" came to
    assert row["cpu_share"] > 0
    assert row["peak_memory"] > 20e6
    (network,) = result["networks"]["networks"]
    assert (network["network"], network["engine"], network["ratio"]) == ("tiny", "onnx", 1.0)
    page = markdown(result)
    assert page.count("\n| onnx | fp32 |") == len(STAGES)
    assert "voice activity" in plain(result)


def result_of(share: float, memory: float) -> dict[str, object]:
    cost = {"stage": "features", "runs": 9, "p50": 0.001, "p95": 0.001, "p99": 0.001, "share": share}
    row = {"engine": "onnx", "version": "1", "precision": "fp32", "hops": 9, "stages": [cost], "cpu_share": 0.1,
           "peak_memory": memory, "start": 1.0}  # fmt: skip
    stamp = {"date": "today", "commit": "unknown", "machine": "m", "kernel": "k", "python": "3", "versions": {},
             "threads": 1, "warm_up_windows": 5, "command": "edge-emotion bench", "before": {"temperature": 41.2},
             "after": {"temperature": 60.4, "clock": 1.5e9, "warnings": "throttled"}}  # fmt: skip
    return {"stamp": stamp, "voice": [row]}


@pytest.mark.parametrize(
    ("share", "memory", "said"),
    [(0.01, 150e6, "within"), (0.03, 150e6, "BEYOND"), (0.01, 200e6, "BEYOND")],
)
def test_the_verdict_against_the_budgets(share: float, memory: float, said: str, tmp_path: Path) -> None:
    result = result_of(share, memory)
    line = f"onnx: {said} the budgets: features' real-time factor {share:.4f} (under 0.03)"
    assert any(shown.startswith(line) for shown in plain(result).splitlines())
    write_result(result, tmp_path)
    page = (tmp_path / "voice-latency.md").read_text()
    assert page.startswith("# Voice: latency and cost on a device\n")
    assert page.splitlines()[-1].startswith(f"- {line}")


def test_the_machine_before_and_after_is_shown_where_it_shows_itself() -> None:
    result = result_of(0.01, 1e6)
    assert "; before: 41 °C; after: 60 °C, 1500 MHz, throttled. " in plain(result)
    result["stamp"] |= {"before": {}, "after": {}}  # type: ignore[operator]
    assert "before" not in plain(result)


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--voice", "--face"], "--face: not allowed with argument --voice"),
        (["--voice", "--compare", "fer"], "--compare goes with the face's path"),
        (["--compare", "deepface"], "--compare: expected one of fer, or fer=PATH, got 'deepface'"),
        (["--compare", "fer=nowhere.tflite"], "nowhere.tflite is not there; install it without"),
        (["--face", "--model", "nowhere.emo"], "nowhere.emo"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    assert said in line
