"""The two kinds of network that a bundle may hold, as network_files.py writes them: over windows, and over crops."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from edge_emotion.engine import Engine
from edge_emotion_export.appearance_parity import check_appearance_parity, probe_crops
from edge_emotion_export.fold import FoldedLGrIN
from edge_emotion_export.fold_appearance import FoldedAppearance
from edge_emotion_export.interface import crop_interface, window_interface
from edge_emotion_export.network_files import Subject
from edge_emotion_export.parity import FAR, check_parity, probe_windows
from edge_emotion_export.trained_model import TrainedAppearance, TrainedModel

Array = NDArray[np.float32]


def window_subject(trained: TrainedModel, stem: str) -> Subject:
    """The L-GrIN over windows."""
    config = trained.model.config
    interface = window_interface(config)

    def prove(engine: Engine) -> tuple[dict[str, Any], str]:
        proof = check_parity(trained.model, engine, config.nodes, config.features, trained.temperature)
        kept = {k: v for k, v in asdict(proof).items() if k != "engine"}
        return kept, (
            f"in {proof.engine}, logits differ from torch by at most {proof.logits:.1e}, probabilities by "
            f"{proof.probabilities:.1e}, over {proof.windows} windows"
        )

    def probes() -> Iterator[tuple[str, Array]]:
        yield from probe_windows(config.nodes, config.features)
        yield from far_inputs(interface.input_shape)

    return Subject("network", stem, FoldedLGrIN(trained.model), interface, prove, probes, lambda given: given)


def crop_subject(appearance: TrainedAppearance, stem: str) -> Subject:
    """The appearance network over crops; its head, which no device needs, judges what quantising changes."""
    model, interface = appearance.model, crop_interface(appearance)

    def prove(engine: Engine) -> tuple[dict[str, Any], str]:
        proof = check_appearance_parity(model, engine, appearance.crop)
        kept = {k: v for k, v in asdict(proof).items() if k != "engine"}
        return kept, (
            f"in {proof.engine}, the embedding differs from torch by at most {proof.embedding:.1e}, over "
            f"{proof.crops} crops"
        )

    def probes() -> Iterator[tuple[str, Array]]:
        yield from probe_crops(appearance.crop)
        yield from far_inputs(interface.input_shape)

    def logits(embeddings: Array) -> Array:
        with torch.no_grad():
            return np.asarray(model.head(F.relu(torch.from_numpy(embeddings))).numpy(), np.float32)

    return Subject("appearance network", stem, FoldedAppearance(model), interface, prove, probes, logits)


def far_inputs(shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Named inputs that no sensor gives, on which numbers must stay numbers."""
    random = np.random.default_rng(1)
    yield f"noise of {FAR:.0f} deviations", random.normal(0, FAR, shape).astype(np.float32)
    for level in (-1e6, 1e6):
        yield f"all {level:g}", np.full(shape, level, np.float32)
