"""From a training run to a bundle: load, fold, convert, prove parity, write."""

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from torch import nn

from edge_emotion.archive import SUFFIX
from edge_emotion.bundle import Bundle, write_bundle
from edge_emotion.engine import Engine, open_network
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.manifest import FORMAT, check_manifest, version_of
from edge_emotion_export.appearance_parity import AppearanceParity, check_appearance_parity
from edge_emotion_export.card import write_card
from edge_emotion_export.fold import FoldedLGrIN
from edge_emotion_export.fold_appearance import FoldedAppearance
from edge_emotion_export.interface import Interface, crop_interface, window_interface
from edge_emotion_export.onnx_file import onnx_bytes
from edge_emotion_export.parity import Parity, check_parity
from edge_emotion_export.tflite_file import tflite_bytes
from edge_emotion_export.trained_model import TrainedAppearance, TrainedModel, load_trained_model

FORMATS: dict[str, tuple[str, Callable[[nn.Module, Interface], bytes]]] = {
    "tflite": ("litert", tflite_bytes),
    "onnx": ("onnx", onnx_bytes),
}
"""File format -> (engine that runs it, its converter)."""

MODALITIES = {"speech": "voice", "face": "face", "face-landmarks": "face"}
"""Feature set -> what it listens to or looks at."""

Report = Callable[[str], None]


def export_bundle(
    run: str | Path,
    out: str | Path,
    name: str | None = None,
    formats: Sequence[str] = tuple(FORMATS),
    modality: str | None = None,
    results: str | Path | None = None,
    report: Report = lambda line: None,
) -> Bundle:
    """Export a run's final model into a bundle; all of it or nothing.

    run: folder of a training run. out: NAME.emo to write. name: of the bundle, the file's own when None.
    formats: of FORMATS. modality: that of the feature set when None. results: table whose rows the card shows.
    report: is told each step, a line at a time.
    Raises EdgeEmotionError when the run holds no such model, or when a written network, run in its real runtime,
    differs from the trained one by over 1e-4 in a logit or a number of the embedding; then no file is written.
    """
    out = Path(out)
    _check_request(out, formats)
    trained = load_trained_model(run)
    measured = read_results(results) if results else []
    config, parameters = trained.model.config, trained.model.parameter_count()["total"]
    report(f"{run}: L-GrIN of {parameters:,} parameters, {config.nodes} nodes of {config.features} features")
    kinds = tuple(dict.fromkeys(formats))
    manifest = _manifest(trained, name or out.stem, modality or _modality(trained), kinds)
    _check_manifest(manifest, out)
    files: dict[str, bytes] = {}
    proofs = _window_networks(trained, manifest, kinds, files, report)
    crop_proofs = _crop_networks(trained.appearance, manifest, kinds, files, report)
    manifest["about"] = _about(trained, parameters, proofs, crop_proofs, measured)
    files["card.md"] = write_card(manifest).encode()
    bundle = write_bundle(out, manifest, files)
    report(f"wrote {out}: {bundle.size / 1000:.0f} kB")
    return bundle


def _window_networks(
    trained: TrainedModel,
    manifest: Mapping[str, Any],
    kinds: Sequence[str],
    files: dict[str, bytes],
    report: Report,
) -> list[Parity]:
    """Add the L-GrIN's files; give the proof of each."""
    config, interface = trained.model.config, window_interface(trained.model.config)
    folded = FoldedLGrIN(trained.model)
    proofs = []
    for kind, entry in zip(kinds, manifest["networks"], strict=True):
        report(f"converting to {kind} (fp32)")
        content, engine = _converted(folded, interface, kind)
        proof = check_parity(trained.model, engine, config.nodes, config.features, trained.temperature)
        files[entry["file"]] = content
        report(
            f"{entry['file']}: {len(content) / 1000:.0f} kB; in {proof.engine}, logits differ from torch by at most "
            f"{proof.logits:.1e}, probabilities by {proof.probabilities:.1e}, over {proof.windows} windows"
        )
        proofs.append(proof)
    return proofs


def _crop_networks(
    appearance: TrainedAppearance | None,
    manifest: Mapping[str, Any],
    kinds: Sequence[str],
    files: dict[str, bytes],
    report: Report,
) -> list[AppearanceParity]:
    """Add the appearance network's files, where there is one; give the proof of each."""
    if appearance is None:
        return []
    folded, interface = FoldedAppearance(appearance.model), crop_interface(appearance)
    proofs = []
    for kind, entry in zip(kinds, manifest["appearance"]["networks"], strict=True):
        report(f"converting the appearance network to {kind} (fp32)")
        content, engine = _converted(folded, interface, kind)
        proof = check_appearance_parity(appearance.model, engine, appearance.crop)
        files[entry["file"]] = content
        report(
            f"{entry['file']}: {len(content) / 1000:.0f} kB; in {proof.engine}, the embedding differs from torch by at "
            f"most {proof.embedding:.1e}, over {proof.crops} crops"
        )
        proofs.append(proof)
    return proofs


def _converted(folded: nn.Module, interface: Interface, kind: str) -> tuple[bytes, Engine]:
    """A network's file and the same file opened in the engine that runs it."""
    engine, convert = FORMATS[kind]
    content = convert(folded, interface)
    return content, open_network(content, engine, interface.shapes, f"the exported {engine} network")


def _modality(trained: TrainedModel) -> str:
    feature_set = trained.window.get("feature_set")
    if feature_set not in MODALITIES:
        raise EdgeEmotionError(
            f"the feature set {feature_set!r} is of no known modality: say --modality voice or --modality face"
        )
    return MODALITIES[feature_set]


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
    manifest = {
        "name": name,
        "modality": modality,
        "labels": trained.labels,
        "label_map": trained.label_map,
        "window": trained.window,
        "temperature": trained.temperature,
        "networks": _entries(name, kinds),
        "card": {"file": "card.md"},
        "about": trained.about,
    }
    if trained.appearance is not None:
        manifest["appearance"] = {
            "crop": trained.appearance.crop,
            "embedding": trained.appearance.model.config.embedding,
            "period": trained.appearance.period,
            "networks": _entries(f"{name}-appearance", kinds),
        }
    return manifest


def _entries(stem: str, kinds: Sequence[str]) -> list[dict[str, str]]:
    return [
        {"file": f"{stem}-fp32.{kind}", "engine": FORMATS[kind][0], "precision": "fp32"} for kind in kinds
    ]


def _check_manifest(manifest: dict[str, Any], out: Path) -> None:
    """Refuse before the conversion what write_bundle would refuse after it."""

    def unsigned(entry: dict[str, str]) -> dict[str, str]:
        return {**entry, "sha256": "0" * 64}

    draft = {
        "format": FORMAT,
        "version": version_of(manifest),
        **manifest,
        "networks": [unsigned(entry) for entry in manifest["networks"]],
        "card": unsigned(manifest["card"]),
    }
    if "appearance" in manifest:
        appearance = manifest["appearance"]
        draft["appearance"] = {
            **appearance,
            "networks": [unsigned(entry) for entry in appearance["networks"]],
        }
    check_manifest(draft, f"cannot write {out}")


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
    trained: TrainedModel,
    parameters: int,
    proofs: Sequence[Parity],
    crop_proofs: Sequence[AppearanceParity],
    measured: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    config = trained.model.config
    layers = " -> ".join("(" + ", ".join(map(str, etas)) + ")" for etas in config.filters)
    packages = {"onnx": ("onnx",), "litert": ("litert-torch",)}
    used = ["edge-emotion", "torch", *(package for proof in proofs for package in packages[proof.engine])]
    own = trained.about.get("metrics") or []
    rows = [own] if isinstance(own, dict) else list(own)
    about = {
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
    if trained.appearance is not None:
        network = trained.appearance.model
        count = network.parameter_count()
        about["appearance"] = {
            "architecture": f"residual CNN, {'-'.join(map(str, network.config.widths))} channels",
            "parameters": count["total"] - count["head"],
        }
        about["export"]["appearance_parity"] = {
            proof.engine: {"embedding": proof.embedding, "crops": proof.crops} for proof in crop_proofs
        }
    return about
