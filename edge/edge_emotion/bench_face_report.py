"""The face path's bench for people: tables, the verdict against the budgets, and the result files."""

from pathlib import Path
from typing import Any

from edge_emotion.bench_report import MEMORY_BUDGET, made_with, write_pages

RATIO_BUDGET = 1.5  # all that the face path does for a frame, in FaceMesh invokes
RATIO_AIM = 1.2
GRAPH_BUDGET = 0.5  # one window of L-GrIN, in FaceMesh invokes


def markdown(result: dict[str, Any]) -> str:
    """Write a result as a page: the stamp, a table of parts, and one of engines."""
    made = result["stamp"]
    lines = [
        f"{made_with(made)} Frames of the bundled {made['clip']}, {made['fps']} a second, decoded before; every part "
        "in turn on the same frame. Percentiles by the clock, ratios of CPU time. Peak memory: face and voice "
        "together, in a process of its own.",
        "",
        "| engine | part | p50 ms | p95 ms | p99 ms | CPU ms a frame |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in result["rows"]:
        for cost in row["parts"]:
            numbers = [cost["p50"], cost["p95"], cost["p99"], cost["per_frame"]]
            cells = ["-" if n is None else f"{n * 1e3:.2f}" for n in numbers]
            lines.append(f"| {row['engine']} | {cost['part']} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "| engine | version | hops | all / FaceMesh (p95) | L-GrIN / FaceMesh | peak memory MB |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in result["rows"]:
        lines.append(
            f"| {row['engine']} | {row['version']} | {row['hops']} | {row['ratio']:.2f} ({row['ratio_p95']:.2f}) "
            f"| {row['graph_ratio']:.2f} | {row['peak_memory'] / 1e6:.0f} |"
        )
    return "\n".join(lines)


def verdict(result: dict[str, Any]) -> list[str]:
    """One line for each engine: whether it keeps within the budgets, and the numbers that say so."""
    lines = []
    for row in result["rows"]:
        kept = (
            row["ratio"] <= RATIO_BUDGET
            and row["graph_ratio"] <= GRAPH_BUDGET
            and row["peak_memory"] < MEMORY_BUDGET
        )
        lines.append(
            f"{row['engine']}: {'within' if kept else 'BEYOND'} the budgets: a frame costs {row['ratio']:.2f} "
            f"FaceMesh invokes (at most {RATIO_BUDGET:g}, aim {RATIO_AIM:g}), a window of L-GrIN "
            f"{row['graph_ratio']:.2f} (at most {GRAPH_BUDGET:g}), peak memory with face and voice "
            f"{row['peak_memory'] / 1e6:.0f} MB (under {MEMORY_BUDGET / 1e6:.0f} MB)"
        )
    return lines


def write_result(result: dict[str, Any], folder: Path) -> None:
    """Write face-latency.json and, for people, face-latency.md; EdgeEmotionError when it cannot."""
    page = f"# Face: latency and cost on a device\n\n{markdown(result)}\n\n"
    write_pages("face-latency", result, page + "".join(f"- {line}\n" for line in verdict(result)), folder)
