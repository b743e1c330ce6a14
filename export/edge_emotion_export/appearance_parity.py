"""Parity of a written appearance network, run in its real runtime, with the trained torch model."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from edge_emotion.engine import Engine
from edge_emotion_export.parity import FAR, check_far, compared
from edge_emotion_train.models.appearance import Appearance

RANDOM_CROPS = 16
LEAST_DEVIATION = 4.0  # grey levels; a flatter crop is not spread out to deviation 1, as on the device

Crop = NDArray[np.float32]


@dataclass(frozen=True)
class AppearanceParity:
    """Largest absolute difference of an embedding's number over all probe crops.

    engine: "litert" or "onnx". embedding: the difference. crops: how many were compared.
    """

    engine: str
    embedding: float
    crops: int


def probe_crops(side: int, seed: int = 0) -> Iterator[tuple[str, Crop]]:
    """Named standardised crops (1, side, side, 1): noise from coarse to fine, and what a broken picture looks like."""
    generator = np.random.default_rng(seed)
    for number in range(RANDOM_CROPS):
        grain = (1, 2, 4, 8)[number % 4]
        cells = generator.uniform(0, 255, (-(-side // grain),) * 2)
        yield f"noise, grain {grain}", _standard(np.kron(cells, np.ones((grain, grain)))[:side, :side])
    ramp = np.broadcast_to(np.linspace(0, 255, side), (side, side))
    yield "ramp", _standard(ramp)
    yield "ramp downwards", _standard(ramp.T)
    yield "one grey", _standard(np.full((side, side), 128.0))
    yield "almost one grey", _standard(128 + generator.integers(0, 2, (side, side)))
    yield "half black, half white", _standard(np.where(ramp < 128, 0.0, 255.0))
    yield "chess board", _standard(255.0 * (np.indices((side, side)).sum(0) % 2))


def check_appearance_parity(model: Appearance, engine: Engine, side: int) -> AppearanceParity:
    """Compare an opened network with the trained one; EdgeEmotionError when any number differs by over 1e-4.

    model: not folded, in evaluation mode. engine: the written file, opened. side: of a crop, pixels.
    """

    def embedding(crop: Tensor) -> Tensor:
        return model.embedding(crop.permute(0, 3, 1, 2))

    probes = probe_crops(side)
    found = [
        float(np.max(np.abs(expected - got)))
        for expected, got in compared(embedding, engine, probes, "a number of the embedding (crop")
    ]
    pixel = np.zeros((1, side, side, 1), np.float32)
    pixel[0, side // 2, side // 2] = side  # what standardising leaves of one white pixel on black
    check_far(embedding, engine, pixel, "a crop of one bright pixel")
    noise = np.random.default_rng(1).normal(0, FAR, (1, side, side, 1)).astype(np.float32)
    check_far(embedding, engine, noise, f"a crop {FAR:.0f} deviations out")
    return AppearanceParity(engine.name, max(found), len(found) + 2)


def _standard(picture: NDArray[np.float64]) -> Crop:
    """Grey levels (side, side) -> (1, side, side, 1) of mean 0 and deviation 1, as face_alignment.network_crop."""
    centred = picture - picture.mean()
    crop: Crop = (centred / max(float(centred.std()), LEAST_DEVIATION))[None, :, :, None].astype(np.float32)
    return crop
