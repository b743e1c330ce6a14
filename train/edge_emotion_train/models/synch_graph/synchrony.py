"""Synchrony graphs: neurons of one clip that spike within 150 ms of each other are joined.

Source: Synch-Graph, "Modelling neural synchrony in graph network"; the window is Balconi and Carrera's (2011).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.spikes import STEPS, TIME_STEP
from edge_emotion_train.synch.recording import Recording

WINDOW = 0.15  # s, the temporal window of integration
MEASURES = ("count", "latency", "interval")


@dataclass(frozen=True)
class SynchronyGraphs:
    """A graph for each of n clips over the same N neurons.

    edges: (edges, 3) int32: clip, neuron, neuron of a greater number. measures: (n, N, 3) float32 as node_measures.
    window: seconds.
    """

    edges: NDArray[np.int32]
    measures: NDArray[np.float32]
    window: float

    def adjacency(self, clips: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(len(clips), N, N) symmetric, without self-loops."""
        place = np.full(len(self.measures), -1)
        place[clips] = np.arange(len(clips))
        clip, i, j = self.edges[place[self.edges[:, 0]] >= 0].T
        dense = np.zeros((len(clips), self.measures.shape[1], self.measures.shape[1]), bool)
        dense[place[clip], i, j] = dense[place[clip], j, i] = True
        return dense


def synchronous(
    times: NDArray[np.int64], neurons: NDArray[np.int64], count: int, window: int
) -> NDArray[np.bool_]:
    """(count, count) whether two neurons have spikes at most `window` steps apart; never a neuron with itself.

    times: (spikes,) steps; neurons: (spikes,) who spiked.
    """
    joined = np.zeros((count, count), bool)
    if len(times):
        by_time = np.argsort(times, kind="stable")
        times, neurons = times[by_time], neurons[by_time]
        # How often each neuron has spiked before each spike: differences say who spiked in a stretch of time.
        before = np.zeros((len(times) + 1, count), np.int32)
        before[np.arange(1, len(times) + 1), neurons] = 1
        np.cumsum(before, axis=0, out=before)
        first = np.searchsorted(times, times - window, side="left")
        last = np.searchsorted(times, times + window, side="right")
        near = before[last] > before[first]
        order = np.argsort(neurons, kind="stable")
        begins = np.flatnonzero(np.r_[True, np.diff(neurons[order]) > 0])
        joined[neurons[order][begins]] = np.logical_or.reduceat(near[order], begins)
    np.fill_diagonal(joined, False)
    return joined


def node_measures(
    presentation: NDArray[np.int64],
    step: NDArray[np.int64],
    neuron: NDArray[np.int64],
    shape: tuple[int, int],
) -> NDArray[np.float32]:
    """(N, 3): what each neuron did over the presentations of a clip; shape: (presentations, N).

    count: log(1 + spikes a presentation). latency: of the first spike, as a share of a presentation, 1 where silent,
    the mean over presentations. interval: mean time between spikes of a presentation, as a share of one; 1 without.
    """
    spikes = np.zeros(shape)
    first, last = np.full(shape, STEPS, np.float64), np.zeros(shape)
    np.add.at(spikes, (presentation, neuron), 1)
    np.minimum.at(first, (presentation, neuron), step)
    np.maximum.at(last, (presentation, neuron), step)
    count = np.log1p(spikes.mean(0))
    latency = first.mean(0) / STEPS
    between = np.maximum(spikes - 1, 0).sum(0)
    span = np.where(spikes > 0, last - first, 0).sum(0)
    interval = np.where(between > 0, span / np.maximum(between, 1) / STEPS, 1.0)
    return np.stack([count, latency, interval], axis=1).astype(np.float32)


def synchrony_graphs(
    recording: Recording, clip: NDArray[np.int64], clips: int, window: float = WINDOW, least: int = 0
) -> SynchronyGraphs:
    """Graphs of all clips; clip: (presentations,) of which clip each is, in order, those of a clip in order of time.

    least: presentations of a decision; a clip with fewer is padded cyclically.
    """
    width = round(window / TIME_STEP)
    edges = [np.zeros((0, 3), np.int32)]
    measures = np.zeros((clips, recording.neurons, len(MEASURES)), np.float32)
    begins = np.searchsorted(clip, np.arange(clips))
    ends = np.searchsorted(clip, np.arange(clips), side="right")
    spikes_before = np.searchsorted(recording.presentation, np.arange(recording.presentations + 1))
    for number in range(clips):
        own = slice(spikes_before[begins[number]], spikes_before[ends[number]])
        presentation = recording.presentation[own].astype(np.int64) - begins[number]
        step, neuron = recording.step[own].astype(np.int64), recording.neuron[own].astype(np.int64)
        shows = int(ends[number] - begins[number])
        if 0 < shows < least:  # as the device pads a short clip: cyclically
            again = [presentation == k % shows for k in range(least)]
            step, neuron = (np.concatenate([part[own] for own in again]) for part in (step, neuron))
            presentation = np.concatenate([np.full(own.sum(), k) for k, own in enumerate(again)])
            shows = least
        shape = (shows, recording.neurons)
        measures[number] = node_measures(presentation, step, neuron, shape)
        joined = synchronous(presentation * STEPS + step, neuron, recording.neurons, width)
        i, j = np.nonzero(np.triu(joined))
        edges.append(np.column_stack([np.full(len(i), number), i, j]).astype(np.int32))
    return SynchronyGraphs(np.concatenate(edges), measures, window)


def write_graphs(graphs: SynchronyGraphs, path: Path) -> None:
    """Store graphs, whole or not at all."""
    unfinished = path.with_suffix(".part.npz")
    np.savez_compressed(unfinished, edges=graphs.edges, measures=graphs.measures, window=graphs.window)
    unfinished.replace(path)


def read_graphs(path: Path) -> SynchronyGraphs:
    """Read stored graphs."""
    with np.load(path, allow_pickle=False) as stored:
        return SynchronyGraphs(stored["edges"], stored["measures"], float(stored["window"]))
