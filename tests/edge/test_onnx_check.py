"""ONNX networks that are foreign or too large are refused before ONNX Runtime sees them, and memory is limited."""

import resource
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_emotion.bundle import read_bundle, shipped_bundles
from edge_emotion.engine import MAX_MEMORY, NetworkRunError, open_network
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.onnx_check import MOST_NODES, OPSETS, check_onnx
from edge_emotion.protobuf import MOST_FIELDS
from handmade_bundle import onnx_network

SHAPES = (1, 4, 2), (1, 3)  # of onnx_network()


def changed(change: Callable[[Any], object]) -> bytes:
    model = onnx.load_from_string(onnx_network())
    change(model)
    return bytes(model.SerializeToString())


def refusal(network: bytes) -> str:
    with pytest.raises(EdgeEmotionError) as caught:
        check_onnx(network, "the network")
    line = str(caught.value)
    assert line.startswith("the network does not open (") and line.isprintable()
    return line


@pytest.mark.parametrize("name", shipped_bundles())
def test_every_shipped_network_passes(name: str) -> None:
    bundle = read_bundle(name)
    for network in bundle.networks:
        if network.engine == "onnx":
            check_onnx(bundle.network("onnx", network.precision), network.file)
    if bundle.appearance is not None:
        check_onnx(bundle.appearance_network("onnx"), "appearance")
    if bundle.spiking is not None:
        check_onnx(bundle.spiking_network(), "spiking")


def scan(bodies: int) -> Any:
    inner = helper.make_graph([], "inner", [], [])
    for _ in range(bodies):
        node = helper.make_node("Scan", [], ["y"], body=inner, num_scan_inputs=1)
        inner = helper.make_graph([node], "inner", [], [])
    return inner.node[0]


def tensor(**fields: Any) -> Any:
    return TensorProto(
        **{"name": "w", "data_type": TensorProto.FLOAT, "dims": [2], "raw_data": bytes(8), **fields}
    )


def outside() -> Any:
    made = tensor(raw_data=b"", data_location=TensorProto.EXTERNAL)
    made.external_data.add(key="location", value="/etc/passwd")
    return made


def end_of(kind: str) -> Any:
    value = onnx.ValueInfoProto(name="s")
    getattr(value.type, kind).SetInParent()
    return value


def filtering(**attributes: list[int]) -> Callable[[Any], object]:
    return lambda model: model.graph.node.append(helper.make_node("MaxPool", ["x"], ["y"], **attributes))


def cast_half(model: Any) -> None:
    model.graph.initializer.append(tensor(data_type=TensorProto.FLOAT16, raw_data=bytes(4)))
    model.graph.node.append(helper.make_node("Cast", ["w"], ["y"], to=TensorProto.FLOAT))


def cast_half_hidden(model: Any) -> None:
    """Half numbers that an operator makes, in the body of a Scan."""
    nodes = [
        helper.make_node("EyeLike", ["weights"], ["half"], dtype=TensorProto.FLOAT16),
        helper.make_node("Cast", ["half"], ["z"], to=TensorProto.FLOAT),
    ]
    body = helper.make_graph(nodes, "inner", [], [])
    model.graph.node.append(helper.make_node("Scan", ["x"], ["y"], body=body, num_scan_inputs=1))


def declare(dims: list[int]) -> Callable[[Any], object]:
    value = helper.make_tensor_value_info("v", TensorProto.FLOAT, dims)
    return lambda model: model.graph.value_info.append(value)


CASES: dict[str, tuple[Callable[[Any], object], str]] = {
    "foreign operator": (lambda m: setattr(m.graph.node[0], "op_type", "Loop"), "operator 'Loop'"),
    "escape": (lambda m: setattr(m.graph.node[0], "op_type", "\x1b[31m"), r"operator '\x1b[31m'"),
    "no filter": (lambda m: setattr(m.graph.node[1], "op_type", "Conv"), "a filter whose shape is not told"),
    "filter": (filtering(kernel_shape=[3, 3, 3]), "not of 1 to 2 sides"),
    "empty filter": (filtering(kernel_shape=[0, 3]), "a filter with a side or a step of 0"),
    "no step": (filtering(kernel_shape=[3], strides=[0]), "a filter with a side or a step of 0"),
    "absent": (lambda m: m.graph.node.append(helper.make_node("Max", ["x", ""], ["y"])), "Max without one of its"),
    "large filter": (filtering(kernel_shape=[3, 2**31]), "an operator with a number beyond 1024"),
    "far axis": (lambda m: m.graph.node[0].attribute.add(name="axis", i=-(2**40)), "with a number beyond 1024"),
    "outputs": (
        lambda m: m.graph.node.append(helper.make_node("Split", ["x"], ["y", "z"], num_outputs=3)),
        "Split with another number of outputs",
    ),
    "border": (filtering(kernel_shape=[3], pads=[-1, 0]), "a filter with a side or a step of 0"),
    "no numbers": (lambda m: m.graph.initializer.append(tensor(dims=[0], raw_data=b"")), "of no numbers"),
    "cast type": (lambda m: m.graph.node.append(helper.make_node("Cast", ["x"], ["y"], to=16)), "of a type that no"),
    "half": (cast_half, "a constant of half numbers that is cast"),
    "half, hidden": (cast_half_hidden, "a constant of half numbers that is cast"),
    "domain": (lambda m: setattr(m.graph.node[0], "domain", "com.microsoft"), "not of the ONNX standard"),
    "opset domain": (lambda m: setattr(m.opset_import[0], "domain", "evil"), "not of the ONNX standard"),
    "two opsets": (lambda m: m.opset_import.append(helper.make_opsetid("", 18)), "2 sets of operators"),
    "old opset": (lambda m: setattr(m.opset_import[0], "version", 1), f"expected {OPSETS[0]} to"),
    "new opset": (lambda m: setattr(m.opset_import[0], "version", 2**40), f"expected {OPSETS[0]} to"),
    "function": (
        lambda m: m.functions.append(helper.make_function("f", "F", [], ["c"], [], [])), "functions or training"
    ),
    "training": (lambda m: m.training_info.add(), "functions or training"),
    "no graph": (lambda m: m.ClearField("graph"), "0 graphs"),
    "sparse": (lambda m: m.graph.sparse_initializer.add(), "sparse tensors"),
    "scan in scan": (lambda m: m.graph.node.append(scan(2)), "a graph inside another"),
    "if": (lambda m: m.graph.node[0].attribute.add(name="then", g=scan(1).attribute[0].g), "a graph inside another"),
    "graphs": (lambda m: m.graph.node[0].attribute.add(name="g").graphs.add(), "parts that no bundle has"),
    "type": (lambda m: m.graph.initializer.append(tensor(data_type=TensorProto.STRING)), "numbers of type 8"),
    "huge": (lambda m: m.graph.initializer.append(tensor(dims=[2**31, 2])), "or of no numbers or more than"),
    "negative": (lambda m: m.graph.initializer.append(tensor(dims=[-1])), "or of no numbers or more than"),
    "short": (lambda m: m.graph.initializer.append(tensor(dims=[3])), "whose data has 8 bytes"),
    "no data": (lambda m: m.graph.initializer.append(tensor(raw_data=b"", dims=[4096])), "whose data has 0 bytes"),
    "external": (lambda m: m.graph.initializer.append(outside()), "a tensor with parts"),
    "constant": (
        lambda m: m.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor(dims=[9]))),
        "whose data has 8 bytes",
    ),
    "declared": (declare([2**20, 2**20]), "or of no numbers or more than"),
    "sides": (declare([1] * 9), "a type that is there twice"),
    "sequence": (lambda m: m.graph.input.append(end_of("sequence_type")), "an end that is no tensor"),
    "nodes": (lambda m: m.graph.node.extend([m.graph.node[0]] * MOST_NODES), f"more than {MOST_NODES} operators"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_network_that_lies(case: str) -> None:
    change, expected = CASES[case]
    assert expected in refusal(changed(change))


def test_operators_may_stand_in_any_order_and_half_numbers_that_are_computed_be_cast() -> None:
    def half(model: Any) -> None:
        graph = model.graph
        graph.initializer.append(tensor(data_type=TensorProto.FLOAT16, dims=[1], raw_data=bytes(2)))
        graph.node.append(helper.make_node("Cast", ["sum"], ["back"], to=TensorProto.FLOAT))
        graph.node.append(helper.make_node("Add", ["there", "w"], ["sum"]))
        graph.node.append(helper.make_node("Cast", ["x"], ["there"], to=TensorProto.FLOAT16))

    check_onnx(changed(half), "the network")


def test_a_file_of_nothing_but_fields() -> None:
    assert f"more than {MOST_FIELDS} fields" in refusal(b"\x08\x01" * (MOST_FIELDS + 1))


@pytest.mark.parametrize(
    "content", [b"\x0a\xff", b"\x07", b"\x80", b"\x0a" + b"\x80" * 12, b"\x0d\x00", b"GIF89a"]
)
def test_what_is_no_protobuf(content: bytes) -> None:
    refusal(content)


def expanding(first: str, side: int) -> bytes:
    """A network that grows something to side x side, takes the largest and multiplies its input with it."""

    def change(model: Any) -> None:
        graph = model.graph
        graph.initializer.append(numpy_helper.from_array(np.array([side, side], np.int64), "shape"))
        graph.initializer.append(numpy_helper.from_array(np.ones(1, np.float32), "one"))
        graph.initializer.append(numpy_helper.from_array(np.array([0, 1, 2], np.int64), "all"))
        nodes = [
            helper.make_node("ReduceMax", ["x", "all"], ["most"], keepdims=0),
            helper.make_node("Expand", [first, "shape"], ["large"]),
            helper.make_node("ReduceMax", ["large"], ["largest"], keepdims=0),
            helper.make_node("Mul", ["x", "largest"], ["scaled"]),
        ]
        graph.node[0].input[0] = "scaled"
        for node in reversed(nodes):
            graph.node.insert(0, node)

    return changed(change)


@pytest.mark.parametrize("first", ["one", "most"])
def test_a_network_that_grows_is_stopped_when_it_runs(first: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    opened = open_network(expanding(first, 1 << 15), "onnx", SHAPES, "the network")
    with pytest.raises(NetworkRunError, match=r"the network does not run \(.*Available memory") as caught:
        opened.run(np.ones(SHAPES[0], np.float32))
    assert str(caught.value).isprintable()
    # Four gigabytes were asked for; ru_maxrss is in KiB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_MEMORY >> 10
    small = open_network(expanding(first, 4), "onnx", SHAPES, "the network")
    np.testing.assert_array_equal(small.run(np.ones(SHAPES[0], np.float32)), [[2, 2, 2]])


def test_what_a_runtime_says_is_shown_without_what_a_terminal_obeys() -> None:
    def rename(model: Any) -> None:
        model.graph.node[1].name = "\x1b[31m"
        model.graph.initializer[1].dims[:] = [3, 2]

    with pytest.raises(EdgeEmotionError, match="does not open") as caught:
        open_network(changed(rename), "onnx", SHAPES, "the network")
    assert str(caught.value).isprintable() and "?[31m" in str(caught.value)


def test_another_shape_than_the_declared_one() -> None:
    """ONNX Runtime gives what the operators give, whatever the network declares."""

    def lie(model: Any) -> None:
        graph = model.graph
        graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), "first"))
        del graph.node[:]
        # As many as there are numbers that are not 0, which is not known before.
        graph.node.append(helper.make_node("NonZero", ["x"], ["places"]))
        graph.node.append(helper.make_node("Cast", ["places"], ["numbers"], to=TensorProto.FLOAT))
        graph.node.append(helper.make_node("ReduceMax", ["numbers", "first"], ["logits"]))

    opened = open_network(changed(lie), "onnx", SHAPES, "the network")
    with pytest.raises(EdgeEmotionError, match=r"the network gave \(1, 8\), it declares \(1, 3\)"):
        opened.run(np.ones(SHAPES[0], np.float32))
