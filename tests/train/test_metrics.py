"""Metrics by hand."""

import numpy as np
import pytest

from edge_emotion_train.metrics import (
    accuracy,
    calibration_error,
    confusion_matrix,
    fitted_temperature,
    softmax,
    unweighted_average_recall,
)


def test_uar_counts_classes_not_clips():
    truth, said = np.array([0, 0, 0, 0, 1, 2]), np.array([0, 0, 0, 1, 0, 2])
    assert confusion_matrix(truth, said, 4).tolist() == [
        [3, 1, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 0],
    ]
    assert unweighted_average_recall(truth, said, 4) == pytest.approx((0.75 + 0 + 1) / 3)
    assert accuracy(truth, said) == pytest.approx(4 / 6)


def test_calibration_error_of_the_sure_and_wrong():
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05]])
    assert calibration_error(np.array([0, 1]), probabilities) == pytest.approx(0.45)
    assert calibration_error(np.array([0, 0]), np.array([[1.0, 0.0], [1.0, 0.0]])) == pytest.approx(0.0)


def test_temperature_finds_the_scale_that_was_hidden():
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (20_000, 4))
    truth = np.array([random.choice(4, p=row) for row in softmax(logits)])
    assert fitted_temperature(truth, 3.0 * logits) == pytest.approx(3.0, rel=0.05)
