"""Unweighted average recall first, then accuracy, confusion and calibration."""

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Rates = NDArray[np.float64]


def confusion_matrix(truth: Labels, said: Labels, classes: int) -> NDArray[np.int64]:
    """Counts (classes, classes): row the true class, column the one said."""
    return np.bincount(truth * classes + said, minlength=classes * classes).reshape(classes, classes)


def unweighted_average_recall(truth: Labels, said: Labels, classes: int) -> float:
    """UAR: the mean over the classes that occur of the share of their clips that was recognised, 0..1."""
    counts = confusion_matrix(truth, said, classes)
    present = counts.sum(1) > 0
    return float(np.mean(counts.diagonal()[present] / counts.sum(1)[present]))


def accuracy(truth: Labels, said: Labels) -> float:
    """Share of clips recognised, 0..1."""
    return float(np.mean(truth == said))


def calibration_error(truth: Labels, probabilities: Rates, bins: int = 10) -> float:
    """Expected calibration error: |confidence - accuracy| over even bins of confidence, weighted by their clips."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for number in range(bins):
        inside = which == number
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return float(error)


def softmax(logits: Rates, temperature: float = 1.0) -> Rates:
    """Probabilities (n, classes) of logits divided by a temperature."""
    scaled = logits / temperature
    scaled = np.exp(scaled - scaled.max(-1, keepdims=True))
    return scaled / scaled.sum(-1, keepdims=True)


def fitted_temperature(
    truth: Labels, logits: Rates, weights: Rates | None = None, groups: Rates | None = None
) -> float:
    """Temperature in .1..10 with the least cross-entropy on validation speakers (Guo et al. 2017).

    truth (n,), logits (n, C). weights (n,): of each row, even when None. groups (C, G), 0 or 1: classes are summed
    into groups before they are judged, as the device does, and truth is a group.
    """
    rows = np.arange(len(truth))
    share = np.ones(len(truth)) if weights is None else weights
    candidates = np.geomspace(0.1, 10.0, 401)
    losses = []
    for candidate in candidates:
        probabilities = softmax(logits, candidate)
        if groups is not None:
            probabilities = probabilities @ groups
        losses.append(-np.average(np.log(probabilities[rows, truth] + 1e-12), weights=share))
    return float(candidates[int(np.argmin(losses))])
