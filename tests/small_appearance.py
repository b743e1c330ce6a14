"""A small appearance network with batch norms that are far from the identity, and a face run that holds it."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edge_emotion_train.models.appearance import Appearance, AppearanceConfig
from edge_emotion_train.models.lgrin import LGrIN
from small_lgrin import TIED, run_config, write_run

CROP, EMBEDDING = 16, 4
SMALL = AppearanceConfig(widths=(8, 12, 16), blocks=(1, 2, 1), embedding=EMBEDDING)
GRAPH = replace(TIED, features=5 + EMBEDDING)  # five numbers of shape


def small_appearance(config: AppearanceConfig = SMALL, seed: int = 0) -> Appearance:
    """An appearance network in evaluation mode; all norms moved by chance, the second ones of a block too."""
    torch.manual_seed(seed)
    model = Appearance(config)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)  # else the maps fade from layer to layer
            elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                size = module.weight.shape
                module.weight.copy_(1 + 0.3 * torch.randn(size))
                module.bias.copy_(0.3 * torch.randn(size))
                module.running_mean.copy_(0.3 * torch.randn(size))
                module.running_var.copy_(0.5 + torch.rand(size))
    return model.eval()


def face_config() -> dict[str, Any]:
    """What a training run of a face model writes into model/config.json."""
    config = run_config(GRAPH)
    config["window"].update(feature_set="face", period=1 / 30, hop=6)
    config["about"].update(
        corpora=["fer2013"],
        split="stills by a hash of their names",
        motion="Each still is held, or moved from a neutral shape and back.",
        calibration_error=0.021,
        calibration_error_uncalibrated=0.084,
        metrics=[
            {"corpus": "fer2013", "protocol": "held-out stills", "model": model, "classes": 7,
             "uar_mean": uar, "accuracy_mean": 0.6912, "folds": 1, "seeds": 1}
            for model, uar in (("face", 0.661), ("appearance alone", 0.655))
        ],
    )  # fmt: skip
    config["appearance"] = {
        "config": asdict(SMALL),
        "crop": CROP,
        "embedding": EMBEDDING,
        "period": 0.2,
    }
    return config


def write_face_run(folder: Path) -> tuple[LGrIN, Appearance]:
    """A run folder with a final face model; gives both networks."""
    graph, appearance = write_run(folder, GRAPH), small_appearance()
    (folder / "model" / "config.json").write_text(json.dumps(face_config()))
    torch.save(appearance.state_dict(), folder / "model" / "appearance.pt")
    return graph, appearance
