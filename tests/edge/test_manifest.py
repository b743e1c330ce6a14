"""Every field of a manifest, wrong: one line that names the field."""

from pathlib import Path
from typing import Any

import pytest

from handmade_bundle import good_files, good_manifest, raw_bundle, refusal, signed


def changed(field: str, value: Any) -> dict[str, Any]:
    """A good manifest with one field (dotted path) replaced."""
    manifest = signed(good_manifest(), good_files())
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
    "text",
    [b"", b"{", b"\xff\xfe", b"[" * 200_000, b'{"a": 1, "a": 2}', b"9" * 10_000, b"nul"],
    ids=["empty", "open", "bytes", "deep", "twice", "digits", "word"],
)
def test_a_manifest_that_is_not_json(tmp_path: Path, text: bytes) -> None:
    assert "manifest.json" in refusal(raw_bundle(tmp_path / "wrong.emo", text))
