"""L-GrIN: the learnable graph inception network of Shirian, Tripathi and Guha (IEEE T-MM).

A window of M nodes with P features each, one adjacency A learned for all windows, two layers of graph inception,
three kinds of graph pooling, one linear head. Equation numbers are the paper's. Every part can be switched off
alone, for ablation tables. Shapes: B windows in a batch, M nodes, P node features, C classes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge_emotion.errors import EdgeEmotionError

ADJACENCIES = ("free", "tied", "binary", "weighted")
POOLINGS = ("max", "learned", "mean", "sort")


@dataclass(frozen=True)
class LGrINConfig:
    """Every size and switch of the network.

    nodes, features, classes: M, P, C.
    filters: for each inception layer, the widths eta of its G* convolutions, eq. (5).
    hidden: width of an MLP's first layer, eq. (4): "eta" as the text says, "quarter" = (d + eta) // 4 as the
        authors' code does.
    adjacency: "free" M x M; "tied" A_ij = a(|i-j|) for |i-j| <= reach (Toeplitz, symmetric); "binary" the fixed line
        graph; "weighted" the fixed squared distances of the window's own nodes (section IV-D).
    adjacency_start: "normal" (text), "uniform" (code), "band" (ours: a soft band about the diagonal).
    reach: largest |i-j| of a tied adjacency; width of the band at the start.
    convolution: "gstar" eq. (4), or "gcn" eq. (3).
    inception: False leaves each layer its first convolution alone.
    pooling: parts of h_G, eq. (6), in this order; "sort" keeps the sort_nodes first nodes by the last feature.
    head_hidden: 0 for one linear layer; the authors' code has 512 with PReLU.
    head_norm: batch norm on h_G. dropout: before the last layer. input_dropout, inner_dropout: features dropped
        for a whole window, at the input and between inception layers.
    """

    nodes: int
    features: int
    classes: int
    filters: tuple[tuple[int, ...], ...] = ((128, 64), (128, 64))
    hidden: str = "quarter"
    adjacency: str = "free"
    adjacency_start: str = "normal"
    reach: int = 16
    convolution: str = "gstar"
    inception: bool = True
    pooling: tuple[str, ...] = ("max", "learned", "mean")
    sort_nodes: int = 8
    head_hidden: int = 0
    head_norm: bool = False
    dropout: float = 0.0
    input_dropout: float = 0.0
    inner_dropout: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be built, naming what can."""
        for value, known, what in (
            (self.adjacency, ADJACENCIES, "adjacency"),
            (self.adjacency_start, ("normal", "uniform", "band"), "adjacency_start"),
            (self.convolution, ("gstar", "gcn"), "convolution"),
            (self.hidden, ("eta", "quarter"), "hidden"),
            *((kind, POOLINGS, "pooling") for kind in self.pooling),
        ):
            if value not in known:
                raise EdgeEmotionError(f"unknown {what} {value!r}, expected one of: {', '.join(known)}")
        if min(self.nodes, self.features, self.classes) < 1 or not self.filters or not self.pooling:
            raise EdgeEmotionError(
                "L-GrIN needs nodes, features, classes, filters and pooling, each at least one"
            )


def preset(name: str, nodes: int, features: int, classes: int) -> LGrINConfig:
    """Configuration by name: "paper" (the text), "reference" (the authors' code), "edge" (<= 120K in all)."""
    base = LGrINConfig(nodes, features, classes)
    presets: dict[str, Callable[[], LGrINConfig]] = {
        "paper": lambda: replace(base, hidden="eta"),
        "reference": lambda: replace(base, adjacency_start="uniform", head_hidden=512, dropout=0.5),
        # Deviation: the widths keep the whole network, head and adjacency included, under 120K; the adjacency is
        # tied, so that it does not matter where in the window something happens.
        "edge": lambda: replace(
            base,
            filters=((112, 56), (96, 48)),
            adjacency="tied",
            adjacency_start="band",
            reach=6,
            head_norm=True,
            dropout=0.3,
            input_dropout=0.1,
        ),
    }
    if name not in presets:
        raise EdgeEmotionError(f"unknown preset {name!r}, expected one of: {', '.join(presets)}")
    return presets[name]()


class NodeNorm(nn.BatchNorm1d):
    """Batch norm of (B, M, d) over windows and nodes, a scale and shift for each feature."""

    def forward(self, nodes: Tensor) -> Tensor:
        """(B, M, d) -> (B, M, d)."""
        return super().forward(nodes.flatten(0, -2)).view(nodes.shape)


class Adjacency(nn.Module):
    """The graph: ReLU(A), (M, M), or (B, M, M) when it comes from the window's own nodes."""

    def __init__(self, config: LGrINConfig) -> None:
        super().__init__()
        self.kind, self.nodes = config.adjacency, config.nodes
        index = torch.arange(config.nodes)
        distance = (index[:, None] - index[None, :]).abs()
        self.register_buffer("distance", distance, persistent=False)
        band = torch.exp(-0.5 * (torch.arange(config.nodes) / (config.reach / 3)) ** 2)
        band = band / (2 * band.sum() - band[0])
        if self.kind == "tied":
            size = (min(config.reach, config.nodes - 1) + 1,)
            started = band[: size[0]]
        else:
            size = (config.nodes, config.nodes)
            started = band[distance]
        start = {
            "normal": lambda: torch.randn(size),
            "uniform": lambda: torch.rand(size),
            "band": lambda: started + 0.1 * started.mean() * torch.randn(size),
        }[config.adjacency_start]
        if self.kind in ("free", "tied"):
            self.weight = nn.Parameter(start())
        self.register_buffer("line", (distance == 1).float(), persistent=False)

    def forward(self, window: Tensor) -> Tensor:
        """The adjacency for windows (B, M, P): (M, M), or (B, M, M) when "weighted"."""
        if self.kind == "weighted":
            squared = torch.cdist(window, window).square()
            # Deviation: divided by its mean, or activations overflow with features that are not standardised.
            return squared / squared.mean((1, 2), keepdim=True).clamp_min(1e-12)
        return self.matrix()

    def matrix(self) -> Tensor:
        """ReLU(A) of eq. (4), (M, M), for an adjacency that does not depend on the window."""
        if self.kind == "weighted":
            raise EdgeEmotionError("a weighted adjacency comes from each window: it has no one matrix")
        if self.kind == "binary":
            return self.line
        if self.kind == "free":
            return self.weight.relu()
        padded = F.pad(self.weight.relu(), (0, self.nodes - len(self.weight)))
        return padded[self.distance]

    def structure_terms(self) -> tuple[Tensor, Tensor]:
        """Means over the entries of A_d * A and of A^2, eq. (8) with A_d of eq. (9).

        Deviation: means, as in the authors' code (sums swamp the cross-entropy), and of ReLU(A), because the text's
        raw A would be rewarded without end for entries below zero, which the network does not use.
        """
        matrix = self.matrix()
        return (self.distance.square() * matrix).mean(), matrix.square().mean()


def neighbour_maximum(nodes: Tensor, adjacency: Tensor) -> Tensor:
    """Maximum over each node's 1-hop neighbours, A_ij > 0; a node without neighbours keeps itself. Eq. (5).

    nodes (B, M, d), adjacency (M, M) or (B, M, M) -> (B, M, d).
    """
    linked = adjacency > 0
    if linked.dim() == 3:
        fill = torch.finfo(nodes.dtype).min
        rows = [nodes.masked_fill(~linked[:, i, :, None], fill).max(1).values for i in range(nodes.shape[1])]
        return torch.where(linked.any(2)[..., None], torch.stack(rows, 1), nodes)
    offsets = _tied_offsets(linked)
    if offsets is not None:
        return _band_maximum(nodes, offsets)
    rows = []
    for i, row in enumerate(linked):
        neighbours = row.nonzero()[:, 0]
        rows.append(nodes[:, neighbours].max(1).values if len(neighbours) else nodes[:, i])
    return torch.stack(rows, 1)


def _tied_offsets(linked: Tensor) -> list[tuple[int, int]] | None:
    """Runs (first, last) of linked offsets j - i when the links depend on j - i alone, else None."""
    size = len(linked)
    by_offset = torch.cat([linked[:, 0].flip(0), linked[0, 1:]])  # offsets -(M-1) .. M-1
    index = torch.arange(size, device=linked.device)
    if not torch.equal(linked, by_offset[index[None, :] - index[:, None] + size - 1]):
        return None
    offsets = (by_offset.nonzero()[:, 0] - (size - 1)).tolist()
    runs: list[tuple[int, int]] = []
    for offset in offsets:
        if runs and runs[-1][1] == offset - 1:
            runs[-1] = (runs[-1][0], offset)
        else:
            runs.append((offset, offset))
    return runs


def _band_maximum(nodes: Tensor, runs: list[tuple[int, int]]) -> Tensor:
    """The neighbour maximum as one sliding maximum for each run of offsets; nodes (B, M, d)."""
    size, lowest = nodes.shape[1], torch.finfo(nodes.dtype).min
    reached = torch.zeros(size, dtype=torch.bool)
    best: Tensor | None = None
    for first, last in runs:
        before, after = max(0, -first), max(0, last)
        padded = F.pad(nodes.transpose(1, 2), (before, after), value=lowest)
        run = F.max_pool1d(padded[..., before + first : before + last + size], last - first + 1, stride=1)
        best = run if best is None else torch.maximum(best, run)
        reached[max(0, -last) : max(0, size - first)] = True
    if best is None:
        return nodes
    best = best.transpose(1, 2)
    return best if bool(reached.all()) else torch.where(reached[:, None].to(nodes.device), best, nodes)


class GStarConvolution(nn.Module):
    """G* convolution, eq. (4): sigma(MLP(ReLU(A) H)), the MLP of two layers.

    Deviation: a batch norm after each layer, which the text does not mention and the authors' code has.
    """

    def __init__(self, inputs: int, eta: int, hidden: str) -> None:
        super().__init__()
        middle = eta if hidden == "eta" else (inputs + eta) // 4
        self.mlp = nn.Sequential(
            nn.Linear(inputs, middle),
            NodeNorm(middle),
            nn.ReLU(),
            nn.Linear(middle, eta),
            NodeNorm(eta),
            nn.ReLU(),
        )

    def forward(self, aggregated: Tensor) -> Tensor:
        """ReLU(A) H (B, M, d), shared by a layer's convolutions -> (B, M, eta)."""
        return self.mlp(aggregated)


class GCNConvolution(nn.Module):
    """Plain graph convolution, eq. (3): sigma(A_hat H W)."""

    def __init__(self, inputs: int, eta: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(inputs, eta), NodeNorm(eta), nn.ReLU())

    def forward(self, aggregated: Tensor) -> Tensor:
        """A_hat H (B, M, d) -> (B, M, eta)."""
        return self.mlp(aggregated)


def normalised_adjacency(adjacency: Tensor) -> Tensor:
    """A_hat = D^-1/2 (A + I) D^-1/2 of eq. (3), D the degrees of A + I; (..., M, M) -> (..., M, M)."""
    looped = adjacency + torch.eye(adjacency.shape[-1], device=adjacency.device, dtype=adjacency.dtype)
    root = looped.sum(-1).rsqrt()
    return root[..., :, None] * looped * root[..., None, :]


class GraphInception(nn.Module):
    """Graph inception, eq. (5): [G1*(H) | G2*(H) | neighbour maximum of H]."""

    def __init__(self, inputs: int, etas: tuple[int, ...], config: LGrINConfig) -> None:
        super().__init__()
        kept = etas if config.inception else etas[:1]
        self.gcn, self.inception = config.convolution == "gcn", config.inception
        self.branches = nn.ModuleList(
            GCNConvolution(inputs, eta) if self.gcn else GStarConvolution(inputs, eta, config.hidden)
            for eta in kept
        )
        self.outputs = sum(kept) + (inputs if self.inception else 0)

    def forward(self, nodes: Tensor, adjacency: Tensor) -> Tensor:
        """(B, M, d) and (M, M) or (B, M, M) -> (B, M, sum of etas + d)."""
        aggregated = (normalised_adjacency(adjacency) if self.gcn else adjacency) @ nodes
        parts = [branch(aggregated) for branch in self.branches]
        if self.inception:
            parts.append(neighbour_maximum(nodes, adjacency.detach()))
        return torch.cat(parts, -1)


class GraphPooling(nn.Module):
    """Graph pooling, eq. (6): [maximum | H^T p | mean] over the nodes, p learned; or any part of it."""

    def __init__(self, config: LGrINConfig) -> None:
        super().__init__()
        self.kinds, self.sort_nodes = config.pooling, min(config.sort_nodes, config.nodes)
        self.parts = sum(self.sort_nodes if kind == "sort" else 1 for kind in self.kinds)
        if "learned" in self.kinds:
            # Deviation: p starts as a mean (1/M); ones, as in the authors' code, make a sum that swamps the others.
            self.p = nn.Parameter(torch.full((config.nodes,), 1.0 / config.nodes))

    def forward(self, nodes: Tensor) -> Tensor:
        """(B, M, Q) -> (B, parts * Q)."""
        pooled = []
        for kind in self.kinds:
            if kind == "max":
                pooled.append(nodes.max(1).values)
            elif kind == "mean":
                pooled.append(nodes.mean(1))
            elif kind == "learned":
                pooled.append(nodes.transpose(1, 2) @ self.p)
            else:
                first = nodes[..., -1].argsort(1, descending=True)[:, : self.sort_nodes, None]
                pooled.append(nodes.gather(1, first.expand(-1, -1, nodes.shape[2])).flatten(1))
        return torch.cat(pooled, 1)


class WholeWindowDropout(nn.Module):
    """Drop features for all nodes of a window at once, so that neighbours cannot give them away."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, nodes: Tensor) -> Tensor:
        """(B, M, d) -> (B, M, d)."""
        if not self.training or not self.rate:
            return nodes
        return nodes * F.dropout(torch.ones_like(nodes[:, :1]), self.rate)


class LGrIN(nn.Module):
    """The whole network: windows (B, M, P) -> logits (B, C)."""

    def __init__(self, config: LGrINConfig) -> None:
        super().__init__()
        self.config = config
        self.graph = Adjacency(config)
        self.input_dropout = WholeWindowDropout(config.input_dropout)
        self.inner_dropout = WholeWindowDropout(config.inner_dropout)
        self.layers = nn.ModuleList()
        width = config.features
        for etas in config.filters:
            self.layers.append(GraphInception(width, etas, config))
            width = self.layers[-1].outputs
        self.pool = GraphPooling(config)
        pooled = width * self.pool.parts
        head: list[nn.Module] = [nn.BatchNorm1d(pooled)] if config.head_norm else []
        if config.head_hidden:
            head += [
                nn.Linear(pooled, config.head_hidden),
                nn.Dropout(config.dropout),
                nn.PReLU(config.head_hidden),
            ]
            pooled = config.head_hidden
        elif config.dropout:
            head += [nn.Dropout(config.dropout)]
        self.head = nn.Sequential(*head, nn.Linear(pooled, config.classes))
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, window: Tensor) -> Tensor:
        """(B, M, P) -> logits (B, C)."""
        adjacency = self.graph(window)
        nodes = self.input_dropout(window)
        for number, layer in enumerate(self.layers):
            nodes = layer(nodes if number == 0 else self.inner_dropout(nodes), adjacency)
        return self.head(self.pool(nodes))

    def adjacency(self) -> Tensor:
        """The learned graph ReLU(A), (M, M)."""
        return self.graph.matrix()

    def graph_loss(self, structure: float = 0.1, size: float = 0.1, pooling: float = 1e-4) -> Tensor:
        """Graph learning loss of eq. (8) with the paper's lambda 1, 2, 3; a scalar, 0 for what is not learned."""
        loss = next(self.parameters()).new_zeros(())
        if self.config.adjacency in ("free", "tied"):
            distance_term, size_term = self.graph.structure_terms()
            loss = loss + structure * distance_term + size * size_term
        if "learned" in self.config.pooling:
            loss = loss + pooling * self.pool.p.square().mean()
        return loss

    def parameter_count(self) -> dict[str, int]:
        """Learned numbers by part: inception, graph (A and p), head, total."""

        def count(module: nn.Module) -> int:
            return sum(p.numel() for p in module.parameters())

        parts = {
            "inception": count(self.layers),
            "graph": count(self.graph) + count(self.pool),
            "head": count(self.head),
        }
        return {**parts, "total": sum(parts.values())}
