"""TFLite networks that are damaged, foreign or too large are refused before LiteRT sees them."""

import struct
from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edge_emotion.bundle import read_bundle, shipped_bundles
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.tflite_check import MOST_NUMBERS, check_tflite
from tiny_tflite import linear_tflite

SHIPPED = [
    (name, network.file)
    for name in shipped_bundles()
    for network in read_bundle(name).networks
    if network.engine == "litert"
]


def changed(change: Callable[[Any], object]) -> bytes:
    """The linear network of 8 inputs and 3 outputs, with its tables changed."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(linear_tflite((1, 4, 2), 3), 0))
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def refusal(network: bytes) -> str:
    with pytest.raises(EdgeEmotionError) as caught:
        check_tflite(network, "the network")
    line = str(caught.value)
    assert line.startswith("the network does not open (") and line.isprintable()
    return line


@pytest.mark.parametrize(("bundle", "file"), SHIPPED)
def test_every_shipped_network_passes(bundle: str, file: str) -> None:
    opened = read_bundle(bundle)
    (entry,) = [network for network in opened.networks if network.file == file]
    check_tflite(opened.network("litert", entry.precision), file)


def test_the_appearance_network_passes() -> None:
    check_tflite(read_bundle("face").appearance_network("litert"), "appearance")


def test_a_network_written_anew_passes() -> None:
    check_tflite(changed(lambda model: None), "the network")


def graph(model: Any) -> Any:
    return model.subgraphs[0]


def setting(place: Callable[[Any], Any], **values: Any) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        for name, value in values.items():
            setattr(place(model), name, value)

    return change


def quantised(scales: list[float], zeros: list[int], axis: int = 0) -> Any:
    made = schema.QuantizationParametersT()
    made.scale, made.zeroPoint, made.quantizedDimension = scales, zeros, axis
    return made


def bytes_of(quantisation: Any) -> Callable[[Any], None]:
    """Weights of one byte each."""

    def change(model: Any) -> None:
        model.buffers[1].data = np.zeros(24, np.uint8)
        weights(model).type, weights(model).quantization = schema.TensorType.INT8, quantisation

    return change


def weights(model: Any) -> Any:
    return graph(model).tensors[1]


def layer(model: Any) -> Any:
    return graph(model).operators[0]


CASES: dict[str, tuple[Callable[[Any], object], str]] = {
    "version": (setting(lambda m: m, version=2), "not version 3"),
    "two graphs": (lambda m: m.subgraphs.append(m.subgraphs[0]), "a list of 2 tables, expected at most 1"),
    "no graph": (setting(lambda m: m, subgraphs=[]), "no graph"),
    "foreign operator": (
        setting(lambda m: m.operatorCodes[0], builtinCode=119),
        "operator 119, which no bundle",
    ),
    "custom operator": (setting(lambda m: m.operatorCodes[0], customCode="Flex"), "a custom operator"),
    "outside data": (setting(lambda m: m.buffers[1], offset=4096, size=4), "data outside its tables"),
    "no such buffer": (setting(weights, buffer=9), "a tensor without a buffer"),
    "huge": (setting(lambda m: graph(m).tensors[2], shape=[1, 2**31 - 1]), "a tensor of shape"),
    "negative": (setting(lambda m: graph(m).tensors[0], shape=[-1, 8]), "a tensor of shape"),
    "open": (setting(lambda m: graph(m).tensors[0], shapeSignature=[1, -1, 2]), "a tensor of shape"),
    "too many sides": (setting(weights, shape=[1] * 7), "a list of 7 numbers, expected at most 6"),
    "short constant": (setting(weights, shape=[3, 9]), r"a constant of 96 bytes whose shape is (3, 9)"),
    "other numbers": (setting(weights, type=schema.TensorType.STRING), "numbers of type 5"),
    "variable": (setting(weights, isVariable=True), "a variable, sparse or external tensor"),
    "scales": (setting(weights, quantization=quantised([0.1, 0.2], [0, 0])), "2 scales for a tensor"),
    "axis": (setting(weights, quantization=quantised([0.1] * 3, [0] * 3, 7)), "3 scales for a tensor"),
    "zeros": (setting(weights, quantization=quantised([0.1] * 3, [0] * 2)), "a quantisation that is none"),
    "small scale": (setting(weights, quantization=quantised([1e-38], [0])), "a quantisation that is none"),
    "large scale": (setting(weights, quantization=quantised([1e20], [0])), "a quantisation that is none"),
    "computed": (
        setting(lambda m: graph(m).tensors[2], quantization=quantised([0.1] * 3, [0] * 3, 1)),
        "3 scales for a tensor that is computed",
    ),
    "scale": (setting(weights, quantization=quantised([float("nan")], [0])), "a quantisation that is none"),
    "no scale": (bytes_of(None), "whole numbers without the scale"),
    "empty scale": (bytes_of(quantised([], [])), "whole numbers without the scale"),
    "far zero": (bytes_of(quantised([0.1], [200])), "whole numbers without the scale"),
    "input": (setting(graph, inputs=[1]), "an input that is a constant"),
    "no input": (setting(graph, inputs=[]), "inputs or outputs that are no tensors"),
    "output": (setting(graph, outputs=[7]), "inputs or outputs that are no tensors"),
    "nothing computed": (setting(graph, operators=[]), "an output that no operator computes"),
    "code": (setting(layer, opcodeIndex=3), "an operator without a code"),
    "wire": (setting(layer, inputs=[0, 5, -1]), "FULLY_CONNECTED between tensors that are not there"),
    "circle": (setting(layer, inputs=[2, 1, -1]), "FULLY_CONNECTED between tensors that are not there"),
    "over a constant": (setting(layer, outputs=[1]), "FULLY_CONNECTED between tensors that are not there"),
    "missing input": (setting(layer, inputs=[0]), "FULLY_CONNECTED with 1 inputs and 1 outputs"),
    "custom options": (setting(layer, customOptions=[1, 2]), "FULLY_CONNECTED with parts that no bundle has"),
    "other shape": (
        setting(lambda m: graph(m).tensors[2], shape=[1, 4]),
        "gives (1, 3), the file says (1, 4)",
    ),
    "no options": (setting(layer, builtinOptionsType=0, builtinOptions=None), "its options are missing"),
    "metadata": (
        lambda m: setattr(m, "metadata", [_metadata(77)]),
        "metadata without a buffer",
    ),
    "signature": (lambda m: setattr(m, "signatureDefs", [_signature(9)]), "a signature of what is not there"),
}


def _metadata(buffer: int) -> Any:
    made = schema.MetadataT()
    made.name, made.buffer = "notes", buffer
    return made


def _signature(tensor: int) -> Any:
    end = schema.TensorMapT()
    end.name, end.tensorIndex = "x", tensor
    made = schema.SignatureDefT()
    made.inputs, made.outputs, made.signatureKey = [end], [], "main"
    return made


@pytest.mark.parametrize("case", CASES)
def test_a_network_that_lies(case: str) -> None:
    change, expected = CASES[case]
    assert expected in refusal(changed(change))


def test_too_much_to_compute() -> None:
    def wide(model: Any) -> None:
        # 1024 rows of 1024 numbers through 1024 units: 2**30 multiplications.
        side = 1024
        model.buffers[1].data = np.zeros(side * side, np.float32).view(np.uint8)
        for tensor, shape in zip(graph(model).tensors, [[side, side]] * 3, strict=True):
            tensor.shape = shape

    assert "multiplications a run" in refusal(changed(wide))


def test_more_numbers_than_a_tensor_may_have() -> None:
    def long(model: Any) -> None:
        graph(model).tensors[2].shape = [1, MOST_NUMBERS + 1]

    assert f"at most {MOST_NUMBERS} numbers" in refusal(changed(long))


@pytest.mark.parametrize("keep", [0, 4, 7, 8, 12, 40, 200])
def test_a_network_cut_short(keep: int) -> None:
    refusal(linear_tflite((1, 4, 2), 3)[:keep])


@pytest.mark.parametrize("offset", [1, 2**31, 2**32 - 1])
def test_a_root_beyond_the_file(offset: int) -> None:
    assert "leaves the file" in refusal(struct.pack("<I", offset) + linear_tflite((1, 4, 2), 3)[4:])


def test_another_file() -> None:
    assert "not a TFLite file" in refusal(b"GIF89a" * 10)
