"""Networks that lie: TFLite with single numbers of its tables changed in place, ONNX with its messages changed."""

import random
import struct
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge_emotion.flatbuffer import Table
from fuzz_bytes import NUMBERS, mutated

Field = tuple[int, str]
"""Where a number of a TFLite file lies, and what it is to struct."""
FOREIGN = (
    "Loop", "If", "SequenceMap", "ConstantOfShape", "Tile", "Range", "Resize", "RandomNormal", "Optional", "OneHot",
    "StringNormalizer", "LSTM", "Bernoulli", "", "\x1b[31m", "MatMul\0",
)  # fmt: skip
STANDARD = (
    "Add", "MatMul", "Gemm", "Expand", "Pad", "Reshape", "Concat", "Gather", "GatherND", "ScatterElements", "Slice",
    "Split", "Transpose", "Cast", "EyeLike", "Conv", "MaxPool", "CumSum", "Where", "Squeeze", "Unsqueeze", "Scan",
    "Softmax", "ReduceMax", "DynamicQuantizeLinear", "MatMulInteger", "NonZero", "Identity", "Shape", "Constant",
)  # fmt: skip


@cache
def fields(network: bytes) -> tuple[Field, ...]:
    """The numbers of a good TFLite file that say how it is to be read."""
    return tuple(_fields(network))


def _fields(network: bytes) -> Iterator[Field]:
    model = Table.root(network)
    yield from ((0, "I"), (4, "I"), *_entries(model))
    for code in model.tables(1, 100):
        yield from _entries(code)
    for buffer in model.tables(4, 10_000):
        yield from _entries(buffer)
        begin, count = buffer.vector(0, 1)
        if 0 < count <= 64:  # axes, shapes and the like
            yield from ((begin + 4 * i, "i") for i in range(count // 4))
    for signature in model.tables(7, 10):
        yield from _entries(signature)
    for graph in model.tables(2, 1):
        yield from _entries(graph)
        for tensor in graph.tables(0, 10_000):
            yield from _entries(tensor)
            yield from _vector(tensor, 0, "i")
            quantisation = tensor.table(4)
            if quantisation is not None:
                yield from _entries(quantisation)
                for slot, code in ((2, "f"), (3, "q")):
                    yield from list(_vector(quantisation, slot, code))[:4]
        for operator in graph.tables(3, 10_000):
            yield from _entries(operator)
            yield from (*_vector(operator, 1, "i"), *_vector(operator, 2, "i"))
            options = operator.table(4)
            if options is not None:
                yield from _entries(options)
        yield from (*_vector(graph, 1, "i"), *_vector(graph, 2, "i"))


def _entries(table: Table) -> Iterator[Field]:
    """The table's way to its vtable, and whatever lies in its fields."""
    yield table.at, "i"
    for slot in range(14):
        at = table.place(slot, 1)
        if at is not None:
            yield at, "i"
            yield at, "B"


def _vector(table: Table, slot: int, code: str) -> Iterator[Field]:
    begin, count = table.vector(slot, struct.calcsize("<" + code))
    if count:
        yield begin - 4, "I"
    yield from ((begin + i * struct.calcsize("<" + code), code) for i in range(count))


def broken_tflite(chance: random.Random, network: bytes) -> tuple[str, bytes]:
    """What was done, and the network."""
    if chance.random() < 0.3:
        return "tflite bytes", mutated(chance, network, (network,))
    changed = bytearray(network)
    known = fields(network)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at, code = chance.choice(known)
        size = struct.calcsize("<" + code)
        if at + size > len(changed):
            continue
        (old,) = struct.unpack_from("<" + code, changed, at)
        if code == "f":
            odd = (0.0, -1.0, 1e-45, 1e-38, 1e-16, 1e-14, 9e5, 1e38, float("nan"), float("inf"))
            near = min(max(old * 10.0 ** chance.randrange(-12, 9), -1e38), 1e38)
            struct.pack_into("<f", changed, at, chance.choice((*odd, near, near, near, near)))
            continue
        steps = (old + 1, old - 1, 2 * old, -old, old ^ (1 << chance.randrange(8 * size)))
        number = chance.choice((*steps, *NUMBERS, -1, -(2**31))) & ((1 << 8 * size) - 1)
        changed[at : at + size] = number.to_bytes(size, "little")
    return "tflite tables", bytes(changed)


def broken_onnx(chance: random.Random, network: bytes) -> tuple[str, bytes]:
    """What was done, and the network."""
    if chance.random() < 0.25:
        return "onnx bytes", mutated(chance, network, (network,))
    model = onnx.load_from_string(network)
    kinds = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        kinds.append(chance.choice(tuple(_CHANGES)))
        _CHANGES[kinds[-1]](chance, model)
        if kinds[-1] == "model":  # there may be no graph left to change
            break
    return f"onnx {kinds[0]}", model.SerializeToString()


def _number(chance: random.Random) -> int:
    return int(chance.choice((*NUMBERS, -1, -2, -(2**31), 2**40, 2**62, 2**63 - 1, -(2**63))))


def _operator(chance: random.Random, model: Any) -> None:
    node = chance.choice(model.graph.node)
    node.op_type = chance.choice(FOREIGN if chance.random() < 0.3 else STANDARD)
    if chance.random() < 0.2:
        node.domain = chance.choice(("com.microsoft", "ai.onnx.ml", "ai.onnx", "evil"))


def _wires(chance: random.Random, model: Any) -> None:
    node = chance.choice(model.graph.node)
    names = [name for other in model.graph.node for name in (*other.input, *other.output)] + ["", "nowhere"]
    what = chance.choice((node.input, node.output))
    if what and chance.random() < 0.7:
        what[chance.randrange(len(what))] = chance.choice(names)
    else:
        what.append(chance.choice(names))


def _attribute(chance: random.Random, model: Any) -> None:
    nodes = [node for node in model.graph.node if node.attribute]
    if nodes and chance.random() < 0.8:
        attribute = chance.choice(chance.choice(nodes).attribute)
        if attribute.ints:
            attribute.ints[chance.randrange(len(attribute.ints))] = _number(chance)
        attribute.i = _number(chance)
        if chance.random() < 0.2:
            attribute.type = chance.randrange(15)
    else:
        name = chance.choice(
            ("axis", "axes", "to", "keepdims", "pads", "perm", "kernel_shape", "value", "group")
        )
        value = chance.choice((_number(chance), [_number(chance)] * 4, 1.5, "text"))
        chance.choice(model.graph.node).attribute.append(helper.make_attribute(name, value))


def _constant(chance: random.Random, model: Any) -> None:
    tensor = chance.choice(model.graph.initializer)
    what = chance.random()
    if what < 0.4 and tensor.data_type == TensorProto.INT64 and len(tensor.raw_data) < 100:
        size = 8 * chance.choice((1, len(tensor.raw_data) // 8))
        number = struct.pack("<q", _number(chance))
        tensor.raw_data = (number * (size // 8)) + tensor.raw_data[size:]
    elif what < 0.6 and tensor.dims:
        tensor.dims[chance.randrange(len(tensor.dims))] = _number(chance)
    elif what < 0.7:
        tensor.dims.append(chance.choice((1, 1, _number(chance))))
    elif what < 0.8:
        tensor.data_type = chance.randrange(24)
    elif what < 0.9:
        tensor.raw_data = tensor.raw_data[: chance.randrange(len(tensor.raw_data) + 1)]
    else:
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=chance.choice(("/etc/passwd", "../x", "written.bin")))


def _ends(chance: random.Random, model: Any) -> None:
    end = chance.choice((*model.graph.input, *model.graph.output, *list(model.graph.value_info)[:50]))
    dims = end.type.tensor_type.shape.dim
    if dims and chance.random() < 0.7:
        chance.choice(dims).dim_value = _number(chance)
    elif chance.random() < 0.5:
        dims.add().dim_param = "free"
    else:
        end.type.tensor_type.elem_type = chance.randrange(24)


def _nodes(chance: random.Random, model: Any) -> None:
    nodes = model.graph.node
    at = chance.randrange(len(nodes))
    if chance.random() < 0.4 and len(nodes) > 1:
        del nodes[at]
    elif chance.random() < 0.5:
        nodes.append(nodes[at])
    else:
        nodes.extend([nodes[at]] * chance.choice((3000, 20, 1)))


def _bomb(chance: random.Random, model: Any) -> None:
    """An operator between the network and its input that asks for memory without end."""
    side = chance.choice((2**10, 2**14, 2**20, 2**31, 2**40))
    source = model.graph.input[0].name
    model.graph.initializer.append(numpy_helper.from_array(np.array([side, side], np.int64), "bomb_shape"))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.float32), "bomb_one"))
    first = chance.choice(("bomb_one", source))
    model.graph.node.insert(0, helper.make_node("Expand", [first, "bomb_shape"], ["bomb"]))
    model.graph.node.insert(1, helper.make_node("ReduceMax", ["bomb"], ["bomb_last"], keepdims=0))
    if model.graph.input[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        return
    model.graph.node.insert(2, helper.make_node("Mul", ["bomb_last", source], ["bombed"]))
    for node in list(model.graph.node)[3:]:
        for i, name in enumerate(node.input):
            if name == source:
                node.input[i] = "bombed"


def _model(chance: random.Random, model: Any) -> None:
    what = chance.randrange(6)
    if what == 0:
        model.opset_import[0].version = _number(chance)
    elif what == 1:
        model.opset_import.append(helper.make_opsetid(chance.choice(("com.microsoft", "", "evil")), 1))
    elif what == 2:
        model.functions.append(helper.make_function("evil", "F", [], ["c"], [], []))
    elif what == 3:
        model.ir_version = _number(chance)
    elif what == 4:
        model.graph.ClearField(chance.choice(("initializer", "input", "output", "node", "value_info")))
    else:
        inner = helper.make_graph([], "inner", [], [])
        for _ in range(chance.choice((1, 2, 15, 25))):
            inner = helper.make_graph([helper.make_node("Scan", [], ["y"], body=inner)], "inner", [], [])
        model.graph.node.append(helper.make_node("Scan", [], ["z"], body=inner))


_CHANGES = {
    "operator": _operator, "wires": _wires, "attribute": _attribute, "constant": _constant, "ends": _ends,
    "nodes": _nodes, "bomb": _bomb, "model": _model,
}  # fmt: skip
