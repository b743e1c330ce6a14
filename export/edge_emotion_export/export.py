"""From a training run to a bundle: load, fold, convert, prove parity, write."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edge_emotion.archive import SUFFIX
from edge_emotion.bundle import Bundle, write_bundle
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.manifest import FORMAT, check_manifest, version_of
from edge_emotion_export.calibration import calibration_file, load_calibration
from edge_emotion_export.card import write_card
from edge_emotion_export.neighbour_maximum import BandMaximum, neighbour_maximum
from edge_emotion_export.network_files import (
    FORMATS,
    FP32,
    Judged,
    Report,
    WrittenNetwork,
    about_networks,
    write_networks,
)
from edge_emotion_export.subjects import crop_subject, window_subject
from edge_emotion_export.trained_model import TrainedModel, load_trained_model

QUANTIZE = {"none": "fp32", "float16": "fp16", "dynamic": "int8-dynamic", "static": "int8"}
"""What --quantize says -> precision of a network."""

MODALITIES = {"speech": "voice", "face": "face", "face-landmarks": "face", "body": "body", "body-raw": "body"}
"""Feature set -> what it listens to or looks at."""


def export_bundle(
    run: str | Path,
    out: str | Path,
    name: str | None = None,
    formats: Sequence[str] = tuple(FORMATS),
    modality: str | None = None,
    results: str | Path | None = None,
    quantize: Sequence[str] | None = None,
    calibrate: str | Path | None = None,
    report: Report = lambda line: None,
) -> Bundle:
    """Export a run's final model into a bundle; all of it or nothing.

    run: folder of a training run. out: NAME.emo to write. name: of the bundle, the file's own when None.
    formats: of FORMATS. modality: that of the feature set when None. results: table whose rows the card shows.
    quantize: of QUANTIZE; None for fp32 and, where the run holds calibration data, every int8 that passes its gate.
    calibrate: calibration data, or the run that holds it, other than the run's own.
    report: is told each step, a line at a time.
    Raises EdgeEmotionError when the run holds no such model, when a written fp32 network, run in its real runtime,
    differs from the trained one by over 1e-4 in a logit or a number of the embedding, or when a quantised one that was
    asked for fails a gate (gates.py); then no file is written.
    """
    out = Path(out)
    _check_request(out, formats, quantize)
    trained = load_trained_model(run)
    measured = read_results(results) if results else []
    config, parameters = trained.model.config, trained.model.parameter_count()["total"]
    report(f"{run}: L-GrIN of {parameters:,} parameters, {config.nodes} nodes of {config.features} features")
    kinds = tuple(dict.fromkeys(formats))
    manifest = _manifest(trained, name or out.stem, modality or _modality(trained), kinds)
    _check_manifest(manifest, out)
    place = calibration_file(run, calibrate)
    if quantize is None:
        quantize = ("none", "dynamic", "static") if calibrate is not None or place.is_file() else ("none",)
        strict = False
    else:
        strict = True
    precisions = [QUANTIZE[how] for how in dict.fromkeys(quantize)]
    data = load_calibration(place, trained) if precisions != [FP32] else None
    subject = window_subject(trained, manifest["name"])
    report(dead_edges(trained))
    written = write_networks(
        subject, kinds, precisions,
        None if data is None else Judged(data.windows, data.check, data.truth), strict, report,
    )  # fmt: skip
    crops: list[WrittenNetwork] = []
    manifest["networks"] = [dict(network.entry) for network in written]
    if trained.appearance is not None:
        crops = write_networks(
            crop_subject(trained.appearance, f"{manifest['name']}-appearance"), kinds, precisions,
            None if data is None else Judged(data.crops, data.check_crops, data.truth), strict, report,
        )  # fmt: skip
        manifest["appearance"]["networks"] = [dict(network.entry) for network in crops]
    files = {network.entry["file"]: network.content for network in (*written, *crops)}
    manifest["about"] = _about(trained, parameters, written, crops, measured)
    files["card.md"] = write_card(manifest).encode()
    bundle = write_bundle(out, manifest, files)
    report(f"wrote {out}: {bundle.size / 1000:.0f} kB")
    return bundle


def dead_edges(trained: TrainedModel) -> str:
    """One line on the learned graph: how many of its edges ReLU(A) leaves, and how their maximum is taken."""
    linked = trained.model.adjacency().detach() > 0
    form = neighbour_maximum(linked)
    how = "a band" if isinstance(form, BandMaximum) else "ranges of nodes"
    if isinstance(form, BandMaximum) and form.outer:
        how += f" and {len(form.outer)} offsets beyond it"
    live, every = int(linked.sum()), linked.numel()
    return f"graph: {live:,} of {every:,} edges are live, {every - live:,} pruned; neighbours by {how}"


def _modality(trained: TrainedModel) -> str:
    feature_set = trained.window.get("feature_set")
    if feature_set not in MODALITIES:
        raise EdgeEmotionError(
            f"the feature set {feature_set!r} is of no known modality: say --modality voice or --modality face"
        )
    return MODALITIES[feature_set]


def _check_request(out: Path, formats: Sequence[str], quantize: Sequence[str] | None) -> None:
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
    wrong = [how for how in quantize or () if how not in QUANTIZE]
    if wrong or (quantize is not None and not quantize):
        raise EdgeEmotionError(
            f"unknown quantisation {', '.join(wrong) or '(none)'!r}, expected of: {', '.join(QUANTIZE)}"
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
    written: Sequence[WrittenNetwork],
    crops: Sequence[WrittenNetwork],
    measured: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    config = trained.model.config
    layers = " -> ".join("(" + ", ".join(map(str, etas)) + ")" for etas in config.filters)
    packages = {"onnx": ("onnx",), "litert": ("litert-torch",)}
    engines = dict.fromkeys(network.entry["engine"] for network in written)
    used = ["edge-emotion", "torch", *(package for engine in engines for package in packages[engine])]
    small = {**about_networks(written), **about_networks(crops)}
    if small:
        used += ["ai-edge-quantizer"] if "litert" in engines else []
        used += ["onnxruntime"] if "onnx" in engines else []
    own = trained.about.get("metrics") or []
    rows = [own] if isinstance(own, dict) else list(own)
    about = {
        **trained.about,
        "metrics": [*rows, *measured],
        "architecture": f"L-GrIN, {config.adjacency} adjacency, filters {layers}",
        "parameters": parameters,
        "export": {
            "graph": dead_edges(trained),
            "versions": {package: version(package) for package in used},
            "parity": {network.entry["engine"]: network.proof for network in written if network.proof},
            **({"quantised": small} if small else {}),
        },
    }
    if trained.appearance is not None:
        network = trained.appearance.model
        count = network.parameter_count()
        about["appearance"] = {
            "architecture": f"residual CNN, {'-'.join(map(str, network.config.widths))} channels",
            "parameters": count["total"] - count["head"],
        }
        about["export"]["appearance_parity"] = {
            network.entry["engine"]: network.proof for network in crops if network.proof
        }
    return about
