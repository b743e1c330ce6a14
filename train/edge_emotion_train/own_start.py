"""The network that one's own clips start from: a shipped one, packed beside this code, or a finished run's.

Own clips are few; what was learned from corpora is kept and only the last layer is learned anew (own_head.py). A
bundle's files cannot be learned on, so the weights of the shipped ones lie here as starts/NAME.npz, matrices in half
precision. `python -m edge_emotion_train.own_start RUN NAME` packs them from a run.
"""

import hashlib
import json
import pickle
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.window import WindowContract
from edge_emotion_train.models.appearance import Appearance, AppearanceConfig
from edge_emotion_train.models.lgrin import LGrIN, LGrINConfig
from edge_emotion_train.trainer import Standardisation

STARTS = Path(__file__).parent / "starts"
SHIPPED = {"voice": "voice", "face": "face"}
"""Modality -> the shipped network that own clips start from."""


@dataclass(frozen=True)
class Start:
    """A trained network to go on from.

    name: as a card may call it. network, appearance: in evaluation mode. labels, label_map, window, temperature,
    about: as RUN/model/config.json states them; stated: all of that file. mark: changes with the weights.
    """

    name: str
    network: LGrIN
    appearance: Appearance | None
    labels: tuple[str, ...]
    label_map: Mapping[str, str]
    window: WindowContract
    temperature: float
    about: Mapping[str, Any]
    stated: Mapping[str, Any]
    mark: str

    @property
    def standard(self) -> Standardisation:
        """Mean and scale of its inputs."""
        return Standardisation(
            np.array(self.window.mean, np.float32), np.array(self.window.scale, np.float32)
        )

    def pooled(self, windows: Tensor) -> Tensor:
        """Standardised windows (n, M, P) -> what the last layer takes, (n, Q)."""
        network, found = self.network, []

        def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            found.append(inputs[0])

        hook = network.head[-1].register_forward_pre_hook(keep)
        try:
            with torch.no_grad():
                for piece in windows.split(64):
                    network(piece)
        finally:
            hook.remove()
        return torch.cat(found) if found else torch.zeros(0, network.head[-1].in_features)


def open_start(modality: str, run: Path | None = None) -> Start:
    """The shipped network of a modality, or that of a finished run; EdgeEmotionError when it is of another one."""
    name = SHIPPED[modality] if run is None else str(run)
    config, weights, appearance = _packed(STARTS / f"{name}.npz") if run is None else _run(run)
    try:
        network = LGrIN(LGrINConfig(**tuples(config["lgrin"])))
        network.load_state_dict(weights)
        looks = None
        if appearance:
            looks = Appearance(AppearanceConfig(**tuples(config["appearance"]["config"])))
            looks.load_state_dict(appearance)
            looks.eval()
        window = WindowContract(**tuples(config["window"]))
        digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
        for state in (weights, appearance):
            for key in sorted(state):
                digest.update(state[key].numpy().tobytes())
        start = Start(
            name, network.eval(), looks, tuple(config["labels"]), config["label_map"], window,
            float(config["temperature"]), config["about"], config, digest.hexdigest(),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, RuntimeError) as reason:
        raise EdgeEmotionError(
            f"cannot start from {name}: its model does not fit this version ({type(reason).__name__}); train it again"
        ) from reason
    kind = "voice" if window.feature_set == "speech" else "face"
    if kind != modality:
        raise EdgeEmotionError(
            f"cannot start from {name}: it is a {kind} network, the clips are for {modality}"
        )
    return start


def _run(run: Path) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Tensor]]:
    place = run / "model" if (run / "model").is_dir() else run
    if not (place / "config.json").is_file() or not (place / "weights.pt").is_file():
        raise EdgeEmotionError(
            f"cannot start from {run}: expected model/config.json and model/weights.pt, which edge-emotion-train "
            "writes for a final model"
        )
    try:
        config = json.loads((place / "config.json").read_text(encoding="utf-8"))
        weights = torch.load(place / "weights.pt", weights_only=True, map_location="cpu")
        looks = place / "appearance.pt"
        appearance = torch.load(looks, weights_only=True, map_location="cpu") if looks.is_file() else {}
    except (OSError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError) as reason:
        raise EdgeEmotionError(
            f"cannot start from {run}: its model cannot be read ({type(reason).__name__})"
        ) from reason
    return config, weights, appearance


def _packed(file: Path) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Tensor]]:
    try:
        with np.load(file, allow_pickle=False) as stored:
            config = json.loads(str(stored["config"]))
            states: dict[str, dict[str, Tensor]] = {"network": {}, "appearance": {}}
            for key in stored.files:
                part, _, name = key.partition("/")
                if part in states:
                    value = torch.from_numpy(stored[key])
                    states[part][name] = value.float() if value.is_floating_point() else value
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as reason:
        raise EdgeEmotionError(
            f"{file} cannot be read ({type(reason).__name__}): install edge-emotion again, or give --start RUN"
        ) from reason
    return config, states["network"], states["appearance"]


def pack_start(run: Path, file: Path) -> None:
    """Write a run's final model as a start: matrices as float16, the rest as it is."""
    config, weights, appearance = _run(run)
    arrays: dict[str, Any] = {"config": np.array(json.dumps(config))}
    for part, state in (("network", weights), ("appearance", appearance)):
        for name, value in state.items():
            large = value.is_floating_point() and value.dim() > 1
            arrays[f"{part}/{name}"] = (value.half() if large else value).numpy()
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part.npz")
    np.savez_compressed(unfinished, **arrays)
    unfinished.replace(file)


def tuples(value: Any) -> Any:
    """Lists, as JSON gives them, as tuples, at any depth."""
    if isinstance(value, dict):
        return {key: tuples(part) for key, part in value.items()}
    return tuple(tuples(part) for part in value) if isinstance(value, list) else value


if __name__ == "__main__":
    pack_start(Path(sys.argv[1]), STARTS / f"{sys.argv[2]}.npz")
