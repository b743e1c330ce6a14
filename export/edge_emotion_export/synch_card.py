"""The card of a Synch-Graph bundle, written from its manifest."""

from collections.abc import Mapping
from typing import Any

from edge_emotion_export.card_texts import about_people

CHANCE = "chance is 16.7 %"
LIMITS = """\
## Limits

- It knows six expressions and no neutral: a face at rest and an even voice are called one of the six all the same.
- It was taught by pairs of a still face from the web and a sentence of another person, an actor, of the same class.
  It has seen no face that speaks, and no true timing between face and voice; on real people both senses are new to it.
- Spike trains are random: the same moment shown with another seed may be answered otherwise.
- It says nothing without a face, without a voice, or where its neurons stay silent (a dark or overexposed picture).
- The voices speak English in a quiet room; the faces were labelled by strangers, who agree in two of three pictures.
"""
PAIRED = "FER2013"  # in the words of a split that is made of pairs
VIDEO_LIMITS = """\
## Limits

- It knows six expressions and no neutral: a face at rest and an even voice are called one of the six all the same.
- It was taught by the acted recordings named above; people who do not act are new to it.
- Spike trains are random: the same moment shown with another seed may be answered otherwise.
- It says nothing without a face, without a voice, or where its neurons stay silent (a dark or overexposed picture).
"""


def synch_card(manifest: Mapping[str, Any]) -> str:
    """Markdown card for a manifest of a Synch-Graph."""
    about, window = manifest["about"], manifest["window"]
    limits = LIMITS if PAIRED in about["split"] else VIDEO_LIMITS
    proof = about.get("proof")
    lines = [
        f"# {manifest['name']}: expressed emotion from face and voice as one",
        "",
        f"- Network: {about['architecture']}, {about['parameters']:,} parameters, and {about['synapses']:,} synapses",
        "  that STDP taught without labels",
        f"- Window: {window['nodes']} presentations, one every {window['period']:g} s, a new estimate at each; the",
        "  sound's windows see the newest 1.6 s before each",
        f"- Classes: {', '.join(manifest['labels'])}",
        "- Networks inside: onnx fp32, one for the spikes (float64 within), one for graph and decision; no int8, for",
        "  spikes are to be the same in every runtime",
        "",
        'Source: Mansouri-Benssassi and Ye, "Synch-Graph" (AAAI 2020), by the protocol whose edges hold no label.',
        "",
        about_people(manifest["modality"]),
        "## Data and licence", "",
        f"- {about['licence']}.", "",
        "The weights inherit these terms; the code's Apache-2.0 does not cover them.", "",
        f"Split: {about['split']}", "",
        "## Numbers (fp32)", "",
        f"Unweighted average recall on the test side, {CHANCE}. Its speakers and faces were not learned from; the",
        "temperature and the epoch were chosen on the validation side. One split and seed: the spread over seeds is in",
        "docs/results/synch-graph.md.", "",
        "| model | protocol | clips | UAR % | accuracy % | calibration error % |", "|---|---|---|---|---|---|",
        *(_row(row) for row in about["metrics"]), "",
    ]  # fmt: skip
    if proof:
        lines += [
            f"As exported: {proof['spikes']:,} spikes of {proof['presentations']} drawn presentations are all the "
            f"reference's; logits differ by at most {proof['largest_difference']:.0e} from PyTorch's.", "",
        ]  # fmt: skip
    lines += [limits, f"Trained on {about['date']}, commit {about['commit']}.", ""]
    return "\n".join(lines)


def _row(row: Mapping[str, Any]) -> str:
    rates = " | ".join(
        f"{100 * row[f'{name}_mean']:.1f}" for name in ("uar", "accuracy", "calibration_error")
    )
    return f"| {row['model']} | {row.get('protocol', 'inductive')} | {row['test_clips']} | {rates} |"
