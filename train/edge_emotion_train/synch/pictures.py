"""Pictures of a spiking network: the fields that it has learned, who excites whom across senses, and who fired when."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.spikes import PERIOD, SIGNS, STIMULUS, TIME_STEP
from edge_emotion_train.figures import pyplot_for_files
from edge_emotion_train.models.synch_graph.settings import NetworkSettings
from edge_emotion_train.models.synch_graph.state import NetworkState
from edge_emotion_train.models.synch_graph.synchrony import WINDOW, synchronous
from edge_emotion_train.synch.recording import Recording

COLOURS = {"face": "tab:blue", "voice": "tab:orange"}
MOST_SHOWN = 20  # features of a window: more would be too small to see
DPI = 110


def fields(state: NetworkState, modality: str) -> NDArray[np.float64]:
    """(windows, features, side, side) of a modality: weights of ON trains minus those of OFF trains."""
    weights = state.inputs[modality]
    windows, _, features = weights.shape
    side = state.settings.windows(modality).side
    signs = weights.reshape(windows, SIGNS, side, side, features)
    return np.moveaxis(signs[:, 0] - signs[:, 1], -1, 1)


def draw_fields(state: NetworkState, path: Path) -> None:
    """Learned fields of each modality as PNG: a row for each window, a column for each neuron that looks at it."""
    pyplot = pyplot_for_files()
    every = {modality: fields(state, modality)[:, :MOST_SHOWN] for modality in state.settings.modalities}
    rows = sum(len(field) for field in every.values())
    columns = max(field.shape[1] for field in every.values())
    cell = min(1.2, max(0.45, 6 / columns))
    figure, grid = pyplot.subplots(
        rows,
        columns,
        figsize=(max(5, 1.2 + cell * columns), 0.9 + cell * rows),
        squeeze=False,
        layout="constrained",
    )
    row = 0
    for modality, field in every.items():
        # The strongest pixels of a few neurons would leave all others grey.
        largest = float(np.percentile(np.abs(field), 99.5)) or 1.0
        for window, place in enumerate(state.settings.windows(modality).starts):
            for feature in range(columns):
                axes = grid[row, feature]
                axes.set_xticks([])
                axes.set_yticks([])
                if feature < field.shape[1]:
                    axes.imshow(field[window, feature], cmap="RdBu_r", vmin=-largest, vmax=largest)
            label = f"{modality}\n({place[0]}, {place[1]})"
            grid[row, 0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=7)
            row += 1
    figure.suptitle(
        "ON minus OFF weights: a row a window (first row, first column), a column a neuron", fontsize=9
    )
    figure.savefig(path, dpi=DPI)
    pyplot.close(figure)


def draw_cross(state: NetworkState, path: Path) -> None:
    """Cross-modal weights as PNG, a heat map for each direction, lines between windows."""
    pyplot = pyplot_for_files()
    figure, both = pyplot.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
    for axes, (source, target) in zip(both, (("voice", "face"), ("face", "voice")), strict=True):
        axes.set_title(f"{source} to {target}", fontsize=10)
        axes.set_xlabel(f"{target} neuron")
        axes.set_ylabel(f"{source} neuron")
        if target not in state.cross:
            axes.text(0.5, 0.5, "no synapses", ha="center", transform=axes.transAxes)
            continue
        image = axes.imshow(state.cross[target], cmap="magma", vmin=0)
        figure.colorbar(image, ax=axes, fraction=0.046, label="weight")
        _part_windows(axes, state.settings, source, target)
    figure.savefig(path, dpi=DPI)
    pyplot.close(figure)


def draw_raster(recording: Recording, presentation: int, settings: NetworkSettings, path: Path) -> None:
    """Spikes of one presentation of a recording as PNG: the face's neurons below, the voice's above, time in ms."""
    pyplot = pyplot_for_files()
    mine = recording.presentation == presentation
    step, neuron = recording.step[mine], recording.neuron[mine]
    figure, axes = pyplot.subplots(figsize=(8.2, 4.6), layout="constrained")
    first = 0
    for modality in settings.modalities:
        last = first + settings.count(modality)
        own = (neuron >= first) & (neuron < last)
        axes.plot(
            step[own] * TIME_STEP * 1000, neuron[own], "|", color=COLOURS[modality], markersize=4,
            label=f"{modality}, {int(own.sum())} spikes",
        )  # fmt: skip
        for window in range(first, last, settings.features):
            axes.axhline(window - 0.5, color="0.8" if window > first else "0.3", linewidth=0.6, zorder=0)
        first = last
    axes.axvspan(STIMULUS * 1000, PERIOD * 1000, color="0.95", zorder=-1, label="rest")
    axes.set_xlim(0, PERIOD * 1000)
    axes.set_ylim(-0.5, settings.neurons - 0.5)
    axes.set_xlabel("ms")
    axes.set_ylabel("excitatory neuron")
    axes.set_title(f"Presentation {presentation}; a line between windows", fontsize=10)
    axes.legend(loc="upper right", fontsize=8)
    figure.savefig(path, dpi=DPI)
    pyplot.close(figure)


def draw_synchrony(
    recording: Recording, clip: NDArray[np.int64], number: int, settings: NetworkSettings, path: Path
) -> None:
    """The synchrony graph of one clip over its spike raster as PNG: an edge is drawn between the two nearest spikes.

    clip: (presentations,) of which clip each is. number: the clip. Beside it the edges as a matrix of neurons.
    """
    pyplot = pyplot_for_files()
    shows = np.flatnonzero(clip == number)
    mine = np.isin(recording.presentation, shows)
    when = (recording.presentation[mine] - shows[0]) * PERIOD + recording.step[mine] * TIME_STEP  # s
    neuron = recording.neuron[mine].astype(np.int64)
    joined = synchronous(
        np.rint(when / TIME_STEP).astype(np.int64), neuron, settings.neurons, round(WINDOW / TIME_STEP)
    )
    figure, (axes, matrix) = pyplot.subplots(
        1, 2, figsize=(12, 5.4), layout="constrained", gridspec_kw={"width_ratios": (2, 1)}
    )
    faces = settings.count("face") if "face" in settings.modalities else 0
    for i, j in zip(*np.nonzero(np.triu(joined)), strict=True):
        first, second = when[neuron == i], when[neuron == j]
        nearest = np.unravel_index(np.abs(first[:, None] - second[None]).argmin(), (len(first), len(second)))
        across = (i < faces) != (j < faces)
        colour = "tab:green" if across else COLOURS["face" if i < faces else "voice"]
        ends = 1000 * first[nearest[0]], 1000 * second[nearest[1]]
        axes.plot(ends, (i, j), color=colour, linewidth=0.4, alpha=0.25)
    axes.plot(1000 * when, neuron, "|", color="black", markersize=3)
    for show in range(len(shows)):
        axes.axvspan(1000 * (show * PERIOD + STIMULUS), 1000 * (show + 1) * PERIOD, color="0.95", zorder=-1)
    axes.axhline(faces - 0.5, color="0.3", linewidth=0.6)
    axes.set(xlim=(0, 1000 * PERIOD * len(shows)), ylim=(-0.5, settings.neurons - 0.5))
    axes.set(xlabel="ms, grey: rest", ylabel="excitatory neuron, face below, voice above")
    edges, every = int(joined.sum()) // 2, settings.neurons * (settings.neurons - 1) // 2
    axes.set_title(
        f"clip {number}: {len(when)} spikes, {edges} edges of {every}; green: face to voice", fontsize=10
    )
    matrix.imshow(joined, cmap="Greys", vmin=0, vmax=1, origin="lower")
    matrix.set(xlabel="neuron", ylabel="neuron")
    matrix.set_title(f"joined: spikes within {1000 * WINDOW:g} ms", fontsize=10)
    figure.savefig(path, dpi=DPI)
    pyplot.close(figure)


def _part_windows(axes: Any, settings: NetworkSettings, source: str, target: str) -> None:
    """Lines between the neurons of one window and the next."""
    for line in np.arange(settings.features, settings.count(source), settings.features):
        axes.axhline(line - 0.5, color="0.4", linewidth=0.4)
    for line in np.arange(settings.features, settings.count(target), settings.features):
        axes.axvline(line - 0.5, color="0.4", linewidth=0.4)
