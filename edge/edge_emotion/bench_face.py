"""Measures what the face's path costs on this machine, from the camera's picture to the event, beside FaceMesh."""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.bench_clip import clip_images, to_and_fro
from edge_emotion.bench_networks import precision_taken
from edge_emotion.bench_process import peak_memory
from edge_emotion.bench_sound import speech_blocks
from edge_emotion.bench_stage import PathCost, Spent, StageCost, stage_cost, timed
from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.engine import Engine, open_appearance, open_engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import Estimate
from edge_emotion.face_recognizer import FaceRecognizer
from edge_emotion.features.face_detector import FaceDetector
from edge_emotion.features.face_front_end import FaceFrontEnd
from edge_emotion.features.face_mesh import NETWORK
from edge_emotion.features.face_network import FaceNetwork
from edge_emotion.fusion import Fusion
from edge_emotion.outputs.jsonl import JsonLines
from edge_emotion.recognizer import Recognizer
from edge_emotion.settings import (
    BenchSettings,
    CameraSettings,
    FaceFrontEndSettings,
    FaceRecognizerSettings,
    FusionSettings,
    RecognizerSettings,
)
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.sound import RATE

Stage = Callable[[Frame], Any]
# The rate that a camera is asked for. The graph runs at each hop of the bundle's window (at every 6th frame for 0.2 s),
# the appearance network at each of its periods (at every 12th for 0.4 s).
FPS = 30
KEPT = 4.0  # seconds of the clip that are decoded to memory, and played to and fro
WARM_UP = 2.0  # seconds before the clock starts: a face gives its first estimate after one
MEMORY_RUN = 11.0  # seconds of face and voice for the peak memory: the clip's length
CAPTURE, MESH, FRONT_END, ALL, EVENT = "capture", "FaceMesh invoke", "front end", "all", "event"
DETECTOR, APPEARANCE, GRAPH = "detector", "appearance", "L-GrIN window"


@dataclass(frozen=True)
class FaceCost(PathCost):
    """What the face's path costs with one engine; FaceMesh and the detector always run in LiteRT.

    stages: capture (a USB camera's picture to B,G,R); FaceMesh alone; the front end; all that the recogniser does for a
    frame on average; the event; single runs of the other networks.
    ratio: all over FaceMesh alone, in CPU seconds (what else the machine does would change the clock's), both summed
    over a hop: the median over hops. ratio_p95: the 95th percentile.
    graph_ratio: one window of L-GrIN over FaceMesh alone, medians of CPU seconds.
    peak_memory: of another process of its own, which watches, and listens too where the settings name a voice's model;
    memory_of says what it held.
    """

    ratio: float
    ratio_p95: float
    graph_ratio: float
    memory_of: str


@dataclass(frozen=True)
class _Opened:
    """The bundle and its networks, in the precisions that were taken."""

    bundle: Bundle
    precision: str
    graph: Engine
    appearance: Engine | None


def measure_face(settings: BenchSettings, engine: str) -> FaceCost:
    """Measure one engine in this process, every stage in turn on the same frame; its memory is left 0.

    EdgeEmotionError when the face path abstains, since there would be nothing to measure.
    """
    cv2.setNumThreads(settings.threads)
    started = perf_counter()
    opened = _open(settings, engine)
    recognizer = _recognizer(settings, opened, engine)
    start = perf_counter() - started
    bundle = opened.bundle
    images = list(clip_images(KEPT))
    each_frame, each_hop = _stages(settings, opened, recognizer, images[0])
    frames = round(bundle.window.hop * bundle.window.period * FPS)  # in a hop
    hops = math.ceil(settings.seconds * FPS / frames)
    times: dict[str, list[Spent]] = {stage: [] for stage in (*each_frame, EVENT, *each_hop)}
    sums: list[tuple[float, float]] = []  # CPU seconds of FaceMesh alone and of all, over each hop's frames
    fusion, output = Fusion(FusionSettings()), JsonLines(io.StringIO())
    first = settings.warm_up + math.ceil(WARM_UP * FPS / frames)
    for number in range(first + hops):
        spent: dict[str, list[Spent]] = {stage: [] for stage in times}
        estimates: list[Estimate] = []
        for index in range(number * frames, (number + 1) * frames):
            frame = Frame(images[to_and_fro(index, len(images))], index / FPS)
            for stage, run in each_frame.items():
                cost, result = timed(run, frame)
                spent[stage].append(cost)
                estimates += result if stage == ALL else []
        spent[EVENT].append(timed(_tell, estimates, fusion, output)[0])
        for stage, run in each_hop.items():
            spent[stage].append(timed(run, frame)[0])
        if number < first:  # until the first estimate there is no graph to compute, and first runs are slow
            continue
        if [estimate.abstained for estimate in estimates] != [None]:
            reason = ", ".join(str(estimate.abstained) for estimate in estimates) or "none came"
            raise EdgeEmotionError(f"expected an estimate at each hop of the bundled clip, got: {reason}")
        for stage, measured in spent.items():
            times[stage] += measured
        sums.append((sum(cpu for _, cpu in spent[MESH]), sum(cpu for _, cpu in spent[ALL])))
    return _face_cost(opened, engine, times, np.array(sums), start)


def _tell(estimates: list[Estimate], fusion: Fusion, output: JsonLines) -> None:
    for event in fusion.together(estimates):
        output.show(event)


def _stages(
    settings: BenchSettings, opened: _Opened, recognizer: FaceRecognizer, image: NDArray[np.uint8]
) -> tuple[dict[str, Stage], dict[str, Stage]]:
    """What is run for each frame, and for each hop; image: any of the clip."""
    camera, window, generator = CameraSettings(), opened.bundle.window, np.random.default_rng(0)
    recorded = generator.integers(0, 256, (camera.height, camera.width, 2), np.uint8)
    front_end = FaceFrontEnd(FaceFrontEndSettings(threads=settings.threads))
    mesh, detector = FaceNetwork(NETWORK, settings.threads), FaceDetector(threads=settings.threads)
    picture = cv2.cvtColor(cv2.resize(image, mesh.input().shape[1::-1]), cv2.COLOR_BGR2RGB)
    mesh.input()[...] = picture / np.float32(255)
    each_frame: dict[str, Stage] = {
        CAPTURE: lambda frame: cv2.cvtColor(recorded, cv2.COLOR_YUV2BGR_YUYV),
        MESH: lambda frame: mesh.run(),
        FRONT_END: lambda frame: front_end.find(frame.image, frame.time),
        ALL: recognizer.push,
    }
    nodes = generator.normal(0, 1, (1, window.nodes, window.features)).astype(np.float32)
    each_hop: dict[str, Stage] = {
        DETECTOR: lambda frame: detector.find(frame.image),
        GRAPH: lambda frame: opened.graph.run(nodes),
    }
    appearance, contract = opened.appearance, opened.bundle.appearance
    if appearance is not None and contract is not None:
        crop = generator.normal(0, 1, (1, contract.crop, contract.crop, 1)).astype(np.float32)
        each_hop[APPEARANCE] = lambda frame: appearance.run(crop)
    return each_frame, each_hop


def measure_memory(settings: BenchSettings, engine: str) -> int:
    """Peak memory in bytes of this process after it watched for MEMORY_RUN, as a live run does.

    It listens too where the settings name a model of the voice.
    """
    watcher = _recognizer(settings, _open(settings, engine), engine)
    listener = _listener(settings, engine)
    fusion = Fusion(FusionSettings())
    sound = speech_blocks(MEMORY_RUN)
    heard = 0.0
    for number, image in enumerate(clip_images(MEMORY_RUN)):
        estimates = watcher.push(Frame(image, number / FPS))
        while listener and heard <= number / FPS and (block := next(sound, None)) is not None:
            heard += len(block) / RATE
            estimates += listener.push(block)
        for estimate in sorted(estimates, key=lambda estimate: estimate.time):
            fusion.update(estimate)
    return peak_memory()


def _listener(settings: BenchSettings, engine: str) -> Recognizer | None:
    if settings.model is None:
        return None
    precision = precision_taken(read_bundle(settings.model).networks, engine, settings.precision)
    return Recognizer.from_settings(RecognizerSettings(settings.model, engine, precision, settings.threads))


def _open(settings: BenchSettings, engine: str) -> _Opened:
    assert settings.face_model is not None  # bench() measures the face only with a model
    bundle = read_bundle(settings.face_model)
    precision = precision_taken(bundle.networks, engine, settings.precision)
    appearance = None
    if bundle.appearance is not None:
        taken = precision_taken(bundle.appearance.networks, engine, settings.precision)
        appearance = open_appearance(bundle, engine, taken, settings.threads)
    return _Opened(bundle, precision, open_engine(bundle, engine, precision, settings.threads), appearance)


def _recognizer(settings: BenchSettings, opened: _Opened, engine: str) -> FaceRecognizer:
    front_end = FaceFrontEndSettings(threads=settings.threads)
    how = FaceRecognizerSettings(
        str(settings.face_model), engine, opened.precision, settings.threads, front_end=front_end
    )
    return FaceRecognizer(opened.bundle, opened.graph, FaceFrontEnd(front_end), opened.appearance, how)


def _face_cost(
    opened: _Opened, engine: str, times: dict[str, list[Spent]], sums: NDArray[np.float64], start: float
) -> FaceCost:
    """Put the numbers together; sums: (hops, 2) CPU seconds of FaceMesh alone and of all, over a hop's frames."""
    bundle = opened.bundle
    hop = bundle.window.hop * bundle.window.period
    periods: dict[str, float | None] = {EVENT: hop, GRAPH: hop, DETECTOR: None}
    if bundle.appearance is not None:
        periods[APPEARANCE] = bundle.appearance.period
    costs: dict[str, StageCost] = {
        stage: stage_cost(stage, spent, periods.get(stage, 1 / FPS)) for stage, spent in times.items()
    }
    costs[ALL] = replace(costs[ALL], share=float(np.median(sums[:, 1])) / hop)
    ratios = sums[:, 1] / sums[:, 0]
    cpu = {stage: float(np.median([seconds for _, seconds in times[stage]])) for stage in (GRAPH, MESH)}
    return FaceCost(
        engine=engine,
        version=opened.graph.version,
        precision=opened.precision,
        hops=len(sums),
        stages=tuple(costs.values()),
        cpu_share=sum(costs[stage].share or 0.0 for stage in (CAPTURE, ALL, EVENT)),
        peak_memory=0,
        start=start,
        ratio=float(np.median(ratios)),
        ratio_p95=float(np.percentile(ratios, 95)),
        graph_ratio=cpu[GRAPH] / cpu[MESH],
        memory_of="",
    )
