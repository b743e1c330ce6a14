"""The model card of a bundle, written from what its manifest says.

Keys of `about` that the card knows, all optional:
    corpora   list of corpus names, "ravdess-speech", "emodb"
    licence   text, when the corpora's own do not say it all
    split     how speakers were divided
    metrics   one row or a list of rows: {corpus, protocol, classes, uar_mean, uar_std, accuracy_mean, folds, seeds},
              rates as fractions of one, as in docs/results
    seed, commit, date   of the training
    calibration_error, calibration_error_uncalibrated   fractions, of the windows that gave the temperature
    parameters, architecture, export   set by the export
"""

from collections.abc import Mapping
from typing import Any

CORPORA = {
    "ravdess-speech": (
        "RAVDESS speech (Livingstone & Russo 2018): professional actors, North American English, two sentences",
        "CC BY-NC-SA 4.0",
    ),
    "emodb": (
        "EmoDB (Burkhardt et al. 2005): 10 actors, German, ten sentences",
        "free for research; no commercial licence is stated",
    ),
}
_ABOUT_PEOPLE = """\
## What it reports

Expressed emotion: how a voice, face or movement looks and sounds, as actors portray it. It does **not** report what
a person feels, thinks or means, and its answers are probabilities, not findings about anybody.

## Where it must not be used

- Inferring emotions of people at work or in education is forbidden in the European Union, except for medical or
  safety reasons (Regulation (EU) 2024/1689, the AI Act, Article 5(1)(f)).
- People who are observed by an emotion recognition system must be told so (Article 50(3), from August 2026).
- Not for decisions about people: hiring, insurance, credit, policing, border control, diagnosis, lie detection.
- Not on people who have not agreed to it.
"""
_VOICE_LIMITS = """\
## Limits

- Learned from acted emotion in quiet rooms. Spontaneous emotion is weaker and mixed; expect clearly worse results.
- English and German only; other languages, dialects and ways of speaking were never heard.
- Adult actors only: no children, no elderly people, no impaired voices.
- Distance, noise, music, reverberation and telephone sound lower its accuracy; several speakers at once are mixed up.
- A window without speech gives no estimate: silence is not "neutral". The thresholds of what counts as speech were
  set by hand on recordings of the corpora above, not on speakers held out.
"""


def write_card(manifest: Mapping[str, Any]) -> str:
    """Markdown card for a manifest (keys as in edge_emotion.manifest, files need no sha256 yet)."""
    about = manifest["about"]
    parts = [_heading(manifest), _ABOUT_PEOPLE, _data(about), _numbers(about)]
    if manifest["modality"] == "voice":
        parts.append(_VOICE_LIMITS)
    parts.append(_origin(about))
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
        f"- Window: {window['nodes']} nodes of {1000 * window['period']:g} ms ({length:.2f} s) with "
        f"{window['features']} features each ({window['feature_set']} {window['feature_version']}), "
        f"a new estimate every {window['hop'] * window['period']:.2f} s",
        f"- Classes: {mapped}",
        f"- Networks inside: {networks}",
        "",
    ]
    return "\n".join(lines)


def _data(about: Mapping[str, Any]) -> str:
    lines = ["## Data and licence", ""]
    for name in about.get("corpora", ()):
        what, licence = CORPORA.get(name, (name, "see its authors"))
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
    return "\n".join(lines)


def _numbers(about: Mapping[str, Any]) -> str:
    metrics = about.get("metrics") or []
    rows = [metrics] if isinstance(metrics, Mapping) else metrics
    if not rows:
        return "## Numbers\n\nNone were recorded with this model.\n"
    lines = [
        "## Numbers (fp32)",
        "",
        "| corpus measured | trained on | protocol | classes | UAR %, mean ± spread | accuracy % | folds | seeds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        several = "uar_std" in row and row.get("folds", 1) * row.get("seeds", 1) > 1
        uar = _percent(row.get("uar_mean")) + (f" ± {_percent(row['uar_std'])}" if several else "")
        cells = [
            row.get("corpus", ""), row.get("trained_on", "the same"), _protocol(row), row.get("classes", ""), uar,
            _percent(row.get("accuracy_mean")), row.get("folds", ""), row.get("seeds", ""),
        ]  # fmt: skip
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    note = (
        "UAR is unweighted average recall: the mean over the classes of the share recognised. Rows by folds measure\n"
        "networks of the same recipe on speakers they did not hear; the network inside heard all of these speakers."
    )
    lines += ["", note]
    if "calibration_error" in about:
        before, after = (_percent(about.get(f"calibration_error{k}")) for k in ("_uncalibrated", ""))
        lines.append(
            f"Calibration error of the twin's windows: {before} % raw, {after} % with the temperature."
        )
    return "\n".join([*lines, ""])


def _protocol(row: Mapping[str, Any]) -> str:
    name = str(row.get("protocol", ""))
    return f"**{name}: not to be believed**" if row.get("leaky") else name


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
    versions = ", ".join(f"{name} {version}" for name, version in export.get("versions", {}).items())
    if versions:
        lines.append(f"- Exported with {versions}")
    return "\n".join([*lines, ""])


def _percent(rate: object) -> str:
    return f"{100 * rate:.1f}" if isinstance(rate, int | float) else "–"


def _count(number: object) -> str:
    return f"{number:,}" if isinstance(number, int) else "an unknown number of"
