"""Small L-GrINs with batch norms that are far from the identity, and run folders that hold them."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from edge_emotion_train.models.lgrin import LGrIN, LGrINConfig

LABELS = ["calm", "angry", "happy"]
TIED = LGrINConfig(
    nodes=12, features=5, classes=3, filters=((8, 4), (6, 4)), adjacency="tied", adjacency_start="uniform", reach=3,
    head_norm=True, dropout=0.2, input_dropout=0.1,
)  # fmt: skip
FREE = replace(TIED, adjacency="free", adjacency_start="normal", head_hidden=7)


def small_lgrin(config: LGrINConfig, seed: int = 0) -> LGrIN:
    """An L-GrIN in evaluation mode; running means, variances, scales and shifts are all moved by chance."""
    torch.manual_seed(seed)
    model = LGrIN(config)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d):
                size = module.weight.shape
                module.weight.copy_(1 + 0.5 * torch.randn(size))
                module.bias.copy_(0.5 * torch.randn(size))
                module.running_mean.copy_(torch.randn(size))
                module.running_var.copy_(0.2 + 3 * torch.rand(size))
        if hasattr(model.pool, "p"):
            model.pool.p.add_(0.1 * torch.randn(model.pool.p.shape))
    return model.eval()


def run_config(config: LGrINConfig) -> dict[str, Any]:
    """What a training run writes into model/config.json."""
    return {
        "lgrin": asdict(config),
        "labels": list(LABELS),
        "label_map": {"calm": "neutral", "angry": "anger", "happy": "happiness"},
        "window": {
            "nodes": config.nodes, "period": 0.03, "hop": 4, "feature_set": "speech", "feature_version": 1,
            "features": config.features, "mean": [0.0] * config.features, "scale": [1.0] * config.features,
        },
        "temperature": 1.4,
        "about": {
            "corpora": ["ravdess-speech", "emodb"],
            "split": "speakers 1 and 2 apart",
            "metrics": {"corpus": "ravdess-speech", "protocol": "emobox", "classes": 8, "uar_mean": 0.654,
                        "uar_std": 0.021, "accuracy_mean": 0.66, "folds": 5, "seeds": 3},
            "seed": 7,
            "date": "2026-01-02",
            "commit": "0123456789",
        },
    }  # fmt: skip


def write_run(folder: Path, config: LGrINConfig, seed: int = 0) -> LGrIN:
    """A run folder with a final model; gives the model."""
    model = small_lgrin(config, seed)
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "config.json").write_text(json.dumps(run_config(config)))
    torch.save(model.state_dict(), folder / "model" / "weights.pt")
    return model
