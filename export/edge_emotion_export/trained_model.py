"""The final model of a training run, as `edge-emotion-train` leaves it in RUN/model.

config.json: {"lgrin": fields of LGrINConfig, "labels": [...], "label_map": {...}, "window": fields of WindowContract,
"temperature": T, "about": {...}}; weights.pt: the state_dict. With the feature set "face" also "appearance":
{"config": fields of AppearanceConfig, "crop": pixels, "embedding": E, "period": seconds}, and appearance.pt.
"""

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.manifest import APPEARANCE_FEATURE_SET
from edge_emotion_train.models.appearance import Appearance, AppearanceConfig
from edge_emotion_train.models.lgrin import LGrIN, LGrINConfig

CONFIG, WEIGHTS, APPEARANCE_WEIGHTS = "config.json", "weights.pt", "appearance.pt"
_KEYS = ("lgrin", "labels", "label_map", "window", "temperature", "about")
_APPEARANCE_KEYS = ("config", "crop", "embedding", "period")

Config = TypeVar("Config", LGrINConfig, AppearanceConfig)


@dataclass(frozen=True)
class TrainedAppearance:
    """A trained appearance network; model: in evaluation mode; crop: pixels of a side; period: s between two runs."""

    model: Appearance
    crop: int
    period: float


@dataclass(frozen=True)
class TrainedModel:
    """A trained L-GrIN and what its bundle says of it.

    model: in evaluation mode. labels, label_map, window, temperature, about: as a manifest carries them.
    appearance: the network that gives the nodes' embedding, with the feature set "face".
    """

    model: LGrIN
    labels: list[str]
    label_map: Mapping[str, str]
    window: Mapping[str, Any]
    temperature: float
    about: Mapping[str, Any]
    appearance: TrainedAppearance | None = None


def load_trained_model(run: str | Path) -> TrainedModel:
    """Load a run folder (or its model folder); EdgeEmotionError says which part is missing or does not fit."""
    folder = _model_folder(Path(run))
    config = _read_config(folder / CONFIG)
    network = _sizes(LGrINConfig, config["lgrin"], "L-GrIN", folder / CONFIG)
    window = config["window"]
    stated = (window.get("nodes"), window.get("features"), len(config["labels"]))
    if stated != (network.nodes, network.features, network.classes):
        raise EdgeEmotionError(
            f"{folder / CONFIG}: the network takes {network.nodes} nodes of {network.features} features and gives "
            f"{network.classes} classes, window and labels say {stated[0]}, {stated[1]} and {stated[2]}"
        )
    model = LGrIN(network)
    _load_weights(model, folder / WEIGHTS)
    return TrainedModel(
        model.eval(), **{key: config[key] for key in _KEYS[1:]}, appearance=_appearance(config, folder)
    )


def _appearance(config: Mapping[str, Any], folder: Path) -> TrainedAppearance | None:
    feature_set, path = config["window"].get("feature_set"), folder / CONFIG
    needed = feature_set == APPEARANCE_FEATURE_SET
    found = config.get("appearance")
    if needed != (found is not None):
        raise EdgeEmotionError(
            f"{path}: the feature set {feature_set!r} {'needs' if needed else 'has no use for'} an appearance "
            f"network, {'none is' if needed else 'one is'} stated"
        )
    if not needed:
        return None
    missing = [key for key in _APPEARANCE_KEYS if not isinstance(found, dict) or key not in found]
    if missing or not isinstance(found["config"], dict):
        raise EdgeEmotionError(f"{path}: appearance: expected {', '.join(_APPEARANCE_KEYS)}")
    network = _sizes(AppearanceConfig, found["config"], "appearance network", path)
    if found["embedding"] != network.embedding:
        raise EdgeEmotionError(
            f"{path}: the appearance network gives {network.embedding} numbers, appearance.embedding says "
            f"{found['embedding']}"
        )
    model = Appearance(network)
    crop = found["crop"]
    if type(crop) is not int or crop < model.stride or crop % model.stride:
        raise EdgeEmotionError(
            f"{path}: appearance.crop: expected a multiple of {model.stride} pixels, got {crop!r}"
        )
    weights = folder / APPEARANCE_WEIGHTS
    if not weights.is_file():
        raise EdgeEmotionError(f"{folder} holds no {APPEARANCE_WEIGHTS}, which {CONFIG} needs; train again")
    _load_weights(model, weights)
    return TrainedAppearance(model.eval(), crop, found["period"])


def _model_folder(run: Path) -> Path:
    if not run.exists():
        raise EdgeEmotionError(f"no run folder {run}")
    for folder in (run / "model", run):
        if (folder / CONFIG).is_file() and (folder / WEIGHTS).is_file():
            return folder
    raise EdgeEmotionError(
        f"{run} holds no trained model: expected model/{CONFIG} and model/{WEIGHTS}, which edge-emotion-train "
        "writes for a final model"
    )


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as reason:
        raise EdgeEmotionError(f"{path}: cannot be read as JSON ({type(reason).__name__})") from reason
    missing = [key for key in _KEYS if not isinstance(config, dict) or key not in config]
    if missing:
        raise EdgeEmotionError(
            f"{path}: not the configuration of a trained model, it lacks {', '.join(missing)}"
        )
    for key, kind in (("lgrin", dict), ("labels", list), ("window", dict), ("about", dict)):
        if not isinstance(config[key], kind):
            raise EdgeEmotionError(f"{path}: {key} is not of the expected kind ({kind.__name__})")
    return dict(config)


def _sizes(kind: type[Config], found: Mapping[str, Any], name: str, path: Path) -> Config:
    """The dataclass of a network's sizes from what config.json says of them; name: how errors call the network."""
    known = {field.name for field in fields(kind)}
    unknown = sorted(set(found) - known)
    if unknown:
        raise EdgeEmotionError(
            f"{path}: not an {name} that this version knows (unknown: {', '.join(unknown)}); update edge-emotion"
        )
    try:
        return kind(**{key: _tuples(value) for key, value in found.items()})
    except (TypeError, ValueError) as reason:
        raise EdgeEmotionError(f"{path}: not the sizes of an {name} ({reason})") from reason


def _tuples(value: Any) -> Any:
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value


def _load_weights(model: nn.Module, path: Path) -> None:
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as reason:
        raise EdgeEmotionError(
            f"{path}: not weights that torch can load ({type(reason).__name__})"
        ) from reason
    expected = model.state_dict()
    if not isinstance(weights, dict) or not all(
        isinstance(value, torch.Tensor) for value in weights.values()
    ):
        raise EdgeEmotionError(f"{path}: expected a state_dict of tensors, got {type(weights).__name__}")
    for key in sorted(set(expected) ^ set(weights)):
        which = "lacks" if key in expected else "has an unexpected"
        raise EdgeEmotionError(
            f"{path}: weights of another architecture than {CONFIG} says, it {which} {key}"
        )
    for key, value in weights.items():
        if value.shape != expected[key].shape:
            raise EdgeEmotionError(
                f"{path}: weights of another architecture than {CONFIG} says, {key} has shape "
                f"{tuple(value.shape)}, expected {tuple(expected[key].shape)}"
            )
        if not value.isfinite().all():
            raise EdgeEmotionError(f"{path}: {key} holds NaN or infinite numbers; train again")
    model.load_state_dict(weights)
