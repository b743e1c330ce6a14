"""A small TFLite network written by hand, for tests: a flat picture through one linear layer, float32."""

from math import prod

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema


def linear_tflite(shape: tuple[int, ...], outputs: int) -> bytes:
    """Input of a shape, float32 -> (1, outputs): prod(shape) * outputs weights, all different, and no bias."""
    inputs = prod(shape)
    weights = np.linspace(-1, 1, inputs * outputs, dtype=np.float32)
    buffers = [schema.BufferT() for _ in range(2)]
    buffers[1].data = weights.view(np.uint8)

    def tensor(name: str, dims: tuple[int, ...], buffer: int) -> schema.TensorT:
        made = schema.TensorT()
        made.name, made.shape, made.buffer, made.type = name, list(dims), buffer, schema.TensorType.FLOAT32
        return made

    options = schema.FullyConnectedOptionsT()
    layer = schema.OperatorT()
    layer.opcodeIndex, layer.inputs, layer.outputs = 0, [0, 1, -1], [2]
    layer.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    layer.builtinOptions = options
    graph = schema.SubGraphT()
    graph.tensors = [
        tensor("x", shape, 0), tensor("weights", (outputs, inputs), 1), tensor("y", (1, outputs), 0)
    ]  # fmt: skip
    graph.inputs, graph.outputs, graph.operators = [0], [2], [layer]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 1
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], buffers
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
