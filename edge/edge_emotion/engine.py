"""One interface over the two runtimes that a device may have: LiteRT and ONNX Runtime.

The engine that was asked for is the one that runs: a missing runtime is an error, never a silent change.
"""

import importlib
from importlib.metadata import version as installed_version
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bundle import Bundle
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.manifest import AUTO, ENGINES
from edge_emotion.native_talk import held_back

MAX_THREADS = 64


class Engine(Protocol):
    """A network, opened and ready."""

    name: str  # "litert" or "onnx"
    version: str  # of the runtime

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Standardised float32 in, float32 out.

        Of open_engine: window (1, M, P) -> logits (1, C) over the bundle's labels. Of open_appearance: crop
        (1, crop, crop, 1) -> embedding (1, embedding).
        """
        ...


def open_engine(bundle: Bundle, engine: str = "litert", precision: str = AUTO, threads: int = 1) -> Engine:
    """Open a bundle's network over windows in a runtime: (1, M, P) float32 -> (1, C) float32 logits.

    engine: "litert" or "onnx"; precision: "auto", the one that the bundle lists first, "fp32" or what else it has;
    threads: CPU threads of a run.
    Raises EdgeEmotionError for a runtime that is not installed, and for a network that the bundle lacks, that
    does not open or whose shapes are not those of the manifest.
    """
    _check_request(engine, threads)
    network = bundle.network(engine, precision)
    shapes = (1, bundle.window.nodes, bundle.window.features), (1, len(bundle.labels))
    where = f"{bundle.path}: the {_named(precision)}network for {engine}"
    return open_network(network, engine, shapes, where, threads)


def open_appearance(
    bundle: Bundle, engine: str = "litert", precision: str = AUTO, threads: int = 1
) -> Engine:
    """Open a bundle's network over face crops in a runtime: (1, crop, crop, 1) float32 -> (1, embedding) float32.

    The input is one aligned grey crop, standardised by itself: face_alignment.network_crop. Otherwise as open_engine;
    raises EdgeEmotionError also for a bundle whose nodes need no appearance.
    """
    _check_request(engine, threads)
    network = bundle.appearance_network(engine, precision)
    contract = bundle.appearance
    assert contract is not None  # appearance_network has refused a bundle without
    shapes = (1, contract.crop, contract.crop, 1), (1, contract.embedding)
    where = f"{bundle.path}: the {_named(precision)}appearance network for {engine}"
    return open_network(network, engine, shapes, where, threads)


def _named(precision: str) -> str:
    return "" if precision == AUTO else f"{precision} "


def _check_request(engine: str, threads: int) -> None:
    if engine not in ENGINES:
        raise EdgeEmotionError(f"unknown engine {engine!r}, expected one of: {', '.join(ENGINES)}")
    if not 1 <= threads <= MAX_THREADS:
        raise EdgeEmotionError(f"expected 1 to {MAX_THREADS} threads, got {threads}")


def open_network(
    network: bytes, engine: str, shapes: tuple[tuple[int, ...], tuple[int, ...]], where: str, threads: int = 1
) -> Engine:
    """Open a network's bytes; shapes: of input and output, where: how errors name it. See open_engine."""
    opened: LiteRTEngine | OnnxEngine
    runtime = _runtime("ai_edge_litert.interpreter" if engine == "litert" else "onnxruntime")
    try:
        opened = (
            LiteRTEngine(runtime, network, threads)
            if engine == "litert"
            else OnnxEngine(runtime, network, threads)
        )
    except Exception as reason:  # the runtimes share no class of errors
        line = " ".join(str(reason).split())[:160]
        raise EdgeEmotionError(
            f"{where} does not open ({line}); export it again or update edge-emotion"
        ) from reason
    expected = (("float32", shapes[0]), ("float32", shapes[1]))
    if opened.signature != expected:
        raise EdgeEmotionError(
            f"{where} has inputs and outputs {opened.signature}, its manifest says {expected}"
        )
    return opened


def _runtime(module: str) -> Any:
    """Import a runtime's module; EdgeEmotionError names the package that is missing."""
    package = {"ai_edge_litert.interpreter": "ai-edge-litert", "onnxruntime": "onnxruntime"}[module]
    try:
        return importlib.import_module(module)
    except ImportError as reason:
        raise EdgeEmotionError(
            f"{package} is not installed or does not load here: pip install "
            + ("'edge-emotion[onnx]'" if package == "onnxruntime" else package)
        ) from reason


class LiteRTEngine:
    """A TFLite network in LiteRT."""

    name = "litert"

    def __init__(self, runtime: Any, network: bytes, threads: int) -> None:
        if network[4:8] != b"TFL3":
            raise ValueError("not a TFLite file")
        self.version = installed_version("ai-edge-litert")
        with held_back(show_on_failure=False):  # it announces its delegate each time; what fails is raised
            self._interpreter = runtime.Interpreter(model_content=network, num_threads=threads)
            self._interpreter.allocate_tensors()
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._input, self._output = inputs[0]["index"], outputs[0]["index"]
        self.signature = tuple(
            (np.dtype(detail["dtype"]).name, tuple(int(n) for n in detail["shape"]))
            for detail in (*inputs, *outputs)
        )

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 -> float32, as Engine.run."""
        self._interpreter.set_tensor(self._input, x)
        self._interpreter.invoke()
        output: NDArray[np.float32] = self._interpreter.get_tensor(self._output)
        return output


class OnnxEngine:
    """An ONNX network in ONNX Runtime, on the CPU, one thread unless told, idle threads asleep."""

    name = "onnx"

    def __init__(self, runtime: Any, network: bytes, threads: int) -> None:
        self.version = str(runtime.__version__)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 4  # fatal; what matters is raised
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = runtime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        self._input, self._output = inputs[0].name, outputs[0].name
        self.signature = tuple(
            ({"tensor(float)": "float32"}.get(end.type, end.type), tuple(end.shape))
            for end in (*inputs, *outputs)
        )

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 -> float32, as Engine.run."""
        output: NDArray[np.float32] = self._session.run([self._output], {self._input: x})[0]
        return output
