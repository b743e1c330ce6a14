"""Parity: a written network, run in its real runtime, against the trained torch model."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edge_emotion.engine import Engine
from edge_emotion.errors import EdgeEmotionError

TOLERANCE = 1e-4  # largest absolute difference of a logit
RANDOM_WINDOWS = 24
FAR = 1000.0  # standard deviations; there the tolerance is relative to the largest logit

Window = NDArray[np.float32]
Reference = Callable[[Tensor], Tensor]
"""The trained network: a file's input -> what the file is to give."""


@dataclass(frozen=True)
class Parity:
    """Largest absolute differences over all probe windows.

    engine: "litert" or "onnx". logits; probabilities: after the temperature. windows: how many were compared.
    """

    engine: str
    logits: float
    probabilities: float
    windows: int


def probe_windows(nodes: int, features: int, seed: int = 0) -> Iterator[tuple[str, Window]]:
    """Named standardised windows (1, M, P): random ones of several widths, and what a broken input looks like."""
    generator = np.random.default_rng(seed)
    shape = (1, nodes, features)
    for number in range(RANDOM_WINDOWS):
        width = (0.3, 1.0, 3.0)[number % 3]
        yield f"random, deviation {width}", generator.normal(0, width, shape).astype(np.float32)
    one_node = generator.normal(0, 1, (1, 1, features))
    yield "one node repeated", np.repeat(one_node, nodes, 1).astype(np.float32)
    yield "zeros", np.zeros(shape, np.float32)
    for level in (-5.0, 5.0):
        yield f"all {level}", np.full(shape, level, np.float32)
    spikes = generator.normal(0, 1, shape)
    spikes[:, :: max(1, nodes // 7), :: max(1, features // 5)] = 20.0
    yield "spikes of 20", spikes.astype(np.float32)
    ramp = np.broadcast_to(np.linspace(-6, 6, nodes)[None, :, None], shape)
    yield "ramp from -6 to 6", ramp.astype(np.float32)


def check_parity(model: nn.Module, engine: Engine, nodes: int, features: int, temperature: float) -> Parity:
    """Compare an opened network with the trained model; EdgeEmotionError when any logit differs by over 1e-4.

    model: (1, M, P) -> (1, C) logits, not folded, in evaluation mode. engine: the written file, opened.
    """
    worst_logits = worst_probabilities = 0.0
    count = 0
    for expected, got in compared(model, engine, probe_windows(nodes, features), "a logit (window"):
        worst_logits = max(worst_logits, float(np.max(np.abs(expected - got))))
        apart = np.abs(_softmax(expected / temperature) - _softmax(got / temperature))
        worst_probabilities = max(worst_probabilities, float(apart.max()))
        count += 1
    far = np.random.default_rng(1).normal(0, FAR, (1, nodes, features)).astype(np.float32)
    check_far(model, engine, far, f"a window {FAR:.0f} deviations out")
    return Parity(engine.name, worst_logits, worst_probabilities, count + 1)


def compared(
    model: Reference, engine: Engine, probes: Iterable[tuple[str, Window]], of: str
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Yield what the model and the written network say of each probe; EdgeEmotionError when they differ by over 1e-4.

    of: what differs and in what, "a logit (window", as the error says it before the probe's name.
    """
    for name, probe in probes:
        expected, got = _both(model, engine, probe)
        difference = float(np.max(np.abs(expected - got)))
        if not difference <= TOLERANCE:  # a NaN is not
            raise EdgeEmotionError(
                f"parity failed, nothing written: the {engine.name} network differs from the trained model by "
                f"{difference:.1e} in {of}: {name}), at most {TOLERANCE:.0e} is allowed"
            )
        yield expected, got


def check_far(model: Reference, engine: Engine, probe: Window, what: str) -> None:
    """Compare on one probe far out, where the tolerance is relative to the largest number expected."""
    expected, got = _both(model, engine, probe)
    if not np.max(np.abs(expected - got)) <= TOLERANCE * np.max(np.abs(expected)):
        raise EdgeEmotionError(f"parity failed, nothing written: the {engine.name} network breaks on {what}")


def _both(model: Reference, engine: Engine, probe: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    with torch.no_grad():
        expected = model(torch.from_numpy(probe)).numpy()
    return expected.astype(np.float64), engine.run(probe).astype(np.float64)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum())
