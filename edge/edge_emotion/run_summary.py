"""What a run did: windows, latency, computing, frames, and what was dropped, for each sense."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from edge_emotion.estimate import Estimate

LATENCIES = 10_000  # newest latencies kept for the percentiles: 80 minutes at a hop of 0.48 s


@dataclass(frozen=True)
class SenseSummary:
    """What one sense did.

    windows, abstained: estimates given, and those among them without probabilities.
    latency_p50, latency_p95: seconds from a window's last sample to its estimate (see Estimate.latency), over
        the windows that were estimated; None when all abstained.
    computing_p50, computing_p95: the part of these that is computing.
    seconds: of sound or of pictures, computed. computing: seconds spent on it.
    dropped: frames dropped because computing was too slow. frames: pictures or poses computed; None for sound.
    dropped_sound: frames of sound dropped, where one recogniser takes both; `dropped` is then of pictures, else None.
    reasons: why how many abstained.
    latency_total, computing_total: seconds, summed over the windows that were estimated.
    """

    modality: str
    windows: int
    abstained: int
    latency_p50: float | None
    latency_p95: float | None
    computing_p50: float | None
    computing_p95: float | None
    seconds: float
    computing: float
    dropped: int
    frames: int | None = None
    dropped_sound: int | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)
    latency_total: float = 0.0
    computing_total: float = 0.0

    @property
    def real_time_factor(self) -> float:
        """Seconds of computing for one second of the source."""
        return self.computing / self.seconds if self.seconds else 0.0

    @property
    def rate(self) -> float:
        """Pictures computed for one second of the source; 0 for sound."""
        return (self.frames or 0) / self.seconds if self.seconds else 0.0

    def text(self, cpu_share: str = "") -> str:
        """One line; cpu_share is put in before what was dropped."""
        kind = "poses" if self.modality == "body" else "pictures"
        what = "sound" if self.frames is None else f"{kind} ({self.frames}, {self.rate:.1f} a second)"
        dropped = f"{self.dropped} frames dropped"
        if self.dropped_sound is not None:
            what = f"sound and {what}"
            dropped = f"{self.dropped} frames and {self.dropped_sound} samples dropped"
        latency = _percentiles_text("latency", self.latency_p50, self.latency_p95)
        computing = _percentiles_text("computing", self.computing_p50, self.computing_p95)
        return (
            f"{self.windows} windows ({self.abstained} abstained) in {self.seconds:.2f} s of {what}, "
            f"{latency}, {computing}, real-time factor {self.real_time_factor:.3f}, "
            f"{cpu_share}{dropped}"
        )


@dataclass(frozen=True)
class RunSummary:
    """What a run did. senses: one for each sense. cpu: CPU seconds of the process."""

    senses: tuple[SenseSummary, ...]
    cpu: float

    @property
    def cpu_share(self) -> float:
        """CPU seconds of the process for one second of the source: its share of one core when live."""
        seconds = max((sense.seconds for sense in self.senses), default=0.0)
        return self.cpu / seconds if seconds else 0.0

    def __str__(self) -> str:
        """Write the summary as one line for each sense; the CPU share is that of all."""
        share = f"CPU share {self.cpu_share:.1%}, "
        if len(self.senses) == 1:
            return self.senses[0].text(share)
        last = len(self.senses) - 1
        lines = (
            f"{sense.modality}: {sense.text(share if number == last else '')}"
            for number, sense in enumerate(self.senses)
        )
        return "\n".join(lines)


def _percentiles_text(name: str, p50: float | None, p95: float | None) -> str:
    if p50 is None or p95 is None:
        return f"{name} -"
    return f"{name} p50 {p50 * 1e3:.1f} ms p95 {p95 * 1e3:.1f} ms"


class SenseCount:
    """Counts what one sense does while it does it; summary() may be asked for from any thread."""

    def __init__(self) -> None:
        """Nothing counted yet."""
        self._estimated = 0
        self._reasons: Counter[str] = Counter()  # of the windows that abstained
        # The newest latencies, with the computing in each; all of it is held from the start, so that memory stays flat.
        self._latencies = np.full((LATENCIES, 2), np.nan)
        self._totals = 0.0, 0.0  # of these two, over all windows
        self._computing = 0.0
        self._counting = threading.Lock()

    def counted(self, compute: Callable[..., list[Estimate]], *given: Any) -> list[Estimate]:
        """Compute and count."""
        started = perf_counter()
        estimates = compute(*given)
        with self._counting:
            self._computing += perf_counter() - started
            for estimate in estimates:
                self._count(estimate)
        return estimates

    def _count(self, estimate: Estimate) -> None:
        if estimate.abstained:
            self._reasons[estimate.abstained] += 1
            return
        self._latencies[self._estimated % LATENCIES] = estimate.latency, estimate.computing
        self._estimated += 1
        self._totals = self._totals[0] + estimate.latency, self._totals[1] + estimate.computing

    def summary(
        self,
        modality: str,
        seconds: float,
        dropped: int,
        frames: int | None = None,
        dropped_sound: int | None = None,
    ) -> SenseSummary:
        """Numbers so far."""
        with self._counting:
            estimated, totals, spent = self._estimated, self._totals, self._computing
            newest, reasons = self._latencies[:estimated].copy(), dict(self._reasons)
        latency: list[float | None] = [None, None]
        computing: list[float | None] = [None, None]
        if len(newest):
            latency, computing = np.percentile(newest, [50, 95], axis=0).T.tolist()
        abstained = sum(reasons.values())
        return SenseSummary(
            modality=modality,
            windows=estimated + abstained,
            abstained=abstained,
            latency_p50=latency[0],
            latency_p95=latency[1],
            computing_p50=computing[0],
            computing_p95=computing[1],
            seconds=seconds,
            computing=spent,
            dropped=dropped,
            frames=frames,
            dropped_sound=dropped_sound,
            reasons=reasons,
            latency_total=totals[0],
            computing_total=totals[1],
        )
