"""FER2013: parts by the hash of the name, near-duplicates kept on one side, foreign files refused."""

from pathlib import Path

import numpy as np
import pytest

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora.fer2013 import bucket, near_duplicates, part, stills

WORDS = np.array(["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"])


def write(path: Path, images: np.ndarray, names: list[str], **changed: np.ndarray) -> Path:
    values = {
        "images": images, "labels": np.arange(len(images)) % 7, "label_names": WORDS, "names": np.array(names)
    }  # fmt: skip
    np.savez(path, **{**values, **changed})
    return path


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 48, 48), np.uint8)


def test_parts_come_from_names_alone_and_have_the_stated_shares() -> None:
    names = [f"Training_{n}" for n in range(20000)]
    found = [part(name) for name in names]
    assert found.count("validation") / len(names) == pytest.approx(0.10, abs=0.01)
    assert found.count("choice") / len(names) == pytest.approx(0.05, abs=0.01)
    assert bucket("Training_10118481") == bucket("Training_10118481")


def test_labels_become_the_seven_emotions(tmp_path: Path, images: np.ndarray) -> None:
    names = [f"n{i}" for i in range(60)]
    parts = stills(write(tmp_path / "f.npz", images, names))
    emotion = {
        name: EMOTIONS[label] for s in parts.values() for name, label in zip(s.names, s.labels, strict=True)
    }
    assert emotion["n0"] == "anger" and emotion["n3"] == "happiness" and emotion["n4"] == "neutral"
    assert sum(len(s) for s in parts.values()) == 60


def test_a_training_still_like_a_validation_still_is_left_out(tmp_path: Path, images: np.ndarray) -> None:
    names = [f"n{i}" for i in range(60)]
    training = next(i for i, name in enumerate(names) if part(name) == "train")
    validating = next(i for i, name in enumerate(names) if part(name) == "validation")
    images[training] = np.clip(images[validating].astype(int) * 0.8 + 20, 0, 255).astype(np.uint8)
    parts = stills(write(tmp_path / "f.npz", images, names))
    assert names[training] not in parts["train"].names
    assert names[validating] in parts["validation"].names
    assert sum(len(s) for s in parts.values()) == 59


def test_near_duplicates_are_correlated_pictures_not_blank_ones(images: np.ndarray) -> None:
    blank = np.zeros((1, 48, 48), np.uint8)
    others = np.concatenate([images[:3], blank])
    assert near_duplicates(np.concatenate([images[2:5], blank]), others).tolist() == [
        True,
        False,
        False,
        False,
    ]


def test_files_of_another_layout_are_refused(tmp_path: Path, images: np.ndarray) -> None:
    names = [f"n{i}" for i in range(60)]
    text = tmp_path / "text.npz"
    text.write_text("no zip")
    for file in (
        tmp_path / "none.npz",
        text,
        write(tmp_path / "a.npz", images[:, :40], names),
        write(tmp_path / "b.npz", images, names[:-1]),
        write(tmp_path / "c.npz", images, names, labels=np.full(60, 9)),
        write(tmp_path / "d.npz", images, names, label_names=np.array(["bored", *WORDS[1:]])),
    ):
        with pytest.raises(EdgeEmotionError, match="fer2013: "):
            stills(file)


def test_the_real_file(shared_data: Path) -> None:
    parts = stills(shared_data / "fer2013_train.npz")
    assert {name: len(s) for name, s in parts.items()} == {"train": 23821, "choice": 1406, "validation": 2873}
