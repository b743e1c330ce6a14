"""The last layer learned anew on own clips, held to what it was: logistic regression with a prior.

Everything below the last layer stays as corpora of thousands of clips made it. With z what that layer takes (Q
numbers a window), W0 and b0 its rows for the emotions that the own labels stand for, and W, b to be found:

    minimise  sum over clips of the cross-entropy, a mean over the clip's windows  +  penalty / 2 |W - W0, b - b0|^2

which is convex: the answer depends on the clips and the penalty alone, no seed, no schedule, and without clips it is
the network that was there before. Where speakers can be held out, the penalty is the one of PENALTIES whose answers
about them are best; ten clips of the same people cannot choose it, and SAME_PEOPLE is taken, set once on the RAVDESS
actors of docs/results/own-models.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from edge_emotion.emotions import EMOTIONS
from edge_emotion_train.metrics import softmax
from edge_emotion_train.own_start import Start

PENALTIES = (10.0, 30.0, 100.0, 300.0, 1000.0)
SAME_PEOPLE = 10.0
STEPS = 100  # of L-BFGS, at most
SPREAD = 0.5  # of the logarithm of the temperature about 0 before any clip was seen

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Head:
    """A last layer: weight (C, Q), bias (C,)."""

    weight: Tensor
    bias: Tensor

    def logits(self, pooled: Sequence[Tensor]) -> list[Floats]:
        """Logits (k, C) of each clip's windows (k, Q)."""
        return [(windows @ self.weight.T + self.bias).double().numpy() for windows in pooled]


def first_head(start: Start, labels: Sequence[str], label_map: Mapping[str, str]) -> Head:
    """The start's own last layer, calibrated, over other labels that stand for emotions.

    An emotion's row is the mean of the start's rows for it, and its bias grows with their number, as the sum of their
    probabilities would; an emotion that the start does not know gets the mean of all rows.
    """
    last = start.network.head[-1]
    weight, bias = last.weight.detach() / start.temperature, last.bias.detach() / start.temperature
    rows = []
    for label in labels:
        emotion = label_map[label]
        same = [i for i, known in enumerate(start.labels) if start.label_map[known] == emotion]
        chosen = same or list(range(len(start.labels)))
        rows.append((weight[chosen].mean(0), bias[chosen].mean() + float(np.log(len(same) or 1))))
    return Head(torch.stack([row for row, _ in rows]), torch.stack([value for _, value in rows]))


def fitted_head(first: Head, pooled: Sequence[Tensor], kinds: NDArray[np.int64], penalty: float) -> Head:
    """The last layer for clips: pooled (k, Q) of each clip's windows, kinds (n,) their classes.

    Classes count alike, however many clips they have.
    """
    counts = np.bincount(kinds, minlength=len(first.bias))
    present = int(np.count_nonzero(counts))
    share = [len(kinds) / present / counts[kind] / len(z) for z, kind in zip(pooled, kinds, strict=True)]
    sizes = torch.tensor([len(z) for z in pooled])
    weights = torch.tensor(share, dtype=torch.float64).repeat_interleave(sizes)
    targets = torch.from_numpy(kinds).repeat_interleave(sizes)
    inputs = torch.cat(list(pooled)).double()
    before = inputs @ first.weight.double().T + first.bias.double()
    weight = torch.zeros_like(first.weight, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros_like(first.bias, dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([weight, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        search.zero_grad()
        apart = F.cross_entropy(before + inputs @ weight.T + bias, targets, reduction="none")
        value = (apart * weights).sum() + penalty / 2 * (weight.square().sum() + bias.square().sum())
        value.backward()
        return value

    search.step(loss)
    return Head(first.weight + weight.detach().float(), first.bias + bias.detach().float())


def held_out_logits(
    first: Head,
    pooled: Sequence[Tensor],
    kinds: NDArray[np.int64],
    folds: Sequence[Sequence[int]],
    penalty: float,
) -> list[Floats]:
    """Logits (k, C) of each clip's windows by a last layer that learned from the other folds' clips."""
    found: dict[int, Floats] = {}
    for fold in folds:
        others = [i for i in range(len(pooled)) if i not in set(fold)]
        head = fitted_head(first, [pooled[i] for i in others], kinds[others], penalty)
        found.update(zip(fold, head.logits([pooled[i] for i in fold]), strict=True))
    return [found[i] for i in range(len(pooled))]


def clip_answers(logits: Sequence[Floats]) -> Floats:
    """Mean log-probabilities (n, C) of each clip over its windows."""
    return np.stack([np.log(softmax(windows) + 1e-12).mean(0) for windows in logits])


def mean_loss(logits: Sequence[Floats], kinds: NDArray[np.int64]) -> float:
    """Cross-entropy of clips, classes alike."""
    losses = -clip_answers(logits)[np.arange(len(kinds)), kinds]
    return float(np.mean([losses[kinds == kind].mean() for kind in np.unique(kinds)]))


def careful_temperature(logits: Sequence[Floats], kinds: NDArray[np.int64], groups: Floats) -> float:
    """Temperature in .1 .. 10 for windows' logits and the emotions, pulled towards 1 where clips are few.

    Ten clips, all recognised, would ask for certainty without bounds (fitted_temperature): here the cross-entropy is
    summed over the clips, and (ln T / SPREAD)^2 / 2 added. groups (C, 7): classes -> emotions.
    """
    emotions = groups[kinds].argmax(1)
    best, least = 1.0, np.inf
    for candidate in np.geomspace(0.1, 10.0, 201):
        loss = (np.log(candidate) / SPREAD) ** 2 / 2
        for windows, emotion in zip(logits, emotions, strict=True):
            loss -= np.log((softmax(windows, candidate) @ groups)[:, emotion] + 1e-12).mean()
        if loss < least:
            best, least = float(candidate), float(loss)
    return best


def emotion_groups(labels: Sequence[str], label_map: Mapping[str, str]) -> Floats:
    """(C, 7) of 0 and 1: which of the seven emotions each label stands for."""
    return np.array([[float(label_map[label] == emotion) for emotion in EMOTIONS] for label in labels])
