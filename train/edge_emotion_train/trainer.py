"""Trains one L-GrIN on one side of a split: loop, weight average, checkpoints that resume to the same bits."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.feature_set import FeatureSet
from edge_emotion.window import RollingGraph
from edge_emotion_train.metrics import softmax
from edge_emotion_train.models.lgrin import LGrIN, LGrINConfig
from edge_emotion_train.node_augmentation import (
    NodeAugmentation,
    held_columns,
    masked,
    random_window,
    stretched,
)

Nodes = NDArray[np.float32]
SMALLEST = 4  # clips to learn from: batch norm needs some


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained; the defaults were chosen on validation speakers.

    epochs: passes over the clips. batch: windows a step. learning_rate: peak of the one-cycle schedule.
    weight_decay: AdamW's. label_smoothing: share of a target spread over the classes. average: decay of the running
    average of the weights, which is the trained network. augmentation: of nodes, at every epoch.
    structure, size, pooling: lambda 1, 2, 3 of eq. (8).
    """

    epochs: int = 60
    batch: int = 32
    learning_rate: float = 4e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    average: float = 0.995
    augmentation: NodeAugmentation = field(default_factory=NodeAugmentation)
    structure: float = 0.1
    size: float = 0.1
    pooling: float = 1e-4


@dataclass(frozen=True)
class Sample:
    """One clip to learn from: its copies' nodes, each (k, width), and its target over the classes (C,)."""

    copies: tuple[Nodes, ...]
    target: NDArray[np.float32]


@dataclass(frozen=True)
class Standardisation:
    """Mean and scale (P,) of the training clips' window features."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    def __call__(self, features: Nodes) -> Nodes:
        """(..., P) -> (..., P), mean 0 and scale 1 over the training clips."""
        return ((features - self.mean) / self.scale).astype(np.float32)


def device_windows(nodes: Nodes, length: int, hop: int) -> Nodes:
    """The windows (k, length, width), k >= 1, that the device's rolling graph makes of a clip."""
    graph = RollingGraph(length, hop)
    return np.stack([window for _, window in (*graph.push(nodes), *graph.flush())])


def fitted_standardisation(
    samples: Sequence[Sample], features: FeatureSet, length: int, hop: int
) -> Standardisation:
    """Mean and scale over the unchanged training clips' windows; constant features keep scale 1."""
    count, total, squares = 0, np.zeros(features.features), np.zeros(features.features)
    for sample in samples:
        seen = features.window(device_windows(sample.copies[0], length, hop)).reshape(-1, features.features)
        count += len(seen)
        total += seen.sum(0, dtype=np.float64)
        squares += np.square(seen, dtype=np.float64).sum(0)
    mean = total / count
    scale = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    return Standardisation(mean.astype(np.float32), np.where(scale > 1e-4, scale, 1.0).astype(np.float32))


def _batches(
    samples: Sequence[Sample],
    features: FeatureSet,
    standard: Standardisation,
    settings: TrainingSettings,
    length: int,
    random: np.random.Generator,
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch of augmented windows (B, M, P) and their targets (B, C)."""
    how = settings.augmentation
    order = random.permutation(len(samples))
    for start in range(0, len(order) - settings.batch + 1, settings.batch):
        chosen = [samples[i] for i in order[start : start + settings.batch]]
        windows = []
        for sample in chosen:
            copy = int(random.integers(len(sample.copies))) if random.random() < how.copies else 0
            nodes = sample.copies[copy]
            if random.random() < how.tempo_share:
                factor = 1.0 + random.uniform(-how.tempo, how.tempo)
                nodes = stretched(nodes, factor, held_columns(features.name))
            windows.append(random_window(nodes, length, random))
        inputs = masked(standard(features.window(np.stack(windows))), how, features.bands, random)
        targets = np.stack([sample.target for sample in chosen])
        if how.mixup:
            share = random.beta(how.mixup, how.mixup, (len(chosen), 1)).astype(np.float32)
            other = random.permutation(len(chosen))
            inputs = inputs * share[:, :, None] + inputs[other] * (1 - share[:, :, None])
            targets = targets * share + targets[other] * (1 - share)
        yield torch.from_numpy(inputs), torch.from_numpy(targets)


@dataclass
class _Training:
    """All that a checkpoint holds."""

    network: LGrIN
    averaged: AveragedModel
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    epoch: int = 0

    def parts(self) -> dict[str, object]:
        return {
            "network": self.network,
            "averaged": self.averaged,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
        }

    def save(self, path: Path) -> None:
        state = {name: part.state_dict() for name, part in self.parts().items()}
        unfinished = path.with_suffix(".part")
        torch.save({**state, "epoch": self.epoch}, unfinished)
        unfinished.replace(path)

    def load(self, path: Path) -> None:
        try:
            state = torch.load(path, weights_only=True, map_location="cpu")
            for name, part in self.parts().items():
                part.load_state_dict(state[name])
            self.epoch = int(state["epoch"])
        except (RuntimeError, KeyError, ValueError, OSError, EOFError) as error:
            reason = str(error).splitlines()[0]
            raise EdgeEmotionError(
                f"cannot resume from {path}: {reason}; delete it to start afresh"
            ) from error


Batches = Callable[[np.random.Generator], Iterator[tuple[Tensor, Tensor]]]
"""One epoch: windows (B, M, P) and targets (B, C) from an epoch's own source of randomness."""


def train(
    config: LGrINConfig,
    settings: TrainingSettings,
    samples: Sequence[Sample],
    features: FeatureSet,
    standard: Standardisation,
    seed: int,
    device: str = "cpu",
    checkpoint: Path | None = None,
    every: int = 10,
    report: Callable[[int, float], None] | None = None,
) -> LGrIN:
    """Train on clips and give the weight-averaged network in evaluation mode; see train_on.

    A corpus smaller than a batch is one batch. Raises EdgeEmotionError on fewer than SMALLEST samples.
    """
    if len(samples) < SMALLEST:
        raise EdgeEmotionError(
            f"training needs at least {SMALLEST} clips with a known label, got {len(samples)}"
        )
    settings = replace(settings, batch=min(settings.batch, len(samples)))

    def batches(random: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        return _batches(samples, features, standard, settings, config.nodes, random)

    steps = len(samples) // settings.batch
    return train_on(config, settings, batches, steps, seed, device, checkpoint, every, report)


def train_on(
    config: LGrINConfig,
    settings: TrainingSettings,
    batches: Batches,
    steps: int,
    seed: int,
    device: str = "cpu",
    checkpoint: Path | None = None,
    every: int = 10,
    report: Callable[[int, float], None] | None = None,
    start: dict[str, Tensor] | None = None,
    graph_rate: float = 1.0,
) -> LGrIN:
    """Train on `steps` batches an epoch and give the weight-averaged network in evaluation mode.

    Randomness of an epoch comes from (seed, epoch) alone, so a run resumed from `checkpoint` (written every `every`
    epochs) ends with the same weights as one that was not stopped. report: called after each epoch with its number
    and mean loss. start: weights to begin with, random ones when None. graph_rate: learning rate of the adjacency as a
    share of the others'; below 1 it is not decayed either. An entry that a step takes below 0 is dead for good, since
    ReLU(A) has no slope there, and Adam's steps are large for entries this small.
    Raises EdgeEmotionError on a checkpoint of another network.
    """
    torch.manual_seed(seed)
    network = LGrIN(config).to(device)
    if start is not None:
        network.load_state_dict(start)
    groups: list[dict[str, object]] = [{"params": list(network.parameters())}]
    rates = [settings.learning_rate]
    if graph_rate != 1.0:
        graph = list(network.graph.parameters())
        others = [p for p in network.parameters() if all(p is not q for q in graph)]
        groups = [{"params": others}, {"params": graph, "weight_decay": 0.0}]
        rates.append(settings.learning_rate * graph_rate)
    optimiser = torch.optim.AdamW(groups, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rates, total_steps=settings.epochs * steps, pct_start=0.2
    )
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(settings.average), use_buffers=True)
    state = _Training(network, average, optimiser, schedule)
    if checkpoint and checkpoint.is_file():
        state.load(checkpoint)
    for epoch in range(state.epoch, settings.epochs):
        random = np.random.default_rng([seed, epoch])
        torch.manual_seed(seed * 100_003 + epoch)
        network.train()
        total = 0.0
        for inputs, targets in batches(random):
            logits = network(inputs.to(device))
            loss = F.cross_entropy(logits, targets.to(device), label_smoothing=settings.label_smoothing)
            loss = loss + network.graph_loss(settings.structure, settings.size, settings.pooling)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            average.update_parameters(network)
            total += float(loss.detach())
        state.epoch = epoch + 1
        if report:
            report(epoch + 1, total / steps)
        if checkpoint and (state.epoch % every == 0 or state.epoch == settings.epochs):
            state.save(checkpoint)
    trained: LGrIN = average.module
    return trained.eval()


def window_logits(
    network: LGrIN, clips: Sequence[Nodes], features: FeatureSet, standard: Standardisation, hop: int
) -> list[NDArray[np.float64]]:
    """Logits (k, C) of the k windows that the device would make of each clip."""
    if not clips:
        return []
    device = next(network.parameters()).device
    per_clip = [device_windows(nodes, network.config.nodes, hop) for nodes in clips]
    stacked = standard(features.window(np.concatenate(per_clip)))
    with torch.no_grad():
        parts = [
            network(torch.from_numpy(stacked[i : i + 256]).to(device)) for i in range(0, len(stacked), 256)
        ]
    logits = torch.cat(parts).cpu().double().numpy()
    return np.split(logits, np.cumsum([len(windows) for windows in per_clip])[:-1])


def clip_logits(
    network: LGrIN, clips: Sequence[Nodes], features: FeatureSet, standard: Standardisation, hop: int
) -> NDArray[np.float64]:
    """Mean log-probabilities (n, C) of each clip over the windows that the device would make of it."""
    windows = window_logits(network, clips, features, standard, hop)
    means = [np.log(softmax(logits) + 1e-12).mean(0) for logits in windows]
    return np.stack(means) if means else np.zeros((0, network.config.classes))
