"""A small bundle of version 2 for tests of the face path: real shapes, untrained linear networks in ONNX."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge_emotion.bundle import write_bundle
from edge_emotion.emotions import EMOTIONS
from edge_emotion.features.face import EMBEDDING, EMBEDDING_PERIOD, FACE
from edge_emotion.features.face_alignment import CROP

NODES, HOP = 90, 6


def write_tiny_face_bundle(path: Path) -> Path:
    width = FACE.width
    manifest = {
        "name": "tiny-face",
        "modality": "face",
        "labels": list(EMOTIONS),
        "label_map": {emotion: emotion for emotion in EMOTIONS},
        "window": {
            "nodes": NODES, "period": FACE.period, "hop": HOP, "feature_set": FACE.name,
            "feature_version": FACE.version, "features": width,
            "mean": [0.0] * width, "scale": [1.0] * width,
        },
        "temperature": 1.0,
        "networks": [{"file": "graph.onnx", "engine": "onnx", "precision": "fp32"}],
        "appearance": {
            "crop": CROP, "embedding": EMBEDDING, "period": EMBEDDING_PERIOD,
            "networks": [{"file": "appearance.onnx", "engine": "onnx", "precision": "fp32"}],
        },
        "card": {"file": "card.md"},
        "about": {"architecture": "means and linear layers", "parameters": 7 * width + 7},
    }  # fmt: skip
    files = {
        "graph.onnx": linear([1, NODES, width], [1], len(EMOTIONS)),
        "appearance.onnx": linear([1, CROP, CROP, 1], [1], EMBEDDING),
        "card.md": b"# Tiny face\n\nUntrained, for tests.\n",
    }
    write_bundle(path, manifest, files)
    return path


def linear(shape: list[int], averaged: list[int], outputs: int) -> bytes:
    """Average over some axes, flatten, one linear layer."""
    inputs = int(np.prod([size for axis, size in enumerate(shape) if axis not in averaged]))
    weights = np.random.default_rng(0).normal(0, 0.1, (inputs, outputs)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weights"], ["y"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, outputs])],
        [
            numpy_helper.from_array(np.array(averaged, np.int64), "axes"),
            numpy_helper.from_array(weights, "weights"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()
