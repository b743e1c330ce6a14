import json
from pathlib import Path

import pytest

from edge_emotion import cli
from edge_emotion.bench_report import markdown, plain
from edge_emotion.bench_synch_graph import STAGES


def test_bench_measures_every_stage(
    tiny_synch_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["bench", "--model", str(tiny_synch_bundle), "--seconds", "5", "--json"]
    assert cli.main([*arguments, "--out", str(tmp_path / "results")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "results" / "face-voice-latency.json").read_text()) == result
    page = (tmp_path / "results" / "face-voice-latency.md").read_text()
    assert page.startswith("# Synch-Graph: latency and cost on a device\n")
    made = result["stamp"]
    assert {"date", "commit", "machine", "versions", "before", "after"} <= set(made)
    assert (made["threads"], made["warm_up_windows"]) == (1, 5)
    assert made["command"].startswith(f"edge-emotion bench --model {tiny_synch_bundle} --precision auto ")
    assert set(result) == {"stamp", "face-voice"}
    (row,) = result["face-voice"]
    parts = {cost["stage"]: cost for cost in row["stages"]}
    assert tuple(parts) == STAGES
    for cost in parts.values():
        assert 0 < cost["p50"] <= cost["p95"] <= cost["p99"]
        assert (cost["runs"], cost["share"] > 0) == (10, True)
    assert (row["engine"], row["precision"], row["presentations"], row["neurons"]) == ("onnx", "fp32", 6, 16)
    assert row["events"] > 1000
    assert 0 < row["ratio"] <= row["ratio_p95"]
    assert row["size"] == tiny_synch_bundle.stat().st_size
    assert row["peak_memory"] > 50e6
    assert "| onnx | fp32 | spiking network |" in markdown(result)
    assert "decision network" in plain(result)


@pytest.mark.parametrize(
    ("ratio", "memory", "said"), [(0.3, 199e6, "within"), (0.31, 199e6, "BEYOND"), (0.1, 200e6, "BEYOND")]
)
def test_the_verdict_against_the_budgets(ratio: float, memory: float, said: str) -> None:
    cost = {"stage": "spiking network", "runs": 9, "p50": 0.01, "p95": 0.01, "p99": 0.01, "share": 0.02}
    row = {"engine": "onnx", "version": "1", "precision": "fp32", "hops": 9, "stages": [cost], "cpu_share": 0.1,
           "peak_memory": memory, "start": 1.0, "presentations": 6, "neurons": 64, "events": 9, "ratio": ratio,
           "ratio_p95": 0.4, "size": 2_000_000}  # fmt: skip
    stamp = {"date": "today", "commit": "unknown", "machine": "m", "kernel": "k", "python": "3", "versions": {},
             "threads": 1, "warm_up_windows": 5, "command": "edge-emotion bench", "before": {},
             "after": {}}  # fmt: skip
    shown = plain({"stamp": stamp, "face-voice": [row]}).splitlines()[-1]
    assert shown.startswith(
        f"onnx: {said} the budgets: a decision with its 6 presentations costs {ratio:.3f} of real"
    )
