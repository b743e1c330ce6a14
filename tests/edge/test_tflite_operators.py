"""What each operator of a TFLite network gives, worked by hand, and what it is refused for."""

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edge_emotion.flatbuffer import Table
from edge_emotion.tflite_operators import FLOAT32, INT8, INT32, OPERATORS, Shape, Tensor, check_scales

CODES = {operator.name: operator for operator in OPERATORS.values()}


def of(*shape: int) -> Tensor:
    return Tensor(shape, FLOAT32, None)


def constant(*numbers: int, shape: Shape | None = None) -> Tensor:
    values = memoryview(np.array(numbers, "<i4").tobytes())
    return Tensor((len(numbers),) if shape is None else shape, INT32, values)


def options(kind: str, **values: object) -> Table:
    made = getattr(schema, f"{kind}OptionsT")()
    for name, value in values.items():
        setattr(made, name, value)
    builder = flatbuffers.Builder(64)
    builder.Finish(made.Pack(builder))
    return Table.root(bytes(builder.Output()))


def conv(padding: int, stride: int = 1, dilation: int = 1) -> Table:
    return options(
        "Conv2D", padding=padding, strideH=stride, strideW=stride,
        dilationHFactor=dilation, dilationWFactor=dilation,
    )  # fmt: skip


def pool(size: int, stride: int, padding: int = 1) -> Table:
    return options(
        "Pool2D", padding=padding, filterHeight=size, filterWidth=size, strideH=stride, strideW=stride
    )


KEPT = options("Reducer", keepDims=True)
GIVEN: list[tuple[str, list[Tensor], Table | None, Shape, int]] = [
    ("ADD", [of(2, 3), of(3)], None, (2, 3), 6),
    ("MUL", [of(2, 1), of(1, 3)], None, (2, 3), 6),
    ("LOGISTIC", [of(2, 3)], None, (2, 3), 6),
    ("TRANSPOSE", [of(2, 3, 4), constant(2, 0, 1)], None, (4, 2, 3), 24),
    ("SLICE", [of(4, 5), constant(1, 2), constant(2, -1)], None, (2, 3), 0),
    ("CONCATENATION", [of(2, 3), of(2, 4)], options("Concatenation", axis=-1), (2, 7), 0),
    ("MEAN", [of(2, 3, 4), constant(1)], None, (2, 4), 24),
    ("REDUCE_MAX", [of(2, 3, 4), constant(-1, 0)], KEPT, (1, 3, 1), 24),
    ("PAD", [of(2, 3), constant(0, 1, 2, 3)], None, (3, 8), 0),
    ("FULLY_CONNECTED", [of(2, 3, 4), of(5, 4)], options("FullyConnected"), (6, 5), 120),
    ("FULLY_CONNECTED", [of(2, 3, 4), of(5, 4)], options("FullyConnected", keepNumDims=True), (2, 3, 5), 120),
    # 7 pixels, a filter of 3, each second one: 4 with a border, 3 without; of 5 with its holes: 2.
    ("CONV_2D", [of(1, 7, 7, 2), of(4, 3, 3, 2)], conv(0, 2), (1, 4, 4, 4), 64 * 18),
    ("CONV_2D", [of(1, 7, 7, 2), of(4, 3, 3, 2)], conv(1, 2), (1, 3, 3, 4), 36 * 18),
    ("CONV_2D", [of(1, 7, 7, 2), of(4, 3, 3, 2)], conv(1, 2, 2), (1, 2, 2, 4), 16 * 18),
    ("MAX_POOL_2D", [of(1, 6, 6, 2)], pool(2, 2), (1, 3, 3, 2), 18 * 4),
    ("GATHER_ND", [of(4, 5, 6), constant(0, 1, 3, 4, shape=(2, 2))], None, (2, 6), 0),
]


@pytest.mark.parametrize(("name", "inputs", "table", "shape", "work"), GIVEN)
def test_what_an_operator_gives(
    name: str, inputs: list[Tensor], table: Table | None, shape: Shape, work: int
) -> None:
    assert CODES[name].rule(inputs, table, shape) == (shape, work)


def test_depthwise() -> None:
    table = options("DepthwiseConv2D", padding=0, strideH=1, strideW=1, depthMultiplier=2)
    inputs = [of(1, 5, 5, 3), of(1, 3, 3, 6)]
    assert CODES["DEPTHWISE_CONV_2D"].rule(inputs, table, ()) == ((1, 5, 5, 6), 150 * 9)


def test_reshape_gives_what_is_declared() -> None:
    rule = CODES["RESHAPE"].rule
    assert rule([of(2, 6), constant(3, -1)], None, (3, 4)) == ((3, 4), 0)
    assert rule([of(2, 6)], options("Reshape", newShape=[4, 3]), (4, 3)) == ((4, 3), 0)
    for inputs, declared in (([of(2, 6), constant(4, 3)], (3, 4)), ([of(2, 6), constant(5, 5)], (5, 5))):
        with pytest.raises(ValueError, match="a new shape"):
            rule(inputs, None, declared)


REFUSED: list[tuple[str, list[Tensor], Table | None, str]] = [
    ("ADD", [of(2, 3), of(2)], None, "do not fit"),
    ("TRANSPOSE", [of(2, 3), constant(0, 0)], None, "order of axes"),
    ("TRANSPOSE", [of(2, 3), of(2)], None, "small constant"),
    ("SLICE", [of(4), constant(2), constant(3)], None, "beyond its input"),
    ("SLICE", [of(4), constant(-1), constant(2)], None, "beyond its input"),
    ("SLICE", [of(4), constant(0, 0), constant(1, 1)], None, "other axes"),
    ("CONCATENATION", [of(2, 3), of(3, 3)], options("Concatenation", axis=1), "do not fit"),
    ("CONCATENATION", [of(2, 3)], options("Concatenation", axis=5), "do not fit"),
    ("MEAN", [of(2, 3), constant(2)], None, "axis"),
    ("PAD", [of(2), constant(0, -1)], None, "padding"),
    ("PAD", [of(2), constant(0)], None, "padding"),
    ("FULLY_CONNECTED", [of(2, 3), of(5, 4)], options("FullyConnected"), "do not fit"),
    ("FULLY_CONNECTED", [of(2, 4), of(5, 4)], options("FullyConnected", weightsFormat=1), "unknown form"),
    ("FULLY_CONNECTED", [of(2, 4), of(5, 4), of(6)], options("FullyConnected"), "bias"),
    ("CONV_2D", [of(1, 7, 7, 2), of(4, 3, 3, 3)], conv(0), "do not fit"),
    ("CONV_2D", [of(1, 7, 7, 2), of(4, 3, 3, 2)], conv(0, 0), "filter that is none"),
    ("CONV_2D", [of(1, 7, 7, 2), of(4, 3, 3, 2)], conv(0, 1, 2**30), "larger than its input"),
    ("CONV_2D", [of(1, 7, 7, 2), of(4, 3, 3, 2)], None, "options are missing"),
    ("MAX_POOL_2D", [of(1, 6, 6, 2)], pool(7, 1), "larger than its input"),
    ("MAX_POOL_2D", [of(1, 6, 6, 2)], pool(0, 1), "filter that is none"),
    ("GATHER_ND", [of(4, 5), constant(4, shape=(1, 1))], None, "index beyond"),
    ("GATHER_ND", [of(4, 5), constant(-1, shape=(1, 1))], None, "index beyond"),
    ("GATHER_ND", [of(4, 5), of(1, 1)], None, "constant indices"),
]


@pytest.mark.parametrize(("name", "inputs", "table", "expected"), REFUSED)
def test_what_an_operator_is_refused_for(
    name: str, inputs: list[Tensor], table: Table | None, expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        CODES[name].rule(inputs, table, (1,))


def test_a_filter_as_large_as_an_int_can_say_costs_nothing_to_refuse() -> None:
    with pytest.raises(ValueError, match="larger than its input"):
        CODES["AVERAGE_POOL_2D"].rule([of(1, 6, 6, 2)], pool(2**31 - 1, 1, padding=0), (1, 6, 6, 2))


def whole(*scales: float) -> Tensor:
    return Tensor((1,), INT8, None, scales)


@pytest.mark.parametrize(
    ("name", "inputs", "output"),
    [
        # .5 * 1 / .001 is 500 and .5 / 1e-3 too: kernels scale by at most 256.
        ("FULLY_CONNECTED", [whole(0.5), whole(0.1, 1.0)], whole(0.001)),
        ("MUL", [whole(1e-8), whole(1e-8)], whole(1.0)),
        ("QUANTIZE", [whole(0.5)], whole(0.001)),
        ("ADD", [whole(0.5), whole(1e-13)], whole(0.5)),
    ],
)
def test_scales_that_a_kernel_cannot_take(name: str, inputs: list[Tensor], output: Tensor) -> None:
    with pytest.raises(ValueError, match=f"{name} with scales that do not fit"):
        check_scales(name, inputs, output)


def test_scales_that_a_kernel_can_take() -> None:
    check_scales("FULLY_CONNECTED", [whole(0.5), whole(0.1, 1.0)], whole(0.01))
    check_scales("ADD", [whole(0.5), whole(0.25)], whole(0.5))
    # Whole numbers become others, and only then are they scaled.
    check_scales("DEQUANTIZE", [whole(1e-14)], of(1))
    check_scales("FULLY_CONNECTED", [of(1), whole(1e-14)], of(1))
