"""Refuses an ONNX network that is foreign or too large, before ONNX Runtime sees it.

The plain install has no `onnx` package, so the messages are walked with the field numbers of onnx.proto: one graph of
standard operators that our exporter emits, no functions, no training, no other runtime's operators, every tensor as
large as its data, every declared shape bounded. What shapes an operator gives is not known here: engine.py limits the
memory, and lets nothing be computed before the first run.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.onnx_constants import Node, half_constants, reached
from edge_emotion.protobuf import ProtobufReader, Value

MOST_NODES = 2048  # 130 in the largest shipped network
MOST_NUMBERS = 1 << 24  # of one tensor
MOST_RANK = 8
MOST_OF_ATTRIBUTE = 1024  # what an attribute may say: an axis, a border, a step
OPSETS = range(7, 24)
SCAN = "Scan"  # the one operator with a graph inside, the loop of a spiking network; it ends with its input
# In lines: what is written by hand or by quantisation, what computes number by number, what sums and what moves.
OPERATORS = frozenset(
    f"""
    Constant Shape Identity Cast Expand EyeLike Pad {SCAN}
    DynamicQuantizeLinear MatMulInteger ConvInteger QuantizeLinear DequantizeLinear
    Abs Add And Clip Div Equal Erf Exp Greater GreaterOrEqual HardSigmoid HardSwish LeakyRelu Less LessOrEqual Log Max
    Min Mul Neg Not Or PRelu Pow Reciprocal Relu Sigmoid Sqrt Sub Tanh Where
    AveragePool BatchNormalization Conv CumSum Gemm GlobalAveragePool GlobalMaxPool MatMul MaxPool ReduceMax ReduceMean
    ReduceMin ReduceSum Softmax
    Concat Flatten Gather GatherElements GatherND NonZero Reshape ScatterElements Slice Split Squeeze Transpose
    Unsqueeze
    """.split()
)
# Operators that may leave out an input before others: ONNX Runtime ends the process over others, such as Max.
OPTIONAL = frozenset({"Clip", "Pad"})
# Operators whose filter's shape has to be told: without it ONNX Runtime ends the process over weights that do not fit.
FILTERS = frozenset({"Conv", "ConvInteger", "MaxPool", "AveragePool"})
MOST_SIDES = 2  # of a filter
# Types of numbers: FLOAT, UINT8, INT8, INT32, INT64, BOOL, FLOAT16, DOUBLE.
_TYPES = {1: 4, 2: 1, 3: 1, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8}
HALF = 10
_STANDARD = (b"", b"ai.onnx")

# Field numbers of onnx.proto: those that a bundle's network may have, the text and the single numbers that are skipped.
_MODEL_TEXT = {1, 2, 3, 4, 5, 6, 14}
_MODEL_OPSET, _MODEL_GRAPH = 8, 7
_GRAPH_TEXT = {2, 10, 14, 16}
_GRAPH_NODE, _GRAPH_TENSOR, _GRAPH_INPUT, _GRAPH_VALUES = 1, 5, 11, {11, 12, 13}
_NODE_TEXT = {3, 6, 9}
_NODE_INPUT, _NODE_OUTPUT = 1, 2
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_PLAIN = {2, 4, 7, 9, 13, 20}
_ATTRIBUTE_NAME, _ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_NUMBERS = 1, 5, 6, {3, 8}
_TYPE_ATTRIBUTES = (b"to", b"dtype")
_TENSOR_TEXT = {12, 16}
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_RAW, _TENSOR_LISTS = 1, 2, 9, {4, 5, 7, 10, 11}
_TENSOR_NAME = 8
_TENSOR_LOCATION = 14  # 0: inside the file


def check_onnx(network: bytes, where: str) -> None:
    """Raise EdgeEmotionError when an ONNX network is not one that a bundle may hold; where: how the error names it."""
    try:
        _Walk().model(memoryview(network))
    except ValueError as reason:
        raise EdgeEmotionError(
            f"{where} does not open ({reason}); export it again or update edge-emotion"
        ) from reason


@dataclass(frozen=True)
class _Attribute:
    """name; numbers: whole ones; bodies: graphs in it; half: whether it says half numbers."""

    name: bytes
    numbers: list[int]
    bodies: list[memoryview]
    half: bool | None


class _Walk:
    def __init__(self) -> None:
        self._reader = ProtobufReader()
        self._nodes = 0

    def model(self, message: memoryview) -> None:
        graphs, opsets = 0, 0
        for field, value in self._reader.fields(message):
            if field == _MODEL_GRAPH:
                graphs += 1
                self._graph(_message(value), None, set())
            elif field == _MODEL_OPSET:
                opsets += 1
                self._opset(_message(value))
            elif field not in _MODEL_TEXT:
                raise ValueError("functions or training, which no bundle has")
        if (graphs, opsets) != (1, 1):
            raise ValueError(f"{graphs} graphs and {opsets} sets of operators, expected one of each")

    def _opset(self, message: memoryview) -> None:
        for field, value in self._reader.fields(message):
            if field == 1 and bytes(_message(value)) not in _STANDARD:
                raise ValueError("operators that are not of the ONNX standard")
            if field == 2 and value not in OPSETS:
                raise ValueError(f"operators of version {value}, expected {OPSETS[0]} to {OPSETS[-1]}")

    def _graph(self, message: memoryview, outer: set[bytes] | None, halves: set[bytes]) -> None:
        """outer: for the body of a Scan, what is computed around it; halves: constants of half numbers around it."""
        nodes: list[Node] = []
        bodies: list[memoryview] = []
        inputs: set[bytes] = set()
        constants: set[bytes] = set()
        for field, value in self._reader.fields(message):
            if field == _GRAPH_NODE:
                node, inner = self._node(_message(value), inside=outer is not None)
                nodes.append(node)
                bodies += inner
            elif field == _GRAPH_TENSOR:
                name, kind = self._tensor(_message(value))
                constants.add(name)
                halves = halves | {name} if kind == HALF else halves
            elif field in _GRAPH_VALUES:
                name = self._value(_message(value))
                if field == _GRAPH_INPUT:
                    inputs.add(name)
            elif field not in _GRAPH_TEXT:
                raise ValueError("sparse tensors, which no bundle has")
        computed = reached(nodes, (inputs | (outer or set())) - constants)
        halves = half_constants(nodes, computed, halves)
        for body in bodies:
            self._graph(body, computed, halves)

    def _node(self, message: memoryview, inside: bool) -> tuple[Node, list[memoryview]]:
        """Check an operator, and give it and the graph in it."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise ValueError(f"more than {MOST_NODES} operators")
        names: list[str] = []
        attributes: list[_Attribute] = []
        ends: dict[int, list[bytes]] = {_NODE_INPUT: [], _NODE_OUTPUT: []}
        for field, value in self._reader.fields(message):
            if field == _NODE_OPERATOR:
                names.append(bytes(_message(value)).decode("utf-8", "replace"))
            elif field == _NODE_DOMAIN:
                if bytes(_message(value)) not in _STANDARD:
                    raise ValueError("an operator that is not of the ONNX standard")
            elif field == _NODE_ATTRIBUTE:
                attributes.append(self._attribute(_message(value)))
            elif field in ends:
                ends[field].append(bytes(_message(value)))
            elif field not in _NODE_TEXT:
                raise ValueError("an operator with parts that no bundle has")
        if len(names) != 1 or names[0] not in OPERATORS:
            raise ValueError(f"operator {ascii(' '.join(names))[:40]}, which no bundle has")
        inputs, outputs = ends[_NODE_INPUT], ends[_NODE_OUTPUT]
        _check_use(names[0], attributes, inputs, outputs)
        bodies = [body for attribute in attributes for body in attribute.bodies]
        if bodies and (inside or names[0] != SCAN or len(bodies) > 1):
            raise ValueError("a graph inside another, which only Scan has")
        told = [each.half for each in attributes if each.half is not None]
        return Node(names[0], tuple(inputs), tuple(outputs), told[0] if told else None), bodies

    def _attribute(self, message: memoryview) -> _Attribute:
        """Check an attribute, and give what its operator is checked by."""
        name, tensors = b"", 0
        half: bool | None = None
        numbers: list[int] = []
        bodies: list[memoryview] = []
        for field, value in self._reader.fields(message):
            if field == _ATTRIBUTE_TENSOR:
                tensors += 1
                half = self._tensor(_message(value))[1] == HALF
            elif field == _ATTRIBUTE_GRAPH:
                bodies.append(_message(value))
            elif field == _ATTRIBUTE_NAME:
                name = bytes(_message(value))
            elif field in _ATTRIBUTE_NUMBERS:
                numbers += self._reader.packed(value, MOST_NODES)
            elif field not in _ATTRIBUTE_PLAIN:
                raise ValueError("an operator with parts that no bundle has")
        if tensors > 1:  # a second one would be added to the first
            raise ValueError("a constant that is there twice")
        numbers = [number - (1 << 64) if number >> 63 else number for number in numbers]
        if any(abs(number) > MOST_OF_ATTRIBUTE for number in numbers):
            raise ValueError(f"an operator with a number beyond {MOST_OF_ATTRIBUTE}")
        if name in _TYPE_ATTRIBUTES:
            half = numbers == [HALF]
            if not set(numbers) <= _TYPES.keys():
                raise ValueError("numbers of a type that no bundle has")
        return _Attribute(name, numbers, bodies, half)

    def _tensor(self, message: memoryview) -> tuple[bytes, int]:
        """Check a constant, and give its name and the type of its numbers."""
        dims: list[int] = []
        kind, size, lists, name = 0, None, 0, b""
        for field, value in self._reader.fields(message):
            if field == _TENSOR_DIMS:
                dims += self._reader.packed(value, MOST_RANK)
            elif field == _TENSOR_TYPE and isinstance(value, int):
                kind = value
            elif field == _TENSOR_RAW:
                size = len(_message(value))
            elif field == _TENSOR_NAME:
                name = bytes(_message(value))
            elif field in _TENSOR_LISTS:
                lists += len(value) if isinstance(value, memoryview) else 1
            elif field not in _TENSOR_TEXT and (field != _TENSOR_LOCATION or value != 0):
                raise ValueError("a tensor with parts that no bundle has")
        if kind not in _TYPES:
            raise ValueError(f"numbers of type {kind}, which no bundle has")
        # A number in a list takes a byte or more.
        fits = _count(dims) * _TYPES[kind] == size if size is not None else _count(dims) <= lists
        if not fits:
            raise ValueError(
                f"a tensor of shape {tuple(dims)} whose data has {lists if size is None else size} bytes"
            )
        return name, kind

    def _value(self, message: memoryview) -> bytes:
        """Check an input, an output or what is between: a tensor of a bounded shape. Gives its name."""
        name = b""
        for field, value in self._reader.fields(message):
            if field == 1:
                name = bytes(_message(value))
            elif field == 2:
                self._type(_message(value))
            elif field not in {3, 4}:
                raise ValueError("an end that is no tensor")
        return name

    def _type(self, message: memoryview) -> None:
        for tensor in self._inner(message, 1, {6}):
            for shape in self._inner(tensor, 2, {1}):
                self._shape(shape)

    def _shape(self, message: memoryview) -> None:
        dims: list[int] = []
        for dimension in self._inner(message, 1, set(), most=MOST_RANK):
            sides = [value for field, value in self._reader.fields(dimension) if field == 1]
            dims += [side for side in sides if isinstance(side, int)]
        _count(dims)

    def _inner(
        self, message: memoryview, inner: int, others: set[int], most: int = 1
    ) -> Iterator[memoryview]:
        """The messages in a field; ValueError for more of them, and for fields that are not known."""
        found = 0
        for field, value in self._reader.fields(message):
            if field == inner:
                found += 1
                yield _message(value)
            elif field not in others:
                raise ValueError("an end that is no tensor")
        if found > most:
            raise ValueError("a type that is there twice")


def _check_use(name: str, attributes: list[_Attribute], inputs: list[bytes], outputs: list[bytes]) -> None:
    """Refuse uses of an operator over which ONNX Runtime ends the process."""
    if b"" in (*inputs, *outputs) and name not in OPTIONAL:
        raise ValueError(f"{name} without one of its inputs or outputs")
    if any(each.name == b"num_outputs" and each.numbers != [len(outputs)] for each in attributes):
        raise ValueError(f"{name} with another number of outputs than it says")
    if name in FILTERS:
        _check_filter(attributes)


def _check_filter(attributes: list[_Attribute]) -> None:
    shapes = [attribute.numbers for attribute in attributes if attribute.name == b"kernel_shape"]
    if len(shapes) != 1 or not 1 <= len(shapes[0]) <= MOST_SIDES:
        raise ValueError(f"a filter whose shape is not told, or not of 1 to {MOST_SIDES} sides")
    for attribute in attributes:
        least = {b"kernel_shape": 1, b"strides": 1, b"dilations": 1, b"group": 1}.get(attribute.name, 0)
        if min(attribute.numbers, default=least) < least:
            raise ValueError("a filter with a side or a step of 0")


def _message(value: Value) -> memoryview:
    if isinstance(value, int):
        raise ValueError("no protobuf message")
    return value


def _count(dims: list[int]) -> int:
    """Numbers in a tensor; ValueError where there are too many or none, a negative side too."""
    if (
        len(dims) > MOST_RANK
        or max(dims, default=0) > MOST_NUMBERS
        or not 0 < math.prod(dims) <= MOST_NUMBERS
    ):
        raise ValueError(f"a tensor of {len(dims)} sides, or of no numbers or more than {MOST_NUMBERS}")
    return math.prod(dims)
