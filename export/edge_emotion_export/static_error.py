"""Why a static int8 L-GrIN was far from fp32, operation by operation, before and after the cure.

The head is to blame, and in it its weights, not the ranges of the pooled sums: the batch norm in front of it divides
each pooled number by its own deviation, and folding moves these divisors into the columns of the head. A pooled number
that hardly varies gets a column many times the median; int8 has one step for a row over all columns, and the ordinary
ones are rounded away. With the head in float, and the pooled numbers that it alone reads, what is left of the error is
spread over all operations. The concatenations of unlike scales, suspected first, make little of it. The figures, for
each shipped network, are in docs/results/export.md, by `edge-emotion-export results`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.native_talk import held_back
from edge_emotion_export.quantize_tflite import (
    CLIPPED,
    WEIGHTED,
    Ranges,
    Step,
    activations,
    only,
    quantised,
    static,
    static_recipe,
    tensor_ranges,
)
from edge_emotion_export.tflite_graph import TFLiteGraph, TFLiteOperator, read_tflite_graph

COMPARED = 64  # windows at most; each goes through one network for each operation
MOVING = ("TRANSPOSE", "RESHAPE", "SLICE", "STRIDED_SLICE", "SPLIT", "PAD", "GATHER", "MAXIMUM", "MAX_POOL_2D",
          "REDUCE_MAX")  # fmt: skip
"""Operations that move or choose values: they make no error of their own."""


@dataclass(frozen=True)
class ErrorRow:
    """One operation of a network and what int8 does to it.

    operation; shape: of its output. low, high: its range over the windows, in fp32. scale: its int8 step, 0 where it
    is in float. spread: largest over median norm of its weights' columns, one for each input, 0 without weights.
    error: of its output in the whole int8 network, root mean square; worst: the largest; both as shares of the
    output's own root mean square. alone: the root mean square error of the network's output, in logits, when this
    operation alone is int8; share: its part in the sum of those squares.
    """

    operation: str
    shape: tuple[int, ...]
    low: float
    high: float
    scale: float
    spread: float
    error: float
    worst: float
    alone: float
    share: float


def static_error_rows(
    content: bytes, windows: NDArray[np.float32], check: NDArray[np.float32]
) -> dict[str, list[ErrorRow]]:
    """Rows for the plain recipe (all int8, true minimum and maximum) and for ours, in the order operations run.

    content: the fp32 TFLite file. windows: for ranges; check: held-out ones, evenly thinned to 64; both
    (n, *input shape without the batch), standardised. EdgeEmotionError when they do not fit the network.
    """
    graph = read_tflite_graph(content)
    some = check[:: max(1, len(check) // COMPARED)][:COMPARED]
    reference = list(activations(content, some))
    spreads = _spreads(content, graph)
    recipes: dict[str, tuple[list[Step], float]] = {
        "plain": ([static], 0.0),
        "ours": (static_recipe(graph), CLIPPED),
    }
    return {
        name: _rows(content, graph, spreads, reference, some, steps, tensor_ranges(content, windows, clipped))
        for name, (steps, clipped) in recipes.items()
    }


def cause(rows: Sequence[ErrorRow]) -> str:
    """The operation with the largest share of the squared error, in one sentence."""
    worst = max(rows, key=lambda row: row.share)
    said = (
        f"{worst.operation} {'x'.join(map(str, worst.shape))} makes {100 * worst.share:.1f} % of the squared error: "
        f"{worst.alone:.3f} logits alone, all others together "
        f"{sum(row.alone**2 for row in rows if row is not worst) ** 0.5:.3f}"
    )
    return said + (f"; its weights' columns spread over {worst.spread:.0f} to 1" if worst.spread else "")


def _rows(
    content: bytes,
    graph: TFLiteGraph,
    spreads: dict[int, float],
    reference: list[dict[str, NDArray[np.float32]]],
    check: NDArray[np.float32],
    steps: list[Step],
    ranges: Ranges,
) -> list[ErrorRow]:
    network = quantised(content, steps, ranges)
    got = list(activations(network, check))
    scales = _scales(network)
    output = graph.tensors[graph.outputs[0]].name
    found: list[tuple[Any, ...]] = []
    for operator in graph.operators:
        tensor = graph.tensors[operator.outputs[0]]
        if operator.name in MOVING or tensor.name not in got[0]:
            continue
        expected = np.stack([values[tensor.name] for values in reference])
        apart = np.stack([values[tensor.name] for values in got]) - expected
        own = float(np.sqrt(np.mean(expected**2))) or 1.0
        scale = scales[tensor.name]
        alone = _alone(content, graph, operator, output, reference, check, ranges) if scale else 0.0
        found.append((
            operator.name, tensor.shape, float(expected.min()), float(expected.max()), scale,
            spreads.get(operator.outputs[0], 0.0), float(np.sqrt(np.mean(apart**2))) / own,
            float(np.abs(apart).max()) / own, alone,
        ))  # fmt: skip
    total = sum(row[-1] ** 2 for row in found) or 1.0
    return [ErrorRow(*row, share=row[-1] ** 2 / total) for row in found]


def _alone(
    content: bytes,
    graph: TFLiteGraph,
    operator: TFLiteOperator,
    output: str,
    reference: list[dict[str, NDArray[np.float32]]],
    check: NDArray[np.float32],
    ranges: Ranges,
) -> float:
    """Root mean square error of the network's output when one operation is int8 and all others are float."""
    got = activations(quantised(content, [only(operator, graph)], ranges), check)
    squares = [
        np.mean((a[output] - b[output]) ** 2, dtype=np.float64) for a, b in zip(reference, got, strict=True)
    ]
    return float(np.sqrt(np.mean(squares)))


def _scales(network: bytes) -> dict[str, float]:
    """Name -> int8 step of each tensor of a quantised network, that of its source where it is dequantised from one."""
    from ai_edge_litert.interpreter import Interpreter

    graph = read_tflite_graph(network)
    with held_back():
        runtime = Interpreter(model_content=network, num_threads=1)
    scales = {detail["index"]: float(detail["quantization"][0]) for detail in runtime.get_tensor_details()}
    for operator in graph.operators:
        if operator.name == "DEQUANTIZE":
            scales[operator.outputs[0]] = scales[operator.inputs[0]]
    return {tensor.name: scales.get(index, 0.0) for index, tensor in enumerate(graph.tensors)}


def _spreads(content: bytes, graph: TFLiteGraph) -> dict[int, float]:
    """Output tensor of each layer -> largest over median norm of its weights' columns."""
    from ai_edge_litert.interpreter import Interpreter

    with held_back():
        runtime = Interpreter(model_content=content, num_threads=1)
        runtime.allocate_tensors()
    spreads = {}
    for operator in graph.operators:
        if operator.name in WEIGHTED and graph.tensors[operator.inputs[1]].constant:
            weights = runtime.get_tensor(operator.inputs[1])
            norms = np.sqrt(np.sum(weights.astype(np.float64) ** 2, tuple(range(weights.ndim - 1))))
            spreads[operator.outputs[0]] = float(norms.max() / max(np.median(norms), 1e-30))
    return spreads
