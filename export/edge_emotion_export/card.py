"""The model card of a bundle, written from what its manifest says.

Keys of `about` that the card knows, all optional:
    corpora   list of corpus names, "ravdess-speech", "emodb"
    licence   text, when the corpora's own do not say it all
    split     how speakers, or stills, were divided
    motion    how sequences were made from stills, a text
    metrics   one row or a list of rows: {corpus, protocol, model, classes, uar_mean, uar_std, accuracy_mean, folds,
              seeds}, rates as fractions of one, as in docs/results; the column of models is left out where all agree
    seed, commit, date   of the training
    calibration_error, calibration_error_uncalibrated   fractions, of the windows that gave the temperature
    parameters, architecture, appearance, export   set by the export; export.quantised: file -> gates.Agreement
"""

from collections.abc import Mapping, Sequence
from typing import Any

from edge_emotion_export.card_texts import (
    ACTION_UNIT_NUMBERS,
    CORPORA,
    OWN_NUMBERS,
    about_people,
    limits,
    numbers,
)


def write_card(manifest: Mapping[str, Any]) -> str:
    """Markdown card for a manifest (keys as in edge_emotion.manifest, files need no sha256 yet)."""
    about = manifest["about"]
    parts = [
        _heading(manifest),
        about_people(manifest["modality"]),
        _data(about),
        _numbers(about, manifest["modality"]),
        _precisions(about),
        _limits(manifest),
        _origin(about),
    ]
    return "\n".join(part for part in parts if part)


def _heading(manifest: Mapping[str, Any]) -> str:
    window, about = manifest["window"], manifest["about"]
    length = window["nodes"] * window["period"]
    mapped = ", ".join(
        label if label == emotion else f"{label} (as {emotion})"
        for label, emotion in manifest["label_map"].items()
    )
    networks = ", ".join(f"{n['engine']} {n['precision']}" for n in manifest["networks"])
    lines = [
        f"# {manifest['name']}: expressed emotion from {manifest['modality']}",
        "",
        f"- Network: {about.get('architecture', 'not stated')}, {_count(about.get('parameters'))} parameters",
        *_appearance(manifest),
        f"- Window: {window['nodes']} nodes of {1000 * window['period']:.4g} ms ({length:.2f} s) with "
        f"{window['features']} features each ({window['feature_set']} {window['feature_version']}), "
        f"a new estimate every {window['hop'] * window['period']:.2f} s",
        f"- Classes: {mapped}",
        f"- Networks inside: {networks}",
        "",
    ]
    return "\n".join(lines)


def _appearance(manifest: Mapping[str, Any]) -> list[str]:
    """The line on the network over face crops, where there is one."""
    contract, about = manifest.get("appearance"), manifest["about"].get("appearance", {})
    if contract is None:
        return []
    return [
        f"- Appearance: {about.get('architecture', 'not stated')}, {_count(about.get('parameters'))} parameters; "
        f"{contract['embedding']} numbers from an aligned grey crop of {contract['crop']} x {contract['crop']} pixels, "
        f"computed every {contract['period']:g} s and held between"
    ]


def _data(about: Mapping[str, Any]) -> str:
    lines = ["## Data and licence", ""]
    for name in about.get("corpora", ()):
        unknown = "yours" if name.startswith("own folder") else "see its authors"
        what, licence = CORPORA.get(name, (name, unknown))
        lines.append(f"- {what}. Licence: {licence}.")
    licence = about.get("licence")
    if licence:
        stated = licence if isinstance(licence, str) else "; ".join(map(str, licence))
        lines.append(f"- Stated for these weights: {stated}")
    if len(lines) == 2:
        lines.append("- Not stated: do not pass these weights on.")
    lines += [
        "",
        "The weights inherit the strictest of these licences; the code's Apache-2.0 does not cover them.",
        "",
    ]
    if about.get("split"):
        lines += [f"Split: {about['split']}", ""]
    if about.get("motion"):
        lines += ["## How sequences were made", "", str(about["motion"]), ""]
    return "\n".join(lines)


def _numbers(about: Mapping[str, Any], modality: str) -> str:
    metrics = about.get("metrics") or []
    rows = [metrics] if isinstance(metrics, Mapping) else metrics
    if not rows:
        return "## Numbers\n\nNone were recorded with this model.\n"
    table = [_row(row) for row in rows]
    if len({row.get("model") for row in rows if row.get("model")}) < 2:
        for cells in table:
            del cells["network"]
    lines = ["## Numbers (fp32)", "", _line(list(table[0])), "|" + "---|" * len(table[0])]
    lines += [_line(list(cells.values())) for cells in table]
    own = any(str(name).startswith("own folder") for name in about.get("corpora", ()))
    told = numbers(modality, about.get("corpora", ()))
    lines += ["", OWN_NUMBERS if own else told]
    if any(row.get("corpus") == "ravdess-face-au" for row in rows):
        lines.append(ACTION_UNIT_NUMBERS)
    if "calibration_error" in about:
        before, after = (_percent(about.get(f"calibration_error{k}")) for k in ("_uncalibrated", ""))
        whose = "the stills held back for it" if modality == "face" else "the twin's windows"
        whose = "the clips held out" if own else whose
        lines.append(f"Calibration error of {whose}: {before} % raw, {after} % with the temperature.")
    return "\n".join([*lines, ""])


def _precisions(about: Mapping[str, Any]) -> str:
    """What quantising changed, of the windows that judged it; nothing when no network was quantised."""
    files = about.get("export", {}).get("quantised")
    if not files:
        return ""
    lines = [
        "## Precisions", "",
        "Each quantised network against the fp32 one of the same format, on clips kept for judging it: how often",
        "its first answer is the same, and the UAR of both. Where the network inside learned from these speakers",
        "too (see the split), that UAR says nothing by itself; the difference does. The appearance network is",
        "judged through the head that trained it.",
        "", _line(["file", "kB", "same answer %", "UAR %", "UAR % of fp32", "windows"]), "|" + "---|" * 6,
    ]  # fmt: skip
    for name, found in files.items():
        kilobytes = f"{found['bytes'] / 1000:.0f}"
        rates = (found["agreement"], found["uar"], found["uar_fp32"])
        lines.append(_line([name, kilobytes, *(f"{100 * rate:.2f}" for rate in rates), found["windows"]]))
    for name, found in files.items():
        if name.endswith("-int8.tflite") and "micro" in found:
            needs = found["micro"]
            lacking = ", ".join(needs["unsupported"]) or "none"
            lines += [
                "", f"On a microcontroller, TensorFlow Lite Micro would need for {name} at least "
                f"{needs['arena_bytes'] / 1000:.0f} kB of RAM and {needs['weights_bytes'] / 1000:.0f} kB of flash; "
                f"operators that it lacks: {lacking}. Nobody ran it on one.",
            ]  # fmt: skip
    return "\n".join([*lines, ""])


def _row(row: Mapping[str, Any]) -> dict[str, object]:
    """Heading -> cell of one row of the table of numbers."""
    several = "uar_std" in row and row.get("folds", 1) * row.get("seeds", 1) > 1
    return {
        "corpus measured": row.get("corpus", ""),
        "trained on": row.get("trained_on", "the same"),
        "protocol": _protocol(row),
        "network": row.get("model", "this one"),
        "classes": row.get("classes", ""),
        "UAR %, mean ± spread": _percent(row.get("uar_mean")) + (f" ± {_percent(row['uar_std'])}" if several else ""),
        "accuracy %": _percent(row.get("accuracy_mean")),
        "folds": row.get("folds", ""),
        "seeds": row.get("seeds", ""),
    }  # fmt: skip


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _protocol(row: Mapping[str, Any]) -> str:
    name = str(row.get("protocol", ""))
    return f"**{name}: not to be believed**" if row.get("leaky") else name


def _limits(manifest: Mapping[str, Any]) -> str:
    """Where a model of its modality fails, and what its training says of its own limits."""
    known = (
        limits(manifest["modality"], manifest["window"]["feature_set"], manifest["about"].get("corpora", ()))
        or ""
    )
    own = "".join(f"- {line}\n" for line in manifest["about"].get("limits", ()))
    return known + own if known else f"## Limits\n\n{own}" if own else ""


def _origin(about: Mapping[str, Any]) -> str:
    lines = ["## Origin", ""]
    for key in ("date", "commit", "seed"):
        if key in about:
            lines.append(f"- Trained: {key} {about[key]}")
    export = about.get("export", {})
    for engine, difference in export.get("parity", {}).items():
        lines.append(
            f"- Parity of {engine} with the trained model: largest difference of a logit {difference['logits']:.1e}, "
            f"of a probability {difference['probabilities']:.1e}, over {difference['windows']} windows"
        )
    for engine, difference in export.get("appearance_parity", {}).items():
        lines.append(
            f"- Parity of {engine}'s appearance network: largest difference of a number of the embedding "
            f"{difference['embedding']:.1e}, over {difference['crops']} crops"
        )
    versions = ", ".join(f"{name} {version}" for name, version in export.get("versions", {}).items())
    if versions:
        lines.append(f"- Exported with {versions}")
    return "\n".join([*lines, ""])


def _percent(rate: object) -> str:
    return f"{100 * rate:.1f}" if isinstance(rate, int | float) else "–"


def _count(number: object) -> str:
    return f"{number:,}" if isinstance(number, int) else "an unknown number of"
