"""RUN/model of a face network, which edge-emotion-export reads, and what its card is told."""

import inspect
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from edge_emotion.emotions import EMOTIONS
from edge_emotion.features.face import EMBEDDING_PERIOD
from edge_emotion.features.face_alignment import CROP
from edge_emotion_train import face_motion
from edge_emotion_train.corpora import fer2013
from edge_emotion_train.face_training import FaceNetwork
from edge_emotion_train.shipping import write_model
from edge_emotion_train.still_nodes import FaceTraining

SPLIT = (
    "Stills by a hash of their name: a tenth validates (the numbers below) and takes part in nothing else, a twentieth "
    "gave the temperature and served the choice of the recipe, the rest trained both networks. Stills that look just "
    "like a validation still were left out of the others; shifted or mirrored copies may have stayed. FER2013 does not "
    "name its people: one person's different pictures may stand on both sides."
)


TAUGHT = (
    "The appearance network was trained four times over, each time from the weights before; from the third on half of "
    "what it learned were the answers of the networks before it, the labels the other half. {share:.0%} of what this "
    "network learned of a still is what the appearance network says of it, which sees the picture."
)


def motion_text(how: FaceTraining) -> str:
    """The motion model in words and numbers, for the card."""
    words = " ".join(str(inspect.getdoc(face_motion)).split())
    values = ", ".join(f"{name} {value}" for name, value in asdict(how.motion).items())
    return f"{words} Settings (seconds, degrees, shares): {values}."


def ship_face(
    folder: Path, made: FaceNetwork, how: FaceTraining, seed: int, began: dict[str, Any], command: list[str]
) -> Path:
    """Write RUN/model and give its place; began: commit and date of the training."""
    rows = [held_row(made, "held, all stills", "held"), held_row(made, "held, face found", "held_found"),
            held_row(made, "moved by the motion model, clearly shown", "moving")]  # fmt: skip
    part: Any = made.numbers["part"]
    taught = TAUGHT.format(share=how.taught) if how.taught else ""
    about: dict[str, object] = {
        "corpora": [fer2013.NAME], "split": f"{SPLIT} {taught}".strip(), "seed": seed, **began,
        "command": " ".join(command),
        "motion": motion_text(how), "metrics": rows,
        "calibration_error": part["validation"]["calibration_error"],
        "calibration_error_uncalibrated": part["validation"]["calibration_error_uncalibrated"],
    }  # fmt: skip
    place = write_model(
        folder, made.recipe, made.network, made.standard, made.temperature, {e: e for e in EMOTIONS}, about
    )
    if made.appearance is not None:
        config = json.loads((place / "config.json").read_text())
        sizes = asdict(made.appearance.config)
        config["appearance"] = {
            "config": sizes, "crop": CROP, "embedding": sizes["embedding"], "period": EMBEDDING_PERIOD
        }  # fmt: skip
        torch.save(made.appearance.state_dict(), place / "appearance.pt")
        (place / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    made.calibration.write(place)
    return place


def held_row(made: FaceNetwork, protocol: str, key: str) -> dict[str, object]:
    """A row of result tables: one way of measuring the validation stills."""
    part: Any = made.numbers["part"]
    found = part["validation"]
    return {
        "corpus": fer2013.NAME, "trained_on": fer2013.NAME, "protocol": f"validation tenth, {protocol}",
        "classes": len(EMOTIONS), "folds": 1, "seeds": 1, "uar_mean": found[key]["uar"],
        "accuracy_mean": found[key]["accuracy"], "share_found": found["found"],
    }  # fmt: skip
