"""Small bundles made by hand, right and wrong, for the tests of the bundle reader."""

import copy
import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_emotion.bundle import read_bundle
from edge_emotion.errors import EdgeEmotionError

NODES, FEATURES = 4, 2
LABELS = ["calm", "angry", "happy"]
CROP, EMBEDDING = 8, 2


def onnx_network(nodes: int = NODES, features: int = FEATURES, classes: int = len(LABELS)) -> bytes:
    """ONNX: the mean over the nodes, then one linear layer of ones."""
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
            helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
        ],
        "mean",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, nodes, features])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, classes])],
        [
            numpy_helper.from_array(np.array([1], np.int64), "axes"),
            numpy_helper.from_array(np.ones((features, classes), np.float32), "weights"),
        ],
    )
    return bytes(
        helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9
        ).SerializeToString()
    )


def onnx_crop_network(crop: int = CROP, embedding: int = EMBEDDING) -> bytes:
    """ONNX: the mean over the pixels, times 1, 2 ... for the numbers of the embedding."""
    weights = np.arange(1, embedding + 1, dtype=np.float32)[None]
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["crop", "axes"], ["mean"], keepdims=0),
            helper.make_node("MatMul", ["mean", "weights"], ["embedding"]),
        ],
        "mean of pixels",
        [helper.make_tensor_value_info("crop", TensorProto.FLOAT, [1, crop, crop, 1])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, embedding])],
        [
            numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
            numpy_helper.from_array(weights, "weights"),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(made.SerializeToString())


def good_files() -> dict[str, bytes]:
    return {
        "net.onnx": onnx_network(),
        "net.tflite": b"\x1c\0\0\0TFL3 not a real one",
        "card.md": b"# Small\n",
    }


def good_manifest() -> dict[str, Any]:
    return {
        "name": "small",
        "modality": "voice",
        "labels": list(LABELS),
        "label_map": {"calm": "neutral", "angry": "anger", "happy": "happiness"},
        "window": {
            "nodes": NODES, "period": 0.03, "hop": 2, "feature_set": "speech", "feature_version": 1,
            "features": FEATURES, "mean": [0.5, -1.0], "scale": [1.0, 2.0],
        },
        "temperature": 1.5,
        "networks": [
            {"file": "net.onnx", "engine": "onnx", "precision": "fp32"},
            {"file": "net.tflite", "engine": "litert", "precision": "fp32"},
        ],
        "card": {"file": "card.md"},
        "about": {"anything": ["goes", {"here": 1}]},
    }  # fmt: skip


def face_files() -> dict[str, bytes]:
    return {
        **good_files(),
        "crop.onnx": onnx_crop_network(),
        "crop.tflite": b"\x1c\0\0\0TFL3 nor is this one",
    }


def face_manifest() -> dict[str, Any]:
    """A good manifest of version 2: nodes with an embedding of the face's picture."""
    manifest = good_manifest()
    manifest["window"]["feature_set"] = "face"
    return {
        **manifest,
        "name": "small-face",
        "modality": "face",
        "appearance": {
            "crop": CROP, "embedding": EMBEDDING, "period": 0.1,
            "networks": [
                {"file": "crop.onnx", "engine": "onnx", "precision": "fp32"},
                {"file": "crop.tflite", "engine": "litert", "precision": "fp32"},
            ],
        },
    }  # fmt: skip


def signed(manifest: dict[str, Any], files: dict[str, bytes]) -> dict[str, Any]:
    """The manifest with format, version and the sha256 of each file that is there."""
    version = 3 if "spiking" in manifest else 2 if "appearance" in manifest else 1
    manifest = {"format": "edge-emotion bundle", "version": version, **copy.deepcopy(manifest)}
    more = [entry for key in ("appearance", "spiking") for entry in manifest.get(key, {}).get("networks", [])]
    for entry in (*manifest["networks"], *more, manifest["card"]):
        entry.setdefault("sha256", hashlib.sha256(files.get(entry["file"], b"")).hexdigest())
    return manifest


def zip_of(
    path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]], kind: int = zipfile.ZIP_DEFLATED
) -> Path:
    """A zip of exactly these members, checked by nobody."""
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members:
            archive.writestr(name, content, kind)
    return path


def raw_bundle(path: Path, manifest: Any = None, files: dict[str, bytes] | None = None) -> Path:
    """A bundle that write_bundle would refuse: any manifest (object or bytes), any files."""
    files = good_files() if files is None else files
    manifest = signed(good_manifest(), files) if manifest is None else manifest
    text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    return zip_of(path, [("manifest.json", text), *files.items()])


def refusal(path: Path) -> str:
    """The one line with which a bundle is refused; it names the file."""
    with pytest.raises(EdgeEmotionError) as caught:
        read_bundle(path)
    line = str(caught.value)
    assert str(path) in line and "\n" not in line and line.isprintable()
    return line
