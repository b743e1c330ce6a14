"""An ONNX network in fewer bits, for ONNX Runtime, by its own quantiser.

Layers over a single position stay in float, as quantize_tflite.py says why. On an x86-64 core int8 is slower than
fp32 here for an L-GrIN, whose time goes to transposes and maxima that then need scales, and faster for convolutions.
"int8-dynamic" leaves convolutions in float: ConvInteger is slower than Conv.
u8s8: on an x86-64 core without VNNI its sums can saturate; ARM and newer cores are exact.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.native_talk import held_back
from edge_emotion_export.calibration_windows import checked_windows

HELD = 100.0  # standard deviations, to which fp16 holds its input

PRODUCTS = ["MatMul", "Gemm"]
LAYERS = [*PRODUCTS, "Conv"]
AT_ONCE = 16  # calibration windows whose tensors are in memory together


def onnx_quantized(content: bytes, precision: str, windows: NDArray[np.float32]) -> bytes:
    """An fp32 ONNX network at precision "fp16", "int8-dynamic" or "int8"; see quantize.quantized."""
    onnx = _onnx()
    try:
        network = onnx.load_from_string(content)
        onnx.checker.check_model(network, full_check=True)
    except Exception as reason:  # protobuf's and the checker's errors share no class
        raise EdgeEmotionError(
            "expected an ONNX network, got a file that is damaged or none: export it again"
        ) from reason
    with held_back(), tempfile.TemporaryDirectory() as folder:
        if precision == "fp16":
            made = _half(network)
        else:
            entry = network.graph.input[0]
            shape = [size.dim_value for size in entry.type.tensor_type.shape.dim]
            source = _prepared(network, Path(folder))
            target = Path(folder) / "quantised.onnx"
            if precision == "int8-dynamic":
                _dynamic(source, target)
            else:
                _static(source, target, entry.name, checked_windows(windows, shape))
            made = onnx.load(str(target))
        for node in made.graph.node:
            node.doc_string = ""
            del node.metadata_props[:]
        return bytes(made.SerializeToString(deterministic=True))


def _onnx() -> Any:
    try:
        with held_back():
            import onnx
            import onnxruntime.quantization  # noqa: F401  imported here to name what it lacks
    except ImportError as reason:
        raise EdgeEmotionError(
            f"{reason.name} is not installed: pip install '.[export]' in the clone"
        ) from reason
    return onnx


def _half(network: Any) -> Any:
    from onnx import helper
    from onnxruntime.transformers.float16 import convert_float_to_float16

    half = convert_float_to_float16(network, keep_io_types=True)
    # Half numbers end at 65,504: what is far beyond any sensor is held where sums over it still are numbers.
    entry = half.graph.input[0].name
    for node in half.graph.node:
        node.input[:] = ["held" if name == entry else name for name in node.input]
    half.graph.initializer.extend(
        helper.make_tensor(name, 1, [], [value]) for name, value in (("least", -HELD), ("most", HELD))
    )
    half.graph.node.insert(0, helper.make_node("Clip", [entry, "least", "most"], ["held"]))
    return half


def _prepared(network: Any, folder: Path) -> Path:
    """The network with shapes inferred and operations fused, as the quantiser wants it."""
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process

    first, second = folder / "network.onnx", folder / "prepared.onnx"
    onnx.save(network, str(first))
    quant_pre_process(str(first), str(second), skip_symbolic_shape=True)
    # The quantiser turns weights round and infers all shapes anew; with the old ones there, releases differ on it.
    prepared = onnx.load(str(second))
    del prepared.graph.value_info[:]
    onnx.save(prepared, str(second))
    return second


def single_position_layers(network: Any) -> list[str]:
    """The names of the layers whose weights meet one position only: heads, squeeze and excitation."""
    import onnx

    known = onnx.shape_inference.infer_shapes(network).graph
    shapes = {
        value.name: [size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in (*known.value_info, *known.output)
    }
    names = []
    for node in known.node:
        shape = shapes.get(node.output[0], [])
        # A convolution's channels are in front of its positions, a product's behind them.
        positions = shape[2:] if node.op_type == "Conv" else shape[:-1]
        if node.op_type in LAYERS and shape and np.prod(positions) == 1:
            names.append(node.name)
    return names


def _dynamic(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    heads = single_position_layers(onnx.load(str(source)))
    quantize_dynamic(
        source,
        target,
        per_channel=True,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=PRODUCTS,
        # It turns each Gemm into a MatMul of this name before it looks.
        nodes_to_exclude=[name + ending for name in heads for ending in ("", "_MatMul")],
    )


def _static(source: Path, target: Path, entry: str, windows: NDArray[np.float32]) -> None:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Windows(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left: Iterator[NDArray[np.float32]] = iter(windows)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            window = next(self.left, None)
            return None if window is None else {entry: np.ascontiguousarray(window[None])}

    quantize_static(
        source,
        target,
        Windows(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=single_position_layers(onnx.load(str(source))),
        # A last group that is full makes the calibrator say that it has seen nothing.
        extra_options={
            "CalibMaxIntermediateOutputs": next(k for k in range(AT_ONCE, 2 * AT_ONCE) if len(windows) % k)
        },
    )
