"""What a network has to beat: guessing by the frequency of the classes, and a line through means and deviations."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from edge_emotion_train.node_cache import ClipNodes

Rates = NDArray[np.float64]


def means_and_deviations(clips: Sequence[ClipNodes]) -> Rates:
    """(n, 2 width): for each clip the mean and the standard deviation of its nodes over time."""
    return np.stack(
        [np.concatenate([clip.copies[0].mean(0), clip.copies[0].std(0)]) for clip in clips], dtype=np.float64
    )


def frequency_logits(truth: NDArray[np.int64], count: int, classes: int) -> Rates:
    """(count, classes): the same for everyone, the log share of each class among those learned from."""
    shares = np.bincount(truth, minlength=classes) / len(truth)
    return np.tile(np.log(shares + 1e-12), (count, 1))


def regression_logits(
    learned: Rates, truth: NDArray[np.int64], measured: Rates, classes: int, penalty: float
) -> Rates:
    """Logits (m, classes) for (m, d) features of a multinomial logistic regression on (n, d) features.

    Features are standardised over the n; penalty: weight of half the squared coefficients beside the mean
    cross-entropy, > 0. The loss is convex, so L-BFGS finds its one minimum and there is no seed.
    """
    mean, scale = learned.mean(0), learned.std(0)
    scale = np.where(scale > 1e-6, scale, 1.0)
    inputs = torch.from_numpy((learned - mean) / scale)
    targets = torch.from_numpy(truth)
    weight = torch.zeros(inputs.shape[1], classes, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [weight, bias], max_iter=500, tolerance_grad=1e-7, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = F.cross_entropy(inputs @ weight + bias, targets) + 0.5 * penalty * weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    with torch.no_grad():
        return (torch.from_numpy((measured - mean) / scale) @ weight + bias).numpy()
