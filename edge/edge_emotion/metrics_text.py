"""Prometheus' text format, version 0.0.4: families of metrics in, text out.

Source: "Exposition formats", prometheus.io/docs/instrumenting/exposition_formats, text-based format.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
COUNTER, GAUGE, SUMMARY = "counter", "gauge", "summary"
QUANTILES = (0.5, 0.95)


@dataclass(frozen=True)
class Sample:
    """One number. labels: name -> value. suffix: "_sum" or "_count", of a summary's two other numbers."""

    value: float
    labels: Mapping[str, str]
    suffix: str = ""


@dataclass(frozen=True)
class Family:
    """One metric. kind: "counter", "gauge" or "summary". meaning: a sentence. samples: of different labels each."""

    name: str
    kind: str
    meaning: str
    samples: tuple[Sample, ...]


def counter(name: str, meaning: str, *samples: Sample) -> Family:
    """What only grows; its name ends with "_total"."""
    return Family(name, COUNTER, meaning, samples)


def gauge(name: str, meaning: str, *samples: Sample) -> Family:
    """What goes up and down."""
    return Family(name, GAUGE, meaning, samples)


def quantiles(
    labels: Mapping[str, str], values: Iterable[float | None], total: float, count: int
) -> list[Sample]:
    """Samples of a summary: the values at QUANTILES, None where nothing was measured, the sum and how many."""
    shares = zip(QUANTILES, values, strict=True)
    at = [
        Sample(math.nan if value is None else value, {**labels, "quantile": str(share)})
        for share, value in shares
    ]
    return [*at, Sample(total, labels, "_sum"), Sample(count, labels, "_count")]


def exposition(families: Iterable[Family]) -> str:
    """The text of all families that have samples."""
    return "".join(_lines(family) for family in families if family.samples)


def _lines(family: Family) -> str:
    meaning = family.meaning.replace("\\", r"\\").replace("\n", r"\n")
    head = f"# HELP {family.name} {meaning}\n# TYPE {family.name} {family.kind}\n"
    samples = (
        f"{family.name}{sample.suffix}{_labels(sample.labels)} {_number(sample.value)}\n"
        for sample in family.samples
    )
    return head + "".join(samples)


def _labels(labels: Mapping[str, str]) -> str:
    said = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{said}}}" if said else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(value) if isinstance(value, int) else repr(float(value))  # numpy's own repr names its type
