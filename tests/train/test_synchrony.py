"""Synchrony graphs drawn out by hand, and the GCN's propagation against its definition."""

import numpy as np
import pytest
import torch

from edge_emotion.features.spikes import STEPS, TIME_STEP
from edge_emotion_train.models.synch_graph.decision import Decision
from edge_emotion_train.models.synch_graph.gcn import GcnSettings, Propagation, SynchGcn, node_kinds
from edge_emotion_train.models.synch_graph.settings import network_settings
from edge_emotion_train.models.synch_graph.synchrony import (
    WINDOW,
    node_measures,
    synchronous,
    synchrony_graphs,
)
from edge_emotion_train.synch.recording import Recording

SMALL = network_settings("reduced", features=2)


def steps(milliseconds):
    return round(milliseconds / 1000 / TIME_STEP)


def drawn(spikes):
    """[(ms, neuron), ...] -> times and neurons."""
    return np.array([steps(t) for t, _ in spikes]), np.array([n for _, n in spikes])


def test_neurons_that_spike_within_150_ms_are_joined_and_no_others():
    #  0 ms     100 ms    150 ms     250.5 ms            600 ms
    #  A        B         C          D                   E
    times, neurons = drawn([(0, 0), (100, 1), (150, 2), (250.5, 3), (600, 4)])
    joined = synchronous(times, neurons, 6, steps(1000 * WINDOW))
    pairs = {tuple(int(n) for n in pair) for pair in np.argwhere(np.triu(joined))}
    # A-C are 150 ms apart, to the step; B-D 150.5 ms; F never spikes.
    assert pairs == {(0, 1), (0, 2), (1, 2), (2, 3)}
    assert (joined == joined.T).all()
    assert not joined.diagonal().any()


def test_one_near_pair_of_spikes_among_many_is_enough():
    times, neurons = drawn([(0, 0), (300, 0), (1000, 1), (449, 1)])
    assert synchronous(times, neurons, 2, steps(150))[0, 1]
    assert not synchronous(times, neurons, 2, steps(148))[0, 1]


def test_without_spikes_nothing_is_joined():
    assert not synchronous(np.zeros(0, np.int64), np.zeros(0, np.int64), 3, 300).any()


def test_measures_of_a_neuron_by_hand():
    # Two presentations. Neuron 0: steps 100, 300, 500 in the first, 200 in the second. Neuron 1: silent.
    measured = node_measures(
        np.array([0, 0, 0, 1]), np.array([100, 300, 500, 200]), np.zeros(4, np.int64), (2, 2)
    )
    assert measured[0] == pytest.approx([np.log1p(2.0), 0.15, 0.2])
    assert measured[1] == pytest.approx([0.0, 1.0, 1.0])


def recorded(random, presentations, neurons):
    spikes = random.random((presentations, STEPS, neurons)) < 0.004 * random.random(neurons)
    spikes[:, 700:] = False
    presentation, step, neuron = np.nonzero(spikes)
    return spikes, Recording(
        presentation.astype(np.int32), step.astype(np.int16), neuron.astype(np.int16), presentations, neurons
    )


def test_graphs_of_clips_hold_no_edge_between_them():
    random = np.random.default_rng(0)
    _, recording = recorded(random, 5, 16)
    graphs = synchrony_graphs(recording, np.array([0, 0, 1, 1, 1]), 2)
    for clip, of in ((0, [0, 1]), (1, [2, 3, 4])):
        own = np.isin(recording.presentation, of)
        times = (recording.presentation[own] - of[0]).astype(np.int64) * STEPS + recording.step[own]
        expected = synchronous(times, recording.neuron[own].astype(np.int64), 16, 300)
        assert (graphs.adjacency(np.array([clip]))[0] == expected).all()


def test_a_short_clip_is_padded_cyclically_as_on_the_device():
    spikes, recording = recorded(np.random.default_rng(3), 3, 16)
    padded = synchrony_graphs(recording, np.zeros(3, np.int64), 1, least=4)
    whole = np.concatenate([spikes, spikes[:1]])
    four = Recording(*(part.astype(np.int32) for part in np.nonzero(whole)), 4, 16)
    expected = synchrony_graphs(four, np.zeros(4, np.int64), 1)
    assert (padded.measures == expected.measures).all()
    assert (padded.edges == expected.edges).all()


@pytest.mark.parametrize("labels", [None, [0, 1, 0], [0, -1, 0]])
def test_propagation_is_the_normalised_adjacency_of_the_whole_graph(labels):
    """Equation (8) with the matrix of the joined graph written out."""
    torch.manual_seed(0)
    clips, nodes = 3, 4
    adjacency = (torch.rand(clips, nodes, nodes) < 0.5).float().triu(1)
    adjacency = adjacency + adjacency.transpose(1, 2)
    whole = torch.block_diag(*adjacency) + torch.eye(clips * nodes)
    if labels is not None:
        for a in range(clips):
            for b in range(clips):
                if a != b and labels[a] == labels[b] >= 0:
                    whole[a * nodes : (a + 1) * nodes, b * nodes : (b + 1) * nodes] = 1.0
    scale = whole.sum(1).rsqrt()
    x = torch.randn(clips, nodes, 5)
    expected = (scale[:, None] * whole * scale) @ x.reshape(-1, 5)
    given = Propagation(adjacency, None if labels is None else torch.tensor(labels))(x)
    assert given.reshape(-1, 5) == pytest.approx(expected, abs=1e-6)


def trained_looking(settings):
    """A GCN whose every number differs from its start."""
    torch.manual_seed(1)
    network = SynchGcn(settings, node_kinds(SMALL, settings.identity), 6)
    with torch.no_grad():
        for value in (network.first, network.bias, network.mean, network.normalise.running_mean):
            value.normal_()
        for value in (network.scale, network.normalise.running_var):
            value.uniform_(0.5, 2.0)
    return network.eval()


@pytest.mark.parametrize(
    "settings",
    [
        GcnSettings(),
        GcnSettings(layers=2),
        GcnSettings(edges=False),
        GcnSettings(measures=("latency",), identity=("modality",)),
    ],
)
def test_the_decision_over_spikes_is_the_gcn_over_their_graph(settings):
    spikes, recording = recorded(np.random.default_rng(2), 3, SMALL.neurons)
    graphs = synchrony_graphs(recording, np.zeros(3, np.int64), 1)
    network = trained_looking(settings)
    edges = graphs.adjacency(np.array([0])) & settings.edges
    with torch.no_grad():
        expected = network(torch.from_numpy(graphs.measures), Propagation(torch.from_numpy(edges).float()))
        given = Decision(network, 3)(torch.from_numpy(spikes.astype(np.float32)))
    assert 0.05 < edges.mean() < 0.95 or not settings.edges
    assert given == pytest.approx(expected, abs=1e-4)


def test_kinds_of_nodes_are_what_their_identity_tells_apart():
    assert len(set(node_kinds(SMALL))) == SMALL.neurons == 16
    assert node_kinds(SMALL, ("modality",)).tolist() == [0] * 8 + [1] * 8
    assert len(set(node_kinds(SMALL, ("modality", "position")))) == 8
    assert len(set(node_kinds(SMALL, ()))) == 1
