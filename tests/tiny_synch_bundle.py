"""A small bundle of version 3 for tests of Synch-Graph: real shapes, neurons that count events, a linear decision."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge_emotion.bundle import write_bundle
from edge_emotion.emotions import EMOTIONS
from edge_emotion.features.spikes import CEPSTRA, PERIOD, STEPS

PRESENTATIONS, NEURONS = 6, 16  # two neurons for each of the eight windows
SIDE, ACROSS, COUNT = 40, 2, 4
INPUTS = 2 * SIDE * SIDE  # of a window


def write_tiny_synch_bundle(path: Path) -> Path:
    write_bundle(path, tiny_synch_manifest(), tiny_synch_files())
    return path


def tiny_synch_files() -> dict[str, bytes]:
    return {
        "spiking.onnx": spiking_network(),
        "decision.onnx": decision_network(),
        "card.md": b"# Tiny synch-graph\n\nUntrained, for tests.\n",
    }


def tiny_synch_manifest() -> dict[str, Any]:
    return {
        "name": "tiny-synch",
        "modality": "face-voice",
        "labels": list(EMOTIONS),
        "label_map": {emotion: emotion for emotion in EMOTIONS},
        "window": {
            "nodes": PRESENTATIONS, "period": PERIOD, "hop": 1, "feature_set": "spikes", "feature_version": 1,
            "features": NEURONS, "mean": [0.0] * NEURONS, "scale": [1.0] * NEURONS,
        },
        "temperature": 1.0,
        "networks": [{"file": "decision.onnx", "engine": "onnx", "precision": "fp32"}],
        "spiking": {
            "seed": 7,
            "face": {"side": SIDE, "across": ACROSS},
            "sound": {"side": SIDE, "count": COUNT, "mean": [0.0] * CEPSTRA, "scale": [1.0] * CEPSTRA},
            "networks": [{"file": "spiking.onnx", "engine": "onnx", "precision": "fp32"}],
        },
        "card": {"file": "card.md"},
        "about": {"architecture": "neurons that count, one linear layer", "parameters": 7 * NEURONS},
    }  # fmt: skip


def spiking_network(neurons: int = NEURONS, steps: int = STEPS, most: int = 8 * INPUTS) -> bytes:
    """ONNX: each window's events go to its neurons by turns; a neuron spikes in each step that brings it any.

    most: inputs that it takes.
    """
    windows = 8
    which = np.arange(most) // INPUTS * (neurons // windows) + np.arange(most) % (neurons // windows)
    constants = {
        "which": which.astype(np.int64),
        "neurons": np.array(neurons, np.int64),
        "one": np.array([1], np.int64),
        "shape": np.array([steps, neurons], np.int64),
        "nothing": np.zeros(steps * neurons),
        "threshold": np.array(0.5),
    }
    nodes = [
        helper.make_node("Gather", ["which", "inputs"], ["neuron"]),
        helper.make_node("Mul", ["steps", "neurons"], ["row"]),
        helper.make_node("Add", ["row", "neuron"], ["place"]),
        helper.make_node("Shape", ["steps"], ["events"]),
        helper.make_node("Cast", ["one"], ["weight"], to=TensorProto.DOUBLE),
        helper.make_node("Expand", ["weight", "events"], ["weights"]),
        helper.make_node(
            "ScatterElements", ["nothing", "place", "weights"], ["counts"], axis=0, reduction="add"
        ),
        helper.make_node("Greater", ["counts", "threshold"], ["fired"]),
        helper.make_node("Cast", ["fired"], ["flat"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["flat", "shape"], ["spikes"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny spiking",
        [
            helper.make_tensor_value_info("steps", TensorProto.INT64, ["events"]),
            helper.make_tensor_value_info("inputs", TensorProto.INT64, ["events"]),
        ],
        [helper.make_tensor_value_info("spikes", TensorProto.FLOAT, [steps, neurons])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return _model(graph)


def decision_network(presentations: int = PRESENTATIONS, neurons: int = NEURONS, classes: int = 7) -> bytes:
    """ONNX: the mean over presentations and steps, then one linear layer."""
    weights = np.random.default_rng(0).normal(0, 2, (neurons, classes)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["spikes", "axes"], ["mean"], keepdims=0),
            helper.make_node("Unsqueeze", ["mean", "first"], ["row"]),
            helper.make_node("MatMul", ["row", "weights"], ["logits"]),
        ],
        "tiny decision",
        [helper.make_tensor_value_info("spikes", TensorProto.FLOAT, [presentations, STEPS, neurons])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, classes])],
        [
            numpy_helper.from_array(np.array([0, 1], np.int64), "axes"),
            numpy_helper.from_array(np.array([0], np.int64), "first"),
            numpy_helper.from_array(weights, "weights"),
        ],
    )
    return _model(graph)


def _model(graph: onnx.GraphProto) -> bytes:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
