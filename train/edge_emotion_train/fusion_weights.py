"""Weights and temperatures of the log-opinion pool, fitted where the senses were measured on the same takes.

Such pairs exist in corpora with both senses of one take, as RAVDESS' video with its sound. Where a combination of
senses has no such corpus its weights are equal, and equal is what the tables and the device say. Fit on held-out takes:
speakers whom none of the networks learned from, and who do not test the result.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.fusion import LEAST

Rates = NDArray[np.float64]


@dataclass(frozen=True)
class FittedPool:
    """Weights of each modality, >= 0 and summing to 1, its temperature, > 0, and mean cross-entropies, in nats.

    loss: of the fitted pool; equal_loss: of equal weights at the same temperatures; alone: of each modality at its own.
    """

    weights: Mapping[str, float]
    temperatures: Mapping[str, float]
    loss: float
    equal_loss: float
    alone: Mapping[str, float]


def tempered(log_probabilities: Rates, temperature: float) -> Rates:
    """(n, C) log-probabilities of a modality at a temperature; none falls below fusion's LEAST, before or after."""
    logits = torch.from_numpy(np.maximum(log_probabilities, math.log(LEAST))) / temperature
    calibrated: Rates = torch.log_softmax(logits, 1).clamp_min(math.log(LEAST)).numpy()
    return calibrated


def pooled(log_probabilities: Mapping[str, Rates], pool: FittedPool) -> Rates:
    """(n, C) log-probabilities of the pool: log p = sum_m w_m log p_m + constant, p_m at its temperature."""
    logits = sum(
        weight * tempered(log_probabilities[name], pool.temperatures[name])
        for name, weight in pool.weights.items()
    )
    joined: Rates = torch.log_softmax(torch.as_tensor(logits), 1).numpy()
    return joined


def fitted_pool(truth: NDArray[np.int64], log_probabilities: Mapping[str, Rates]) -> FittedPool:
    """Fit to true classes (n,) and, for each modality, its log-probabilities (n, C) on the same takes.

    A modality's temperature is fitted alone (Guo et al. 2017): it must be right where the others abstain, and beside
    weights that sum to 1 a joint fit would only trade one for the other. The loss is convex in the weights then, which
    are a softmax so that they stay a share each. EdgeEmotionError when the arrays are not pairs.
    """
    _check(truth, log_probabilities)
    names, target = list(log_probabilities), torch.from_numpy(truth.astype(np.int64))
    temperatures = {name: _temperature(target, log_probabilities[name]) for name in names}
    calibrated = torch.from_numpy(
        np.stack([tempered(log_probabilities[name], temperatures[name]) for name in names])
    )

    def loss(weights: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy((weights[:, None, None] * calibrated).sum(0), target)

    scores = torch.zeros(len(names), dtype=torch.float64, requires_grad=True)
    _minimise(scores, lambda: loss(scores.softmax(0)))
    with torch.no_grad():
        weights = scores.softmax(0)
        equal = torch.full_like(weights, 1 / len(names))
        corners = torch.eye(len(names), dtype=torch.float64)
        alone = {name: float(loss(corner)) for name, corner in zip(names, corners, strict=True)}
        shares = dict(zip(names, weights.tolist(), strict=True))
        return FittedPool(shares, temperatures, float(loss(weights)), float(loss(equal)), alone)


def _temperature(target: torch.Tensor, log_probabilities: Rates) -> float:
    """Temperature with the least cross-entropy; e^-5 to e^5: beyond it a modality says nothing, or one thing."""
    logits = torch.from_numpy(np.maximum(log_probabilities, math.log(LEAST)))
    logarithm = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    _minimise(logarithm, lambda: F.cross_entropy(logits * (-logarithm.clamp(-5, 5)).exp(), target))
    return float(logarithm.detach().clamp(-5, 5).exp())


def _minimise(parameter: torch.Tensor, loss: Callable[[], torch.Tensor]) -> None:
    optimiser = torch.optim.LBFGS(
        [parameter], max_iter=500, tolerance_grad=1e-9, tolerance_change=1e-12, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss()
        value.backward()
        return value

    optimiser.step(closure)


def _check(truth: NDArray[np.int64], log_probabilities: Mapping[str, Rates]) -> None:
    """Raise unless there are two modalities or more on the same takes."""
    if len(log_probabilities) < 2:
        raise EdgeEmotionError(f"a pool needs two modalities or more, got {len(log_probabilities)}")
    shapes = {name: values.shape for name, values in log_probabilities.items()}
    if truth.ndim != 1 or len(set(shapes.values())) != 1 or next(iter(shapes.values()))[:1] != truth.shape:
        raise EdgeEmotionError(
            f"expected log-probabilities (n, C) of the same n = {len(truth)} takes, got {shapes}"
        )
    if truth.size == 0 or truth.min() < 0 or truth.max() >= next(iter(shapes.values()))[1]:
        raise EdgeEmotionError(
            f"expected at least one take with a class of 0 to C - 1, got {truth.size} takes"
        )
    for name, values in log_probabilities.items():
        if np.isnan(values).any() or (values > 1e-6).any():
            raise EdgeEmotionError(f"{name}: expected log-probabilities, none above 0, got other values")
