"""The protocols of Synch-Graph on graphs that are made: one leaks, one does not."""

from dataclasses import replace

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.metrics import unweighted_average_recall as uar
from edge_emotion_train.models.synch_graph.gcn import GcnSettings
from edge_emotion_train.models.synch_graph.settings import network_settings
from edge_emotion_train.models.synch_graph.synchrony import SynchronyGraphs
from edge_emotion_train.synch.graph_training import GraphTraining, Sides, train_gcn

NETWORK = network_settings("reduced", features=2)  # 16 neurons
CLASSES, EACH = 3, 30
TRAINING = GraphTraining(epochs=60, patience=30)


def made(seed, telling):
    """Clips whose neurons spike at random and, where `telling`, some by the class."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(CLASSES), EACH)
    measures = random.normal(size=(len(labels), NETWORK.neurons, 3)).astype(np.float32)
    if telling:
        for label in range(CLASSES):
            measures[labels == label, 4 * label : 4 * label + 4, 0] += 2.0
    joined = np.triu(random.random((len(labels), NETWORK.neurons, NETWORK.neurons)) < 0.3, 1)
    edges = np.argwhere(joined).astype(np.int32)
    sides = np.array_split(random.permutation(len(labels)), 3)
    return SynchronyGraphs(edges, measures, 0.15), labels, Sides(*(np.sort(side) for side in sides))


def score(protocol, telling, seed=0):
    graphs, labels, sides = made(seed, telling)
    outcome = train_gcn(graphs, labels, sides, protocol, NETWORK, GcnSettings(layers=2), seed, TRAINING)
    return uar(labels[sides.test], outcome.test.argmax(1), CLASSES)


def test_what_spikes_tell_is_learned_without_an_edge_between_clips():
    assert score("inductive", telling=True) > 0.8


def test_the_paper_protocol_knows_labels_that_nothing_tells():
    assert score("paper", telling=False) > 0.9


@pytest.mark.parametrize("protocol", ["inductive", "masked"])
def test_the_other_protocols_do_not(protocol):
    assert np.mean([score(protocol, telling=False, seed=seed) for seed in range(3)]) < 0.55


def test_the_same_seed_gives_the_same_answers():
    graphs, labels, sides = made(0, True)
    short = replace(TRAINING, epochs=5)
    first, again = (
        train_gcn(graphs, labels, sides, "inductive", NETWORK, GcnSettings(), 3, short).test for _ in range(2)
    )
    assert (first == again).all()


def test_an_unknown_protocol_is_refused():
    graphs, labels, sides = made(0, True)
    with pytest.raises(EdgeEmotionError, match="paper, masked, inductive"):
        train_gcn(graphs, labels, sides, "transductive", NETWORK, GcnSettings(), 0)
