"""A bench result for people: tables, the verdict against the budgets, and the result files."""

import json
from pathlib import Path
from typing import Any

from edge_emotion.errors import EdgeEmotionError

FEATURES_BUDGET = 0.03  # seconds of features' computing for one second of sound
MEMORY_BUDGET = 200e6  # bytes at the peak


def made_with(stamp: dict[str, Any]) -> str:
    """Say in one line when, where and by what a result was made."""
    versions = ", ".join(f"{name} {version}" for name, version in stamp["versions"].items())
    return (
        f"{stamp['date']}, commit {stamp['commit']}, {stamp['machine']}, {stamp['kernel']}, "
        f"Python {stamp['python']}; {versions}; threads: {stamp['threads']}, "
        f"warm-up: {stamp['warm_up_windows']} windows. Written by `{stamp['command']}`."
    )


def markdown(result: dict[str, Any]) -> str:
    """Write a result as a page: the stamp, then one table of stages and one of engines."""
    lines = [
        made_with(result["stamp"]),
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


def plain(page: str, judged: list[str]) -> str:
    """Write a page of markdown() and its verdict for a terminal: the stamp and the two tables in columns."""
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    widths = [max(len(row[i]) for row in rows if len(row) > i) for i in range(6)]
    columns = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([page.splitlines()[0], "", *columns, "", *judged])


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
    write_pages("voice-latency", result, page, folder)


def write_pages(name: str, result: dict[str, Any], page: str, folder: Path) -> None:
    """Write folder/name.json for programs and folder/name.md for people; EdgeEmotionError when it cannot."""
    texts = {f"{name}.json": json.dumps(result, indent=1) + "\n", f"{name}.md": page}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            part = folder / f".{file}.part"
            part.write_text(text)
            part.replace(folder / file)
    except OSError as error:
        raise EdgeEmotionError(
            f"--out: cannot write to {folder} ({error.strerror}); give a folder that you may write to"
        ) from error
