"""Quantised networks in a bundle: judged on windows held out, refused when they differ, checked again by `verify`."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_emotion.bundle import read_bundle, write_bundle
from edge_emotion.errors import EdgeEmotionError
from edge_emotion_export import network_files
from edge_emotion_export.cli import main
from edge_emotion_export.gates import agreement, check_agreement, check_finite
from edge_emotion_train.calibration_data import CalibrationData, no_crops
from small_appearance import CROP, GRAPH, write_face_run
from small_lgrin import TIED, write_run

Array = NDArray[np.float32]


def data_for(nodes: int, features: int, feature_set: str = "speech", crops: int = 0) -> CalibrationData:
    random = np.random.default_rng(3)
    pictures = random.integers(0, 255, (crops, CROP, CROP), np.uint8) if crops else no_crops()
    return CalibrationData(
        feature_set, 1, random.normal(size=(64, nodes, features)).astype(np.float32),
        random.normal(size=(200, nodes, features)).astype(np.float32), np.arange(200) % 3, pictures[:64], pictures,
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def timed() -> Iterator[None]:
    """Each file quicker than the one before, fp32 the slowest: no test depends on how busy the machine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            network_files, "_seconds", lambda engines, _: [1 / (i + 1) for i in range(len(engines))]
        )
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voice") / "run"
    write_run(folder, TIED)
    data_for(TIED.nodes, TIED.features).write(folder / "model")
    return folder


@pytest.fixture(scope="module")
def exported(run: Path) -> Path:
    out = run.parent / "small.emo"
    assert main([str(run), "--out", str(out)]) == 0
    return out


def test_what_passes_its_gate_is_in_the_bundle_and_the_quickest_first(exported: Path) -> None:
    bundle = read_bundle(exported)
    made = {(network.engine, network.precision) for network in bundle.networks}
    assert {("onnx", "fp32"), ("litert", "fp32"), ("litert", "int8-dynamic")} <= made
    for file, found in bundle.about["export"]["quantised"].items():
        assert found["agreement"] >= 0.99 and found["lost"] <= 0.005 and found["windows"] == 200, file
        assert file in bundle.card
    assert "## Precisions" in bundle.card


def test_verify_repeats_the_gates(run: Path, exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(exported), "--run", str(run)]) == 0
    said = capsys.readouterr().out
    for part in (
        "logits differ from torch by at most",
        "extreme ones among them",
        "UAR",
        "differs by at most",
    ):
        assert part in said
    assert main(["verify", str(exported)]) == 0
    assert "NOT judged against fp32: name the run with --run" in capsys.readouterr().out


def test_verify_judges_a_bundle_without_fp32(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "small.emo"
    assert main([str(run), "--out", str(out), "--quantize", "dynamic", "--formats", "tflite"]) == 0
    capsys.readouterr()
    assert main(["verify", str(out), "--run", str(run)]) == 0
    said = capsys.readouterr().out
    assert "judged against the run's own" in said and "first answer as fp32's in" in said


def test_half_precision_in_both_formats(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.emo"
    assert main([str(run), "--out", str(out), "--quantize", "float16"]) == 0
    assert {(n.engine, n.precision) for n in read_bundle(out).networks} == {
        ("onnx", "fp16"),
        ("litert", "fp16"),
    }


def test_the_quickest_of_an_engine_comes_first(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "small.emo"
    for seconds, first in (([3.0, 2.0, 1.0], -1), ([1.0, 2.0, 3.0], 0)):
        monkeypatch.setattr(network_files, "_seconds", lambda engines, _, s=seconds: s[: len(engines)])
        assert (
            main([str(run), "--out", str(out), "--formats", "tflite", "--quantize", "none,dynamic,float16"])
            == 0
        )
        expected = ["fp32", "int8-dynamic", "fp16"][first]
        assert read_bundle(out).networks[0].precision == expected
    assert "edges are live" in capsys.readouterr().out
    monkeypatch.setattr(network_files, "_seconds", lambda engines, _: [1.0, 2.0, 0.5][: len(engines)])
    assert (
        main([str(run), "--out", str(out), "--formats", "tflite"]) == 0
    )  # nothing asked for: no slower ones
    assert "litert int8-dynamic network is slower than fp32" in capsys.readouterr().out
    assert [network.precision for network in read_bundle(out).networks][-1] == "fp32"


def test_the_results_hold_every_format_and_precision(run: Path, tmp_path: Path) -> None:
    assert main(["results", str(run), "--out", str(tmp_path / "none")]) == 2
    assert main(["results", str(run), "--out", str(tmp_path)]) == 0
    table = json.loads((tmp_path / "export.json").read_text())
    made = {(row["engine"], row["precision"]) for row in table["rows"]}
    assert len(made) == 8 and all(row["time_ratio"] > 0 and row["bytes"] > 0 for row in table["rows"])
    fp32 = [row for row in table["rows"] if row["precision"] == "fp32"]
    assert all(row["passes"] and 0 < row["difference"] <= 1e-4 for row in fp32)
    text = (tmp_path / "export.md").read_text()
    assert (
        "| tflite | int8 |" in text
        and "plain recipe" in text
        and "ours recipe" in text
        and "arena KB" in text
    )


def test_verify_finds_a_network_that_is_another(
    run: Path, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "other", TIED, seed=5)
    shutil.copy(run / "model" / "calibration.npz", tmp_path / "other" / "model")
    assert main([str(tmp_path / "other"), "--out", str(tmp_path / "other.emo"), "--formats", "tflite"]) == 0
    good, bad = read_bundle(exported), read_bundle(tmp_path / "other.emo")
    files = {n.file: good.network(n.engine, n.precision) for n in good.networks}
    files["small-int8-dynamic.tflite"] = bad.network("litert", "int8-dynamic")
    files["card.md"] = good.card.encode()
    window = {**vars(good.window), "mean": list(good.window.mean), "scale": list(good.window.scale)}
    manifest = {
        "name": "mixed", "modality": good.modality, "labels": list(good.labels), "label_map": dict(good.label_map),
        "window": window, "temperature": good.temperature, "card": {"file": "card.md"}, "about": dict(good.about),
        "networks": [{"file": n.file, "engine": n.engine, "precision": n.precision} for n in good.networks],
    }  # fmt: skip
    write_bundle(tmp_path / "mixed.emo", manifest, files)
    capsys.readouterr()
    assert main(["verify", str(tmp_path / "mixed.emo"), "--run", str(run)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "int8-dynamic answers as fp32 does in" in line
    assert main(["verify", str(exported), "--run", str(tmp_path / "other")]) == 2  # fp32 is not that run's
    assert "differs from the trained model" in capsys.readouterr().err


def test_a_precision_that_was_asked_for_and_fails_writes_nothing(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = network_files.agreement

    def harsh(reference: Array, got: Array, truth: Array, engine: str, precision: str) -> object:
        return replace(judge(reference, got, truth, engine, precision), agreement=0.9)

    monkeypatch.setattr(network_files, "agreement", harsh)
    out = tmp_path / "voice.emo"
    assert main([str(run), "--out", str(out), "--quantize", "none,dynamic", "--formats", "tflite"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert (
        "gate failed, nothing written: the network litert int8-dynamic answers as fp32 does in 90.00 %"
        in line
    )
    assert not list(tmp_path.iterdir())
    assert main([str(run), "--out", str(out), "--formats", "tflite"]) == 0  # not asked for: left out
    assert "left out: the network litert int8-dynamic" in capsys.readouterr().out
    assert [network.precision for network in read_bundle(out).networks] == ["fp32"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"feature_set": "face"},
            "windows of the features 'face' version 1, the model takes 'speech' version 1",
        ),
        (
            {"windows": np.zeros((4, 3, 5), np.float32)},
            "windows of 3 nodes and 5 features, the model takes 12 and 5",
        ),
        ({"truth": np.full(200, 3)}, "expected windows to check, of classes 0 to 2"),
    ],
)
def test_calibration_data_of_something_else_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict, said: str
) -> None:
    replace(data_for(TIED.nodes, TIED.features), **change).write(tmp_path)
    out = tmp_path / "voice.emo"
    assert main([str(run), "--out", str(out), "--calibrate", str(tmp_path / "calibration.npz")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line and not out.exists()


def test_asking_for_int8_without_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "run", TIED)
    out = tmp_path / "voice.emo"
    assert main([str(tmp_path / "run"), "--out", str(out), "--quantize", "static"]) == 2
    assert "no calibration data" in capsys.readouterr().err and not out.exists()
    assert main([str(tmp_path / "run"), "--out", str(out), "--quantize", "int4"]) == 2
    assert (
        "unknown quantisation 'int4', expected of: none, float16, dynamic, static" in capsys.readouterr().err
    )


def test_a_face_brings_an_int8_appearance(tmp_path: Path) -> None:
    write_face_run(tmp_path / "run")
    data_for(GRAPH.nodes, GRAPH.features, "face", crops=200).write(tmp_path / "run" / "model")
    out = tmp_path / "face.emo"
    assert main([str(tmp_path / "run"), "--out", str(out), "--formats", "tflite"]) == 0
    bundle = read_bundle(out)
    assert bundle.appearance is not None and bundle.appearance.networks[0].engine == "litert"
    assert main(["verify", str(out), "--run", str(tmp_path / "run")]) == 0


def test_agreement_worked_by_hand() -> None:
    reference = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    got = np.eye(3, dtype=np.float32)[[0, 1, 2, 1]] * 0.5
    found = agreement(reference, got, np.array([0, 1, 2, 0]), "onnx", "int8")
    assert (found.agreement, found.uar_fp32, found.windows) == (0.75, 1.0, 4)
    assert found.uar == pytest.approx((0.5 + 1 + 1) / 3) and found.difference == 1.0
    with pytest.raises(EdgeEmotionError, match=r"75\.00 % of 4 windows.* loses 16\.67 points"):
        check_agreement(found, "network")
    same = agreement(reference, reference, np.array([0, 1, 2, 0]), "onnx", "int8")
    assert check_agreement(same, "network") is same


def test_a_network_that_gives_no_numbers_is_refused() -> None:
    class Breaking:
        name, version = "onnx", "1"

        def run(self, x: Array) -> Array:
            return np.full((1, 3), np.nan if x.max() > 100 else 0.0, np.float32)

    probes = [("zeros", np.zeros((1, 4, 2), np.float32))]
    assert check_finite(Breaking(), probes, "int8") == 1
    with pytest.raises(EdgeEmotionError, match="int8 network gives values that are not finite on far"):
        check_finite(Breaking(), [*probes, ("far", np.full((1, 4, 2), 1e6, np.float32))], "int8")
