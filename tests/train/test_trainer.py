"""The loop: it learns, resumes to the same weights, standardises on its own side alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.models.lgrin import LGrINConfig
from edge_emotion_train.node_augmentation import NodeAugmentation
from edge_emotion_train.trainer import (
    Sample,
    Standardisation,
    TrainingSettings,
    clip_logits,
    device_windows,
    fitted_standardisation,
    train,
)

CONFIG = LGrINConfig(10, 3, 2, filters=((6, 4),), adjacency="tied", adjacency_start="band", reach=2)
SETTINGS = TrainingSettings(
    epochs=6, batch=8, average=0.9, augmentation=NodeAugmentation(band_mask=2, time_mask=3)
)


class PlainFeatures:
    """Nodes as they are."""

    name, version, rate, period, width, features, bands = "plain", 1, 16_000, 0.03, 3, 3, (0, 3)

    def window(self, nodes):
        return nodes


def samples(count=24, seed=0):
    """Two classes that differ in how the first feature moves."""
    random = np.random.default_rng(seed)
    made = []
    for i in range(count):
        nodes = random.normal(0, 1, (14, 3)).astype(np.float32)
        nodes[:, 0] += (i % 2) * 3
        made.append(Sample((nodes, nodes * 1.1), np.eye(2, dtype=np.float32)[i % 2]))
    return made


def trained(**options):
    standard = Standardisation(np.zeros(3, np.float32), np.ones(3, np.float32))
    settings = options.pop("settings", SETTINGS)
    return train(CONFIG, settings, samples(), PlainFeatures(), standard, seed=1, **options)


def test_it_learns_to_tell_two_classes_of_new_clips():
    network = trained(settings=replace(SETTINGS, epochs=30))
    new = samples(20, seed=9)
    standard = Standardisation(np.zeros(3, np.float32), np.ones(3, np.float32))
    logits = clip_logits(network, [s.copies[0] for s in new], PlainFeatures(), standard, hop=2)
    assert np.mean(logits.argmax(1) == [s.target.argmax() for s in new]) >= 0.9
    assert np.allclose(np.exp(logits).sum(1), 1, atol=0.3)  # mean log-probabilities: at most 1


def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path):
    whole = trained()
    checkpoint = tmp_path / "checkpoint.pt"

    class StoppedError(Exception):
        pass

    def stop(epoch, loss):
        if epoch == 5:
            raise StoppedError

    with pytest.raises(StoppedError):
        trained(checkpoint=checkpoint, every=2, report=stop)
    epochs = []
    resumed = trained(checkpoint=checkpoint, every=2, report=lambda epoch, loss: epochs.append(epoch))
    assert epochs == [5, 6]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_another_seed_gives_other_weights():
    first = trained()
    second = train(
        CONFIG,
        SETTINGS,
        samples(),
        PlainFeatures(),
        Standardisation(np.zeros(3, np.float32), np.ones(3, np.float32)),
        2,
    )
    assert not torch.equal(first.head[-1].weight, second.head[-1].weight)


@pytest.mark.parametrize("damage", ["truncated", "foreign", "other network"])
def test_a_bad_checkpoint_is_one_clear_line(damage, tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    trained(checkpoint=checkpoint, settings=replace(SETTINGS, epochs=2))
    if damage == "truncated":
        checkpoint.write_bytes(checkpoint.read_bytes()[:200])
    elif damage == "foreign":
        torch.save({"something": torch.zeros(1)}, checkpoint)
    else:
        state = torch.load(checkpoint, weights_only=True)
        state["network"].pop("pool.p")
        torch.save(state, checkpoint)
    with pytest.raises(EdgeEmotionError, match="cannot resume") as caught:
        trained(checkpoint=checkpoint)
    assert "\n" not in str(caught.value)


def test_a_corpus_smaller_than_a_batch_is_one_batch_and_almost_none_is_told():
    standard = Standardisation(np.zeros(3, np.float32), np.ones(3, np.float32))
    train(CONFIG, SETTINGS, samples(5), PlainFeatures(), standard, 0)
    with pytest.raises(EdgeEmotionError, match="at least 4 clips"):
        train(CONFIG, SETTINGS, samples(3), PlainFeatures(), standard, 0)


def test_standardisation_is_of_the_recordings_own_windows():
    made = samples(6)
    standard = fitted_standardisation(made, PlainFeatures(), 10, 2)
    stacked = np.concatenate([device_windows(s.copies[0], 10, 2).reshape(-1, 3) for s in made])
    assert np.allclose(standard.mean, stacked.mean(0), atol=1e-5)
    assert np.allclose(standard.scale, stacked.std(0), atol=1e-4)
    constant = [Sample((np.full((10, 3), 5.0, np.float32),), np.ones(2, np.float32))]
    assert fitted_standardisation(constant, PlainFeatures(), 10, 2).scale.tolist() == [1, 1, 1]


def test_windows_of_a_clip_are_the_devices():
    nodes = np.arange(15, dtype=np.float32)[:, None]
    assert device_windows(nodes, 10, 4)[:, -1, 0].tolist() == [9, 13, 14]
    assert device_windows(nodes[:3], 10, 4).shape == (1, 10, 1)
