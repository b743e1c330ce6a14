"""A TFLite network in fewer bits, for LiteRT, by ai-edge-quantizer.

The recipe for int8, each part found by what an operation is, not by its name in one file (static_error.py has what
each is worth):

- A layer over a single position stays in float: the head of an L-GrIN, the squeeze and excitation of a block. Its
  weights are used once a run, so int8 saves no time there, and it is where int8 costs accuracy: a head whose batch
  norm is folded into it has columns of very unlike size, and int8 has one scale for a whole row of them.
- So do layers with less than a fiftieth of the multiply-accumulates, as the weighted sums over an L-GrIN's nodes, and
  what only joins or reshapes values on the way from there to a layer in float: a round through int8 would gain nothing.
- AVERAGE_POOL_2D stays in float: XNNPACK has no int8 kernel for it, and the network would leave the delegate.
- Ranges: of the extremes of each calibration window, the 1st and the 99th percentile. A moving average of them, the
  quantiser's default, clips every second window; the outermost ones make the steps coarse for the sake of a few.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.native_talk import held_back
from edge_emotion_export.calibration_windows import checked_windows
from edge_emotion_export.tflite_compact import compact
from edge_emotion_export.tflite_graph import TFLiteGraph, TFLiteOperator, read_tflite_graph

WEIGHTED = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D")
JOINING = ("CONCATENATION", "RESHAPE", "TRANSPOSE", "SLICE", "SPLIT")
SMALL = 0.02  # share of a network's multiply-accumulates
SLOW_IN_INT8 = ("AVERAGE_POOL_2D",)
CLIPPED = 1.0  # per cent of the calibration windows whose extreme may lie outside a range, at either end

Ranges = dict[str, dict[str, NDArray[np.float32]]]
"""Tensor -> its "min" and "max", shaped as the quantiser wants them."""


def tflite_quantized(content: bytes, precision: str, windows: NDArray[np.float32]) -> bytes:
    """An fp32 TFLite network at precision "fp16", "int8-dynamic" or "int8"; see quantize.quantized."""
    graph = read_tflite_graph(content)
    if precision == "fp16":
        return compact(quantised(content, [_half]))
    if precision == "int8-dynamic":
        return compact(quantised(content, [_dynamic, *_heads_in_float(graph)]))
    return compact(quantised(content, static_recipe(graph), tensor_ranges(content, windows, CLIPPED)))


Step = Callable[[Any], None]
"""Adds to a quantiser's recipe."""


def static_recipe(graph: TFLiteGraph) -> list[Step]:
    """The steps of int8: as static, but for what stays in float."""
    kept = [_all_in_float(operator.name, _scope(operator, graph)) for operator in kept_in_float(graph)]
    return [static, *(_all_in_float(name) for name in SLOW_IN_INT8), *kept]


def kept_in_float(graph: TFLiteGraph) -> list[TFLiteOperator]:
    """Single-position layers, small ones, and what joins values for these alone; in the order they run."""
    layers = [operator for operator in graph.operators if operator.name in WEIGHTED]
    total = sum(map(graph.products, layers))
    kept = [layer for layer in layers if graph.positions(layer) == 1 or graph.products(layer) < SMALL * total]
    for operator in reversed(graph.operators):
        readers = [other for other in graph.operators if set(operator.outputs) & set(other.inputs)]
        if operator.name in JOINING and readers and all(other in kept for other in readers):
            kept.append(operator)
    return [operator for operator in graph.operators if operator in kept]


def single_position_layers(graph: TFLiteGraph) -> list[TFLiteOperator]:
    """The layers whose weights meet one position only: heads, squeeze and excitation."""
    return [layer for layer in graph.operators if layer.name in WEIGHTED and graph.positions(layer) == 1]


def static(quantiser: Any) -> None:
    """Step: int8 weights, one scale a channel, and int8 activations, one scale a tensor, for all that can."""
    quantiser.add_static_config(".*", "*", activation_num_bits=8, weight_num_bits=8)


def only(operator: TFLiteOperator, graph: TFLiteGraph) -> Step:
    """Step: as static, for one operation alone."""
    return lambda quantiser: quantiser.add_static_config(
        _scope(operator, graph), operator.name, activation_num_bits=8, weight_num_bits=8
    )


def _dynamic(quantiser: Any) -> None:
    quantiser.add_dynamic_config(".*", "*", num_bits=8)


def _half(quantiser: Any) -> None:
    from ai_edge_quantizer import qtyping
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    weights = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
    config = qtyping.OpQuantizationConfig(
        weight_tensor_config=weights,
        compute_precision=qtyping.ComputePrecision.FLOAT,
        explicit_dequantize=True,
    )
    for name in WEIGHTED:
        quantiser.update_quantization_recipe(".*", name, config, AlgorithmName.FLOAT_CASTING)


def _all_in_float(name: str, scope: str = ".*") -> Step:
    return lambda quantiser: quantiser.update_quantization_recipe(scope, name, algorithm_key="no_quantize")


def _heads_in_float(graph: TFLiteGraph) -> list[Step]:
    return [_all_in_float(layer.name, _scope(layer, graph)) for layer in single_position_layers(graph)]


def _scope(operator: TFLiteOperator, graph: TFLiteGraph) -> str:
    """The regular expression by which a recipe finds one operation: its output tensors."""
    return "^" + "".join(re.escape(graph.tensors[i].name) + ";" for i in operator.outputs) + "$"


def quantised(content: bytes, steps: list[Step], ranges: Ranges | None = None) -> bytes:
    """A network after the steps of a recipe, float32 at its ends, tensors named as before.

    ranges: of tensor_ranges, for the static steps.
    """
    try:
        with held_back():
            from ai_edge_quantizer import quantizer
    except ImportError as reason:
        raise EdgeEmotionError(
            f"{reason.name} is not installed: pip install '.[export]' in the clone"
        ) from reason
    with held_back():
        made = quantizer.Quantizer(bytearray(content))
        for step in steps:
            step(made)
        for end in ("INPUT", "OUTPUT"):
            _all_in_float(end)(made)
        result = made.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
        return bytes(result.quantized_model)


def tensor_ranges(content: bytes, windows: NDArray[np.float32], clipped: float) -> Ranges:
    """The ranges of a network's activations over calibration windows.

    clipped: per cent of the windows whose extreme may lie outside, at either end; 0 for the true minimum and maximum.
    Raises EdgeEmotionError for windows that do not fit the network.
    """
    extremes: dict[str, tuple[int, list[float], list[float]]] = {}
    for values in activations(content, windows):
        for name, tensor in values.items():
            _, lows, highs = extremes.setdefault(name, (tensor.ndim, [], []))
            lows.append(float(tensor.min()))
            highs.append(float(tensor.max()))
    return {
        name: {
            "min": np.full((1,) * rank, np.percentile(lows, clipped), np.float32),
            "max": np.full((1,) * rank, np.percentile(highs, 100 - clipped), np.float32),
        }
        for name, (rank, lows, highs) in extremes.items()
    }


def activations(content: bytes, windows: NDArray[np.float32]) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Run a network; yield for each window all its tensors that are no constants, by name, int8 ones as numbers.

    Raises EdgeEmotionError for windows that do not fit the network.
    """
    from ai_edge_litert.interpreter import Interpreter

    graph = read_tflite_graph(content)
    with held_back():
        runtime = Interpreter(model_content=content, num_threads=1, experimental_preserve_all_tensors=True)
        runtime.allocate_tensors()
    wanted = [
        (index, tensor.name)
        for index, tensor in enumerate(graph.tensors)
        if tensor.type in ("FLOAT32", "INT8") and not tensor.constant
    ]
    steps = {detail["index"]: detail["quantization"] for detail in runtime.get_tensor_details()}
    entry = runtime.get_input_details()[0]
    for window in checked_windows(windows, entry["shape"]):
        runtime.set_tensor(entry["index"], np.ascontiguousarray(window[None]))
        runtime.invoke()
        values: dict[str, NDArray[np.float32]] = {}
        for index, name in wanted:
            value = runtime.get_tensor(index)
            if value.dtype == np.int8:
                scale, zero = steps[index]
                value = (value.astype(np.float32) - zero) * np.float32(scale)
            values[name] = value
        yield values
