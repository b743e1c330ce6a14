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
    latency_p50, latency_p95: seconds from a window's last sample to its estimate (see Estimate.latency), over
        the windows that were estimated; None when all abstained.
    computing_p50, computing_p95: the part of these that is computing.
    audio: seconds of sound computed. computing: seconds spent on it. cpu: CPU seconds of the process.
    dropped: frames dropped because computing was too slow.
    """

    windows: int
    abstained: int
    latency_p50: float | None
    latency_p95: float | None
    computing_p50: float | None
    computing_p95: float | None
    audio: float
    computing: float
    cpu: float
    dropped: int

    @property
    def real_time_factor(self) -> float:
        """Seconds of computing for one second of sound."""
        return self.computing / self.audio if self.audio else 0.0

    @property
    def cpu_share(self) -> float:
        """CPU seconds of the process for one second of sound: its share of one core when live."""
        return self.cpu / self.audio if self.audio else 0.0

    def __str__(self) -> str:
        """Write the summary as one line."""
        latency = _percentiles_text("latency", self.latency_p50, self.latency_p95)
        computing = _percentiles_text("computing", self.computing_p50, self.computing_p95)
        return (
            f"{self.windows} windows ({self.abstained} abstained) in {self.audio:.2f} s of sound, "
            f"{latency}, {computing}, real-time factor {self.real_time_factor:.3f}, "
            f"CPU share {self.cpu_share:.1%}, {self.dropped} frames dropped"
        )


def _percentiles_text(name: str, p50: float | None, p95: float | None) -> str:
    if p50 is None or p95 is None:
        return f"{name} -"
    return f"{name} p50 {p50 * 1e3:.1f} ms p95 {p95 * 1e3:.1f} ms"


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
        self._lost = 0.0
        self._latencies: deque[tuple[float, float]] = deque(maxlen=LATENCIES)  # with the computing in each
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
                    self._lost += block.lost
                    self._recognizer.lose(block.lost)
                if self._meter and len(samples):
                    self._meter(self._samples / RATE + self._lost, level_dbfs(samples))
                yield from self._counted(self._recognizer.push, samples)
                if self._samples == self._limit:
                    break
            yield from self._counted(self._recognizer.flush)
        finally:
            self._source.close()

    def summary(self) -> RunSummary:
        """Numbers so far; may be asked for at any time."""
        latency: list[float | None] = [None, None]
        computing: list[float | None] = [None, None]
        if self._latencies:
            latency, computing = np.percentile(self._latencies, [50, 95], axis=0).T.tolist()
        return RunSummary(
            windows=self._windows.total(),
            abstained=self._windows["abstained"],
            latency_p50=latency[0],
            latency_p95=latency[1],
            computing_p50=computing[0],
            computing_p95=computing[1],
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
            if not estimate.abstained:
                self._latencies.append((estimate.latency, estimate.computing))
        return estimates
