import json
from pathlib import Path

import pytest

from edge_emotion import cli
from edge_emotion.bench_face import ALL, APPEARANCE, DETECTOR, FRONT_END, GRAPH, MESH, _to_and_fro
from edge_emotion.bench_face_report import markdown, verdict, write_result
from edge_emotion.bench_report import plain
from tiny_face_bundle import write_tiny_face_bundle


def test_bench_measures_every_part_of_the_face_path(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    face = write_tiny_face_bundle(tmp_path / "face.emo")
    arguments = ["bench", "--face", "--model", str(tiny_bundle), "--face-model", str(face)]
    arguments += ["--engine", "onnx", "--seconds", "5", "--json", "--out", str(tmp_path / "results")]
    assert cli.main(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "results" / "face-latency.json").read_text()) == result
    assert "| onnx | L-GrIN window |" in (tmp_path / "results" / "face-latency.md").read_text()
    assert not (tmp_path / "results" / "voice-latency.json").exists()
    assert result["stamp"]["fps"] == 30
    assert result["stamp"]["command"].startswith("edge-emotion bench")
    assert " --face " in result["stamp"]["command"]
    (row,) = result["rows"]
    parts = {cost["part"]: cost for cost in row["parts"]}
    assert set(parts) == {MESH, FRONT_END, ALL, DETECTOR, APPEARANCE, GRAPH}
    assert row["hops"] == 25  # 5 s at 0.2 s
    assert [parts[part]["runs"] for part in (MESH, ALL, GRAPH)] == [150, 150, 25]
    for cost in parts.values():
        assert 0 < cost["p50"] <= cost["p95"] <= cost["p99"]
    assert parts[DETECTOR]["per_frame"] is None
    for part in (MESH, FRONT_END, ALL, APPEARANCE, GRAPH):
        assert parts[part]["per_frame"] > 0
    assert parts[ALL]["per_frame"] > parts[MESH]["per_frame"] > parts[GRAPH]["per_frame"]
    assert 1 < row["ratio"] <= row["ratio_p95"]  # all of it holds a FaceMesh invoke
    assert row["peak_memory"] > 50e6
    assert "FaceMesh invoke" in plain(markdown(result), verdict(result))


def row_of(ratio: float, graph: float, memory: float) -> dict[str, object]:
    part = {"part": MESH, "runs": 9, "p50": 0.002, "p95": 0.003, "p99": 0.004, "per_frame": 0.002}
    return {"engine": "litert", "version": "2", "hops": 9, "parts": [part], "ratio": ratio, "ratio_p95": 2.0,
            "graph_ratio": graph, "peak_memory": memory}  # fmt: skip


STAMP = {"date": "today", "commit": "unknown", "machine": "m", "kernel": "k", "python": "3", "versions": {},
         "threads": 1, "warm_up_windows": 5, "command": "edge-emotion bench", "clip": "demo.mp4",
         "fps": 25}  # fmt: skip


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
    result = {"stamp": STAMP, "rows": [row_of(*numbers)]}
    (line,) = verdict(result)
    assert line.startswith(f"litert: {said} the budgets: a frame costs {numbers[0]:.2f} FaceMesh invokes")
    write_result(result, tmp_path)
    assert (tmp_path / "face-latency.md").read_text().endswith(f"- {line}\n")


def test_the_clip_goes_to_and_fro_without_a_jump() -> None:
    assert [_to_and_fro(number, 4) for number in range(9)] == [0, 1, 2, 3, 2, 1, 0, 1, 2]
