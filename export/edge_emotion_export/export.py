"""From a training run to a bundle: load, fold, convert, prove parity, write."""

import json
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import nn

from edge_emotion.archive import SUFFIX
from edge_emotion.bundle import Bundle, write_bundle
from edge_emotion.engine import open_network
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.manifest import FORMAT, VERSION, check_manifest
from edge_emotion_export.card import write_card
from edge_emotion_export.fold import FoldedLGrIN
from edge_emotion_export.onnx_file import onnx_bytes
from edge_emotion_export.parity import Parity, check_parity
from edge_emotion_export.tflite_file import tflite_bytes
from edge_emotion_export.trained_model import TrainedModel, load_trained_model

FORMATS: dict[str, tuple[str, Callable[[nn.Module, int, int], bytes]]] = {
    "tflite": ("litert", tflite_bytes),
    "onnx": ("onnx", onnx_bytes),
}
"""File format -> (engine that runs it, its converter)."""


def export_bundle(
    run: str | Path,
    out: str | Path,
    name: str | None = None,
    formats: Sequence[str] = tuple(FORMATS),
    modality: str = "voice",
    results: str | Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Bundle:
    """Export a run's final model into a bundle; all of it or nothing.

    run: folder of a training run. out: NAME.emo to write. name: of the bundle, the file's own when None.
    formats: of FORMATS. report: is told each step, a line at a time.
    Raises EdgeEmotionError when the run holds no such model, or when a written network, run in its real runtime,
    differs from the trained one by over 1e-4 in a logit; then no file is written.
    """
    out = Path(out)
    _check_request(out, formats)
    trained = load_trained_model(run)
    measured = read_results(results) if results else []
    nodes, features = trained.model.config.nodes, trained.model.config.features
    parameters = trained.model.parameter_count()["total"]
    report(f"{run}: L-GrIN of {parameters:,} parameters, {nodes} nodes of {features} features")
    kinds = tuple(dict.fromkeys(formats))
    manifest = _manifest(trained, name or out.stem, modality, kinds)
    _check_manifest(manifest, out)
    folded = FoldedLGrIN(trained.model)
    files: dict[str, bytes] = {}
    proofs = []
    for kind, entry in zip(kinds, manifest["networks"], strict=True):
        report(f"converting to {kind} (fp32)")
        file = entry["file"]
        files[file] = FORMATS[kind][1](folded, nodes, features)
        proof = _proof(trained, files[file], entry["engine"])
        report(
            f"{file}: {len(files[file]) / 1000:.0f} kB; in {proof.engine}, logits differ from torch by at most "
            f"{proof.logits:.1e}, probabilities by {proof.probabilities:.1e}, over {proof.windows} windows"
        )
        proofs.append(proof)
    manifest["about"] = _about(trained, parameters, proofs, measured)
    files["card.md"] = write_card(manifest).encode()
    bundle = write_bundle(out, manifest, files)
    report(f"wrote {out}: {bundle.size / 1000:.0f} kB")
    return bundle


def _check_request(out: Path, formats: Sequence[str]) -> None:
    """Refuse what would fail only after minutes of work."""
    if out.suffix != SUFFIX:
        raise EdgeEmotionError(f"cannot write {out}: expected a file name that ends in {SUFFIX}")
    if not out.parent.is_dir():
        raise EdgeEmotionError(f"cannot write {out}: there is no folder {out.parent}")
    if out.is_dir():
        raise EdgeEmotionError(f"cannot write {out}: it is a folder")
    unknown = [kind for kind in formats if kind not in FORMATS]
    if unknown or not formats:
        raise EdgeEmotionError(
            f"unknown format {', '.join(unknown) or '(none)'!r}, expected of: {', '.join(FORMATS)}"
        )


def _manifest(trained: TrainedModel, name: str, modality: str, kinds: Sequence[str]) -> dict[str, Any]:
    """The bundle's manifest, before its networks are there."""
    return {
        "name": name,
        "modality": modality,
        "labels": trained.labels,
        "label_map": trained.label_map,
        "window": trained.window,
        "temperature": trained.temperature,
        "networks": [
            {"file": f"{name}-fp32.{kind}", "engine": FORMATS[kind][0], "precision": "fp32"} for kind in kinds
        ],
        "card": {"file": "card.md"},
        "about": trained.about,
    }


def _check_manifest(manifest: dict[str, Any], out: Path) -> None:
    """Refuse before the conversion what write_bundle would refuse after it."""
    unsigned = {"sha256": "0" * 64}
    draft = {
        "format": FORMAT,
        "version": VERSION,
        **manifest,
        "networks": [{**entry, **unsigned} for entry in manifest["networks"]],
        "card": {**manifest["card"], **unsigned},
    }
    check_manifest(draft, f"cannot write {out}")


def _proof(trained: TrainedModel, network: bytes, engine: str) -> Parity:
    config = trained.model.config
    shapes = (1, config.nodes, config.features), (1, config.classes)
    opened = open_network(network, engine, shapes, f"the exported {engine} network")
    return check_parity(trained.model, opened, config.nodes, config.features, trained.temperature)


def read_results(path: str | Path) -> list[dict[str, Any]]:
    """Rows of a result table as edge-emotion-train writes it; EdgeEmotionError on any other file."""
    try:
        table = json.loads(Path(path).read_text())
        rows, made = table["rows"], table["stamp"]
        return [{**row, "commit": made["commit"], "date": made["date"]} for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EdgeEmotionError(
            f"cannot read {path} as a result table ({type(error).__name__}); expected docs/results/NAME.json"
        ) from error


def _about(
    trained: TrainedModel, parameters: int, proofs: Sequence[Parity], measured: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    config = trained.model.config
    layers = " -> ".join("(" + ", ".join(map(str, etas)) + ")" for etas in config.filters)
    packages = {"onnx": ("onnx",), "litert": ("litert-torch",)}
    used = ["edge-emotion", "torch", *(package for proof in proofs for package in packages[proof.engine])]
    own = trained.about.get("metrics") or []
    rows = [own] if isinstance(own, dict) else list(own)
    return {
        **trained.about,
        "metrics": [*rows, *measured],
        "architecture": f"L-GrIN, {config.adjacency} adjacency, filters {layers}",
        "parameters": parameters,
        "export": {
            "versions": {package: version(package) for package in used},
            "parity": {
                proof.engine: {
                    "logits": proof.logits, "probabilities": proof.probabilities, "windows": proof.windows,
                }
                for proof in proofs
            },
        },
    }  # fmt: skip
