"""The decision as a device runs it: spikes of a few presentations in, logits out, all of it dense tensors of N nodes.

The same graph and node measures as synchrony.py makes from lists of spikes, as operations that ONNX has.
"""

import copy

import torch
from torch import Tensor, nn

from edge_emotion.features.spikes import STEPS, TIME_STEP
from edge_emotion_train.models.synch_graph.gcn import SynchGcn
from edge_emotion_train.models.synch_graph.synchrony import MEASURES, WINDOW


class Decision(nn.Module):
    """Graph building and a trained GCN in one: (K, STEPS, N) float32 spikes of 0 and 1 -> (1, classes) logits."""

    def __init__(self, gcn: SynchGcn, presentations: int, window: float = WINDOW) -> None:
        super().__init__()
        gcn = copy.deepcopy(gcn)  # its layers are taken over and turned to float64
        settings = gcn.settings
        self.presentations, self.layers = presentations, settings.layers
        self.chosen = [MEASURES.index(name) for name in settings.measures]
        steps = torch.arange(presentations * STEPS)
        width = round(window / TIME_STEP)
        self.register_buffer("first", (steps - width).clamp_min(0))
        self.register_buffer("last", (steps + width + 1).clamp_max(len(steps)))
        self.register_buffer("clock", torch.arange(STEPS, dtype=torch.float32)[None, :, None])
        nodes = len(gcn.kinds)
        self.register_buffer("edges", torch.full((nodes, nodes), float(settings.edges)).fill_diagonal_(0.0))
        self.register_buffer("loops", torch.eye(nodes))
        weights = gcn.first.detach()[:, gcn.kinds]
        # The standardisation of the measures, folded: sum_m (x_m - mean_m) / scale_m W_m + W_0.
        scaled = weights[1:] / gcn.scale.T[..., None]
        self.register_buffer("measured", scaled)
        self.register_buffer("constant", weights[0] - (scaled * gcn.mean.T[..., None]).sum(0))
        self.register_buffer("bias", gcn.bias.detach())
        self.hidden, self.prints = gcn.layers, gcn.prints
        # The fingerprint's statistics, folded into the last line.
        deviation = (gcn.normalise.running_var + gcn.normalise.eps).sqrt()
        self.output = nn.Linear(settings.fingerprint, gcn.output.out_features)
        with torch.no_grad():
            self.output.weight.copy_(gcn.output.weight * settings.fingerprint / deviation)
            self.output.bias.copy_(
                gcn.output.bias - gcn.output.weight @ (gcn.normalise.running_mean / deviation)
            )
        # In float64: what clips have in common was taken out of the fingerprints, so that rounding is enlarged.
        self.double().eval()

    def forward(self, spikes: Tensor) -> Tensor:
        """As the class says."""
        spikes = spikes.double()
        adjacency = self.synchrony(spikes) * self.edges + self.loops
        scale = adjacency.sum(-1).rsqrt()
        propagate = scale[:, None] * adjacency * scale[None]
        measures = self.measures(spikes)[..., self.chosen]
        x = self.constant + (measures.T[..., None] * self.measured).sum(0)
        hidden = torch.relu(propagate @ x + self.bias)
        pooled = self.prints[0](hidden).softmax(-1).mean(0)
        for number in range(1, self.layers):
            hidden = torch.relu(propagate @ self.hidden[number - 1](hidden))
            pooled = pooled + self.prints[number](hidden).softmax(-1).mean(0)
        logits: Tensor = self.output(pooled)[None].float()
        return logits

    def synchrony(self, spikes: Tensor) -> Tensor:
        """(N, N) 1 where two neurons have spikes within the window of each other, by counts up to each step."""
        flat = spikes.reshape(-1, spikes.shape[-1])
        before = torch.cat([torch.zeros_like(flat[:1]), flat.cumsum(0)])
        near = (before[self.last] > before[self.first]).to(flat.dtype)
        return (flat.T @ near > 0).to(flat.dtype)

    def measures(self, spikes: Tensor) -> Tensor:
        """(N, 3), as synchrony.node_measures."""
        fired = spikes > 0
        number = spikes.sum(1)  # (K, N)
        first = torch.where(fired, self.clock, float(STEPS)).amin(1)
        last = torch.where(fired, self.clock, 0.0).amax(1)
        between = (number - 1).clamp_min(0).sum(0)
        span = torch.where(number > 0, last - first, 0.0).sum(0)
        interval = torch.where(between > 0, span / between.clamp_min(1) / STEPS, 1.0)
        return torch.stack([torch.log1p(number.mean(0)), first.mean(0) / STEPS, interval], dim=-1)
