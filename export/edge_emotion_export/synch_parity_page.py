"""docs/results/synch-graph-parity: its page for people, and the three runtimes' spikes on one picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.spikes import STIMULUS, TIME_STEP
from edge_emotion_train.figures import pyplot_for_files
from edge_emotion_train.models.synch_graph.settings import NetworkSettings

# A ring, a cross in it and a dot in that: all three show where they agree.
MARKERS: tuple[tuple[float, dict[str, Any]], ...] = (
    (52.0, {"marker": "o", "facecolors": "none", "edgecolors": "tab:blue", "linewidths": 0.9}),
    (24.0, {"marker": "x", "color": "tab:orange", "linewidths": 0.9}),
    (5.0, {"marker": "o", "color": "black", "linewidths": 0}),
)
CROWDED = 800  # spikes; where there are more, markers are smaller


def markdown(rows: Sequence[dict[str, Any]], made: Mapping[str, Any], picture: str) -> str:
    """The tables for people."""
    lines = [
        "# Synch-Graph: the same spikes in three runtimes", "",
        f"Written by `{made['command']}` on {made['date']}, commit {made['commit']}, {made['machine']}.", "",
        "The frozen network is shown the same input spikes in Brian2 (its NumPy code), in the NumPy reference and in",
        "the exported ONNX graph. A difference is a spike, told by its neuron and its step of .5 ms, that only one of",
        "two runtimes has. Time: mean CPU time of a presentation of 500 ms, input spikes given, one thread; Brian2's",
        "holds the making of its code.", "",
    ]  # fmt: skip
    for row in rows:
        lines += [
            f"## {row['model']}, {row['neurons']} neurons", "",
            f"{row['network']}: {row['presentations']} presentations, {row['corpus']}, seed {row['seed']}: "
            f"{row['events']:,} input spikes. ONNX graph: {row['onnx_bytes'] / 1000:.0f} KB.", "",
            "| runtime | excitatory spikes | ms |", "|---|---:|---:|",
        ]  # fmt: skip
        lines += [
            f"| {runtime} | {count:,} | {1000 * row['mean_seconds'][runtime]:.0f} |"
            for runtime, count in row["spikes"].items()
        ]
        lines += ["", "| between | differences |", "|---|---:|"]
        lines += [f"| {' and '.join(two['between'])} | {two['spikes']} |" for two in row["differences"]]
        lines.append("")
    lines += [
        f"![Spikes of one presentation in all three runtimes]({picture})", "",
        "One presentation; where a ring, a cross and a dot stand together, the three runtimes agree.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def draw_overlay(spikes: Mapping[str, NDArray[np.bool_]], settings: NetworkSettings, path: Path) -> None:
    """PNG, 900 pixels wide: a presentation with a usual number of spikes, those of each runtime over the others'.

    spikes: runtime -> (presentations, STEPS, N), three of them.
    """
    pyplot = pyplot_for_files()
    counts = next(iter(spikes.values())).sum((1, 2))
    usual = int(np.argsort(counts)[len(counts) // 2])
    smaller = min(1.0, max(0.3, CROWDED / max(int(counts[usual]), 1)))
    figure, axes = pyplot.subplots(figsize=(9, 5 + settings.neurons / 64), layout="constrained")
    axes.axvspan(0, 1000 * STIMULUS, color="0.95", zorder=0)
    latest = 0
    for (runtime, fired), (size, marker) in zip(spikes.items(), MARKERS, strict=True):
        step, neuron = np.nonzero(fired[usual])
        latest = max(latest, int(step.max(initial=0)))
        label = f"{runtime}: {len(step)} spikes"
        axes.scatter(1000 * TIME_STEP * step, neuron, s=size * smaller, label=label, **marker)
    first = 0
    for modality in settings.modalities:
        count = settings.count(modality)
        axes.text(-0.01, first + count / 2, modality, ha="right", va="center", rotation=90,
                  transform=axes.get_yaxis_transform())  # fmt: skip
        if first:
            axes.axhline(first - 0.5, color="0.5", linewidth=0.8)
        first += count
    until = max(1000 * TIME_STEP * (latest + 20), 50.0)
    axes.set(xlim=(0, until), ylim=(-1, settings.neurons), yticks=[], xlabel="time; ms")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.07), ncols=3, frameon=False)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
