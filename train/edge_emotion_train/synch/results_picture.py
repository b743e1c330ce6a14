"""The picture of docs/results/synch-graph.md: what each protocol scores on real and on permuted classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_emotion_train.figures import pyplot_for_files
from edge_emotion_train.synch.results_page import CHANCE, found

Row = dict[str, Any]
REAL, PERMUTED, COUNTS = "#1f77b4", "#d62728", "#7f7f7f"


def draw_protocols(rows: Sequence[Row], sizes: Sequence[str], path: Path) -> None:
    """Bars of UAR and their spread over seeds as PNG, a panel a size: what counts left, the leak right."""
    pyplot = pyplot_for_files()
    figure, panels = pyplot.subplots(
        1, len(sizes), figsize=(1 + 4.4 * len(sizes), 4), layout="constrained", squeeze=False, sharey=True
    )
    for axes, size in zip(panels[0], sizes, strict=True):
        counts = [row for row in rows if row["part"] == "counts" and row["size"] == size]
        bars = [(row["model"], row, COUNTS) for row in counts]
        for protocol in ("inductive", "masked", "paper"):
            name = "paper, leaky" if protocol == "paper" else protocol
            for permuted in (False, True):
                own = {"part": "protocols", "size": size, "protocol": protocol}
                row = found(rows, **own, layers=3, permuted=permuted)
                if row is None:
                    continue
                bars.append((f"{name}, permuted" if permuted else name, row, PERMUTED if permuted else REAL))
        for place, (_, row, colour) in enumerate(bars):
            axes.bar(place, 100 * row["uar_mean"], yerr=100 * row["uar_std"], color=colour, capsize=3)
        axes.axhline(100 * CHANCE, color="black", linestyle=":", linewidth=1)
        axes.set_xticks(range(len(bars)), [name for name, _, _ in bars], rotation=45, ha="right")
        axes.set_title(f"{size}: UAR %, dotted: chance", fontsize=10)
        axes.set_ylim(0, 105)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
