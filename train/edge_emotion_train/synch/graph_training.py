"""Training of the GCN by one protocol, and what it says of the clips it did not learn from.

paper      leaky: neurons of clips of one class are joined, test clips' too: a test clip's label is in its edges
masked     such edges among training clips alone; transductive, the spikes of all clips (not their classes) set the
           scale of the fingerprints while it learns
inductive  no edge leaves a clip: the only protocol that a device can run, and the one that counts
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.metrics import unweighted_average_recall as uar
from edge_emotion_train.models.synch_graph.gcn import GcnSettings, Propagation, SynchGcn, node_kinds
from edge_emotion_train.models.synch_graph.settings import NetworkSettings
from edge_emotion_train.models.synch_graph.synchrony import SynchronyGraphs

PROTOCOLS = ("paper", "masked", "inductive")
LOOK = 5  # epochs between two looks at the validation clips


@dataclass(frozen=True)
class GraphTraining:
    """How a GCN learns: full batch, Adam. Deviation: the paper takes 500 epochs at 1e-4, here fewer at more."""

    epochs: int = 50
    rate: float = 0.01
    weight_decay: float = 0.03
    """Of the first layer, which has weights for each neuron; none of the others, which all neurons share.

    None under the protocol paper, as in the paper: means over all clips of a class differ so little on permuted classes
    that decay is all the first layer would follow, and the control would hide the leak that it is there to show.
    """
    patience: int = 15
    """Epochs without a better UAR on the validation clips, after which it is enough.

    None under the protocol paper: a leak is learned class by class, with pauses between.
    """


@dataclass(frozen=True)
class Sides:
    """Indices of the clips on each side of a split."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True)
class GraphOutcome:
    """Logits (clips, classes) of validation and test clips, of the epoch that was the best on the former."""

    validation: NDArray[np.float64]
    test: NDArray[np.float64]
    epoch: int
    network: SynchGcn


def train_gcn(
    graphs: SynchronyGraphs,
    labels: NDArray[np.int64],
    sides: Sides,
    protocol: str,
    network: NetworkSettings,
    settings: GcnSettings,
    seed: int,
    training: GraphTraining | None = None,
) -> GraphOutcome:
    """Train a GCN; labels: (n,) class of each clip. EdgeEmotionError for an unknown protocol."""
    if protocol not in PROTOCOLS:
        raise EdgeEmotionError(f"unknown protocol {protocol!r}, expected one of: {', '.join(PROTOCOLS)}")
    training = training or GraphTraining()
    torch.manual_seed(seed)
    classes = int(labels.max()) + 1
    model = SynchGcn(settings, node_kinds(network, settings.identity), classes)
    parts = _parts(graphs, labels, sides, protocol, settings)
    model.fit(torch.from_numpy(graphs.measures[sides.train]))
    truth = torch.from_numpy(labels[sides.train])
    others = [parameter for name, parameter in model.named_parameters() if name != "first"]
    decay = 0.0 if protocol == "paper" else training.weight_decay
    groups = [{"params": [model.first], "weight_decay": decay}, {"params": others}]
    optimiser = torch.optim.Adam(groups, training.rate)
    best, kept, when = -1.0, {}, 0
    for epoch in range(1, training.epochs + 1):
        model.train()
        optimiser.zero_grad(set_to_none=True)
        loss = F.cross_entropy(parts["train"](model), truth)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if epoch % LOOK == 0 or epoch == training.epochs:
            model.fit_prints(parts["train"])
            said = _logits(model, parts["validation"])
            score = uar(labels[sides.validation], said.argmax(1), classes)
            if score > best:
                best, when = score, epoch
                kept = {name: value.clone() for name, value in model.state_dict().items()}
        if best == 1.0 or (protocol != "paper" and epoch - when >= training.patience):
            break
    model.load_state_dict(kept)
    return GraphOutcome(_logits(model, parts["validation"]), _logits(model, parts["test"]), when, model)


Part = Callable[[SynchGcn], Tensor]  # a model -> logits of a side's clips


def _parts(
    graphs: SynchronyGraphs, labels: NDArray[np.int64], sides: Sides, protocol: str, settings: GcnSettings
) -> dict[str, Part]:
    """For each side how a model's logits of its clips come about."""
    if protocol == "inductive":
        return {
            name: _alone(graphs, getattr(sides, name), settings) for name in ("train", "validation", "test")
        }
    everyone = np.concatenate([sides.train, sides.validation, sides.test])
    joined = torch.from_numpy(labels[everyone])
    if protocol == "masked":
        joined = torch.where(torch.arange(len(everyone)) < len(sides.train), joined, -1)
    propagate = Propagation(_adjacency(graphs, everyone, settings), joined)
    measures = torch.from_numpy(graphs.measures[everyone])
    ends = np.cumsum([0, len(sides.train), len(sides.validation), len(sides.test)])

    def part(number: int) -> Part:
        return lambda model: model(measures, propagate)[ends[number] : ends[number + 1]]

    return {name: part(number) for number, name in enumerate(("train", "validation", "test"))}


def _alone(graphs: SynchronyGraphs, clips: NDArray[np.int64], settings: GcnSettings) -> Part:
    propagate = Propagation(_adjacency(graphs, clips, settings))
    measures = torch.from_numpy(graphs.measures[clips])
    return lambda model: model(measures, propagate)


def _adjacency(graphs: SynchronyGraphs, clips: NDArray[np.int64], settings: GcnSettings) -> Tensor:
    adjacency = torch.from_numpy(graphs.adjacency(clips)).float()
    return adjacency if settings.edges else torch.zeros_like(adjacency)


def _logits(model: SynchGcn, part: Part) -> NDArray[np.float64]:
    model.eval()
    with torch.no_grad():
        logits: NDArray[np.float64] = part(model).double().numpy()
    return logits
