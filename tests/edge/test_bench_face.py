import json
from pathlib import Path

import numpy as np
import pytest

from edge_emotion import cli
from edge_emotion.bench_clip import to_and_fro
from edge_emotion.bench_face import ALL, APPEARANCE, CAPTURE, DETECTOR, EVENT, FRONT_END, GRAPH, MESH
from edge_emotion.bench_face import _face_cost as face_cost
from edge_emotion.bench_face import _Opened as Opened
from edge_emotion.bench_report import markdown, plain, write_result
from edge_emotion.bundle import read_bundle
from tiny_face_bundle import write_tiny_face_bundle


def test_bench_measures_every_part_of_the_face_path(
    tiny_face_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["bench", "--face", "--face-model", str(tiny_face_bundle)]
    arguments += ["--engine", "onnx", "--seconds", "5", "--json", "--out", str(tmp_path / "results")]
    assert cli.main(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "results" / "face-latency.json").read_text()) == result
    assert "| onnx | fp32 | L-GrIN window |" in (tmp_path / "results" / "face-latency.md").read_text()
    assert not (tmp_path / "results" / "voice-latency.json").exists()
    assert result["stamp"]["fps"] == 30
    assert result["stamp"]["command"].startswith("edge-emotion bench --face --face-model ")
    assert "voice" not in result
    (row,) = result["face"]
    parts = {cost["stage"]: cost for cost in row["stages"]}
    assert list(parts) == [CAPTURE, MESH, FRONT_END, ALL, EVENT, DETECTOR, GRAPH, APPEARANCE]
    assert row["hops"] == 25  # 5 s at 0.2 s
    assert [parts[part]["runs"] for part in (MESH, ALL, GRAPH)] == [150, 150, 25]
    for cost in parts.values():
        assert 0 < cost["p50"] <= cost["p95"] <= cost["p99"]
    assert parts[DETECTOR]["share"] is None
    for part in set(parts) - {DETECTOR}:
        assert parts[part]["share"] > 0
    assert parts[ALL]["share"] > parts[MESH]["share"] > parts[GRAPH]["share"]
    assert row["cpu_share"] == pytest.approx(sum(parts[part]["share"] for part in (CAPTURE, ALL, EVENT)))
    assert 1 < row["ratio"] <= row["ratio_p95"]  # all of it holds a FaceMesh invoke
    assert row["memory_of"] == "face"  # no voice was asked for, and its model not opened
    assert row["peak_memory"] > 50e6
    networks = {cost["network"] for cost in result["networks"]["networks"]}
    assert networks == {"tiny-face", "tiny-face appearance"}
    assert "FaceMesh invoke" in plain(result)


def test_each_network_is_shared_over_its_own_period(tmp_path: Path) -> None:
    bundle = read_bundle(write_tiny_face_bundle(tmp_path / "face.emo"))
    assert bundle.appearance is not None
    assert (bundle.window.hop * bundle.window.period, bundle.appearance.period) == (pytest.approx(0.2), 0.4)

    class Network:
        name, version = "onnx", "1"

    spent = {part: [(0.002, 0.001)] * 3 for part in (CAPTURE, MESH, FRONT_END, ALL, EVENT, GRAPH, APPEARANCE)}
    sums = np.array([(0.006, 0.012)] * 3)  # CPU seconds of FaceMesh and of all over a hop
    cost = face_cost(Opened(bundle, "fp32", Network(), Network()), "onnx", spent, sums, 1.0)  # type: ignore[arg-type]
    shares = {stage.stage: stage.share for stage in cost.stages}
    assert shares[MESH] == pytest.approx(0.001 * 30)
    assert shares[GRAPH] == pytest.approx(0.001 / 0.2)
    assert shares[APPEARANCE] == pytest.approx(0.001 / 0.4)
    assert shares[ALL] == pytest.approx(0.012 / 0.2)
    assert (cost.ratio, cost.graph_ratio) == (pytest.approx(2.0), pytest.approx(1.0))
    result = {"stamp": STAMP | {"fps": 30}, "face": [row_of(1, 0.1, 1) | {"stages": [vars(cost.stages[-1])]}]}
    assert f"| {APPEARANCE} | 2.00 | 2.00 | 2.00 | 0.25 | 0.08 |" in markdown(result)  # 1 ms over 12 frames


def row_of(ratio: float, graph: float, memory: float) -> dict[str, object]:
    stage = {"stage": MESH, "runs": 9, "p50": 0.002, "p95": 0.003, "p99": 0.004, "share": 0.06}
    return {"engine": "litert", "version": "2", "precision": "fp32", "hops": 9, "stages": [stage],
            "cpu_share": 0.1, "ratio": ratio, "ratio_p95": 2.0, "graph_ratio": graph, "peak_memory": memory,
            "memory_of": "face and voice", "start": 1.0}  # fmt: skip


STAMP = {"date": "today", "commit": "unknown", "machine": "m", "kernel": "k", "python": "3", "versions": {},
         "threads": 1, "warm_up_windows": 5, "command": "edge-emotion bench", "clip": "demo.mp4",
         "fps": 25, "before": {}, "after": {}}  # fmt: skip


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((1.5, 0.5, 199e6), "within"),
        ((1.51, 0.5, 199e6), "BEYOND"),
        ((1.2, 0.51, 199e6), "BEYOND"),
        ((1.2, 0.1, 200e6), "BEYOND"),
    ],
)
def test_the_verdict_against_the_budgets(
    numbers: tuple[float, float, float], said: str, tmp_path: Path
) -> None:
    result = {"stamp": STAMP, "face": [row_of(*numbers)]}
    line = f"litert: {said} the budgets: a frame costs {numbers[0]:.2f} FaceMesh invokes"
    assert any(shown.startswith(line) for shown in plain(result).splitlines())
    write_result(result, tmp_path)
    page = (tmp_path / "face-latency.md").read_text()
    assert page.splitlines()[-1].startswith(f"- {line}")
    assert page.endswith("peak memory with face and voice " + f"{numbers[2] / 1e6:.0f} MB (under 200 MB)\n")


def test_the_clip_goes_to_and_fro_without_a_jump() -> None:
    assert [to_and_fro(number, 4) for number in range(9)] == [0, 1, 2, 3, 2, 1, 0, 1, 2]
