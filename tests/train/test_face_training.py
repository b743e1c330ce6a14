"""The face recipe on made stills: it trains, resumes, measures, and leaves what the export reads."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_alignment import CROP, aligned_crop, network_crop, viewed
from edge_emotion_export.trained_model import load_trained_model
from edge_emotion_train.appearance_run import SeenStills, answers
from edge_emotion_train.corpora.fer2013 import Stills
from edge_emotion_train.face_results import markdown
from edge_emotion_train.face_run import run_face, settings
from edge_emotion_train.face_training import train_face
from edge_emotion_train.models.appearance import Appearance, AppearanceConfig
from edge_emotion_train.still_faces import MARGIN, StillFaces, view_crops
from edge_emotion_train.still_nodes import FaceTraining, still_nodes

MESH = np.random.default_rng(9).uniform(8, 40, (468, 3)).astype(np.float32)
MESH[[33, 133, 362, 263], :2] = [
    (11, 18),
    (19, 18),
    (28, 18),
    (36, 18),
]  # eyes and nose where a face has them
MESH[[75, 2, 305], :2] = [(20, 30), (23.5, 31), (27, 30)]


def part_of(count: int, seed: int) -> tuple[Stills, StillFaces]:
    """Stills whose shape tells their label."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 7
    images = random.integers(0, 256, (count, 48, 48), np.uint8)
    shapes = random.normal(0, 0.01, (count, 136)).astype(np.float32)
    shapes[np.arange(count), 20 + labels] += 1
    crops = np.pad(images, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)), mode="edge")
    found = np.ones(count, bool)
    found[0] = False
    names = np.array([f"s{i}" for i in range(count)])
    mesh = np.repeat(MESH[None], count, 0)
    return Stills(images, labels, names), StillFaces(found, mesh, shapes, crops)


@pytest.fixture(scope="module")
def seen() -> SeenStills:
    parts = {name: part_of(count, i) for i, (name, count) in enumerate(
        {"train": 197, "choice": 43, "validation": 50}.items()
    )}  # fmt: skip
    return SeenStills({k: v[0] for k, v in parts.items()}, {k: v[1] for k, v in parts.items()})


def quick(feature_set: str, epochs: int) -> FaceTraining:
    how = settings(feature_set, epochs)
    return replace(how, training=replace(how.training, batch=49, learning_rate=0.02, average=0.6))


def test_landmarks_that_tell_the_label_are_learned_and_shipped(tmp_path: Path, seen: SeenStills) -> None:
    how = replace(quick("face-landmarks", 6), short_epochs=24, taught=0.0)
    made = run_face(seen, "face-landmarks", tmp_path, how, 0, tmp_path / "run", ["a", "command"])
    part = made.numbers["part"]
    assert part["validation"]["held_found"]["accuracy"] > 0.5  # a guess gets 1/7
    assert part["validation"]["found"] == pytest.approx(49 / 50)
    assert np.sum(part["validation"]["confusion"]) == 50
    model = load_trained_model(tmp_path / "run")
    assert model.appearance is None and tuple(model.labels) == EMOTIONS
    assert model.window["hop"] == 6 and model.window["nodes"] == 90
    assert model.about["corpora"] == ["fer2013"] and "neutral" in model.about["motion"]
    assert model.about["metrics"][0]["protocol"] == "validation tenth, held, all stills"
    assert (tmp_path / "run" / "confusion.png").is_file()
    again = run_face(seen, "face-landmarks", tmp_path, how, 0, tmp_path / "run", ["a", "command"])
    assert torch.equal(again.network.pool.p, made.network.pool.p)
    with pytest.raises(EdgeEmotionError, match="another recipe"):
        run_face(seen, "face-landmarks", tmp_path, how, 1, tmp_path / "run", ["a", "command"])


def test_the_appearance_network_travels_with_the_model(tmp_path: Path, seen: SeenStills) -> None:
    torch.manual_seed(0)
    network = Appearance(AppearanceConfig())
    torch.save(network.state_dict(), tmp_path / "appearance.pt")
    run_face(seen, "face", tmp_path, quick("face", 1), 0, tmp_path / "run", ["a", "command"])
    model = load_trained_model(tmp_path / "run")
    assert model.appearance is not None and model.appearance.crop == CROP
    assert model.window["features"] == 200
    for mine, theirs in zip(model.appearance.model.parameters(), network.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    with pytest.raises(EdgeEmotionError, match="appearance"):
        train_face(seen, "face", tmp_path / "none", quick("face", 1), 0, tmp_path / "r", lambda *_: None)


def test_what_the_appearance_network_says_is_half_of_what_is_learned(
    tmp_path: Path, seen: SeenStills
) -> None:
    torch.manual_seed(0)
    network = Appearance(AppearanceConfig())
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.copy_(torch.arange(7.0))  # whatever it sees
    torch.save(network.state_dict(), tmp_path / "appearance.pt")
    said = answers(tmp_path, seen)
    expected = torch.arange(7.0).softmax(0).numpy()
    assert said.shape == (197, 7) and np.allclose(said, expected, atol=1e-6)
    (kept,) = tmp_path.glob("answers-*.npy")
    np.save(kept, said[:, ::-1])
    assert np.array_equal(answers(tmp_path, seen), said[:, ::-1])  # read, not computed again
    how = replace(quick("face-landmarks", 6), taught=1.0, short_epochs=24)
    made = train_face(seen, "face-landmarks", tmp_path, how, 0, tmp_path / "run", lambda *_: None)
    assert np.argmax(np.sum(made.numbers["part"]["validation"]["confusion"], 0)) == 0


def test_measured_stills_are_seen_through_the_device_s_looks(seen: SeenStills) -> None:
    torch.manual_seed(0)
    network = Appearance(AppearanceConfig()).eval()
    nodes = still_nodes(seen, "validation", network, FaceTraining(), 1)
    crops = view_crops(seen.stills["validation"], seen.faces["validation"], 1)
    image = seen.stills["validation"].images[0]  # not found: the still itself, mirrored at the second look
    assert np.array_equal(crops[0], aligned_crop(image, viewed(np.eye(2, 3), 1)))
    with torch.no_grad():
        expected = network.embedding(torch.from_numpy(network_crop(crops[:3]))[:, None]).numpy()
    assert np.allclose(nodes.views[:3, 1], expected, atol=1e-4)


def test_unknown_features_are_refused(tmp_path: Path, seen: SeenStills) -> None:
    with pytest.raises(EdgeEmotionError, match="unknown face features"):
        train_face(seen, "nose", tmp_path, FaceTraining(), 0, tmp_path, lambda *_: None)


def test_the_table_leaves_out_what_is_not_known() -> None:
    rows = [
        {"corpus": "fer2013", "model": "face", "protocol": "held", "uar_mean": 0.5, "accuracy_mean": 0.75,
         "share_found": 0.96, "parameters": 1234, "appearance_parameters": 99},
        {"corpus": "ravdess-face-au", "model": "L-GrIN", "protocol": "loso", "classes": 8, "folds": 5, "seeds": 3,
         "uar_mean": 0.6, "uar_std": 0.07, "accuracy_mean": 0.61, "parameters": 5},
    ]  # fmt: skip
    made = json.loads('{"command": "c", "date": "d", "commit": "e", "machine": "m"}')
    text = markdown(rows, made)
    assert "| face | held | 50.0 | 75.0 | - | 96.0 | 1,234 + 99 |" in text
    assert "| L-GrIN | loso | 8 | 5 x 3 | 60.0 (7.0) | 61.0 | 5 |" in text
