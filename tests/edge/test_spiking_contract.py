"""Every field of a version 3 manifest, wrong: one line that names the field."""

from pathlib import Path
from typing import Any

import pytest

from edge_emotion.bundle import modality_of, read_bundle, write_bundle
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.spikes import CEPSTRA, STEPS
from edge_emotion.spiking_contract import SpikingContract
from handmade_bundle import face_files, face_manifest, good_files, good_manifest, raw_bundle, refusal, signed
from tiny_synch_bundle import NEURONS, tiny_synch_files, tiny_synch_manifest

NAN, INFINITY = float("nan"), float("inf")


def changed(**fields: Any) -> dict[str, Any]:
    """A good manifest of version 3 with some fields (dotted paths, "__" for ".") replaced."""
    manifest = signed(tiny_synch_manifest(), tiny_synch_files())
    for field, value in fields.items():
        *parents, last = field.split("__")
        place: Any = manifest
        for parent in parents:
            place = place[int(parent)] if parent.isdigit() else place[parent]
        place[last] = value
    return manifest


def refused(path: Path, **fields: Any) -> str:
    return refusal(raw_bundle(path / "wrong.emo", changed(**fields), tiny_synch_files()))


def test_a_bundle_comes_back_as_written(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "synch.emo", tiny_synch_manifest(), tiny_synch_files())
    assert bundle == read_bundle(tmp_path / "synch.emo")
    contract = bundle.spiking
    assert contract is not None
    assert (contract.seed, contract.face_side, contract.face_across) == (7, 40, 2)
    assert (contract.sound_side, contract.sound_count, len(contract.mean)) == (40, 4, CEPSTRA)
    assert bundle.spiking_network() == tiny_synch_files()["spiking.onnx"]
    assert bundle.network("onnx") == tiny_synch_files()["decision.onnx"]
    assert (bundle.engine_taken(), bundle.modality, modality_of(bundle.path)) == (
        "onnx",
        "face-voice",
        "face-voice",
    )
    assert (tmp_path / "synch.emo").read_bytes() == write_bundle(
        tmp_path / "again.emo", tiny_synch_manifest(), tiny_synch_files()
    ).path.read_bytes()


def test_the_neurons_of_the_face_come_first() -> None:
    contract = SpikingContract(0, 40, 2, 40, 4, (), (), ())
    assert (contract.face_neurons(16), contract.face_neurons(160)) == (8, 80)
    assert SpikingContract(0, 20, 3, 40, 1, (), (), ()).face_neurons(100) == 90


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("version", 1, "unknown key 'spiking'"),
        ("version", 2, "a manifest of version 2: 'appearance' is missing"),
        ("version", 4, "made by a newer edge-emotion (bundle version 4, this one reads up to 3)"),
        ("appearance", {}, "unknown key 'appearance'"),
        ("modality", "voice", "modality: expected face-voice, which spikes are of, got 'voice'"),
        ("window__feature_set", "speech", "version: the feature set speech needs version 1, without"),
        ("window__feature_set", "face", "version: the feature set face needs version 2, with appearance"),
        ("window__nodes", 65, "window.nodes: expected at most 64 presentations, got 65"),
        ("window__hop", 2, "window.hop: expected 1, a decision at each presentation, got 2"),
        ("window__mean", [0.0] * (NEURONS - 1) + [1e-9], "window.mean: expected 0 for every neuron"),
        ("window__scale", [2.0] * NEURONS, "window.scale: expected 1 for every neuron, spikes are not standardised"),
        ("spiking", None, "spiking: expected an object"),
        ("spiking", [], "spiking: expected an object"),
        ("spiking", {}, "spiking: 'seed' is missing"),
        ("spiking__colour", 1, "spiking: unknown key 'colour'"),
        ("spiking__seed", -1, "spiking.seed: expected a whole number from 0 to 4294967295"),
        ("spiking__seed", 1 << 32, "spiking.seed: expected a whole number from 0 to 4294967295"),
        ("spiking__seed", 1.0, "spiking.seed: expected a whole number"),
        ("spiking__seed", True, "spiking.seed: expected a whole number"),
        ("spiking__face", 40, "spiking.face: expected an object"),
        ("spiking__face", {"side": 40}, "spiking.face: 'across' is missing"),
        ("spiking__face__side", 0, "spiking.face.side: expected a whole number from 1 to 100"),
        ("spiking__face__side", 101, "spiking.face.side: expected a whole number from 1 to 100"),
        ("spiking__face__side", "40", "spiking.face.side: expected a whole number"),
        ("spiking__face__across", 0, "spiking.face.across: expected a whole number from 1 to 2"),
        ("spiking__face__across", 3, "spiking.face.across: expected a whole number from 1 to 2"),
        ("spiking__sound", [], "spiking.sound: expected an object"),
        ("spiking__sound__rate", 1, "spiking.sound: unknown key 'rate'"),
        ("spiking__sound__side", 41, "spiking.sound.side: expected a whole number from 1 to 40"),
        ("spiking__sound__count", 0, "spiking.sound.count: expected a whole number from 1 to 9"),
        ("spiking__sound__count", 10, "spiking.sound.count: expected a whole number from 1 to 9"),
        ("spiking__sound__count", 10**9, "spiking.sound.count: expected a whole number from 1 to 9"),
        ("spiking__sound__count", 5, "window.features: expected equally many neurons for each of 9 windows, got 16"),
        ("spiking__sound__mean", [0.0] * 39, "spiking.sound.mean: expected a list of 40 to 40 entries"),
        ("spiking__sound__mean", [0.0] * 39 + [NAN], "NaN"),
        ("spiking__sound__mean", [0.0] * 39 + ["0"], "spiking.sound.mean[39]: expected a finite number"),
        ("spiking__sound__scale", [1.0] * 41, "spiking.sound.scale: expected a list of 40 to 40 entries"),
        ("spiking__sound__scale", [1.0] * 39 + [0.0], "spiking.sound.scale[39]: expected a finite number above zero"),
        ("spiking__sound__scale", [1.0] * 39 + [-1.0], "spiking.sound.scale[39]: expected a finite number above zero"),
        ("spiking__sound__scale", [1.0] * 39 + [INFINITY], "Infinity"),
        ("spiking__networks", [], "spiking.networks: expected a list of 1 to 16"),
        ("spiking__networks__0__engine", "litert", "spiking.networks[0]: expected onnx fp32"),
        ("spiking__networks__0__precision", "int8", "spiking.networks[0]: expected onnx fp32"),
        ("spiking__networks__0__file", "../spiking", "spiking.networks[0].file: expected a plain name"),
        ("spiking__networks__0__file", "decision.onnx", "decision.onnx is named twice"),
        ("spiking__networks__0__sha256", "0" * 63, "spiking.networks[0].sha256: expected 64"),
        ("networks__0__engine", "litert", "networks[0].engine: expected onnx beside a spiking network, got litert"),
        ("card__file", "spiking.onnx", "card: the file spiking.onnx is named twice"),
    ],
)  # fmt: skip
def test_wrong_fields_of_version_3(tmp_path: Path, field: str, value: Any, expected: str) -> None:
    assert expected in refused(tmp_path, **{field: value})


def test_a_decision_over_too_much_is_refused(tmp_path: Path) -> None:
    for nodes, neurons, expected in (
        (6, 1032, "window.features: expected at most 1024 neurons, got 1032"),
        (64, 512, "window: expected at most 16384 presentations times neurons, got 64 x 512"),
    ):
        size = {"mean": [0.0] * neurons, "scale": [1.0] * neurons}
        window = {**tiny_synch_manifest()["window"], "nodes": nodes, "features": neurons, **size}
        assert expected in refused(tmp_path, window=window)


@pytest.mark.parametrize("key", ["seed", "face", "sound", "networks"])
def test_missing_keys_of_spiking(tmp_path: Path, key: str) -> None:
    manifest = changed()
    del manifest["spiking"][key]
    path = raw_bundle(tmp_path / "short.emo", manifest, tiny_synch_files())
    assert f"spiking: {key!r} is missing" in refusal(path)


def test_spikes_need_version_3(tmp_path: Path) -> None:
    manifest = signed(good_manifest(), good_files())
    manifest["window"]["feature_set"] = "spikes"
    expected = "version: the feature set spikes needs version 3, with spiking networks, got 1"
    assert expected in refusal(raw_bundle(tmp_path / "early.emo", manifest))
    manifest = signed(face_manifest(), face_files())
    manifest["spiking"] = changed()["spiking"]
    assert "unknown key 'spiking'" in refusal(raw_bundle(tmp_path / "face.emo", manifest, face_files()))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"spiking.onnx": b"another"}, "spiking.onnx is not the file its manifest names (wrong sha256)"),
        ({"spiking.onnx": None}, "spiking.onnx is missing"),
        ({"more.onnx": b"x"}, "more.onnx, which its manifest does not name"),
    ],
)
def test_spiking_files_that_are_not_the_manifests(
    tmp_path: Path, files: dict[str, bytes | None], expected: str
) -> None:
    held = {name: data for name, data in {**tiny_synch_files(), **files}.items() if data is not None}
    assert expected in refusal(raw_bundle(tmp_path / "wrong.emo", changed(), held))


def test_a_spiking_network_that_is_no_onnx(tmp_path: Path) -> None:
    files = {**tiny_synch_files(), "spiking.onnx": b"\xff\xff"}
    with pytest.raises(EdgeEmotionError, match=r"spiking\.onnx is not an ONNX network"):
        write_bundle(tmp_path / "synch.emo", tiny_synch_manifest(), files)
    assert not list(tmp_path.iterdir())


def test_no_spiking_network_to_read(tmp_path: Path) -> None:
    voice = write_bundle(tmp_path / "small.emo", good_manifest(), good_files())
    with pytest.raises(EdgeEmotionError, match=r"has no spiking network, its nodes \(speech\) need none"):
        voice.spiking_network()


def test_what_cannot_be_read_has_no_modality(tmp_path: Path) -> None:
    assert modality_of(tmp_path / "nowhere.emo") is None
    assert modality_of("nowhere") is None
    assert modality_of("voice") == "voice"


def test_a_presentation_has_1000_steps() -> None:
    assert STEPS == 1000  # what a bundle's networks were exported for
