"""Every field of a manifest, wrong: one line that names the field."""

from pathlib import Path
from typing import Any

import pytest

from edge_emotion.bundle import read_bundle
from handmade_bundle import (
    face_files,
    face_manifest,
    good_files,
    good_manifest,
    raw_bundle,
    refusal,
    signed,
)


def changed(field: str, value: Any, face: bool = False) -> dict[str, Any]:
    """A good manifest of version 1, or of 2 for a face, with one field (dotted path) replaced."""
    manifest = signed(face_manifest(), face_files()) if face else signed(good_manifest(), good_files())
    *parents, last = field.split(".")
    place: Any = manifest
    for parent in parents:
        place = place[int(parent)] if parent.isdigit() else place[parent]
    place[last] = value
    return manifest


NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("version", 0, "version: expected a whole number"),
        ("version", "1", "version: expected a whole number"),
        ("version", True, "version: expected a whole number"),
        ("surprise", 1, "unknown key 'surprise'"),
        ("name", "../x", "name: expected a plain name"),
        ("name", "x\x1b[2J", "name: expected a plain name"),
        ("modality", "", "modality: expected a plain name"),
        ("labels", [], "labels: expected a list"),
        ("labels", "abc", "labels: expected a list"),
        ("labels", ["calm", "calm", "happy"], "every label once"),
        ("labels", ["calm", "angry"], "label_map: expected the 2 labels"),
        ("labels", ["calm", "angry", "ha\x1bppy"], "labels: expected a line"),
        ("label_map", {"calm": "neutral"}, "label_map: expected the 3 labels"),
        ("label_map.calm", "serenity", "'calm' is mapped to 'serenity', expected one of: neutral"),
        ("label_map.calm", ["neutral"], "'calm' is mapped to"),
        ("window", None, "window: expected an object"),
        ("window.colour", "blue", "window: unknown key 'colour'"),
        ("window.nodes", 0, "window.nodes: expected a whole number"),
        ("window.nodes", 10**9, "window.nodes: expected a whole number"),
        ("window.nodes", 4.0, "window.nodes: expected a whole number"),
        ("window.period", 0, "window.period: expected a finite number above zero"),
        ("window.period", "fast", "window.period: expected a finite number"),
        ("window.hop", -1, "window.hop: expected a whole number"),
        ("window.feature_set", 3, "window.feature_set: expected a plain name"),
        ("window.feature_version", 0, "window.feature_version: expected a whole number"),
        ("window.features", 3, "window.mean: expected 3 numbers"),
        ("window.mean", [0.0], "window.mean: expected 2 numbers, one a feature, got 1"),
        ("window.mean", [0.0, 0.0, 0.0], "window.mean: expected 2 numbers, one a feature, got 3"),
        ("window.mean", [0.0, NAN], "NaN"),
        ("window.mean", [0.0, INFINITY], "Infinity"),
        ("window.mean", [0.0, 1e300], "window.mean[1]: expected a finite number"),
        ("window.mean", [0.0, None], "window.mean[1]: expected a finite number"),
        ("window.mean", [True, 0.0], "window.mean[0]: expected a finite number"),
        ("window.scale", [1.0, 0.0], "window.scale[1]: expected a finite number above zero"),
        ("window.scale", [-1.0, 1.0], "window.scale[0]: expected a finite number above zero"),
        ("window.scale", [1.0, 1e-60], "window.scale[1]: expected a finite number above zero"),
        ("window.scale", [NAN, 1.0], "NaN"),
        ("window.scale", [], "window.scale: expected 2 numbers"),
        ("temperature", 0.0, "temperature: expected a finite number above zero"),
        ("temperature", 10**400, "temperature: expected a finite number above zero"),
        ("temperature", 0.049, "temperature: expected 0.05 to 20, got 0.049"),
        ("temperature", 20.1, "temperature: expected 0.05 to 20, got 20.1"),
        ("networks", [], "networks: expected a list of 1 to 16"),
        ("networks", ["net.onnx"], "networks[0]: expected an object"),
        ("networks.0.engine", "pickle", "networks[0].engine: expected one of litert, onnx"),
        ("networks.0.precision", "int3", "networks[0].precision: expected one of"),
        ("networks.0.sha256", "0" * 63, "networks[0].sha256: expected 64"),
        ("networks.1.file", "net.onnx", "net.onnx is named twice"),
        ("networks.1.engine", "onnx", "a second fp32 network for onnx"),
        ("card", "card.md", "card: expected an object"),
        ("card.file", "net.onnx", "net.onnx is named twice"),
        ("card.file", "manifest.json", "manifest.json is named twice"),
        ("about", [], "about: expected an object"),
        ("about.date", "\x1b[2J", "about.date: expected at most 10000 printable characters"),
        ("about.date", "\ud800", "about.date: expected at most 10000 printable characters"),
        ("about.date", "x" * 10_001, "about.date: expected at most 10000 printable characters"),
        ("about.anything", ["fine", {"deep": ["\x9b31m"]}], "about.anything.deep: expected at most 10000"),
        ("about.anything", {"\x1b[2J": 1}, "about.anything, its keys: expected a line"),
        ("about.anything", {"\udcff": 1}, "about.anything, its keys: expected a line"),
        ("about.anything", [0] * 4097, "about.anything: expected at most 4096 entries"),
        ("about.anything", [[[[[[[[0]]]]]]]], "about.anything: expected at most 8 objects and lists"),
        ("about.parameters", 10**400, "about.parameters: expected a finite number"),
    ],
)
def test_wrong_manifest_fields(tmp_path: Path, field: str, value: Any, expected: str) -> None:
    assert expected in refusal(raw_bundle(tmp_path / "wrong.emo", changed(field, value)))


@pytest.mark.parametrize("key", sorted(good_manifest()))
def test_missing_manifest_keys(tmp_path: Path, key: str) -> None:
    manifest = signed(good_manifest(), good_files())
    del manifest[key]
    assert f"{key!r} is missing" in refusal(raw_bundle(tmp_path / "short.emo", manifest))


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("version", 1, "unknown key 'appearance'"),
        ("version", 4, "made by a newer edge-emotion (bundle version 4, this one reads up to 3)"),
        ("version", 3, "a manifest of version 3: 'spiking' is missing"),
        ("surprise", 1, "unknown key 'surprise'"),
        ("window.feature_set", "face-landmarks", "version: the feature set face-landmarks needs version 1"),
        ("appearance", None, "appearance: expected an object"),
        ("appearance", [], "appearance: expected an object"),
        ("appearance", {}, "appearance: 'crop' is missing"),
        ("appearance.colour", "grey", "appearance: unknown key 'colour'"),
        ("appearance.crop", 7, "appearance.crop: expected a whole number from 8 to 512"),
        ("appearance.crop", 513, "appearance.crop: expected a whole number from 8 to 512"),
        ("appearance.crop", 48.0, "appearance.crop: expected a whole number"),
        ("appearance.crop", True, "appearance.crop: expected a whole number"),
        ("appearance.crop", [48, 48], "appearance.crop: expected a whole number"),
        ("appearance.embedding", 0, "appearance.embedding: expected a whole number from 1 to 2"),
        ("appearance.embedding", 3, "appearance.embedding: expected a whole number from 1 to 2"),
        ("appearance.embedding", "2", "appearance.embedding: expected a whole number"),
        ("appearance.period", 0, "appearance.period: expected a finite number above zero"),
        ("appearance.period", -0.2, "appearance.period: expected a finite number above zero"),
        ("appearance.period", 1e-60, "appearance.period: expected a finite number above zero"),
        ("appearance.period", 0.01, "appearance.period: expected at least a node's 0.03 s, got 0.01"),
        ("appearance.period", NAN, "NaN"),
        ("appearance.period", INFINITY, "Infinity"),
        ("appearance.period", None, "appearance.period: expected a finite number above zero"),
        ("appearance.period", 0.13, "appearance.period: expected at most the window's 0.12 s, got 0.13"),
        ("appearance.networks", [], "appearance.networks: expected a list of 1 to 16"),
        ("appearance.networks", "crop.onnx", "appearance.networks: expected a list"),
        ("appearance.networks", ["crop.onnx"], "appearance.networks[0]: expected an object"),
        ("appearance.networks.0.size", 1, "appearance.networks[0]: unknown key 'size'"),
        ("appearance.networks.0.file", "../crop", "appearance.networks[0].file: expected a plain name"),
        ("appearance.networks.0.file", "x\x1b[2J", "appearance.networks[0].file: expected a plain name"),
        ("appearance.networks.0.engine", "pickle", "appearance.networks[0].engine: expected one of"),
        ("appearance.networks.0.precision", "int3", "appearance.networks[0].precision: expected one of"),
        ("appearance.networks.1.sha256", "0" * 63, "appearance.networks[1].sha256: expected 64"),
        ("appearance.networks.1.engine", "onnx", "appearance.networks[1]: a second fp32 network for onnx"),
        ("appearance.networks.1.file", "crop.onnx", "crop.onnx is named twice"),
        ("appearance.networks.1.file", "net.onnx", "net.onnx is named twice"),
        ("appearance.networks.1.file", "manifest.json", "manifest.json is named twice"),
        ("card.file", "crop.tflite", "card: the file crop.tflite is named twice"),
    ],
)
def test_wrong_fields_of_version_2(tmp_path: Path, field: str, value: Any, expected: str) -> None:
    path = raw_bundle(tmp_path / "wrong.emo", changed(field, value, face=True), face_files())
    assert expected in refusal(path)


@pytest.mark.parametrize("key", ["appearance", "window", "about"])
def test_missing_keys_of_version_2(tmp_path: Path, key: str) -> None:
    manifest = signed(face_manifest(), face_files())
    del manifest[key]
    path = raw_bundle(tmp_path / "short.emo", manifest, face_files())
    assert f"a manifest of version 2: {key!r} is missing" in refusal(path)


@pytest.mark.parametrize("key", ["crop", "embedding", "period", "networks"])
def test_missing_keys_of_the_appearance(tmp_path: Path, key: str) -> None:
    manifest = signed(face_manifest(), face_files())
    del manifest["appearance"][key]
    path = raw_bundle(tmp_path / "short.emo", manifest, face_files())
    assert f"appearance: {key!r} is missing" in refusal(path)


def test_a_face_without_its_appearance(tmp_path: Path) -> None:
    path = raw_bundle(tmp_path / "blind.emo", changed("window.feature_set", "face"))
    assert "version: the feature set face needs version 2, with appearance networks, got 1" in refusal(path)


def test_version_1_knows_no_appearance(tmp_path: Path) -> None:
    manifest = changed("appearance", signed(face_manifest(), face_files())["appearance"])
    assert "unknown key 'appearance'" in refusal(raw_bundle(tmp_path / "early.emo", manifest, face_files()))


def test_landmarks_alone_are_version_1(tmp_path: Path) -> None:
    path = raw_bundle(tmp_path / "points.emo", changed("window.feature_set", "face-landmarks"))
    assert read_bundle(path).appearance is None


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff\xfe", b"[" * 200_000, b'{"a": 1, "a": 2}', b"9" * 10_000, b"nul"],
    ids=["empty", "open", "bytes", "deep", "twice", "digits", "word"],
)
def test_a_manifest_that_is_not_json(tmp_path: Path, text: bytes) -> None:
    assert "manifest.json" in refusal(raw_bundle(tmp_path / "wrong.emo", text))
