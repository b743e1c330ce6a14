"""Measures every network of the bundles in every engine and precision, in turn, one thread, in one process.

All in CPU time, which on one thread is the clock's where the machine does nothing else, and stays itself where it does.
"""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from time import process_time

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bench_operations import network_size
from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.engine import Engine, input_shape, open_appearance, open_engine
from edge_emotion.network_file import AUTO, ENGINES, NetworkFile
from edge_emotion.settings import BenchSettings

SIDE = 1024  # of the square matrices whose product stands for what the machine can do
ROUNDS_A_SECOND = 10  # runs of each network for a second of BenchSettings.seconds
PEAKS = 10  # products that are timed, spread over the rounds; the quickest counts
REFERENCE = "onnx fp32"


@dataclass(frozen=True)
class NetworkCost:
    """What one network costs in one engine and precision.

    size: bytes of the file. p50, p95: CPU seconds of one run. ratio: p50 over that of REFERENCE, None
    without it. multiply_accumulates: of one run, counted from the fp32 .tflite, None where the bundle has none.
    peak_share: multiply-accumulates a second at p50 over those of the float32 product of two matrices.
    """

    network: str
    engine: str
    precision: str
    size: int
    p50: float
    p95: float
    ratio: float | None
    multiply_accumulates: int | None
    peak_share: float | None


@dataclass(frozen=True)
class NetworkTable:
    """networks: the costs; peak: multiply-accumulates a second of a product of SIDE x SIDE float32, one thread."""

    networks: tuple[NetworkCost, ...]
    peak: float
    rounds: int


@dataclass(frozen=True)
class Subject:
    """One network, open, to be run in turn with others."""

    network: str
    engine: str
    precision: str
    size: int
    multiply_accumulates: int | None
    run: Callable[[], object]


def precision_taken(networks: Sequence[NetworkFile], engine: str, asked: str) -> str:
    """The precision asked for; for "auto" that of the first network which a bundle lists for the engine.

    A bundle that has none for it keeps "auto": opening it then names the networks there are.
    """
    listed = (network.precision for network in networks if network.engine == engine)
    return next(listed, asked) if asked == AUTO else asked


def measure_networks(settings: BenchSettings) -> NetworkTable:
    """Measure in this process, whose numpy is held to one thread: one_matrix_thread()."""
    engines = engines_measured(settings)
    subjects: list[Subject] = []
    for model in (settings.model, settings.face_model):
        if model is not None:
            subjects += _subjects(read_bundle(model), engines)
    if settings.face_model is not None and "litert" in engines:
        subjects += front_end_subjects()
    return _table(subjects, round(settings.seconds * ROUNDS_A_SECOND), settings.warm_up)


def installed_engines() -> tuple[str, ...]:
    """Runtimes that are there: ONNX Runtime is an extra."""
    modules = {"litert": "ai_edge_litert", "onnx": "onnxruntime"}
    return tuple(engine for engine in ENGINES if importlib.util.find_spec(modules[engine]) is not None)


def engines_measured(settings: BenchSettings) -> dict[str, tuple[str, ...]]:
    """Engine -> precisions asked for, () for all; the reference runs wherever ONNX Runtime is installed."""
    engines: dict[str, tuple[str, ...]] = dict.fromkeys(settings.engines, ())
    if "onnx" in installed_engines():
        engines.setdefault("onnx", ("fp32",))
    return engines


def _subjects(bundle: Bundle, engines: dict[str, tuple[str, ...]]) -> list[Subject]:
    """The networks over windows, then those over crops."""
    subjects = _opened(
        bundle.name, bundle.networks, engines, input_shape(bundle), bundle.network,
        lambda engine, precision: open_engine(bundle, engine, precision),
    )  # fmt: skip
    if bundle.appearance is not None:
        crop = bundle.appearance.crop
        subjects += _opened(
            f"{bundle.name} appearance", bundle.appearance.networks, engines, (1, crop, crop, 1),
            bundle.appearance_network, lambda engine, precision: open_appearance(bundle, engine, precision),
        )  # fmt: skip
    return subjects


def _opened(
    name: str,
    files: Sequence[NetworkFile],
    engines: dict[str, tuple[str, ...]],
    shape: tuple[int, ...],
    content: Callable[[str, str], bytes],
    opened: Callable[[str, str], Engine],
) -> list[Subject]:
    listed = [(file.engine, file.precision) for file in files]
    tflite = next(
        (key for key in sorted(listed, key=lambda key: key[1] != "fp32") if key[0] == "litert"), None
    )
    count = network_size(content(*tflite)).multiply_accumulates if tflite else None
    x = standard_input(shape)
    subjects = []
    for engine, precision in listed:
        if engine in engines and (not engines[engine] or precision in engines[engine]):
            network = opened(engine, precision)
            size = len(content(engine, precision))
            run = _running(network, x)
            subjects.append(Subject(name, engine, precision, size, count, run))
    return subjects


def _running(network: Engine, x: NDArray[np.float32]) -> Callable[[], object]:
    return lambda: network.run(x)


def standard_input(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Numbers of mean 0 and deviation 1, as standardised features are; always the same."""
    return np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)


def front_end_subjects() -> list[Subject]:
    """FaceMesh and the detector, which only LiteRT runs; weights in float16, computing in float32."""
    from edge_emotion.features.face_detector import NETWORK as DETECTOR
    from edge_emotion.features.face_mesh import NETWORK as MESH
    from edge_emotion.features.face_network import FaceNetwork

    subjects = []
    for name, file in (("FaceMesh", MESH), ("face detector", DETECTOR)):
        content = (resources.files("edge_emotion") / "models" / file).read_bytes()
        network = FaceNetwork(file)
        network.input()[...] = np.random.default_rng(0).random(network.input().shape, np.float32)
        count = network_size(content).multiply_accumulates
        subjects.append(Subject(name, "litert", "fp16", len(content), count, network.run))
    return subjects


def run_in_turn(subjects: Sequence[Subject], rounds: int, warm_up: int) -> NDArray[np.float64]:
    """CPU seconds of each run, (rounds, subjects): every round runs all, each beginning with the next of them."""
    times = np.zeros((rounds, len(subjects)))
    for number in range(-warm_up, rounds):
        for place in range(len(subjects)):
            which = (place + number) % len(subjects)
            started = process_time()
            subjects[which].run()
            if number >= 0:
                times[number, which] = process_time() - started
    return times


def _table(subjects: Sequence[Subject], rounds: int, warm_up: int) -> NetworkTable:
    matrix = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    product = np.empty_like(matrix)
    times, quickest = [], np.inf
    for part in np.array_split(np.arange(rounds), PEAKS):
        started = process_time()
        np.matmul(matrix, matrix, out=product)
        quickest = min(quickest, process_time() - started)
        times.append(run_in_turn(subjects, len(part), warm_up))
    peak = SIDE**3 / quickest
    p50, p95 = np.percentile(np.concatenate(times), [50, 95], axis=0)
    references = {
        subject.network: seconds
        for subject, seconds in zip(subjects, p50.tolist(), strict=True)
        if f"{subject.engine} {subject.precision}" == REFERENCE
    }
    costs = []
    for subject, half, most in zip(subjects, p50.tolist(), p95.tolist(), strict=True):
        reference, count = references.get(subject.network), subject.multiply_accumulates
        costs.append(
            NetworkCost(
                subject.network,
                subject.engine,
                subject.precision,
                subject.size,
                half,
                most,
                None if reference is None else half / reference,
                count,
                None if count is None else count / half / peak,
            )
        )
    return NetworkTable(tuple(costs), peak, rounds)
