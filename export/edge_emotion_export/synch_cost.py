"""What a spiking network costs, by neurons and presentations: docs/results/synch-graph-cost.md and .json."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from edge_emotion.engine import open_named
from edge_emotion.features.spikes import PERIOD, STEPS
from edge_emotion.spiking_network import INPUTS
from edge_emotion_export.spiking_onnx import spiking_network_onnx
from edge_emotion_export.synch_parity import random_events
from edge_emotion_train.models.synch_graph.frozen import brian2_spikes
from edge_emotion_train.models.synch_graph.reference import Events, drive_of, excitatory_spikes
from edge_emotion_train.models.synch_graph.settings import PRESETS, network_settings
from edge_emotion_train.models.synch_graph.simulator import open_simulator
from edge_emotion_train.models.synch_graph.state import NetworkState, initial_state
from edge_emotion_train.run_stamp import stamp
from edge_emotion_train.whole_file import write_text

NAME = "synch-graph-cost"
FEATURES = (4, 8, 20, 40)  # neurons of a window: 32, 64 (reduced), 160 (full) and 320 in all
PRESENTATIONS = (1, 4, 16)
REPEATED = 5  # times, of which the median counts
LEARNED = 10  # presentations of the learning that is timed

Row = dict[str, Any]
Report = Callable[[str], None]


def write_synch_cost(out: Path, command: Sequence[str], report: Report = lambda line: None) -> None:
    """Measure frozen networks in three runtimes and learning in one; write the table in both forms."""
    out.mkdir(parents=True, exist_ok=True)
    rows = [row for features in FEATURES for row in frozen_rows(features, report)]
    rows += [learning_row(size, report) for size in PRESETS]
    made = stamp(list(command))
    write_text(out / f"{NAME}.json", json.dumps({"stamp": made, "rows": rows}, indent=1) + "\n")
    write_text(out / f"{NAME}.md", markdown(rows, made))
    report(f"wrote {out / NAME}.md and .json")


def frozen_rows(features: int, report: Report) -> list[Row]:
    """A row for each number of presentations: seconds of real time, and of each runtime."""
    settings = network_settings("reduced", features=features)
    state = initial_state(settings, 0).frozen()
    events = random_events(settings, max(PRESENTATIONS), 0)
    outputs = {"spikes": ("float32", (STEPS, settings.neurons))}
    network = open_named(spiking_network_onnx(state), INPUTS, outputs, "the spiking network", 1)
    rows = []
    for count in PRESENTATIONS:
        shown = events[:count]
        row: Row = {
            "neurons": settings.neurons,
            "presentations": count,
            "duration_s": count * PERIOD,
            "events": int(sum(len(steps) for steps, _ in shown)),
            "onnx_s": median(lambda: [network.run_named({"steps": s, "inputs": i}) for s, i in shown]),  # noqa: B023
            "numpy_s": median(lambda: reference(state, shown)),  # noqa: B023
        }
        if features in (8, 20):  # Brian2 generates its code anew for each size
            row["brian2_s"] = median(lambda: brian2_spikes(state, shown), 2)  # noqa: B023
        rows.append(row)
        report(
            f"{settings.neurons} neurons, {count} presentations: {1000 * row['onnx_s'] / count:.1f} ms each in ONNX"
        )
    return rows


def reference(state: NetworkState, shown: Sequence[Events]) -> None:
    """The presentations in NumPy, all at once."""
    excitatory_spikes(state, np.stack([drive_of(state, events) for events in shown]))


def learning_row(size: str, report: Report) -> Row:
    """Learning in Brian2's compiled program: seconds to build it, and of a presentation."""
    settings = network_settings(size)
    random = np.random.default_rng(0)
    rates = {
        m: random.random((LEARNED, settings.inputs(m))).astype(np.float32) * 16 for m in settings.modalities
    }
    began = perf_counter()
    simulator = open_simulator(settings, LEARNED)
    built = perf_counter() - began
    try:
        state = initial_state(settings, 0)
        taken = median(lambda: simulator.run(state, rates, 1), 3)
    finally:
        simulator.close()
    report(f"{size}: {1000 * taken / LEARNED:.0f} ms a presentation to learn, {built:.0f} s to build")
    return {"size": size, "neurons": settings.neurons, "build_s": built, "learning_s": taken / LEARNED}


def median(run: Callable[[], Any], times: int = REPEATED) -> float:
    """Seconds of a run, the median after one that is not counted."""
    run()
    taken = []
    for _ in range(times):
        began = perf_counter()
        run()
        taken.append(perf_counter() - began)
    return float(np.median(taken))


def markdown(rows: Sequence[Row], made: Row) -> str:
    """The page: cost of a presentation, and how it grows."""
    frozen = [row for row in rows if "onnx_s" in row]
    lines = [
        "# Synch-Graph: what its spiking network costs",
        "",
        f"Written by `{made['command']}` on {made['date']}, commit {made['commit']}, {made['machine']}, one thread.",
        "",
        "Frozen networks on drawn spike trains: seconds for all presentations together, in brackets over the real time",
        "that they cover. Medians after a warm-up run. Brian2 runs with NumPy and includes the generation of its code.",
        "",
        "| neurons | presentations | real time s | input spikes | ONNX Runtime | NumPy reference | Brian2 |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in frozen:
        cells = [_time(row, key) for key in ("onnx_s", "numpy_s", "brian2_s")]
        first = f"| {row['neurons']} | {row['presentations']} | {row['duration_s']:g} | {row['events']:,} | "
        lines.append(first + " | ".join(cells) + " |")
    lines += [
        "",
        f"Growth in ONNX Runtime, as a power: with neurons {growth(frozen, 'neurons'):.2f}, with presentations",
        f"{growth(frozen, 'presentations'):.2f} (1 is in proportion).",
        "",
        "Learning, Brian2's compiled C++ program with STDP, both senses:",
        "",
        "| setting | neurons | to build s | a presentation s |",
        "|---|---|---|---|",
        *(
            f"| `{row['size']}` | {row['neurons']} | {row['build_s']:.1f} | {row['learning_s']:.3f} |"
            for row in rows
            if "learning_s" in row
        ),
        "",
    ]
    return "\n".join(lines)


def _time(row: Row, key: str) -> str:
    return f"{row[key]:.3f} ({row[key] / row['duration_s']:.3f})" if key in row else "-"


def growth(rows: Sequence[Row], by: str) -> float:
    """Slope of log cost over log size, the other size at its largest."""
    other = "presentations" if by == "neurons" else "neurons"
    most = max(row[other] for row in rows)
    chosen = sorted((row for row in rows if row[other] == most), key=lambda row: row[by])
    first, last = chosen[0], chosen[-1]
    return math.log(last["onnx_s"] / first["onnx_s"]) / math.log(last[by] / first[by])
