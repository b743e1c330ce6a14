"""What one stage of a path costs, from the times of its runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import ParamSpec, TypeVar

import numpy as np

Given = ParamSpec("Given")
Result = TypeVar("Result")
Spent = tuple[float, float]  # seconds by the clock, CPU seconds of the process


@dataclass(frozen=True)
class StageCost:
    """What one stage costs.

    runs: how many were timed. p50, p95, p99: seconds of one run, by the clock.
    share: CPU seconds for one second of the live source, from the median run; 0.01 is 1 % of one core. None for what
    runs only now and then.
    """

    stage: str
    runs: int
    p50: float
    p95: float
    p99: float
    share: float | None


@dataclass(frozen=True)
class PathCost:
    """What the path of one sense costs with one engine, measured in a process of its own.

    engine, version: the runtime of the bundle's networks; precision: theirs. hops: windows that were timed.
    cpu_share: CPU seconds for one second of the live source, from capture to event, over all stages.
    peak_memory: bytes. start: seconds from nothing loaded to ready.
    """

    engine: str
    version: str
    precision: str
    hops: int
    stages: tuple[StageCost, ...]
    cpu_share: float
    peak_memory: int
    start: float


def timed(
    compute: Callable[Given, Result], *given: Given.args, **named: Given.kwargs
) -> tuple[Spent, Result]:
    """Call something; give what it took, and its result."""
    cpu, started = process_time(), perf_counter()
    result = compute(*given, **named)
    return (perf_counter() - started, process_time() - cpu), result


def stage_cost(stage: str, spent: Sequence[Spent], period: float | None) -> StageCost:
    """Put the runs of a stage together; period: seconds of the source between two runs, None for now and then."""
    clock, cpu = np.asarray(spent).T
    p50, p95, p99 = (float(p) for p in np.percentile(clock, [50, 95, 99]))
    return StageCost(
        stage, len(clock), p50, p95, p99, None if period is None else float(np.median(cpu)) / period
    )
