"""One interface over the two runtimes that a device may have: LiteRT and ONNX Runtime.

The engine that was asked for is the one that runs: a missing runtime is an error, never a silent change.
"""

import functools
import importlib
from collections.abc import Callable, Mapping
from importlib.metadata import version as installed_version
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bundle import Bundle
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.native_talk import held_back
from edge_emotion.network_file import AUTO, ENGINES
from edge_emotion.onnx_check import check_onnx
from edge_emotion.tflite_check import check_tflite

MAX_THREADS = 64
MAX_MEMORY = 512 << 20  # bytes that ONNX Runtime may take for what all networks of a process compute
End = tuple[str, tuple[int | str, ...]]  # of a network: type and shape
Opened = TypeVar("Opened")


class NetworkRunError(EdgeEmotionError):
    """A network that opened fails when it runs: what it holds does not fit together, or takes too much memory."""


class Engine(Protocol):
    """A network, opened and ready."""

    name: str  # "litert" or "onnx"
    version: str  # of the runtime

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Standardised float32 in, float32 out.

        Of open_engine: window, of the shape that input_shape() says -> logits (1, C) over the bundle's labels. Of
        open_appearance: crop (1, crop, crop, 1) -> embedding (1, embedding).
        """
        ...


def input_shape(bundle: Bundle) -> tuple[int, ...]:
    """What a network takes for a window: (1, M, P) nodes; of spikes (K, STEPS, N), those of K presentations."""
    window = bundle.window
    if bundle.spiking is None:
        return 1, window.nodes, window.features
    from edge_emotion.features.spikes import STEPS  # brings OpenCV, which the voice does without

    return window.nodes, STEPS, window.features


def open_engine(bundle: Bundle, engine: str = AUTO, precision: str = AUTO, threads: int = 1) -> Engine:
    """Open a bundle's network over windows in a runtime: float32 of input_shape() -> (1, C) float32 logits.

    engine: "litert", "onnx", or "auto": LiteRT where the bundle has a network for it; precision: "auto", the one that
    the bundle lists first, "fp32" or what else it has; threads: CPU threads of a run.
    Raises EdgeEmotionError for a runtime that is not installed, and for a network that the bundle lacks, that
    does not open or whose shapes are not those of the manifest.
    """
    engine = _checked_request(bundle, engine, threads)
    network = bundle.network(engine, precision)
    shapes = input_shape(bundle), (1, len(bundle.labels))
    where = f"{bundle.path}: the {_named(precision)}network for {engine}"
    return open_network(network, engine, shapes, where, threads)


def open_appearance(bundle: Bundle, engine: str = AUTO, precision: str = AUTO, threads: int = 1) -> Engine:
    """Open a bundle's network over face crops in a runtime: (1, crop, crop, 1) float32 -> (1, embedding) float32.

    The input is one aligned grey crop, standardised by itself: face_alignment.network_crop. Otherwise as open_engine;
    raises EdgeEmotionError also for a bundle whose nodes need no appearance.
    """
    engine = _checked_request(bundle, engine, threads)
    network = bundle.appearance_network(engine, precision)
    contract = bundle.appearance
    assert contract is not None  # appearance_network has refused a bundle without
    shapes = (1, contract.crop, contract.crop, 1), (1, contract.embedding)
    where = f"{bundle.path}: the {_named(precision)}appearance network for {engine}"
    return open_network(network, engine, shapes, where, threads)


def _named(precision: str) -> str:
    return "" if precision == AUTO else f"{precision} "


def _checked_request(bundle: Bundle, engine: str, threads: int) -> str:
    """The engine that a request comes to."""
    if engine not in (AUTO, *ENGINES):
        raise EdgeEmotionError(f"unknown engine {engine!r}, expected one of: {', '.join(ENGINES)}")
    if not 1 <= threads <= MAX_THREADS:
        raise EdgeEmotionError(f"expected 1 to {MAX_THREADS} threads, got {threads}")
    return bundle.engine_taken(engine)


def open_network(
    network: bytes, engine: str, shapes: tuple[tuple[int, ...], tuple[int, ...]], where: str, threads: int = 1
) -> Engine:
    """Open a network's bytes; shapes: of input and output, where: how errors name it. See open_engine."""
    opened: LiteRTEngine | OnnxEngine
    opened = (
        _opened(LiteRTEngine, "ai_edge_litert.interpreter", network, where, threads)
        if engine == "litert"
        else _opened(OnnxEngine, "onnxruntime", network, where, threads)
    )
    _check_signature(opened.signature, (("float32", shapes[0]), ("float32", shapes[1])), where)
    return opened


def open_named(
    network: bytes, inputs: Mapping[str, End], outputs: Mapping[str, End], where: str, threads: int = 1
) -> "OnnxEngine":
    """Open an ONNX network of several inputs or of one, told by name; otherwise as open_network.

    inputs, outputs: name -> type and shape of each, in order; a dimension of any length by its name.
    """
    opened = _opened(OnnxEngine, "onnxruntime", network, where, threads)
    named = tuple((name, *end) for name, end in zip(opened.names, opened.signature, strict=True))
    _check_signature(named, tuple((name, *end) for name, end in {**inputs, **outputs}.items()), where)
    return opened


def _opened(
    kind: Callable[[Any, bytes, int, str], Opened], module: str, network: bytes, where: str, threads: int
) -> Opened:
    runtime = _runtime(module)
    if kind is LiteRTEngine:
        check_tflite(network, where)
    else:
        check_onnx(network, where)
    try:
        return kind(runtime, network, threads, where)
    except Exception as reason:  # the runtimes share no class of errors
        raise EdgeEmotionError(
            f"{where} does not open ({_line(reason)}); export it again or update edge-emotion"
        ) from reason


def _check_signature(found: tuple[object, ...], expected: tuple[object, ...], where: str) -> None:
    if found != expected:
        raise EdgeEmotionError(
            f"{where} has inputs and outputs {str(found)[:300]}, its manifest says {expected}"
        )


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
    """A TFLite network in LiteRT, which check_tflite has passed."""

    name = "litert"

    def __init__(self, runtime: Any, network: bytes, threads: int, where: str) -> None:
        """where: how errors name the network."""
        self._where = where
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
        """float32 -> float32, as Engine.run; NetworkRunError when the network fails."""
        try:
            self._interpreter.set_tensor(self._input, x)
            self._interpreter.invoke()
            output: NDArray[np.float32] = self._interpreter.get_tensor(self._output)
        except (ValueError, RuntimeError) as reason:
            raise _failed(self._where, reason) from reason
        return output


class OnnxEngine:
    """An ONNX network in ONNX Runtime, which check_onnx has passed: on the CPU, idle threads asleep, memory limited."""

    name = "onnx"

    def __init__(self, runtime: Any, network: bytes, threads: int, where: str) -> None:
        """where: how errors name the network."""
        self._where = where
        self.version = str(runtime.__version__)
        _limit_memory(runtime)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 4  # fatal; what matters is raised
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.use_env_allocators", "1")
        # Constants are computed from others as the network opens, in memory that no limit holds. Exporters have done
        # so already: our networks run as fast without.
        self._session = runtime.InferenceSession(
            network, options, providers=["CPUExecutionProvider"], disabled_optimizers=["ConstantFolding"]
        )
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        self._input, self._output = inputs[0].name, outputs[0].name
        self.names = tuple(str(end.name) for end in (*inputs, *outputs))
        types = {"tensor(float)": "float32", "tensor(int64)": "int64"}
        self.signature = tuple(
            (types.get(end.type, end.type), tuple(end.shape)) for end in (*inputs, *outputs)
        )

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 -> float32, as Engine.run; NetworkRunError when the network fails."""
        return self.run_named({self._input: x})

    def run_named(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Inputs by name -> the first output; NetworkRunError when the network fails or gives another shape."""
        try:
            output: NDArray[np.float32] = self._session.run([self._output], dict(inputs))[0]
        except Exception as reason:  # the runtime has no class of errors of its own
            raise _failed(self._where, reason) from reason
        (_, declared) = self.signature[-1]
        # ONNX Runtime does not hold a network to the shape that it declares.
        if output.shape != declared:
            raise EdgeEmotionError(
                f"{self._where} gave {output.shape}, it declares {declared}; export it again"
            )
        return output


@functools.cache
def _limit_memory(runtime: Any) -> None:
    """Limit what the networks of this process may take together; those that open with "use_env_allocators"."""
    kind = runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    runtime.create_and_register_allocator(
        runtime.OrtMemoryInfo("Cpu", kind, 0, runtime.OrtMemType.DEFAULT),
        # -1: the runtime's own way to grow.
        runtime.OrtArenaCfg(MAX_MEMORY, -1, -1, -1),
    )


def _failed(where: str, reason: Exception) -> NetworkRunError:
    return NetworkRunError(f"{where} does not run ({_line(reason)}); export it again or replace the model")


def _line(reason: Exception) -> str:
    """What a runtime says as one line; it quotes names of the network, which a terminal would obey."""
    text = " ".join(str(reason).split())[:300]
    return "".join(character if character.isprintable() else "?" for character in text)
