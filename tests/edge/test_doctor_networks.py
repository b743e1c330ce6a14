import importlib.util
import shutil
from pathlib import Path

import pytest

from edge_emotion.bundle import shipped_bundles
from edge_emotion.doctor_check import FAIL, OK, Finding
from edge_emotion.doctor_networks import AGAIN, FRONT_END, MODELS, bundle, bundles, front_end, speech_detector
from edge_emotion.features import face_detector, face_mesh
from handmade_bundle import onnx_network, raw_bundle, signed
from tiny_synch_bundle import decision_network, tiny_synch_files, tiny_synch_manifest


def test_the_shipped_bundles_are_those_that_a_run_finds() -> None:
    assert [path.stem for path in bundles()] == shipped_bundles()
    assert {face_detector.NETWORK, face_mesh.NETWORK} == set(FRONT_END)


@pytest.mark.parametrize("name", ["body", "face", "voice"])
def test_a_shipped_bundle_is_read_and_run_on_litert(name: str) -> None:
    finding = bundle(MODELS / f"{name}.emo")
    assert finding.state == OK
    assert finding.found.startswith(f"{name}, ")
    assert "hashes right, runs on litert " in finding.found


def test_a_bundle_of_spikes_runs_both_of_its_networks(tiny_synch_bundle: Path) -> None:
    finding = bundle(tiny_synch_bundle)
    assert finding.state == OK
    assert "runs on onnx " in finding.found


def test_a_bundle_that_needs_a_missing_extra_is_read_alone(
    tiny_synch_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    finding = bundle(tiny_synch_bundle)
    assert finding.state == OK
    assert finding.found.endswith("not run: it needs the extra onnx, which is not installed, optional")


def test_quick_reads_and_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    size = (MODELS / "voice.emo").stat().st_size / 1e3
    assert bundle(MODELS / "voice.emo", quick=True) == Finding(OK, f"voice, {size:.0f} kB, hashes right")
    assert front_end(quick=True) == Finding(OK, "2 networks are there")
    assert speech_detector(quick=True) == Finding(OK, "not run")


def test_a_damaged_bundle_fails(tmp_path: Path) -> None:
    damaged = tmp_path / "voice.emo"
    data = bytearray((MODELS / "voice.emo").read_bytes())
    data[len(data) // 2] ^= 0xFF
    damaged.write_bytes(data)
    finding = bundle(damaged, quick=True)
    assert (finding.state, finding.do) == (FAIL, AGAIN)
    assert finding.found.startswith(f"{damaged}: ")


@pytest.mark.parametrize(
    ("file", "said"), [("decision.onnx", "has inputs and outputs"), ("spiking.onnx", "spiking")]
)
def test_a_network_that_is_not_what_its_manifest_says_fails(tmp_path: Path, file: str, said: str) -> None:
    content = {**tiny_synch_files(), file: onnx_network()}
    finding = bundle(raw_bundle(tmp_path / "x.emo", signed(tiny_synch_manifest(), content), content))
    assert (finding.state, finding.do) == (FAIL, AGAIN)
    assert "hashes right, but: " in finding.found
    assert said in finding.found
    assert decision_network() != onnx_network()


def test_the_networks_of_the_face_run_and_a_missing_one_is_named(tmp_path: Path) -> None:
    assert front_end() == Finding(OK, "2 networks run")
    shutil.copy(MODELS / FRONT_END[0], tmp_path)
    assert front_end(models=tmp_path) == Finding(FAIL, f"models/{FRONT_END[1]} is missing", AGAIN)


def test_the_speech_detector_runs() -> None:
    assert speech_detector() == Finding(OK, "runs")
