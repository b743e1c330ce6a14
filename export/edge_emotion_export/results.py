"""docs/results/export.md and export.json: every network in every format and precision, by one command."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.engine import Engine, open_network
from edge_emotion.errors import EdgeEmotionError
from edge_emotion_export.calibration import Calibration, calibration_file, load_calibration
from edge_emotion_export.gates import agreement, check_finite, outputs
from edge_emotion_export.micro import micro_needs
from edge_emotion_export.network_files import FORMATS, FP32, Report, Subject, run_seconds
from edge_emotion_export.quantize import PRECISIONS, quantized
from edge_emotion_export.static_error import ErrorRow, cause, static_error_rows
from edge_emotion_export.subjects import crop_subject, window_subject
from edge_emotion_export.trained_model import load_trained_model
from edge_emotion_train.run_stamp import stamp
from edge_emotion_train.whole_file import write_text

ROUNDS = 101  # runs of each file, in turn
SHOWN = 6  # operations of each recipe in the table for people
BASE = ("onnx", FP32)  # what times are told against

Array = NDArray[np.float32]


def write_export_results(
    runs: Sequence[str | Path], out: str | Path, command: str, report: Report = lambda line: None
) -> None:
    """Convert, judge and time each run's networks; write export.json and export.md in `out`.

    Nothing is refused here: what fails its gate stands in the table as failing. EdgeEmotionError for a run without a
    model or without calibration data.
    """
    folder = Path(out)
    if not folder.is_dir():
        raise EdgeEmotionError(f"there is no folder {folder}: make it, or name another with --out")
    rows: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for run in runs:
        trained = load_trained_model(run)
        data = load_calibration(calibration_file(run, None), trained)
        name = Path(run).name
        parameters = trained.model.parameter_count()["total"]
        subject = window_subject(trained, name)
        rows += _rows(f"{name}: L-GrIN", parameters, subject, data, False, report)
        report(f"{name}: the static error, operation by operation")
        errors += _static_errors(f"{name}: L-GrIN", subject, data.windows, data.check)
        if trained.appearance is not None:
            count = trained.appearance.model.parameter_count()
            crops = crop_subject(trained.appearance, name)
            rows += _rows(f"{name}: appearance", count["total"] - count["head"], crops, data, True, report)
    made = stamp(command.split())
    table = {"stamp": made, "rows": rows, "static_error": errors}
    write_text(folder / "export.json", json.dumps(table, indent=1) + "\n")
    write_text(folder / "export.md", markdown(rows, errors, made))
    report(f"wrote {folder / 'export.md'}")


def _rows(
    model: str, parameters: int, subject: Subject, data: Calibration, crops: bool, report: Report
) -> list[dict[str, Any]]:
    ranges, check = (data.crops, data.check_crops) if crops else (data.windows, data.check)
    rows: list[dict[str, Any]] = []
    engines: list[Engine] = []
    for kind, (engine_name, convert) in FORMATS.items():
        plain = convert(subject.folded, subject.interface)
        reference: Array | None = None
        for precision in PRECISIONS:
            report(f"{model}, {engine_name} {precision}")
            content = quantized(plain, kind, precision, ranges)
            where = f"the {engine_name} {precision} network of {model}"
            engine = open_network(content, engine_name, subject.interface.shapes, where)
            said = subject.logits(outputs(engine, check))
            reference = said if reference is None else reference
            found = agreement(reference, said, data.truth, engine_name, precision)
            difference, failure = found.difference, found.problem
            try:
                check_finite(engine, subject.probes(), precision)
                if precision == FP32:
                    proof, _ = subject.prove(engine)
                    difference = max(value for value in proof.values() if isinstance(value, float))
            except EdgeEmotionError as reason:
                failure = str(reason)
            rows.append({
                "model": model, "parameters": parameters, "format": kind, "engine": engine_name,
                "precision": precision, "bytes": len(content), "difference": difference,
                "agreement": found.agreement, "uar": found.uar, "uar_fp32": found.uar_fp32, "windows": found.windows,
                "passes": failure is None, "problem": failure,
                **({"micro": asdict(micro_needs(content))} if (kind, precision) == ("tflite", "int8") else {}),
            })  # fmt: skip
            engines.append(engine)
    times_of_each = run_seconds(engines, subject.interface.input_shape, ROUNDS)
    for row, times in zip(rows, times_of_each, strict=True):
        row["p50_seconds"] = median(times)
    base = next(row for row in rows if (row["engine"], row["precision"]) == BASE)["p50_seconds"]
    for row in rows:
        row["time_ratio"] = row["p50_seconds"] / base
    return rows


def _static_errors(model: str, subject: Subject, ranges: Array, check: Array) -> list[dict[str, Any]]:
    plain = FORMATS["tflite"][1](subject.folded, subject.interface)
    rows: dict[str, list[ErrorRow]] = static_error_rows(plain, ranges, check)
    return [
        {"model": model, "recipe": recipe, "cause": cause(found), "rows": [asdict(row) for row in found]}
        for recipe, found in rows.items()
    ]


def markdown(rows: Sequence[dict[str, Any]], errors: Sequence[dict[str, Any]], made: dict[str, Any]) -> str:
    """The tables for people."""
    lines = [
        "# Export: formats and precisions", "",
        f"Written by `{made['command']}` on {made['date']}, commit {made['commit']}, {made['machine']}.", "",
        "Difference: of fp32 the largest to torch on probe inputs; of the others the largest of a logit to fp32 of the",
        "same format, over windows kept for judging (face: FER2013's validation stills, held; voice: the calibration",
        "twin's speakers, whom the shipped network heard). Agreement: share of them with the same first answer. Time:",
        "median CPU time of a run, one thread, all files in turn, as a ratio to ONNX Runtime fp32. Gate: parity with",
        "torch, finite on extreme inputs, at least 99 % agreement, at most half a point of UAR lost. The appearance",
        "network is judged through the head that trained it.", "",
    ]  # fmt: skip
    for model in dict.fromkeys(row["model"] for row in rows):
        mine = [row for row in rows if row["model"] == model]
        lines += [
            f"## {model}, {mine[0]['parameters']:,} parameters", "",
            "| format | precision | KB | max difference | agreement % | UAR % (fp32) | time / ONNX fp32 | gate |",
            "|---|---|---:|---:|---:|---:|---:|---|",
        ]  # fmt: skip
        lines += [
            f"| {row['format']} | {row['precision']} | {row['bytes'] / 1000:.0f} | {row['difference']:.1e} "
            f"| {100 * row['agreement']:.2f} | {100 * row['uar']:.2f} ({100 * row['uar_fp32']:.2f}) "
            f"| {row['time_ratio']:.2f} | {'passes' if row['passes'] else 'fails'} |"
            for row in mine
        ]
        lines.append("")
    lines += _static_error_lines(errors)
    lines += _micro_lines(rows)
    return "\n".join(lines)


def _static_error_lines(errors: Sequence[dict[str, Any]]) -> list[str]:
    """What the error of static int8 is made of, with the plain recipe and with ours."""
    lines = [
        "## What the static error is made of", "",
        "TFLite static int8 with the plain recipe (everything int8, ranges from true minimum to maximum) and with",
        "ours, the operations that make most of the error. Spread: largest over median size of a layer's weights'",
        "columns. Error: of the operation's output in the whole int8 network; alone: of the network's output, in its",
        "own unit, when this operation alone is int8; both root mean square.", "",
    ]  # fmt: skip
    for found in errors:
        said = found["cause"]
        lines += [
            f"**{found['model']}, {found['recipe']} recipe**: {said}. Error of the output: "
            f"{100 * found['rows'][-1]['error']:.1f} %.", "",
            "| operation | output | range | step | spread | error % | alone | share % |",
            "|---|---|---|---:|---:|---:|---:|---:|",
        ]  # fmt: skip
        most = sorted(found["rows"], key=lambda row: -row["share"])[:SHOWN]
        lines += [
            f"| {row['operation']} | {'x'.join(map(str, row['shape']))} | {row['low']:.2f} .. {row['high']:.2f} "
            f"| {row['scale']:.4f} | {row['spread']:.0f} | {100 * row['error']:.1f} | {row['alone']:.4f} "
            f"| {100 * row['share']:.1f} |"
            for row in most
        ]
        lines.append("")
    return lines


def _micro_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What TensorFlow Lite Micro would need for each int8 TFLite file."""
    lines = [
        "## On a microcontroller", "",
        "What TensorFlow Lite Micro would need for the int8 TFLite files: RAM for activations by its greedy plan (its",
        "own records come on top), flash for constants, and operators that it lacks. Nothing was run on one.", "",
        "| model | arena KB | weights KB | operators | missing in Micro |", "|---|---:|---:|---|---|",
    ]  # fmt: skip
    for row in rows:
        if "micro" in row:
            needs = row["micro"]
            lines.append(
                f"| {row['model']} | {needs['arena_bytes'] / 1000:.0f} | {needs['weights_bytes'] / 1000:.0f} "
                f"| {', '.join(needs['operators'])} | {', '.join(needs['unsupported']) or 'none'} |"
            )
    return [*lines, ""]
