"""One training of the appearance network on FER2013: stills in, RUN/appearance.pt and its numbers out."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_alignment import VIEWS
from edge_emotion_train.appearance_recipe import AppearanceTraining
from edge_emotion_train.appearance_training import appearance_logits, train_appearance, unmoved
from edge_emotion_train.corpora.fer2013 import PARTS, Stills, stills
from edge_emotion_train.metrics import accuracy, softmax, unweighted_average_recall
from edge_emotion_train.models.appearance import Appearance, AppearanceConfig
from edge_emotion_train.run_stamp import stamp
from edge_emotion_train.still_faces import StillFaces, still_faces, view_crops
from edge_emotion_train.whole_file import write_text

WEIGHTS = "appearance.pt"
METRICS = "appearance.json"
TEACHER = 0.5  # share of the targets that a teacher says


@dataclass(frozen=True)
class SeenStills:
    """FER2013's parts with what the device's code makes of them, by the names of the parts."""

    stills: dict[str, Stills]
    faces: dict[str, StillFaces]


def seen_stills(file: Path, cache: Path, workers: int) -> SeenStills:
    """Read FER2013 and find its faces."""
    parts = stills(file)
    return SeenStills(parts, {name: still_faces(parts[name], cache, workers) for name in PARTS})


def run_appearance(
    seen: SeenStills,
    how: AppearanceTraining,
    seed: int,
    folder: Path,
    command: list[str],
    start: Appearance | None = None,
    teachers: Sequence[Path] = (),
) -> tuple[Appearance, dict[str, object]]:
    """Train or resume; write the weights and the numbers on the stills held back; give both.

    teachers: finished runs whose mean answers are half of what is learned, the labels the other half; see `answers`.
    """
    config = AppearanceConfig()
    with tqdm(total=how.epochs, desc="appearance", unit="epoch") as bar:

        def report(epoch: int, loss: float) -> None:
            bar.update(epoch - bar.n)
            bar.set_postfix_str(f"loss {loss:.3f}")
            with (folder / "appearance.log").open("a") as log:
                log.write(json.dumps({"epoch": epoch, "loss": round(loss, 4)}) + "\n")

        crops, labels = seen.faces["train"].crops, seen.stills["train"].labels
        soft = None
        if teachers:
            known = np.eye(config.classes, dtype=np.float32)[labels]
            said = np.mean([answers(teacher, seen) for teacher in teachers], 0, dtype=np.float32)
            soft = (1 - TEACHER) * known + TEACHER * said
        network = train_appearance(config, how, crops, labels, seed, folder, report, start, soft)
    unfinished = folder / (WEIGHTS + ".part")
    torch.save(network.state_dict(), unfinished)
    unfinished.replace(folder / WEIGHTS)
    numbers: dict[str, object] = {
        "stamp": stamp(command),
        "seed": seed,
        "parameters": network.parameter_count(),
        **{part: measured(network, seen, part) for part in ("choice", "validation")},
    }
    write_text(folder / METRICS, json.dumps(numbers, indent=1) + "\n")
    return network, numbers


def answers(folder: Path, seen: SeenStills) -> NDArray[np.float32]:
    """Probabilities (n, 7) that a finished run's network gives the training stills, mean over the device's looks.

    What others learn beside the labels, after born-again networks (Furlanello et al., ICML 2018, arXiv:1805.04770):
    labels of FER2013 are noisy, and what a network says of a still that it cannot fit is often nearer the truth. Takes
    minutes, so they are kept in the run's folder.
    """
    network = load_appearance(folder)
    file = folder / f"answers-{weights_mark(folder)}.npy"
    if not file.is_file():
        stills, faces = seen.stills["train"], seen.faces["train"]
        looks = tqdm(range(len(VIEWS)), desc="what the teacher says", unit="look")
        said = [softmax(appearance_logits(network, view_crops(stills, faces, look))) for look in looks]
        unfinished = file.with_suffix(".part.npy")
        np.save(unfinished, np.mean(said, 0).astype(np.float32))
        unfinished.replace(file)
    kept: NDArray[np.float32] = np.load(file, allow_pickle=False)
    return kept


def weights_mark(folder: Path) -> str:
    """Twelve hexadecimal digits that change with a finished run's weights."""
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()[:12]


def measured(network: Appearance, seen: SeenStills, part: str) -> dict[str, float]:
    """Accuracy and UAR over all stills of a part, and over those whose face was found."""
    truth, found = seen.stills[part].labels, seen.faces[part].found
    said = appearance_logits(network, unmoved(seen.faces[part].crops)).argmax(1)
    return {"stills": len(truth), **rates(truth, said), "found": float(found.mean()),
            **{f"{name}_found": value for name, value in rates(truth[found], said[found]).items()}}  # fmt: skip


def rates(truth: NDArray[np.int64], said: NDArray[np.int64]) -> dict[str, float]:
    """UAR and accuracy of answers over the seven emotions."""
    return {
        "uar": unweighted_average_recall(truth, said, len(EMOTIONS)),
        "accuracy": accuracy(truth, said),
    }


def load_appearance(folder: Path) -> Appearance:
    """The network of a finished run; EdgeEmotionError when there is none."""
    file = folder / WEIGHTS
    if not file.is_file():
        raise EdgeEmotionError(
            f"no {WEIGHTS} in {folder}: run edge-emotion-train appearance --out {folder} first"
        )
    network = Appearance(AppearanceConfig())
    network.load_state_dict(torch.load(file, weights_only=True, map_location="cpu"))
    return network.eval()
