"""The graph convolutional network over synchrony graphs, with neural-fingerprint pooling of each clip.

Sources: Synch-Graph, equations (6)-(9); Kipf and Welling (2016), the propagation rule; Duvenaud et al. (2015), the
pooling. Plain PyTorch, dense over the nodes of a clip: what a device runs are masked tensors of 64 nodes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edge_emotion_train.models.synch_graph.settings import NetworkSettings
from edge_emotion_train.models.synch_graph.synchrony import MEASURES

START = 0.05  # deviation of the first layer's weights: small, so that they grow where they help
IDENTITY = ("modality", "feature", "position")  # what tells a node from the others, whatever it did


@dataclass(frozen=True)
class GcnSettings:
    """Sizes of the GCN. layers: 3 (paper) or 2 (its comparison). hidden: units of a layer. fingerprint: of the pool.

    measures, identity: the node features in use; each is left out in an ablation. edges: False leaves self-loops alone.
    """

    layers: int = 3
    hidden: int = 64
    fingerprint: int = 64
    dropout: float = 0.5
    measures: tuple[str, ...] = MEASURES
    identity: tuple[str, ...] = IDENTITY
    edges: bool = True


def node_kinds(network: NetworkSettings, identity: tuple[str, ...] = IDENTITY) -> NDArray[np.int64]:
    """(N,) kind of each neuron: 0, 1, ... for each combination of the parts of its identity that occurs."""
    rows = []
    for number, modality in enumerate(network.modalities):
        own = np.arange(network.count(modality))
        parts = {"modality": np.full_like(own, number), "feature": own % network.features}
        parts["position"] = own // network.features
        rows.append(np.column_stack([parts[name] for name in IDENTITY]))
    table = np.concatenate(rows)
    chosen = table[:, [IDENTITY.index(name) for name in identity]]
    kinds: NDArray[np.int64] = np.unique(chosen, axis=0, return_inverse=True)[1].reshape(-1)
    return kinds if identity else np.zeros(len(table), np.int64)


class Propagation:
    """A-hat of equation (8): D^-1/2 (A + I) D^-1/2, A the edges within clips and, where given, between their labels.

    adjacency: (n, N, N) edges within each clip. label: (n,) class of the clips that label edges join, -1 of others: all
    neurons of two clips of a class are joined, which is done in closed form, by sums over clips.
    """

    def __init__(self, adjacency: Tensor, label: Tensor | None = None) -> None:
        clips, nodes, _ = adjacency.shape
        self.within = adjacency + torch.eye(nodes)
        degree = self.within.sum(-1)
        self.label = label
        if label is not None:
            joined = label >= 0
            self.kinds = torch.zeros(clips, int(label.max()) + 1)
            self.kinds[joined, label[joined]] = 1.0
            degree = degree + (self.kinds @ (self.kinds.sum(0) - 1) * nodes)[:, None]
        self.scale = degree.rsqrt()[..., None]
        if label is None:  # one product the fewer in every step
            self.within = self.scale * self.within * self.scale.transpose(1, 2)

    def __call__(self, x: Tensor) -> Tensor:
        """(n, N, width) -> A-hat x."""
        if self.label is None:
            return self.within @ x
        scaled = self.scale * x
        inside = scaled.sum(1)  # (n, width)
        # All neurons of the class, without those of the clip itself.
        between = self.kinds @ (self.kinds.T @ inside) - self.kinds.sum(1, keepdim=True) * inside
        return self.scale * (self.within @ scaled + between[:, None])


class SynchGcn(nn.Module):
    """Layers of A-hat H W (equation 8), a fingerprint of each (Duvenaud), and a line to the classes.

    Node features cross what a neuron did with which neuron it is: x W = sum over measures m of measure_m * W_m[kind]
    + W_0[kind]. Deviation: the paper has the modality alone. In a graph where most neurons are joined, the mean over
    neighbours would otherwise lose which of them it was that spiked.
    """

    def __init__(self, settings: GcnSettings, kinds: NDArray[np.int64], classes: int) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("kinds", torch.from_numpy(kinds))
        measures = len(settings.measures)
        count = int(kinds.max()) + 1
        self.register_buffer("mean", torch.zeros(len(kinds), measures))
        self.register_buffer("scale", torch.ones(len(kinds), measures))
        self.first = nn.Parameter(torch.empty(measures + 1, count, settings.hidden))
        nn.init.normal_(self.first, std=START)
        self.bias = nn.Parameter(torch.zeros(settings.hidden))
        self.layers = nn.ModuleList(
            nn.Linear(settings.hidden, settings.hidden) for _ in range(settings.layers - 1)
        )
        self.prints = nn.ModuleList(
            nn.Linear(settings.hidden, settings.fingerprint) for _ in range(settings.layers)
        )
        # Deviation: clips differ in a small part of their fingerprints; what all have in common is taken out. Batch
        # statistics while it learns; momentum 1: fit_prints() sets them anew, without dropout, afterwards.
        self.normalise = nn.BatchNorm1d(settings.fingerprint, affine=False, momentum=1.0)
        self.output = nn.Linear(settings.fingerprint, classes)
        self.dropout, self.node_dropout = nn.Dropout1d(settings.dropout), nn.Dropout(settings.dropout)

    def fit(self, measures: Tensor) -> None:
        """Take the standardisation of (n, N, all measures) training clips."""
        chosen = self._chosen(measures)
        if not self.settings.measures:
            return
        self.mean.copy_(chosen.mean(0))
        self.scale.copy_(chosen.std(0).clamp_min(0.05))

    def fit_prints(self, logits_of_training: Callable[["SynchGcn"], Tensor]) -> None:
        """Take the fingerprints' statistics of what a model is taught on, then be in evaluation mode.

        In the transductive protocols, paper and masked, these are all clips: their spikes, not their classes.
        """
        self.eval()
        self.normalise.train()
        with torch.no_grad():
            logits_of_training(self)
        self.eval()

    def _chosen(self, measures: Tensor) -> Tensor:
        return measures[..., [MEASURES.index(name) for name in self.settings.measures]]

    def forward(self, measures: Tensor, propagate: Propagation) -> Tensor:
        """(n, N, all measures) and A-hat -> logits (n, classes)."""
        standard = (self._chosen(measures) - self.mean) / self.scale
        standard = self._dropped_nodes(standard)
        weights = self.first[:, self.kinds]  # (measures + 1, N, hidden)
        x = weights[0] + torch.einsum("bnm,mnh->bnh", standard, weights[1:])
        hidden = self._dropped(torch.relu(propagate(x) + self.bias))
        pooled = self._print(0, hidden)
        for number, layer in enumerate(self.layers, start=1):
            hidden = self._dropped(torch.relu(propagate(layer(hidden))))
            pooled = pooled + self._print(number, hidden)
        logits: Tensor = self.output(self.normalise(pooled))
        return logits

    def _dropped_nodes(self, standard: Tensor) -> Tensor:
        """Dropout of the input, a neuron's measures together, as Kipf and Welling drop it."""
        kept: Tensor = self.node_dropout(torch.ones_like(standard[..., :1]))
        return standard * kept

    def _dropped(self, hidden: Tensor) -> Tensor:
        """Deviation: a unit is dropped in all nodes of a clip at once; neighbours would average single ones back in."""
        dropped: Tensor = self.dropout(hidden.transpose(1, 2)).transpose(1, 2)
        return dropped

    def _print(self, number: int, hidden: Tensor) -> Tensor:
        """Duvenaud's pool of a layer, sum over nodes of softmax(H U). Deviation: the mean, so that sizes compare."""
        mean: Tensor = self.prints[number](hidden).softmax(-1).mean(1)
        return mean * self.settings.fingerprint

    def parameter_count(self) -> int:
        """Numbers that are learned."""
        return sum(p.numel() for p in self.parameters())
