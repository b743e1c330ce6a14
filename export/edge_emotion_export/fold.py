"""L-GrIN as a device runs it: batch norms folded away, the graph a constant, only plain operations left.

The folded network gives the same logits as the trained one (parity.py proves it for each file). What it changes:

- Batch norm: W x + b followed by a norm is another W' x + b'; in front of a Linear likewise.
- ReLU(A) is a constant. A H is written as a Linear over the nodes, F.linear(H^T, A)^T, because runtimes are slow
  with a constant on a matrix product's left side and cannot quantise it.
- The first Linears of a layer's G* convolutions share their input, so they are one Linear; A (H W) = (A H) W, so
  the nodes are aggregated on whichever side has fewer numbers a node.
- The neighbour maximum is one max pooling over time where the neighbours are a band about the diagonal, as with
  a tied adjacency, else a range maximum over constant indices (neighbour_maximum.py); never a masked maximum.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_export.neighbour_maximum import neighbour_maximum
from edge_emotion_train.models.lgrin import GraphInception, LGrIN, normalised_adjacency


class FoldedLGrIN(nn.Module):
    """Inference form of an L-GrIN: windows (1, M, P) -> logits (1, C)."""

    def __init__(self, model: LGrIN) -> None:
        """model: trained; it is not changed. EdgeEmotionError for a switch that has no constant form."""
        super().__init__()
        config = model.config
        if config.adjacency == "weighted":
            raise EdgeEmotionError(
                "cannot export a 'weighted' adjacency (each window has its own): "
                "train with adjacency free, tied or binary"
            )
        if "sort" in config.pooling:
            raise EdgeEmotionError("cannot export 'sort' pooling: train with pooling max, learned or mean")
        with torch.no_grad():
            adjacency = model.adjacency().detach().clone()
            used = normalised_adjacency(adjacency) if config.convolution == "gcn" else adjacency
            self.layers = nn.Sequential(
                *(FoldedInception(layer, used, adjacency > 0) for layer in model.layers)
            )
            self.pool = FoldedPooling(config.pooling, config.nodes, getattr(model.pool, "p", None))
            self.head = folded_head(model.head)
        self.eval()

    def forward(self, window: Tensor) -> Tensor:
        """(1, M, P) -> (1, C)."""
        return self.head(self.pool(self.layers(window)))


class FoldedInception(nn.Module):
    """Graph inception, eq. (5): (1, M, d) -> (1, M, sum of etas + d)."""

    def __init__(self, layer: GraphInception, adjacency: Tensor, linked: Tensor) -> None:
        """adjacency (M, M): what aggregates the nodes; linked (M, M) of bool: neighbours, A_ij > 0."""
        super().__init__()
        folded = [_folded_linears(branch.mlp) for branch in layer.branches]
        first = _side_by_side([linears[0] for linears in folded])
        self.seconds = nn.ModuleList(linears[1] if len(linears) > 1 else nn.Identity() for linears in folded)
        self.widths = [linears[0].out_features for linears in folded]
        self.aggregate_first = first.in_features <= first.out_features
        self.register_buffer("adjacency", adjacency)  # the layers share it: the file holds it once
        # Aggregated after the Linear, its bias must wait: A (H W) + b, not A (H W + b).
        self.first = first if self.aggregate_first else _without_bias(first)
        self.register_buffer("bias", first.bias.detach().clone())
        self.neighbours = neighbour_maximum(linked) if layer.inception else None

    def forward(self, nodes: Tensor) -> Tensor:
        """(1, M, d) -> (1, M, sum of etas + d)."""
        if self.aggregate_first:
            hidden = self.first(self._aggregate(nodes))
        else:
            hidden = self._aggregate(self.first(nodes)) + self.bias
        branches = hidden.relu().split(self.widths, -1)
        parts = [
            branch if isinstance(second, nn.Identity) else second(branch).relu()
            for branch, second in zip(branches, self.seconds, strict=True)
        ]
        if self.neighbours is not None:
            parts.append(self.neighbours(nodes))
        return torch.cat(parts, -1)

    def _aggregate(self, nodes: Tensor) -> Tensor:
        """A H, eq. (4): (1, M, d) -> (1, M, d)."""
        return F.linear(nodes.transpose(1, 2), self.adjacency).transpose(1, 2)


class FoldedPooling(nn.Module):
    """Graph pooling, eq. (6): (1, M, Q) -> (1, parts * Q), the weighted sums over the nodes as one Linear."""

    def __init__(self, kinds: Sequence[str], nodes: int, p: Tensor | None) -> None:
        super().__init__()
        self.kinds = tuple(kinds)
        weights = {"learned": p, "mean": torch.full((nodes,), 1.0 / nodes)}
        rows = [weights[kind].detach() for kind in self.kinds if kind in weights]
        self.sums = len(rows)
        if rows:
            self.register_buffer("weights", torch.stack(rows))

    def forward(self, nodes: Tensor) -> Tensor:
        """(1, M, Q) -> (1, parts * Q)."""
        sums = iter(F.linear(nodes.transpose(1, 2), self.weights).split(1, 2) if self.sums else ())
        return torch.cat(
            [nodes.amax(1) if kind == "max" else next(sums).squeeze(2) for kind in self.kinds], 1
        )


def folded_head(head: nn.Sequential) -> nn.Sequential:
    """The head without dropout, its leading batch norm folded into the Linear behind it."""
    steps: list[nn.Module] = []
    norm: nn.BatchNorm1d | None = None
    for step in head:
        if isinstance(step, nn.BatchNorm1d):
            norm = step
        elif isinstance(step, nn.Linear):
            steps.append(_norm_before(norm, step) if norm is not None else step)
            norm = None
        elif not isinstance(step, nn.Dropout):
            steps.append(step)
    return nn.Sequential(*steps)


def scale_and_shift(norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """A batch norm in inference as scale * x + shift, float64."""
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    return scale, norm.bias.double() - norm.running_mean.double() * scale


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    made.weight = nn.Parameter(weight.detach().float().clone(), requires_grad=False)
    if bias is not None:
        made.bias = nn.Parameter(bias.detach().float().clone(), requires_grad=False)
    return made


def _norm_before(norm: nn.BatchNorm1d, linear: nn.Linear) -> nn.Linear:
    """W (s x + t) + b = (W s) x + (W t + b)."""
    scale, shift = scale_and_shift(norm)
    weight = linear.weight.double()
    return _linear(weight * scale, weight @ shift + linear.bias.double())


def _folded_linears(mlp: nn.Sequential) -> list[nn.Linear]:
    """The Linears of an MLP of (Linear, batch norm, ReLU) steps: s (W x + b) + t = (s W) x + (s b + t)."""
    linears = []
    for linear, norm, _ in zip(mlp[0::3], mlp[1::3], mlp[2::3], strict=True):
        scale, shift = scale_and_shift(norm)
        linears.append(_linear(linear.weight.double() * scale[:, None], linear.bias.double() * scale + shift))
    return linears


def _side_by_side(linears: list[nn.Linear]) -> nn.Linear:
    """One Linear with the outputs of several that share their input."""
    return _linear(torch.cat([x.weight for x in linears]), torch.cat([x.bias for x in linears]))


def _without_bias(linear: nn.Linear) -> nn.Linear:
    return _linear(linear.weight, None)
