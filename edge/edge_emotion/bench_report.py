"""A bench result for people: tables, the verdict against the budgets, and the result files."""

import json
from pathlib import Path
from typing import Any

from edge_emotion.errors import EdgeEmotionError

FEATURES_BUDGET = 0.03  # seconds of features' computing for one second of sound
MEMORY_BUDGET = 200e6  # bytes at the peak


def markdown(result: dict[str, Any]) -> str:
    """Write a result as a page: the stamp, then one table of stages and one of engines."""
    made = result["stamp"]
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    lines = [
        f"{made['date']}, commit {made['commit']}, {made['machine']}, {made['kernel']}, "
        f"Python {made['python']}; {versions}; threads: {made['threads']}, "
        f"warm-up: {made['warm_up_windows']} windows. Written by `{made['command']}`.",
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
    return "\n".join([markdown(result).splitlines()[0], "", *columns, "", *verdict(result)])


def verdict(result: dict[str, Any]) -> list[str]:
    """One line for each engine: whether it keeps within the budgets, and the numbers that say so."""
    lines = []
    for row in result["rows"]:
        (share,) = (cost["share"] for cost in row["stages"] if cost["stage"] == "features")
        kept = share < FEATURES_BUDGET and row["peak_memory"] < MEMORY_BUDGET
        lines.append(
            f"{row['engine']}: {'within' if kept else 'BEYOND'} the budgets: features' real-time factor "
            f"{share:.4f} (under {FEATURES_BUDGET:g}), peak memory {row['peak_memory'] / 1e6:.0f} MB "
            f"(under {MEMORY_BUDGET / 1e6:.0f} MB)"
        )
    return lines


def write_result(result: dict[str, Any], folder: Path) -> None:
    """Write voice-latency.json and, as tables for people, voice-latency.md; EdgeEmotionError when it cannot."""
    page = f"# Voice: latency and cost on a device\n\n{markdown(result)}\n\n"
    page += "".join(f"- {line}\n" for line in verdict(result))
    texts = {"voice-latency.json": json.dumps(result, indent=1) + "\n", "voice-latency.md": page}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            part = folder / f".{name}.part"
            part.write_text(text)
            part.replace(folder / name)
    except OSError as error:
        raise EdgeEmotionError(
            f"--out: cannot write to {folder} ({error.strerror}); give a folder that you may write to"
        ) from error
