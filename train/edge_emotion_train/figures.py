"""Pictures of a run: who was taken for whom, and the graph that was learned."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pyplot_for_files() -> Any:
    """matplotlib's pyplot that draws into files, without a screen."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as pyplot

    return pyplot


def draw_confusion(counts: NDArray[np.int64], labels: tuple[str, ...], title: str, path: Path) -> None:
    """Confusion matrix as PNG: row the true class, shares of a row in per cent."""
    pyplot = pyplot_for_files()
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure, axes = pyplot.subplots(
        figsize=(1.2 + 0.7 * len(labels), 1.0 + 0.7 * len(labels)), layout="constrained"
    )
    image = axes.imshow(shares, vmin=0, vmax=1, cmap="Blues")
    for row, column in np.ndindex(*shares.shape):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(
            column,
            row,
            f"{100 * shares[row, column]:.0f}",
            ha="center",
            va="center",
            color=colour,
            fontsize=8,
        )
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("recognised")
    axes.set_ylabel("acted")
    axes.set_title(title, fontsize=10)
    figure.colorbar(image, ax=axes, fraction=0.04, label="share of the row")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def draw_adjacency(matrix: NDArray[np.float32], period: float, title: str, path: Path) -> None:
    """Learned adjacency ReLU(A) as PNG, with the weights of the middle node beside it; period: seconds a node."""
    pyplot = pyplot_for_files()
    nodes = len(matrix)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
    image = left.imshow(matrix, cmap="magma")
    left.set_xlabel("node j")
    left.set_ylabel("node i")
    left.set_title(title, fontsize=10)
    figure.colorbar(image, ax=left, fraction=0.04)
    middle = nodes // 2
    offsets = np.arange(nodes) - middle
    right.bar(offsets * period, matrix[middle], width=0.8 * period)
    linked = np.abs(offsets[matrix[middle] > 0.01 * matrix[middle].max()])
    shown = (max(5, int(linked.max(initial=0)) + 2) + 0.5) * period
    right.set_xlim(-shown, shown)
    right.set_xlabel("seconds from the middle node")
    right.set_ylabel("weight")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
