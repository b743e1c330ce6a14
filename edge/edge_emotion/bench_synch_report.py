"""The bench of Synch-Graph for people: a table of stages, one of the whole decision, and the verdict."""

from typing import Any

from edge_emotion.bench_path_report import (
    CORE,
    ENGINE_COLUMNS,
    MEMORY_BUDGET,
    STAGE_COLUMNS,
    engine_cells,
    kept_text,
    megabytes,
    stage_cells,
)
from edge_emotion.bench_table import Section, Table, number

RATIO_BUDGET = 0.3  # CPU seconds of a decision with all its presentations, for one second that they cover


def synch_graph_section(result: dict[str, Any]) -> Section:
    """Synch-Graph, from a face that is followed and its sound to probabilities."""
    rows = result["face-voice"]
    note = (
        "Each stage by itself, on pictures of the bundled clip and a made voice, one presentation each half second. "
        "Decision: K presentations and the decision network over the time that they cover; live, each of them is "
        f"computed once, and {CORE} is that of one presentation and one decision each half second. "
        "Finding and following the face comes on top: see the face's page. Percentiles by the clock, shares and "
        "ratios from CPU time. Peak memory in a process of its own, with the face's front end."
    )
    decisions = tuple(
        (
            *engine_cells(row),
            f"{row['presentations']} x {row['neurons']}",
            str(row["events"]),
            f"{row['ratio']:.3f} ({row['ratio_p95']:.3f})",
            number(row["size"], ".0f", 1e-3),
        )
        for row in rows
    )
    columns = (
        *ENGINE_COLUMNS,
        "presentations x neurons",
        "events",
        "decision / real time (p95)",
        "bundle kB",
    )
    tables = (
        Table(STAGE_COLUMNS, 3, tuple(stage_cells(row, cost) for row in rows for cost in row["stages"])),
        Table(columns, 2, decisions),
    )
    return Section("Synch-Graph", note, tables, tuple(_verdict(row) for row in rows))


def _verdict(row: dict[str, Any]) -> str:
    """Whether it keeps within the budgets, and the numbers that say so."""
    kept = row["ratio"] <= RATIO_BUDGET and row["peak_memory"] < MEMORY_BUDGET
    return (
        f"{row['engine']}: {kept_text(kept)} the budgets: a decision with its {row['presentations']} presentations "
        f"costs {row['ratio']:.3f} of real time (at most {RATIO_BUDGET:g}), peak memory {megabytes(row)}"
    )
