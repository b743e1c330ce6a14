import numpy as np
import pytest

from edge_emotion.circumplex import PLACES, valence_arousal
from edge_emotion.emotions import EMOTIONS


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_certainty_is_the_emotions_own_place(emotion: str) -> None:
    certain = np.array([name == emotion for name in EMOTIONS], np.float32)
    assert valence_arousal(certain) == pytest.approx(PLACES[emotion])


def test_the_expectation_by_hand() -> None:
    half = np.array([0.5, 0.25, 0, 0.25, 0, 0, 0], np.float32)  # neutral, happiness, anger
    assert valence_arousal(half) == pytest.approx((0.25 * 0.81 - 0.25 * 0.51, 0.25 * 0.51 + 0.25 * 0.59))
