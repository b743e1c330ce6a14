"""Measures what the face path costs on this machine beside FaceMesh alone, and the memory of both senses together."""

import math
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib import resources
from time import perf_counter, process_time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.bench import peak_memory, speech_blocks, stamp
from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.engine import open_appearance, open_engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import Estimate
from edge_emotion.face_recognizer import FaceRecognizer
from edge_emotion.features.face_detector import FaceDetector
from edge_emotion.features.face_front_end import FaceFrontEnd
from edge_emotion.features.face_mesh import NETWORK
from edge_emotion.features.face_network import FaceNetwork
from edge_emotion.fusion import Fusion
from edge_emotion.recognizer import Recognizer
from edge_emotion.settings import (
    BenchSettings,
    FaceFrontEndSettings,
    FaceRecognizerSettings,
    FusionSettings,
    RecognizerSettings,
)
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.sound import RATE

Image = NDArray[np.uint8]
Part = Callable[[Frame], Any]
Spent = tuple[float, float]  # seconds by the clock, CPU seconds
CLIP = "demo.mp4"
FPS = 30  # the rate that a camera is asked for: at every 6th frame, each 0.2 s, appearance and graph run too
CLIP_FPS = 25  # of the clip itself: its frames are shown a little faster than they were made
KEPT = 4.0  # seconds of the clip that are decoded to memory, and played to and fro
WARM_UP = 2.0  # seconds before the clock starts: a face gives its first estimate after one
MEMORY_RUN = 11.0  # seconds of face and voice for the peak memory: the clip's length
MESH, FRONT_END, ALL = "FaceMesh invoke", "front end", "all"
DETECTOR, APPEARANCE, GRAPH = "detector", "appearance", "L-GrIN window"


@dataclass(frozen=True)
class PartCost:
    """What one part costs. runs: how many were timed. p50, p95, p99: seconds of one run, by the clock.

    per_frame: CPU seconds of the process for one frame at FPS, a part that runs at every hop shared out among the hop's
    frames; None for the detector, which runs when no face is followed.
    """

    part: str
    runs: int
    p50: float
    p95: float
    p99: float
    per_frame: float | None


@dataclass(frozen=True)
class FaceCost:
    """What the face path costs with one engine.

    engine, version: the runtime of graph and appearance; FaceMesh and the detector always run in LiteRT.
    parts: FaceMesh alone; the front end; all that a frame costs on average; single runs of the other networks.
    ratio: all over FaceMesh alone, in CPU seconds (what else the machine does would change the clock's), both summed
    over a hop: the median over hops. ratio_p95: the 95th percentile.
    graph_ratio: one window of L-GrIN over FaceMesh alone, medians of CPU seconds.
    peak_memory: bytes, of a process of its own with face and voice together.
    """

    engine: str
    version: str
    hops: int
    parts: tuple[PartCost, ...]
    ratio: float
    ratio_p95: float
    graph_ratio: float
    peak_memory: int


def bench_face(settings: BenchSettings) -> dict[str, Any]:
    """Measure every engine of the settings; give {"stamp": ..., "rows": [...]}, times in seconds."""
    rows = []
    for engine in settings.engines:
        cost = _in_own_process(measure_face, settings, engine)
        cost["peak_memory"] = _in_own_process(measure_memory, settings, engine)
        rows.append(cost)
    return {"stamp": {**stamp(settings), "clip": CLIP, "fps": FPS}, "rows": rows}


def _in_own_process(measure: Callable[..., Any], *given: Any) -> Any:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as own_process:
        return own_process.submit(measure, *given).result()


def measure_face(settings: BenchSettings, engine: str) -> dict[str, Any]:
    """Measure one engine in this process, every part in turn on the same frame; FaceCost without its memory (0).

    EdgeEmotionError when the face path abstains, since there would be nothing to measure.
    """
    cv2.setNumThreads(settings.threads)
    bundle = read_bundle(settings.face_model)
    graph = open_engine(bundle, engine, settings.precision, settings.threads)
    recognizer = _face_recognizer(settings, bundle, engine)
    front_end = FaceFrontEnd(FaceFrontEndSettings(threads=settings.threads))
    mesh, detector = FaceNetwork(NETWORK, settings.threads), FaceDetector(threads=settings.threads)
    images = list(_clip(KEPT))
    picture = cv2.cvtColor(cv2.resize(images[0], mesh.input().shape[1::-1]), cv2.COLOR_BGR2RGB)
    mesh.input()[...] = picture / np.float32(255)
    each_frame: dict[str, Part] = {
        MESH: lambda frame: mesh.run(),
        FRONT_END: lambda frame: front_end.find(frame.image, frame.time),
        ALL: recognizer.push,
    }
    nodes = np.zeros((1, bundle.window.nodes, bundle.window.features), np.float32)
    each_hop: dict[str, Part] = {
        DETECTOR: lambda frame: detector.find(frame.image),
        GRAPH: lambda frame: graph.run(nodes),
    }
    if bundle.appearance is not None:
        appearance = open_appearance(bundle, engine, settings.precision, settings.threads)
        crop = np.zeros((1, bundle.appearance.crop, bundle.appearance.crop, 1), np.float32)
        each_hop[APPEARANCE] = lambda frame: appearance.run(crop)

    hop = round(bundle.window.hop * bundle.window.period * FPS)  # frames
    hops = math.ceil(settings.seconds * FPS / hop)
    times: dict[str, list[Spent]] = {part: [] for part in (*each_frame, *each_hop)}
    sums: list[tuple[float, float]] = []  # CPU seconds of FaceMesh alone and of all, over each hop's frames
    start = settings.warm_up + math.ceil(WARM_UP * FPS / hop)
    for number in range(start + hops):
        spent: dict[str, list[Spent]] = {part: [] for part in times}
        estimates: list[Estimate] = []
        for index in range(number * hop, (number + 1) * hop):
            frame = Frame(images[_to_and_fro(index, len(images))], index / FPS)
            for part, run in each_frame.items():
                cost, result = _timed(run, frame)
                spent[part].append(cost)
                estimates += result if part == ALL else []
        for part, run in each_hop.items():
            spent[part].append(_timed(run, frame)[0])
        if number < start:  # until the first estimate there is no graph to compute, and first runs are slow
            continue
        if [estimate.abstained for estimate in estimates] != [None]:
            reason = ", ".join(str(estimate.abstained) for estimate in estimates) or "none came"
            raise EdgeEmotionError(f"expected an estimate at each hop of the bundled clip, got: {reason}")
        for part, measured in spent.items():
            times[part] += measured
        sums.append((sum(cpu for _, cpu in spent[MESH]), sum(cpu for _, cpu in spent[ALL])))
    return _face_cost(graph.version, engine, times, np.array(sums), hop)


def measure_memory(settings: BenchSettings, engine: str) -> int:
    """Peak memory in bytes of this process after it watched and listened for MEMORY_RUN, as a live run does."""
    bundle = read_bundle(settings.face_model)
    watcher = _face_recognizer(settings, bundle, engine)
    listener = Recognizer.from_settings(
        RecognizerSettings(settings.model, engine, settings.precision, settings.threads)
    )
    fusion = Fusion(FusionSettings())
    sound = speech_blocks(MEMORY_RUN)
    heard = 0.0
    for number, image in enumerate(_clip(MEMORY_RUN)):
        estimates = watcher.push(Frame(image, number / FPS))
        while heard <= number / FPS and (block := next(sound, None)) is not None:
            heard += len(block) / RATE
            estimates += listener.push(block)
        for estimate in sorted(estimates, key=lambda estimate: estimate.time):
            fusion.update(estimate)
    return peak_memory()


def _face_recognizer(settings: BenchSettings, bundle: Bundle, engine: str) -> FaceRecognizer:
    how = (engine, settings.precision, settings.threads)
    front_end = FaceFrontEndSettings(threads=settings.threads)
    return FaceRecognizer(
        bundle,
        open_engine(bundle, *how),
        FaceFrontEnd(front_end),
        open_appearance(bundle, *how) if bundle.appearance is not None else None,
        FaceRecognizerSettings(settings.face_model, *how, front_end=front_end),
    )


def _clip(seconds: float) -> Iterator[Image]:
    """(H, W, 3) B,G,R frames of the bundled clip's beginning; read by OpenCV, as those of a camera are."""
    with resources.as_file(resources.files("edge_emotion") / "data" / CLIP) as path:
        capture = cv2.VideoCapture(str(path))
        try:
            for _ in range(round(seconds * CLIP_FPS)):
                there, image = capture.read()
                if not there:
                    raise EdgeEmotionError(f"data/{CLIP} cannot be read: install edge-emotion again")
                yield np.asarray(image, np.uint8)
        finally:
            capture.release()


def _to_and_fro(number: int, length: int) -> int:
    """Index of the number-th frame when the clip is played forwards and backwards in turn: the face never jumps."""
    place = number % (2 * length - 2)
    return min(place, 2 * length - 2 - place)


def _timed(run: Part, frame: Frame) -> tuple[Spent, Any]:
    cpu, started = process_time(), perf_counter()
    result = run(frame)
    return (perf_counter() - started, process_time() - cpu), result


def _face_cost(
    version: str, engine: str, times: dict[str, list[Spent]], hop_sums: NDArray[np.float64], hop: int
) -> dict[str, Any]:
    """Put the numbers together; hop_sums: (hops, 2) CPU seconds of FaceMesh alone and of all, over a hop's frames."""
    cpu = {part: float(np.median([seconds for _, seconds in spent])) for part, spent in times.items()}
    per_frame: dict[str, float | None] = {**cpu, DETECTOR: None, ALL: float(np.median(hop_sums[:, 1])) / hop}
    for part in (APPEARANCE, GRAPH):
        if part in times:
            per_frame[part] = cpu[part] / hop
    parts = []
    for part, spent in times.items():
        p50, p95, p99 = (float(p) for p in np.percentile([wall for wall, _ in spent], [50, 95, 99]))
        parts.append(PartCost(part, len(spent), p50, p95, p99, per_frame[part]))
    ratios = hop_sums[:, 1] / hop_sums[:, 0]
    return asdict(
        FaceCost(
            engine,
            version,
            len(hop_sums),
            tuple(parts),
            float(np.median(ratios)),
            float(np.percentile(ratios, 95)),
            cpu[GRAPH] / cpu[MESH],
            0,
        )
    )
