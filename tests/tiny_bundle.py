"""A small bundle for tests of the runtime: real speech features, an untrained linear network in ONNX."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge_emotion.bundle import write_bundle
from edge_emotion.emotions import EMOTIONS
from edge_emotion.features.speech import FEATURE_SETS

NODES, HOP = 120, 16


def write_tiny_bundle(path: Path) -> Path:
    features = FEATURE_SETS[0]
    width = features.features
    files = {"voice.onnx": _network(width), "card.md": b"# Tiny\n\nUntrained, for tests.\n"}
    manifest = {
        "name": "tiny",
        "modality": "voice",
        "labels": list(EMOTIONS),
        "label_map": {emotion: emotion for emotion in EMOTIONS},
        "window": {
            "nodes": NODES, "period": features.period, "hop": HOP, "feature_set": features.name,
            "feature_version": features.version, "features": width,
            "mean": [0.0] * width, "scale": [1.0] * width,
        },
        "temperature": 1.0,
        "networks": [{"file": "voice.onnx", "engine": "onnx", "precision": "fp32"}],
        "card": {"file": "card.md"},
        "about": {"architecture": "mean and one linear layer", "parameters": 7 * width + 7},
    }  # fmt: skip
    write_bundle(path, manifest, files)
    return path


def _network(width: int) -> bytes:
    weights = np.random.default_rng(0).normal(0, 0.003, (width, len(EMOTIONS))).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
            helper.make_node("Gemm", ["mean", "weights", "bias"], ["logits"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, NODES, width])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, len(EMOTIONS)])],
        [
            numpy_helper.from_array(np.array([1], np.int64), "axes"),
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.zeros(len(EMOTIONS), np.float32), "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()
