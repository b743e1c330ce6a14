"""Drives a recogniser from a source of sound, and keeps the numbers of the run."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_emotion.estimate import Estimate
from edge_emotion.features.voice_activity import level_dbfs
from edge_emotion.sources.sound import RATE, SoundSource

LATENCIES = 10_000  # newest latencies kept for the percentiles: 80 minutes at a hop of 0.48 s

LevelMeter = Callable[[float, float], None]


class Listener(Protocol):
    """What a run drives: the recogniser."""

    def reset(self) -> None:
        """Start at time 0."""
        ...

    def push(self, samples: NDArray[np.float32]) -> list[Estimate]:
        """Take (n,) samples at 16 kHz; give the estimates they complete."""
        ...

    def flush(self) -> list[Estimate]:
        """End of the sound: give the estimates still due."""
        ...

    def lose(self, seconds: float) -> None:
        """Sound is missing here."""
        ...


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    windows, abstained: estimates given, and those among them without probabilities.
    latency_p50, latency_p95: seconds from a window's last sample to its estimate; None without windows.
    audio: seconds of sound computed. computing: seconds spent on it. cpu: CPU seconds of the process.
    dropped: frames dropped because computing was too slow.
    """

    windows: int
    abstained: int
    latency_p50: float | None
    latency_p95: float | None
    audio: float
    computing: float
    cpu: float
    dropped: int

    @property
    def real_time_factor(self) -> float:
        """Seconds of computing for one second of sound."""
        return self.computing / self.audio if self.audio else 0.0

    def __str__(self) -> str:
        """Write the summary as one line."""
        latency = "latency -"
        if self.latency_p50 is not None and self.latency_p95 is not None:
            latency = f"latency p50 {self.latency_p50 * 1e3:.1f} ms p95 {self.latency_p95 * 1e3:.1f} ms"
        return (
            f"{self.windows} windows ({self.abstained} abstained) in {self.audio:.2f} s of sound, {latency}, "
            f"real-time factor {self.real_time_factor:.3f}, {self.dropped} frames dropped"
        )


class Run:
    """One pass of a source through a recogniser; iterate it once for the estimates."""

    def __init__(
        self,
        source: SoundSource,
        recognizer: Listener,
        limit: float | None = None,
        meter: LevelMeter | None = None,
    ) -> None:
        """limit: stop after this many seconds of sound. meter: called with time and dBFS of each block."""
        self._source = source
        self._recognizer = recognizer
        self._limit = None if limit is None else round(limit * RATE)
        self._meter = meter
        self._samples = 0
        self._windows: Counter[str] = Counter()
        self._latencies: deque[float] = deque(maxlen=LATENCIES)
        self._computing = 0.0
        self._cpu_start = process_time()

    def __iter__(self) -> Iterator[Estimate]:
        """Give the estimates as the sound comes; the source is closed at the end, however it ends."""
        try:
            self._recognizer.reset()
            for block in self._source:
                samples = block.samples
                if self._limit is not None:
                    samples = samples[: self._limit - self._samples]
                self._samples += len(samples)
                if block.lost:
                    self._recognizer.lose(block.lost)
                if self._meter and len(samples):
                    self._meter(self._samples / RATE, level_dbfs(samples))
                yield from self._counted(self._recognizer.push, samples)
                if self._samples == self._limit:
                    break
            yield from self._counted(self._recognizer.flush)
        finally:
            self._source.close()

    def summary(self) -> RunSummary:
        """Numbers so far; may be asked for at any time."""
        p50 = p95 = None
        if self._latencies:
            p50, p95 = (float(p) for p in np.percentile(self._latencies, [50, 95]))
        return RunSummary(
            windows=self._windows.total(),
            abstained=self._windows["abstained"],
            latency_p50=p50,
            latency_p95=p95,
            audio=self._samples / RATE,
            computing=self._computing,
            cpu=process_time() - self._cpu_start,
            dropped=self._source.dropped,
        )

    def _counted(self, compute: Callable[..., list[Estimate]], *given: Any) -> list[Estimate]:
        started = perf_counter()
        estimates = compute(*given)
        self._computing += perf_counter() - started
        for estimate in estimates:
            self._windows["abstained" if estimate.abstained else "estimated"] += 1
            self._latencies.append(estimate.latency)
        return estimates
