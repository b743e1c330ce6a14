"""A small bundle for tests of the body's path: real shapes, an untrained linear network in ONNX."""

from pathlib import Path

from edge_emotion.bundle import write_bundle
from edge_emotion.emotions import EMOTIONS
from edge_emotion.features.body import BODY, BodyFeatures, RawBodyFeatures
from tiny_face_bundle import linear

NODES, HOP = 120, 15


def write_tiny_body_bundle(path: Path, features: BodyFeatures | RawBodyFeatures = BODY) -> Path:
    manifest = {
        "name": "tiny-body",
        "modality": "body",
        "labels": list(EMOTIONS),
        "label_map": {emotion: emotion for emotion in EMOTIONS},
        "window": {
            "nodes": NODES, "period": features.period, "hop": HOP, "feature_set": features.name,
            "feature_version": features.version, "features": features.features,
            "mean": [0.0] * features.features, "scale": [1.0] * features.features,
        },
        "temperature": 1.0,
        "networks": [{"file": "graph.onnx", "engine": "onnx", "precision": "fp32"}],
        "card": {"file": "card.md"},
        "about": {"architecture": "means and a linear layer", "parameters": 7 * features.features + 7},
    }  # fmt: skip
    files = {
        "graph.onnx": linear([1, NODES, features.features], [1], len(EMOTIONS)),
        "card.md": b"# Tiny body\n\nUntrained, for tests.\n",
    }
    write_bundle(path, manifest, files)
    return path
