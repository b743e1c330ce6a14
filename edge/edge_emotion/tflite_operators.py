"""The TFLite operators that a bundle may use: for each the shape of what it gives, and how much it computes.

They are those of our exporter, and a few that cost as little. LiteRT computes shapes itself when it opens a network
and takes the memory for them, so that a shape which its operator does not give is refused before.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edge_emotion.flatbuffer import Table

FLOAT32, FLOAT16, INT32, INT8 = 0, 1, 2, 9  # TensorType of the schema
WIDTHS = {FLOAT32: 4, FLOAT16: 2, INT32: 4, INT8: 1}  # bytes of a number
_SAME, _VALID = 0, 1  # Padding of the schema

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Tensor:
    """shape; type: as in WIDTHS; values: bytes of a constant, None for what is computed; scales: of whole numbers."""

    shape: Shape
    type: int
    values: memoryview | None
    scales: tuple[float, ...] = ()


Rule = Callable[[Sequence[Tensor], Table | None, Shape], tuple[Shape, int]]
"""Inputs, options and the shape that the file declares for the output -> the output's shape, multiply-accumulates."""


@dataclass(frozen=True)
class Operator:
    """name; inputs: fewest and most; rule: see Rule; options: the type of its options in the schema, 0 for none."""

    name: str
    inputs: tuple[int, int]
    rule: Rule
    options: int = 0


def _integers(tensor: Tensor) -> Shape:
    """The numbers of a constant that says a shape, axes or the like."""
    if tensor.type != INT32 or tensor.values is None or len(tensor.values) > 64:
        raise ValueError("expected a small constant of whole numbers")
    return tuple(tensor.values.cast("i").tolist())


def _gather_nd(inputs: Sequence[Tensor], options: Table | None, declared: Shape) -> tuple[Shape, int]:
    given, at = inputs[0].shape, inputs[1]
    if at.type != INT32 or at.values is None or not at.shape or at.shape[-1] > len(given):
        raise ValueError("expected constant indices")
    deep = at.shape[-1]
    indices = np.frombuffer(at.values, "<i4").reshape(-1, deep)
    if not ((indices >= 0) & (indices < np.array(given[:deep]))).all():
        raise ValueError("an index beyond its input")
    return (*at.shape[:-1], *given[deep:]), 0


def _options(options: Table | None) -> Table:
    if options is None:
        raise ValueError("its options are missing")
    return options


def _as_it_is(inputs: Sequence[Tensor], options: Table | None, declared: Shape) -> tuple[Shape, int]:
    return inputs[0].shape, math.prod(inputs[0].shape)


def _broadcast(inputs: Sequence[Tensor], options: Table | None, declared: Shape) -> tuple[Shape, int]:
    rank = max(len(tensor.shape) for tensor in inputs)
    sides = [(1,) * (rank - len(tensor.shape)) + tensor.shape for tensor in inputs]
    if any(1 not in pair and pair[0] != pair[1] for pair in zip(*sides, strict=True)):
        raise ValueError("shapes that do not fit")
    # A side of 1 gives way to the other, to 0 too.
    shape = tuple(b if a == 1 else a for a, b in zip(*sides, strict=True))
    return shape, math.prod(shape)


def _reshape(inputs: Sequence[Tensor], options: Table | None, declared: Shape) -> tuple[Shape, int]:
    if len(inputs) == 2:
        asked = _integers(inputs[1])
    else:
        asked = tuple(int(side) for side in _options(options).numbers(0, "i", 8))
    if len(asked) != len(declared) or any(
        a not in (-1, side) for a, side in zip(asked, declared, strict=True)
    ):
        raise ValueError(f"a new shape {asked} that is not the declared one")
    if math.prod(declared) != math.prod(inputs[0].shape):
        raise ValueError("a new shape of another size")
    return declared, 0


def _transpose(inputs: Sequence[Tensor], options: Table | None, declared: Shape) -> tuple[Shape, int]:
    order = _integers(inputs[1])
    if sorted(order) != list(range(len(inputs[0].shape))):
        raise ValueError("an order of axes that is none")
    return tuple(inputs[0].shape[axis] for axis in order), math.prod(inputs[0].shape)


def _slice(inputs: Sequence[Tensor], options: Table | None, declared: Shape) -> tuple[Shape, int]:
    shape, begin, size = inputs[0].shape, _integers(inputs[1]), _integers(inputs[2])
    if not len(begin) == len(size) == len(shape):
        raise ValueError("a slice of other axes")
    size = tuple(whole - first if n == -1 else n for whole, first, n in zip(shape, begin, size, strict=True))
    for whole, first, n in zip(shape, begin, size, strict=True):
        if first < 0 or n < 1 or first + n > whole:
            raise ValueError("a slice beyond its input")
    return size, 0


def _concatenation(inputs: Sequence[Tensor], options: Table | None, declared: Shape) -> tuple[Shape, int]:
    rank = len(inputs[0].shape)
    axis = _options(options).number(0, "i")
    axis = axis + rank if axis < 0 else axis
    rest = {tensor.shape[:axis] + tensor.shape[axis + 1 :] for tensor in inputs}
    if not 0 <= axis < rank or len(rest) != 1 or any(len(tensor.shape) != rank for tensor in inputs):
        raise ValueError("shapes that do not fit")
    shape = inputs[0].shape
    return (*shape[:axis], sum(tensor.shape[axis] for tensor in inputs), *shape[axis + 1 :]), 0


def _reduced(inputs: Sequence[Tensor], options: Table | None, declared: Shape) -> tuple[Shape, int]:
    shape = inputs[0].shape
    asked = _integers(inputs[1])
    if any(not -len(shape) <= axis < len(shape) for axis in asked):
        raise ValueError("an axis that is none")
    axes = {axis % len(shape) for axis in asked}
    keep = options is not None and options.number(0, "?")
    sides = [1 if axis in axes else side for axis, side in enumerate(shape) if keep or axis not in axes]
    return tuple(sides), math.prod(shape)


def _pad(inputs: Sequence[Tensor], options: Table | None, declared: Shape) -> tuple[Shape, int]:
    around = _integers(inputs[1])
    if len(around) != 2 * len(inputs[0].shape) or min(around, default=0) < 0:
        raise ValueError("a padding of other axes")
    return tuple(
        side + around[2 * axis] + around[2 * axis + 1] for axis, side in enumerate(inputs[0].shape)
    ), 0


def _fully_connected(inputs: Sequence[Tensor], options: Table | None, declared: Shape) -> tuple[Shape, int]:
    given, weights = inputs[0].shape, inputs[1].shape
    table = _options(options)
    if len(weights) != 2 or table.number(1, "b"):
        raise ValueError("weights of an unknown form")
    units, summed = weights
    if summed == 0 or math.prod(given) % summed:
        raise ValueError("shapes that do not fit")
    rows = math.prod(given) // summed
    if table.number(2, "?"):
        if not given or given[-1] != summed:
            raise ValueError("shapes that do not fit")
        shape: Shape = (*given[:-1], units)
    else:
        shape = (rows, units)
    if len(inputs) > 2 and math.prod(inputs[2].shape) != units:
        raise ValueError("a bias of another size")
    return shape, rows * units * summed


def _window(
    options: Table, given: Shape, filters: tuple[int, int], slots: tuple[int, int], dilations: tuple[int, int]
) -> tuple[int, int]:
    """Height and width of what a filter gives; slots: of the strides along height and width."""
    padding = options.number(0, "b")
    sides = []
    for side, size, slot, dilation in zip(given[1:3], filters, slots, dilations, strict=True):
        stride = options.number(slot, "i")
        reach = (size - 1) * dilation + 1
        if padding not in (_SAME, _VALID) or stride < 1 or dilation < 1 or size < 1:
            raise ValueError("a filter that is none")
        # SAME puts as much around the input as the filter reaches.
        if reach > 2 * side + 1 or (padding == _VALID and reach > side):
            raise ValueError("a filter larger than its input")
        sides.append(-(-(side if padding == _SAME else side - reach + 1) // stride))
    return sides[0], sides[1]


def _convolution(inputs: Sequence[Tensor], options: Table | None, declared: Shape) -> tuple[Shape, int]:
    given, weights, table = inputs[0].shape, inputs[1].shape, _options(options)
    if len(given) != 4 or len(weights) != 4 or weights[3] == 0 or given[3] % weights[3]:
        raise ValueError("shapes that do not fit")
    dilations = table.number(5, "i", 1), table.number(4, "i", 1)
    high, wide = _window(table, given, (weights[1], weights[2]), (2, 1), dilations)
    if len(inputs) > 2 and math.prod(inputs[2].shape) != weights[0]:
        raise ValueError("a bias of another size")
    shape = given[0], high, wide, weights[0]
    return shape, math.prod(shape) * math.prod(weights[1:])


def _depthwise(inputs: Sequence[Tensor], options: Table | None, declared: Shape) -> tuple[Shape, int]:
    given, weights, table = inputs[0].shape, inputs[1].shape, _options(options)
    multiplier = table.number(3, "i")
    if len(given) != 4 or len(weights) != 4 or weights[0] != 1 or weights[3] != given[3] * multiplier:
        raise ValueError("shapes that do not fit")
    dilations = table.number(6, "i", 1), table.number(5, "i", 1)
    high, wide = _window(table, given, (weights[1], weights[2]), (2, 1), dilations)
    if len(inputs) > 2 and math.prod(inputs[2].shape) != weights[3]:
        raise ValueError("a bias of another size")
    shape = given[0], high, wide, weights[3]
    return shape, math.prod(shape) * weights[1] * weights[2]


def _pool(inputs: Sequence[Tensor], options: Table | None, declared: Shape) -> tuple[Shape, int]:
    given, table = inputs[0].shape, _options(options)
    if len(given) != 4:
        raise ValueError("shapes that do not fit")
    filters = table.number(4, "i"), table.number(3, "i")
    high, wide = _window(table, given, filters, (2, 1), (1, 1))
    shape = given[0], high, wide, given[3]
    return shape, math.prod(shape) * math.prod(filters)


def check_scales(name: str, inputs: Sequence[Tensor], output: Tensor) -> None:
    """ValueError where whole numbers would be scaled by what LiteRT's kernels cannot: they end the process over it."""
    if inputs[0].type != INT8 or output.type != INT8:
        return
    if name in _MULTIPLYING:
        ratios = [inputs[0].scales[0] * scale / output.scales[0] for scale in inputs[1].scales]
    else:
        ratios = [tensor.scales[0] / output.scales[0] for tensor in inputs if tensor.type == INT8]
    least, most = _RATIOS
    if not all(least <= ratio <= most for ratio in ratios):
        raise ValueError(f"{name} with scales that do not fit")


_MULTIPLYING = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "MUL")
_RATIOS = (2.0**-40, 2.0**7)
# BuiltinOperator of the schema -> operator.
OPERATORS = {
    0: Operator("ADD", (2, 2), _broadcast, 11),
    1: Operator("AVERAGE_POOL_2D", (1, 1), _pool, 5),
    2: Operator("CONCATENATION", (1, 64), _concatenation, 10),
    3: Operator("CONV_2D", (2, 3), _convolution, 1),
    4: Operator("DEPTHWISE_CONV_2D", (2, 3), _depthwise, 2),
    6: Operator("DEQUANTIZE", (1, 1), _as_it_is, 38),
    9: Operator("FULLY_CONNECTED", (2, 3), _fully_connected, 8),
    14: Operator("LOGISTIC", (1, 1), _as_it_is),
    17: Operator("MAX_POOL_2D", (1, 1), _pool, 5),
    18: Operator("MUL", (2, 2), _broadcast, 21),
    19: Operator("RELU", (1, 1), _as_it_is),
    22: Operator("RESHAPE", (1, 2), _reshape, 17),
    25: Operator("SOFTMAX", (1, 1), _as_it_is, 9),
    34: Operator("PAD", (2, 2), _pad, 22),
    39: Operator("TRANSPOSE", (2, 2), _transpose, 26),
    40: Operator("MEAN", (2, 2), _reduced, 27),
    41: Operator("SUB", (2, 2), _broadcast, 28),
    42: Operator("DIV", (2, 2), _broadcast, 29),
    55: Operator("MAXIMUM", (2, 2), _broadcast, 39),
    57: Operator("MINIMUM", (2, 2), _broadcast, 39),
    65: Operator("SLICE", (3, 3), _slice, 48),
    82: Operator("REDUCE_MAX", (2, 2), _reduced, 27),
    107: Operator("GATHER_ND", (2, 2), _gather_nd, 83),
    114: Operator("QUANTIZE", (1, 1), _as_it_is, 89),
}
