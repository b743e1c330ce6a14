"""The operators and tensors of a TFLite file, as a frozen list: what quantisation and its reports look things up in."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_emotion.errors import EdgeEmotionError


@dataclass(frozen=True)
class TFLiteTensor:
    """name; shape; type: "FLOAT32", "INT8", ...; bytes: of its values; constant: the file holds them."""

    name: str
    shape: tuple[int, ...]
    type: str
    bytes: int
    constant: bool


@dataclass(frozen=True)
class TFLiteOperator:
    """name: as "FULLY_CONNECTED"; inputs, outputs: indices of tensors, an absent optional input is left out."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class TFLiteGraph:
    """tensors; operators in the order they run; inputs, outputs: of the network, indices of tensors."""

    tensors: tuple[TFLiteTensor, ...]
    operators: tuple[TFLiteOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def positions(self, operator: TFLiteOperator) -> int:
        """How many times an operator's weights are used in a run: nodes or pixels of its output, 1 for a head."""
        return int(np.prod(self.tensors[operator.outputs[0]].shape[:-1]))

    def products(self, operator: TFLiteOperator) -> int:
        """Multiply-accumulates of a layer: its weights, times the positions they are used at."""
        weights = self.tensors[operator.inputs[1]].shape
        once = weights[1:3] if operator.name == "DEPTHWISE_CONV_2D" else weights[1:]
        return int(np.prod(self.tensors[operator.outputs[0]].shape) * np.prod(once))


def read_tflite_graph(content: bytes) -> TFLiteGraph:
    """The main graph of a TFLite file; EdgeEmotionError when it is none."""
    schema, model = read_tflite_model(content)
    types = {value: name for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
    codes = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    try:
        graph = model.subgraphs[0]
        names = [codes[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in model.operatorCodes]
        tensors = tuple(_tensor(tensor, types, model.buffers) for tensor in graph.tensors)
        operators = tuple(
            TFLiteOperator(
                names[operator.opcodeIndex],
                tuple(int(i) for i in operator.inputs if i >= 0),
                tuple(int(i) for i in operator.outputs),
            )
            for operator in graph.operators
        )
        return TFLiteGraph(tensors, operators, tuple(map(int, graph.inputs)), tuple(map(int, graph.outputs)))
    except (TypeError, KeyError, IndexError, AttributeError) as reason:
        raise _no_network() from reason


def read_tflite_model(content: bytes) -> tuple[Any, Any]:
    """The schema's module and the file as its object tree (ModelT), the values of all constants in its buffers.

    EdgeEmotionError when it is no TFLite file.
    """
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools.flatbuffer_utils import read_model_from_bytearray

    if content[4:8] != b"TFL3":
        raise _no_network()
    try:
        return schema, read_model_from_bytearray(content)
    except Exception as reason:  # a truncated file fails in as many ways as it has offsets
        raise _no_network() from reason


def _no_network() -> EdgeEmotionError:
    return EdgeEmotionError("expected a TFLite network, got a file that is damaged or none: export it again")


def _tensor(tensor: Any, types: dict[int, str], buffers: Any) -> TFLiteTensor:
    shape = tuple(int(size) for size in (tensor.shape if tensor.shape is not None else ()))
    kind = types[tensor.type]
    data = buffers[tensor.buffer].data
    constant = data is not None and len(data) > 0
    sizes = {"FLOAT64": 8, "INT64": 8, "FLOAT32": 4, "INT32": 4, "FLOAT16": 2, "INT16": 2}
    size = len(data) if constant else sizes.get(kind, 1) * int(np.prod(shape))
    return TFLiteTensor((tensor.name or b"").decode(), shape, kind, size, constant)
