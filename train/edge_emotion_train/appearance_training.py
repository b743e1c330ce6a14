"""Trains the appearance network on aligned crops of stills: augmentation, loop, weight average, resuming checkpoint."""

import hashlib
import json
import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_alignment import CROP, network_crop
from edge_emotion_train.appearance_recipe import AppearanceTraining
from edge_emotion_train.models.appearance import Appearance, AppearanceConfig
from edge_emotion_train.still_faces import MARGIN
from edge_emotion_train.whole_file import write_text

SIDE = CROP + 2 * MARGIN  # pixels of a crop with its margin


def standardised(crops: Tensor) -> Tensor:
    """(B, 1, H, W) grey levels -> mean 0 and deviation 1 each: network_crop of the device, in torch."""
    centred = crops - crops.mean((2, 3), keepdim=True)
    return centred / centred.square().mean((2, 3), keepdim=True).sqrt().clamp_min(4.0)


def moved(
    crops: NDArray[np.uint8],
    how: AppearanceTraining,
    side: int,
    random: np.random.Generator,
    mirrored: bool | None = None,
) -> Tensor:
    """(B, SIDE, SIDE) crops -> (B, 1, side, side) turned, scaled, shifted, mirrored and re-lit, standardised.

    mirrored: all or none of them; a random half when None.
    """
    count = len(crops)

    def normal(deviation: float, *shape: int) -> Tensor:
        return torch.from_numpy(random.normal(0.0, deviation, (count, *shape))).float()

    turn = torch.deg2rad(normal(how.turn).clamp(-15, 15))
    zoom, stretch = normal(how.zoom).exp(), normal(how.stretch).exp()
    if mirrored is None:
        mirror = torch.from_numpy(random.choice([-1.0, 1.0], count)).float()
    else:
        mirror = torch.full((count,), -1.0 if mirrored else 1.0)
    shown = CROP / SIDE
    place = torch.zeros(count, 2, 3)
    place[:, 0, 0] = turn.cos() * zoom * mirror * shown * stretch
    place[:, 0, 1] = -turn.sin() * zoom * shown
    place[:, 1, 0] = turn.sin() * zoom * mirror * shown
    place[:, 1, 1] = turn.cos() * zoom * shown / stretch
    place[:, :, 2] = normal(how.shift, 2)
    grid = F.affine_grid(place, [count, 1, side, side], align_corners=False)
    pixels = torch.from_numpy(crops)[:, None].float()
    pixels = F.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    gamma = normal(how.gamma, 1, 1, 1).exp()
    return standardised(255 * (pixels / 255).clamp(1e-3, 1) ** gamma)


def covered(crops: Tensor, how: AppearanceTraining, random: np.random.Generator) -> Tensor:
    """(B, 1, H, W) standardised crops, some with a rectangle of one grey covered, all with noise."""
    side = crops.shape[2]
    for crop in crops:
        if random.random() < how.erased:
            height, width = (random.integers(6, 18, 2) * side / CROP).astype(int)
            top, left = random.integers(0, side - 4, 2)
            crop[:, top : top + height, left : left + width] = random.normal() * 0.5
    noise = torch.from_numpy(random.normal(0.0, how.noise, tuple(crops.shape))).float()
    return (crops + noise).contiguous(memory_format=torch.channels_last)


@dataclass
class _Training:
    network: Appearance
    averaged: AveragedModel
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler

    def parts(self) -> dict[str, object]:
        return {
            "network": self.network,
            "averaged": self.averaged,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
        }


def train_appearance(
    config: AppearanceConfig,
    how: AppearanceTraining,
    crops: NDArray[np.uint8],
    labels: NDArray[np.int64],
    seed: int,
    folder: Path,
    report: Callable[[int, float], None],
    start: Appearance | None = None,
    soft: NDArray[np.float32] | None = None,
) -> Appearance:
    """Train from `start`, or from random weights; give the weight-averaged network in evaluation mode.

    crops: (n, SIDE, SIDE); labels: (n,). soft: (n, C) probabilities to learn instead of the labels, which then weigh
    the classes alone.

    A checkpoint in `folder` after each epoch resumes; the schedule is fixed and nothing is chosen on the way.
    EdgeEmotionError when the folder holds a run of another recipe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    recipe = json.dumps(
        {
            "config": asdict(config),
            "training": asdict(how),
            "seed": seed,
            "stills": len(labels),
            **_mark(start),
            **({} if soft is None else {"soft": hashlib.sha256(np.round(soft, 3).tobytes()).hexdigest()}),
        },
        indent=1,
    )
    stored = folder / "recipe.json"
    if stored.is_file() and stored.read_text() != recipe:
        raise EdgeEmotionError(f"{folder} holds a run of another recipe; choose another --out or delete it")
    write_text(stored, recipe)
    torch.manual_seed(seed)
    network = Appearance(config).to(memory_format=torch.channels_last)
    if start is not None:
        network.load_state_dict(start.state_dict())
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": how.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=how.learning_rate)
    steps = len(labels) // how.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, how.learning_rate, total_steps=how.epochs * steps, pct_start=0.1
    )
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(how.average), use_buffers=True)
    state = _Training(network, average, optimiser, schedule)
    checkpoint = folder / "checkpoint.pt"
    first = _resume(state, checkpoint)
    counts = np.bincount(labels, minlength=config.classes)
    weight = torch.from_numpy((counts.mean() / np.maximum(counts, 1)) ** how.rarity).float()
    goals = torch.from_numpy(labels if soft is None else soft)
    for epoch in range(first, how.epochs):
        random = np.random.default_rng([seed, epoch])
        torch.manual_seed(seed * 1000 + epoch)
        network.train()
        order, total = random.permutation(len(labels)), 0.0
        for step in range(steps):
            chosen = order[step * how.batch : (step + 1) * how.batch]
            inputs = covered(moved(crops[chosen], how, how.side(epoch), random), how, random)
            targets = goals[torch.from_numpy(chosen)]
            share = float(random.beta(how.mixup, how.mixup)) if random.random() < how.mixup_share else 1.0
            other = torch.randperm(len(chosen))
            logits = network(inputs if share == 1.0 else share * inputs + (1 - share) * inputs[other])
            smoothing = how.label_smoothing
            loss = share * F.cross_entropy(logits, targets, weight, label_smoothing=smoothing)
            if share < 1.0:
                loss = loss + (1 - share) * F.cross_entropy(
                    logits, targets[other], weight, label_smoothing=smoothing
                )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            average.update_parameters(network)
            total += float(loss.detach())
        _save(state, checkpoint, epoch + 1)
        report(epoch + 1, total / steps)
    trained: Appearance = average.module
    return trained.eval()


def _mark(start: Appearance | None) -> dict[str, str]:
    """What a recipe says of the weights it started from; nothing when they were random."""
    if start is None:
        return {}
    weights = b"".join(value.numpy().tobytes() for value in start.state_dict().values())
    return {"start": hashlib.sha256(weights).hexdigest()}


def _save(state: _Training, path: Path, epoch: int) -> None:
    unfinished = path.with_suffix(".part")
    torch.save(
        {**{name: part.state_dict() for name, part in state.parts().items()}, "epoch": epoch}, unfinished
    )
    unfinished.replace(path)


def _resume(state: _Training, path: Path) -> int:
    """Load a checkpoint if there is one; give the number of epochs done."""
    if not path.is_file():
        return 0
    try:
        found = torch.load(path, weights_only=True, map_location="cpu")
        for name, part in state.parts().items():
            part.load_state_dict(found[name])
        return int(found["epoch"])
    except (RuntimeError, LookupError, ValueError, OSError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise EdgeEmotionError(f"cannot resume from {path}: {reason}; delete it to start afresh") from error


def appearance_logits(network: Appearance, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Logits (n, C) of (n, CROP, CROP) crops as the device cuts them."""
    with torch.no_grad():
        parts = [
            network(torch.from_numpy(network_crop(piece))[:, None])
            for piece in np.array_split(crops, max(1, len(crops) // 256))
        ]
    return torch.cat(parts).double().numpy()


def embeddings(network: Appearance, crops: Tensor) -> NDArray[np.float32]:
    """Embeddings (n, E) of (n, 1, CROP, CROP) standardised crops."""
    with torch.no_grad():
        parts = [network.embedding(piece) for piece in crops.split(256)]
    found: NDArray[np.float32] = torch.cat(parts).numpy()
    return found


def unmoved(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, SIDE, SIDE) crops without their margin: what the device cuts."""
    return crops[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
