"""The paths of the bench for people: a table of stages, one of engines, and the verdict against the budgets."""

from typing import Any

from edge_emotion.bench_table import Section, Table, number

FEATURES_BUDGET = 0.03  # CPU seconds of the voice's features for one second of sound
MEMORY_BUDGET = 200e6  # bytes at the peak
RATIO_BUDGET = 1.5  # all that the face's recogniser does for a frame, in FaceMesh invokes
RATIO_AIM = 1.2
GRAPH_BUDGET = 0.5  # one window of L-GrIN, in FaceMesh invokes
CORE = "% of a core"
STAGE_COLUMNS = ("engine", "precision", "stage", "p50 ms", "p95 ms", "p99 ms", CORE)
ENGINE_COLUMNS = ("engine", "version", "hops", f"{CORE}, all", "peak memory MB", "start s")


def voice_section(result: dict[str, Any]) -> Section:
    """The voice's path: of a microphone's block, all times those of one hop of sound."""
    rows = result["voice"]
    note = (
        "Each stage by itself, the time that one hop of sound takes: 48 kHz stereo of a microphone to 16 kHz mono "
        "(capture), speech or not (voice activity), descriptors (features), rolling window, standardisation and "
        "softmax (window), the network alone, smoothing, fusion and the JSON line (event). "
        f"Percentiles by the clock, {CORE} from CPU time at the live rate."
    )
    tables = (
        Table(STAGE_COLUMNS, 3, tuple(stage_cells(row, cost) for row in rows for cost in row["stages"])),
        Table(ENGINE_COLUMNS, 2, tuple(engine_cells(row) for row in rows)),
    )
    return Section("Voice", note, tables, tuple(_voice_verdict(row) for row in rows))


def face_section(result: dict[str, Any]) -> Section:
    """The face's path, beside FaceMesh alone."""
    rows, made = result["face"], result["stamp"]
    note = (
        f"Frames of the bundled {made['clip']}, {made['fps']} a second, decoded before; every stage in turn on the "
        "same frame. Capture: a USB camera's YUYV to B,G,R at 640 x 480; all: what the recogniser does for a frame, "
        "front end, appearance and graph; event: fusion and the JSON line. The graph's share is that of its hops, the "
        "appearance's that of its periods. Percentiles by the clock, shares and ratios from CPU time. Peak memory in a "
        "process of its own."
    )
    stages = tuple(
        (*stage_cells(row, cost), number(cost["share"], ".2f", 1e3 / made["fps"]))
        for row in rows
        for cost in row["stages"]
    )
    ratios = tuple(
        (
            *engine_cells(row),
            f"{row['ratio']:.2f} ({row['ratio_p95']:.2f})",
            number(row["graph_ratio"]),
            row["memory_of"],
        )
        for row in rows
    )
    tables = (
        Table((*STAGE_COLUMNS, "CPU ms a frame"), 3, stages),
        Table((*ENGINE_COLUMNS, "all / FaceMesh (p95)", "L-GrIN / FaceMesh", "memory of"), 2, ratios),
    )
    return Section("Face", note, tables, tuple(_face_verdict(row) for row in rows))


def stage_cells(row: dict[str, Any], cost: dict[str, Any]) -> tuple[str, ...]:
    """The cells of STAGE_COLUMNS."""
    times = (number(cost[name], ".2f", 1e3) for name in ("p50", "p95", "p99"))
    return (row["engine"], row["precision"], cost["stage"], *times, number(cost["share"], ".2f", 100))


def engine_cells(row: dict[str, Any]) -> tuple[str, ...]:
    """The cells of ENGINE_COLUMNS."""
    return (
        row["engine"],
        row["version"],
        str(row["hops"]),
        number(row["cpu_share"], ".1f", 100),
        number(row["peak_memory"], ".0f", 1e-6),
        number(row["start"]),
    )


def _voice_verdict(row: dict[str, Any]) -> str:
    """Whether an engine keeps within the budgets, and the numbers that say so."""
    (share,) = (cost["share"] for cost in row["stages"] if cost["stage"] == "features")
    kept = share < FEATURES_BUDGET and row["peak_memory"] < MEMORY_BUDGET
    return (
        f"{row['engine']}: {kept_text(kept)} the budgets: features' real-time factor {share:.4f} "
        f"(under {FEATURES_BUDGET:g}), peak memory {megabytes(row)}"
    )


def _face_verdict(row: dict[str, Any]) -> str:
    kept = (
        row["ratio"] <= RATIO_BUDGET
        and row["graph_ratio"] <= GRAPH_BUDGET
        and row["peak_memory"] < MEMORY_BUDGET
    )
    return (
        f"{row['engine']}: {kept_text(kept)} the budgets: a frame costs {row['ratio']:.2f} FaceMesh invokes "
        f"(at most {RATIO_BUDGET:g}, aim {RATIO_AIM:g}), a window of L-GrIN {row['graph_ratio']:.2f} "
        f"(at most {GRAPH_BUDGET:g}), peak memory with {row['memory_of']} {megabytes(row)}"
    )


def kept_text(kept: bool) -> str:
    """How a verdict begins."""
    return "within" if kept else "BEYOND"


def megabytes(row: dict[str, Any]) -> str:
    """Peak memory beside its budget."""
    return f"{row['peak_memory'] / 1e6:.0f} MB (under {MEMORY_BUDGET / 1e6:.0f} MB)"
