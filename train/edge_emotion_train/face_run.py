"""One training of a face network on FER2013: stills in, a run folder with its numbers, pictures and model out."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from edge_emotion.emotions import EMOTIONS
from edge_emotion.machine import commit, now
from edge_emotion_train.appearance_run import SeenStills
from edge_emotion_train.face_shipping import ship_face
from edge_emotion_train.face_training import FaceNetwork, train_face
from edge_emotion_train.figures import draw_adjacency, draw_confusion
from edge_emotion_train.run_stamp import stamp
from edge_emotion_train.still_nodes import FaceTraining
from edge_emotion_train.whole_file import write_text


def run_face(
    seen: SeenStills,
    feature_set: str,
    appearance_folder: Path,
    how: FaceTraining,
    seed: int,
    folder: Path,
    command: list[str],
) -> FaceNetwork:
    """Train or resume, measure, write face.json, confusion.png, adjacency.png and RUN/model."""
    folder.mkdir(parents=True, exist_ok=True)
    begun = folder / "begun.json"
    if not begun.is_file():
        write_text(begun, json.dumps({"commit": commit(), "date": now()}) + "\n")
    began = json.loads(begun.read_text())
    with tqdm(total=how.training.epochs, desc=feature_set, unit="epoch") as bar:

        def report(epoch: int, loss: float) -> None:
            bar.update(epoch - bar.n)
            bar.set_postfix_str(f"loss {loss:.3f}")

        made = train_face(seen, feature_set, appearance_folder, how, seed, folder, report)
    ship_face(folder, made, how, seed, began, command)
    numbers = {"stamp": stamp(command), "begun": began, "features": feature_set, "seed": seed, **made.numbers}
    write_text(folder / "face.json", json.dumps(numbers, indent=1) + "\n")
    part: Any = made.numbers["part"]
    counts = np.array(part["validation"]["confusion"])
    draw_confusion(
        counts, EMOTIONS, f"{feature_set}: FER2013 validation stills, held", folder / "confusion.png"
    )
    draw_adjacency(
        made.network.adjacency().detach().numpy(),
        1 / 30,
        "learned adjacency ReLU(A)",
        folder / "adjacency.png",
    )
    return made


def settings(feature_set: str, epochs: int | None = None) -> FaceTraining:
    """The recipe of a feature set, with another number of epochs when given.

    Landmarks alone have little to say and say it softly: they learn longer, with wider filters, less jitter and nearly
    without dropout. With the embedding the labels are nearly known by heart, since the appearance network learned them
    from the same stills: what it says of them teaches more than they do. The filters keep either network under 120K
    parameters.
    """
    how = FaceTraining()
    if feature_set == "face-landmarks":
        wide = ((112, 56), (96, 48))
        how = replace(how, filters=wide, short_epochs=36, jitter=0.03, dropout=0.1, input_dropout=0.0,
                      taught=0.5)  # fmt: skip
    return replace(how, training=replace(how.training, epochs=epochs)) if epochs else how
