"""One network in every format and precision asked for: converted, proven, judged, the quickest first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from edge_emotion.engine import Engine, open_network
from edge_emotion.errors import EdgeEmotionError
from edge_emotion_export.gates import LEAVE_OUT, Agreement, agreement, check_agreement, check_finite, outputs
from edge_emotion_export.interface import Interface
from edge_emotion_export.onnx_file import onnx_bytes
from edge_emotion_export.tflite_file import tflite_bytes

FORMATS: dict[str, tuple[str, Callable[[nn.Module, Interface], bytes]]] = {
    "tflite": ("litert", tflite_bytes),
    "onnx": ("onnx", onnx_bytes),
}
"""File format -> (engine that runs it, its converter)."""
FP32 = "fp32"
SMALLER, SLOWER = 0.9, 1.05  # what is left out unless asked for: over these shares of fp32's bytes or time
WARM_UP = 10  # runs of each file before those that count
ROUNDS = 41  # runs of each file, in turn, whose median orders them

Array = NDArray[np.float32]
Report = Callable[[str], None]


@dataclass(frozen=True)
class Subject:
    """A network to write. name: how lines and errors call it; stem: of its files.

    prove: compares an opened fp32 file with the trained model and gives what the card keeps, and a line. probes: named
    inputs on which any output must be finite. logits: what judges outputs, (n, outputs) -> (n, C).
    """

    name: str
    stem: str
    folded: nn.Module
    interface: Interface
    prove: Callable[[Engine], tuple[dict[str, Any], str]]
    probes: Callable[[], Iterable[tuple[str, Array]]]
    logits: Callable[[Array], Array]


@dataclass(frozen=True)
class Judged:
    """Inputs for ranges (n, ...), inputs to judge by (m, ...) and their classes (m,)."""

    ranges: Array
    check: Array
    truth: NDArray[np.int64]


@dataclass(frozen=True)
class WrittenNetwork:
    """One file. proof: of fp32 against torch; agreement: of another precision with fp32."""

    entry: Mapping[str, str]
    content: bytes
    proof: Mapping[str, Any]
    agreement: Agreement | None


def write_networks(
    subject: Subject,
    kinds: Sequence[str],
    precisions: Sequence[str],
    judged: Judged | None,
    strict: bool,
    report: Report,
) -> list[WrittenNetwork]:
    """Make every file; of each engine the quickest on this machine comes first, which is what a device takes.

    kinds: of FORMATS. precisions: of quantize.PRECISIONS; all but fp32 need `judged`. strict: a precision that fails
    its gate is an error, else it is left out and said so, as is one that is neither smaller nor as quick as fp32.
    EdgeEmotionError when parity fails, or a gate.
    """
    from edge_emotion_export.quantize import quantized

    written: list[WrittenNetwork] = []
    for kind in kinds:
        engine_name, convert = FORMATS[kind]
        report(f"converting the {subject.name} to {kind}")
        content = convert(subject.folded, subject.interface)
        where = f"the exported {engine_name} {subject.name}"
        plain = open_network(content, engine_name, subject.interface.shapes, where)
        proof, line = subject.prove(plain)
        made: list[tuple[str, bytes, Engine, Agreement | None]] = []
        if FP32 in precisions:
            report(f"{_file(subject, FP32, kind)}: {len(content) / 1000:.0f} kB; {line}")
            made.append((FP32, content, plain, None))
        reference = None
        for precision in precisions:
            if precision == FP32 or judged is None:
                continue
            reference = outputs(plain, judged.check) if reference is None else reference
            try:
                small = quantized(content, kind, precision, judged.ranges)
                opened = open_network(small, engine_name, subject.interface.shapes, f"{where} ({precision})")
                check_finite(opened, subject.probes(), precision)
                found = agreement(
                    subject.logits(reference), subject.logits(outputs(opened, judged.check)), judged.truth,
                    engine_name, precision,
                )  # fmt: skip
                check_agreement(found, subject.name)
                if not strict and len(small) > SMALLER * len(content):
                    raise EdgeEmotionError(
                        f"the {engine_name} {precision} {subject.name} is hardly smaller than fp32"
                    )
            except EdgeEmotionError as failure:
                if strict:
                    raise
                said = (
                    str(failure).removeprefix("gate failed, nothing written: ").removesuffix(f"; {LEAVE_OUT}")
                )
                report(f"left out: {said}")
                continue
            report(f"{_file(subject, precision, kind)}: {len(small) / 1000:.0f} kB; {_said(found)}")
            made.append((precision, small, opened, found))
        seconds = _seconds([engine for _, _, engine, _ in made], subject.interface)
        plain_seconds = seconds[0] if made and made[0][0] == FP32 else float("inf")
        for i in sorted(range(len(made)), key=seconds.__getitem__):
            precision, network, _, judgement = made[i]
            if not strict and seconds[i] > SLOWER * plain_seconds:
                report(
                    f"left out: the {engine_name} {precision} {subject.name} is slower than fp32 on this machine"
                )
                continue
            entry = {"file": _file(subject, precision, kind), "engine": engine_name, "precision": precision}
            written.append(WrittenNetwork(entry, network, proof if precision == FP32 else {}, judgement))
    return written


def about_networks(written: Sequence[WrittenNetwork]) -> dict[str, Any]:
    """What a bundle keeps of the judging: sizes, agreement and UAR of each quantised file."""
    from edge_emotion_export.micro import micro_needs

    return {
        network.entry["file"]: {
            "bytes": len(network.content), "lost": network.agreement.lost,
            **{k: v for k, v in asdict(network.agreement).items() if k not in ("engine", "precision")},
            **({"micro": asdict(micro_needs(network.content))} if network.entry["file"].endswith(".tflite") else {}),
        }
        for network in written
        if network.agreement is not None
    }  # fmt: skip


def _file(subject: Subject, precision: str, kind: str) -> str:
    return f"{subject.stem}-{precision}.{kind}"


def _said(found: Agreement) -> str:
    return (
        f"in {found.engine}, first answer as fp32's in {100 * found.agreement:.2f} % of {found.windows} judged, "
        f"UAR {100 * found.uar:.2f} against {100 * found.uar_fp32:.2f} %"
    )


def _seconds(engines: Sequence[Engine], interface: Interface) -> list[float]:
    """Median CPU seconds of a run of each."""
    return [median(times) for times in run_seconds(engines, interface.input_shape, ROUNDS)]


def run_seconds(engines: Sequence[Engine], shape: tuple[int, ...], rounds: int) -> list[list[float]]:
    """CPU seconds of runs of each engine, one thread, taken in turn so that all meet the same machine."""
    probe = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    spent: list[list[float]] = [[] for _ in engines]
    for number in range(WARM_UP + rounds):
        for engine, times in zip(engines, spent, strict=True):
            started = process_time()
            engine.run(probe)
            if number >= WARM_UP:
                times.append(process_time() - started)
    return spent
