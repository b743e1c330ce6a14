"""Quantised networks: float32 at their ends, near to fp32, silent, one line when it cannot be."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from edge_emotion.engine import Engine, open_network
from edge_emotion.errors import EdgeEmotionError
from edge_emotion_export.fold import FoldedLGrIN
from edge_emotion_export.fold_appearance import FoldedAppearance
from edge_emotion_export.interface import Interface, window_interface
from edge_emotion_export.onnx_file import onnx_bytes
from edge_emotion_export.quantize import PRECISIONS, quantized
from edge_emotion_export.quantize_tflite import SMALL, tensor_ranges
from edge_emotion_export.tflite_file import tflite_bytes
from edge_emotion_export.tflite_graph import read_tflite_graph, read_tflite_model
from small_appearance import CROP, EMBEDDING, small_appearance
from small_lgrin import TIED, small_lgrin

ENGINES = {"tflite": "litert", "onnx": "onnx"}
FAR = {
    "fp16": 0.01,
    "int8-dynamic": 0.05,
    "int8": 0.1,
}  # root mean square error, as a share of the outputs' spread
GRAPH = window_interface(TIED)
CROPS = Interface((1, CROP, CROP, 1), (1, EMBEDDING), "crop", "embedding")

Convert = Callable[..., bytes]
CONVERT: dict[str, Convert] = {"tflite": tflite_bytes, "onnx": onnx_bytes}


@pytest.fixture(scope="module")
def lgrin() -> dict[str, bytes]:
    folded = FoldedLGrIN(small_lgrin(TIED))
    return {kind: convert(folded, GRAPH) for kind, convert in CONVERT.items()}


@pytest.fixture(scope="module")
def appearance() -> dict[str, bytes]:
    folded = FoldedAppearance(small_appearance())
    return {kind: convert(folded, CROPS) for kind, convert in CONVERT.items()}


def inputs(shape: tuple[int, ...], number: int = 32, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(number, *shape[1:])).astype(np.float32)


def opened(content: bytes, kind: str, interface: Interface) -> Engine:
    return open_network(content, ENGINES[kind], interface.shapes, "the network")


def said(content: bytes, kind: str, interface: Interface) -> NDArray[np.float32]:
    engine = opened(content, kind, interface)  # it refuses ends that are not float32
    return np.concatenate([engine.run(x[None]) for x in inputs(interface.input_shape, 40, seed=1)])


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("precision", [p for p in PRECISIONS if p != "fp32"])
@pytest.mark.parametrize("name", ["lgrin", "appearance"])
def test_near_to_fp32_and_silent(
    name: str, precision: str, kind: str, request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]
) -> None:
    plain = request.getfixturevalue(name)[kind]
    interface = GRAPH if name == "lgrin" else CROPS
    capfd.readouterr()
    made = quantized(plain, kind, precision, inputs(interface.input_shape))
    assert capfd.readouterr() == ("", "")
    assert made != plain
    expected, got = said(plain, kind, interface), said(made, kind, interface)
    apart = float(np.sqrt(np.mean((got - expected) ** 2))) / float(expected.std())
    assert apart <= FAR[precision]
    far = opened(made, kind, interface).run(1e6 * inputs(interface.input_shape)[:1])
    assert np.isfinite(far).all()


@pytest.mark.parametrize("kind", ENGINES)
def test_fp32_is_given_back(lgrin: dict[str, bytes], kind: str) -> None:
    assert quantized(lgrin[kind], kind, "fp32", inputs(GRAPH.input_shape)) is lgrin[kind]


@pytest.mark.parametrize("kind", ENGINES)
def test_the_same_windows_give_the_same_bytes(lgrin: dict[str, bytes], kind: str) -> None:
    first, second = (quantized(lgrin[kind], kind, "int8", inputs(GRAPH.input_shape)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("number", [1, 16, 48])
def test_any_number_of_windows(lgrin: dict[str, bytes], number: int) -> None:
    for kind, plain in lgrin.items():
        made = quantized(plain, kind, "int8", inputs(GRAPH.input_shape, number))
        assert said(made, kind, GRAPH).shape == (40, 3)


def test_tflite_layers_over_one_position_stay_in_float(lgrin: dict[str, bytes]) -> None:
    graph = read_tflite_graph(quantized(lgrin["tflite"], "tflite", "int8", inputs(GRAPH.input_shape)))
    layers = [operator for operator in graph.operators if operator.name == "FULLY_CONNECTED"]
    total = sum(map(graph.products, layers))
    kinds: dict[bool, set[str]] = {True: set(), False: set()}
    for layer in layers:
        small = graph.positions(layer) == 1 or graph.products(layer) < SMALL * total
        kinds[small].add(graph.tensors[layer.inputs[1]].type)
    assert kinds == {True: {"FLOAT32"}, False: {"INT8"}}
    (join,) = [o for o in graph.operators if graph.tensors[o.outputs[0]].shape[0] == 1
               and o.name == "CONCATENATION" and len(graph.tensors[o.outputs[0]].shape) == 2]  # fmt: skip
    assert graph.tensors[join.outputs[0]].type == "FLOAT32"  # the pooled numbers, which the head alone reads


def test_onnx_layers_over_one_position_stay_in_float(lgrin: dict[str, bytes]) -> None:
    model = onnx.load_from_string(quantized(lgrin["onnx"], "onnx", "int8", inputs(GRAPH.input_shape)))
    floats = {tensor.name for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT}
    weights = {node.input[1] for node in model.graph.node if node.op_type in ("Gemm", "MatMul")}
    head = [tensor for tensor in model.graph.initializer if tensor.name in weights & floats]
    assert len(weights) > 1 and len(head) == 1 and 3 in head[0].dims


def test_onnx_dynamic_leaves_the_head_in_float(lgrin: dict[str, bytes]) -> None:
    made = quantized(lgrin["onnx"], "onnx", "int8-dynamic", inputs(GRAPH.input_shape))
    model = onnx.load_from_string(made)
    floats = [
        tensor
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) == 2 and 3 in tensor.dims
    ]
    assert len(floats) == 1
    assert any(node.op_type == "MatMulInteger" for node in model.graph.node)


def test_constants_lie_aligned_inside_the_tflite_file(lgrin: dict[str, bytes]) -> None:
    content = quantized(lgrin["tflite"], "tflite", "int8", inputs(GRAPH.input_shape))
    schema, model = read_tflite_model(content)
    packed = schema.Model.GetRootAs(content, 0)
    start = np.frombuffer(content, np.uint8).__array_interface__["data"][0]
    constants = 0
    for number in range(packed.BuffersLength()):
        buffer = packed.Buffers(number)
        assert buffer.Offset() == 0
        if buffer.DataLength():
            place = buffer.DataAsNumpy().__array_interface__["data"][0] - start
            assert place % 16 == 0
            constants += 1
    assert constants > 5
    assert len(model.buffers) >= constants


def test_ranges_are_percentiles_of_the_windows_extremes(lgrin: dict[str, bytes]) -> None:
    windows = np.zeros((101, 12, 5), np.float32)
    windows[:, 3, 2] = np.arange(101)  # maxima 0 ... 100
    windows[:, 4, 1] = -2 * np.arange(101)
    entry = read_tflite_graph(lgrin["tflite"])
    name = entry.tensors[entry.inputs[0]].name
    for clipped, low, high in ((0.0, -200, 100), (1.0, -198, 99), (10.0, -180, 90)):
        found = tensor_ranges(lgrin["tflite"], windows, clipped)[name]
        assert found["min"].shape == found["max"].shape == (1, 1, 1)
        np.testing.assert_allclose([found["min"].item(), found["max"].item()], [low, high], rtol=1e-6)


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize(
    ("windows", "words"),
    [
        (np.zeros((4, 12, 6), np.float32), r"shape \(n, 12, 5\), got \(4, 12, 6\)"),
        (np.zeros((12, 5), np.float32), r"got \(12, 5\)"),
        (np.zeros((0, 12, 5), np.float32), r"got \(0, 12, 5\)"),
        (np.full((2, 12, 5), np.nan, np.float32), "not finite"),
    ],
)
def test_windows_that_do_not_fit(
    lgrin: dict[str, bytes], kind: str, windows: NDArray[np.float32], words: str
) -> None:
    with pytest.raises(EdgeEmotionError, match=words):
        quantized(lgrin[kind], kind, "int8", windows)


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("keep", [0, 3, 500])
def test_a_truncated_file(lgrin: dict[str, bytes], kind: str, keep: int) -> None:
    with pytest.raises(EdgeEmotionError, match="damaged"):
        quantized(lgrin[kind][:keep], kind, "int8", inputs(GRAPH.input_shape))


def test_an_unknown_format_or_precision() -> None:
    with pytest.raises(EdgeEmotionError, match="unknown precision 'int4', expected one of: fp32, fp16"):
        quantized(b"", "onnx", "int4", inputs(GRAPH.input_shape))
    with pytest.raises(EdgeEmotionError, match="unknown format 'pt'"):
        quantized(b"", "pt", "int8", inputs(GRAPH.input_shape))


@pytest.mark.parametrize(
    ("kind", "package"), [("tflite", "ai_edge_quantizer"), ("onnx", "onnxruntime.quantization")]
)
def test_a_missing_quantiser_names_its_extra(
    lgrin: dict[str, bytes], kind: str, package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EdgeEmotionError, match=r"not installed: pip install '\.\[export\]'"):
        quantized(lgrin[kind], kind, "int8-dynamic", inputs(GRAPH.input_shape))
