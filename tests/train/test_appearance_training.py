"""Training of the appearance network: the device's standardisation, moved crops, learning, resuming."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_alignment import network_crop
from edge_emotion_train.appearance_recipe import AppearanceTraining
from edge_emotion_train.appearance_training import (
    SIDE,
    appearance_logits,
    covered,
    moved,
    standardised,
    train_appearance,
    unmoved,
)
from edge_emotion_train.models.appearance import AppearanceConfig

SMALL = AppearanceConfig(widths=(4, 8), blocks=(1, 1), embedding=6, classes=2, dropout=0.0)
QUICK = AppearanceTraining(
    epochs=5, batch=16, learning_rate=0.01, average=0.5, small=0.2, middle=0.4, erased=0.0, mixup_share=0.2
)
STILL = replace(QUICK, turn=0.0, zoom=0.0, stretch=0.0, shift=0.0, gamma=0.0)


@pytest.fixture
def crops() -> np.ndarray:
    """Stripes across, or stripes down: two classes that mirroring leaves alone."""
    noise = np.random.default_rng(0).integers(0, 60, (64, SIDE, SIDE), np.uint8)
    for row in range(0, SIDE, 8):
        noise[0::2, row : row + 4] += 120
        noise[1::2, :, row : row + 4] += 120
    return noise


LABELS = np.arange(64) % 2


def test_standardisation_in_training_is_the_device_s(crops: np.ndarray) -> None:
    inner = unmoved(crops)
    ours = standardised(torch.from_numpy(inner).float()[:, None])[:, 0].numpy()
    assert np.allclose(ours, network_crop(inner), atol=1e-4)


def test_crops_that_are_not_moved_are_the_device_s(crops: np.ndarray) -> None:
    random = np.random.default_rng(0)
    plain = moved(crops, STILL, 48, random, mirrored=False)[:, 0].numpy()
    assert np.allclose(plain, network_crop(unmoved(crops)), atol=2e-2)
    mirrored = moved(crops, STILL, 48, random, mirrored=True)[:, 0].numpy()
    assert np.allclose(mirrored, plain[:, :, ::-1], atol=2e-2)


def test_a_covered_crop_has_one_grey_rectangle() -> None:
    blank = torch.linspace(5, 6, 48 * 48).view(1, 1, 48, 48)
    how = replace(STILL, erased=1.0, noise=0.0)
    found = covered(blank.clone(), how, np.random.default_rng(1))[0, 0]
    rows, columns = np.nonzero((found != blank[0, 0]).numpy())
    assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1) > 0
    assert len(found[rows, columns].unique()) == 1


def test_it_learns_and_resumes_to_the_same_bits(tmp_path: Path, crops: np.ndarray) -> None:
    losses: list[float] = []
    whole = train_appearance(
        SMALL, QUICK, crops, LABELS, 1, tmp_path / "whole", lambda _, loss: losses.append(loss)
    )
    assert losses[-1] < 0.75 * losses[0] and losses[-1] < 0.5  # two classes told by chance lose .69
    assert appearance_logits(whole, unmoved(crops)).shape == (64, 2)

    class StoppedError(Exception):
        pass

    def stop(epoch: int, loss: float) -> None:
        if epoch == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_appearance(SMALL, QUICK, crops, LABELS, 1, tmp_path / "parts", stop)
    resumed = train_appearance(SMALL, QUICK, crops, LABELS, 1, tmp_path / "parts", lambda *_: None)
    for mine, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_it_learns_probabilities_in_place_of_labels(tmp_path: Path, crops: np.ndarray) -> None:
    opposite = np.eye(2, dtype=np.float32)[1 - LABELS]
    how = replace(QUICK, label_smoothing=0.0, epochs=15, mixup_share=0.0)
    network = train_appearance(
        SMALL, how, crops, LABELS, 0, tmp_path, lambda *_: None, soft=0.8 * opposite + 0.1
    )
    said = appearance_logits(network, unmoved(crops)).argmax(1)
    assert (said == 1 - LABELS).mean() > 0.9
    with pytest.raises(EdgeEmotionError, match="another recipe"):
        train_appearance(SMALL, how, crops, LABELS, 0, tmp_path, lambda *_: None)


def test_a_folder_of_another_recipe_and_a_broken_checkpoint_are_refused(
    tmp_path: Path, crops: np.ndarray
) -> None:
    how = replace(QUICK, epochs=1)
    train_appearance(SMALL, how, crops, LABELS, 1, tmp_path, lambda *_: None)
    with pytest.raises(EdgeEmotionError, match="another recipe"):
        train_appearance(SMALL, how, crops, LABELS, 2, tmp_path, lambda *_: None)
    (tmp_path / "checkpoint.pt").write_bytes(b"broken")
    with pytest.raises(EdgeEmotionError, match="cannot resume"):
        train_appearance(SMALL, how, crops, LABELS, 1, tmp_path, lambda *_: None)
