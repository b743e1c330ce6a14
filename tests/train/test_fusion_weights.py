"""The fitted pool: noise gets no weight, calibrated senses keep temperature 1, pairs are checked."""

from dataclasses import replace

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.fusion import pool
from edge_emotion_train.fusion_weights import FittedPool, fitted_pool, pooled

CLASSES = 7


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


def calibrated(count, sharpness, seed):
    """Log-probabilities (n, C) and classes that were drawn from them: their best temperature is 1."""
    random = np.random.default_rng(seed)
    logs = log_softmax(sharpness * random.standard_normal((count, CLASSES)))
    return random, logs, np.array([random.choice(CLASSES, p=np.exp(row)) for row in logs])


def test_noise_gets_no_weight():
    random, face, truth = calibrated(2000, 2.0, 0)
    noise = log_softmax(2.0 * random.standard_normal(face.shape))
    found = fitted_pool(truth, {"face": face, "voice": noise})
    assert found.weights["voice"] < 0.03
    assert sum(found.weights.values()) == pytest.approx(1.0)
    assert found.temperatures["voice"] > 10
    assert found.loss == pytest.approx(found.alone["face"], abs=0.002)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_found(temperature):
    _, right, truth = calibrated(3000, 1.5, 1)
    found = fitted_pool(truth, {"face": log_softmax(right * temperature), "voice": right})
    assert found.temperatures["face"] == pytest.approx(temperature, rel=0.06)
    assert found.temperatures["voice"] == pytest.approx(1.0, rel=0.06)


def test_no_other_weights_do_better():
    _, face, truth = calibrated(1500, 1.5, 2)
    noise = np.random.default_rng(6).standard_normal(face.shape)
    both = {"face": log_softmax(face + 1.5 * noise), "voice": log_softmax(0.5 * face - noise)}
    found = fitted_pool(truth, both)
    assert 0.02 < found.weights["face"] < 0.98
    rows = np.arange(len(truth))
    for share in np.linspace(0, 1, 41):
        other = replace(found, weights={"face": share, "voice": 1 - share})
        assert -pooled(both, other)[rows, truth].mean() >= found.loss - 1e-9
    assert -pooled(both, found)[rows, truth].mean() == pytest.approx(found.loss)


def test_equals_share_equally_and_beat_each_alone():
    random = np.random.default_rng(3)
    truth = random.integers(0, CLASSES, 4000)
    seen = [2.0 * np.eye(CLASSES)[truth] + random.standard_normal((4000, CLASSES)) for _ in range(2)]
    found = fitted_pool(truth, {"face": log_softmax(seen[0]), "voice": log_softmax(seen[1])})
    assert found.weights["face"] == pytest.approx(0.5, abs=0.05)
    assert found.loss < min(found.alone.values())


def test_the_pool_is_the_devices_own():
    random = np.random.default_rng(4)
    logs = {name: log_softmax(3 * random.standard_normal((5, CLASSES))) for name in ("face", "voice")}
    weights = {"face": 0.8, "voice": 0.2}
    ours = np.exp(pooled(logs, FittedPool(weights, {"face": 1.0, "voice": 1.0}, 0, 0, {})))
    for row in range(5):
        theirs = pool(
            [np.exp(values[row]).astype(np.float32) for values in logs.values()], list(weights.values())
        )
        assert np.allclose(ours[row], theirs, atol=1e-5)


def test_a_probability_of_zero_does_not_forbid():
    _, face, truth = calibrated(500, 1.0, 5)
    sure = np.full_like(face, -np.inf)
    sure[:, 0] = 0.0
    found = fitted_pool(truth, {"face": face, "voice": sure})
    assert np.isfinite(found.loss)
    assert found.loss <= found.alone["face"] + 1e-6


@pytest.mark.parametrize(
    ("truth", "given", "said"),
    [
        ([0, 1], {"face": np.zeros((2, 3))}, "two modalities"),
        ([0, 1], {"face": np.zeros((2, 3)), "voice": np.zeros((1, 3))}, "same n = 2 takes"),
        ([0, 3], {"face": np.zeros((2, 3)), "voice": np.zeros((2, 3))}, "0 to C - 1"),
        ([], {"face": np.zeros((0, 3)), "voice": np.zeros((0, 3))}, "at least one take"),
        ([0, 1], {"face": np.full((2, 3), np.nan), "voice": np.zeros((2, 3))}, "face: expected log"),
        ([0, 1], {"face": np.zeros((2, 3)), "voice": np.ones((2, 3))}, "voice: expected log"),
    ],
)
def test_what_are_no_pairs_is_refused(truth, given, said):
    with pytest.raises(EdgeEmotionError, match=said) as caught:
        fitted_pool(np.array(truth, np.int64), given)
    assert "\n" not in str(caught.value)
