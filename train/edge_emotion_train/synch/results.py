"""docs/results/synch-graph.md and .json: protocols, sizes, depths, controls, ablations, by one command."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.figures import draw_confusion
from edge_emotion_train.metrics import (
    accuracy,
    calibration_error,
    confusion_matrix,
    fitted_temperature,
    softmax,
)
from edge_emotion_train.metrics import unweighted_average_recall as uar
from edge_emotion_train.models.synch_graph.gcn import IDENTITY, GcnSettings
from edge_emotion_train.models.synch_graph.settings import PRESETS
from edge_emotion_train.models.synch_graph.synchrony import MEASURES
from edge_emotion_train.run_stamp import stamp
from edge_emotion_train.synch.experiment import (
    KINDS,
    Answers,
    GcnJob,
    Plan,
    claim,
    count_answers,
    gcn_answers,
    gcn_job,
    has_answers,
    run_all,
    spiking_job,
)
from edge_emotion_train.synch.graph_training import PROTOCOLS, GraphTraining
from edge_emotion_train.synch.material import paired_material, read_material
from edge_emotion_train.synch.pairs import CLASSES
from edge_emotion_train.synch.results_page import markdown
from edge_emotion_train.synch.results_picture import draw_protocols
from edge_emotion_train.whole_file import write_text

NAME = "synch-graph"
ABLATED = "reduced"  # the size whose node features and windows are left out one by one
WINDOWS = (0.005, 0.02, 0.05)  # s, beside the paper's .15

Row = dict[str, Any]


def gcn_jobs(sizes: Sequence[str]) -> list[GcnJob]:
    """Every GCN of the page, for one seed: the table, its controls, the ablation."""
    jobs = [
        GcnJob(size, protocol, permuted, GcnSettings(layers=layers))
        for protocol in reversed(PROTOCOLS)
        for size in sizes
        for layers in (3, 2)
        for permuted in (False, True)
    ]
    if ABLATED in sizes:
        jobs += [job for _, job in ablation_jobs()]
    return list(dict.fromkeys(jobs))  # what the ablation leaves whole is in the table already


def ablation_jobs() -> list[tuple[str, GcnJob]]:
    """What is left out, and the GCN without it."""
    found = [("nothing", GcnJob(ABLATED))]
    for name in MEASURES:
        rest = tuple(m for m in MEASURES if m != name)
        found.append((f"without spike {name}", GcnJob(ABLATED, settings=GcnSettings(measures=rest))))
    for name in IDENTITY:
        rest = tuple(m for m in IDENTITY if m != name)
        found.append((f"without {name}", GcnJob(ABLATED, settings=GcnSettings(identity=rest))))
    alone = GcnSettings(measures=(), identity=("modality",))
    found.append(("modality alone (the paper's node feature)", GcnJob(ABLATED, settings=alone)))
    found.append(("without edges", GcnJob(ABLATED, settings=GcnSettings(edges=False))))
    found += [(f"{1000 * w:g} ms in place of 150 ms", GcnJob(ABLATED, window=w)) for w in WINDOWS]
    return found


def make_tables(options: argparse.Namespace, workers: int, command: list[str]) -> None:
    """Compute what is not yet there, then write the page, its numbers and its pictures."""
    sizes = tuple(dict.fromkeys(options.sizes))
    unknown = [size for size in (*sizes, *options.baselines) if size not in PRESETS]
    if unknown:
        raise EdgeEmotionError(f"unknown setting {unknown[0]!r}; known: {', '.join(PRESETS)}")
    plans = [_plan(options, seed, workers) for seed in range(options.seeds)]
    training = GraphTraining(**({"epochs": options.epochs} if options.epochs else {}))
    for plan in plans:
        claim(plan, training)
    run_all(
        [
            (spiking_job, (plan, size, kind))
            for size in sizes
            for plan in plans
            for kind in KINDS
            if kind == "joined" or size in options.baselines
        ],
        workers,
        "spiking networks",
    )
    if not options.partial:
        run_all(
            [(gcn_job, (plan, job, training)) for job in gcn_jobs(sizes) for plan in plans],
            workers,
            "graph networks",
        )
    rows = measured(plans, sizes, options.baselines)
    described = [read_material(plan.material)[0].described for plan in plans]
    made = stamp(command)
    about = {
        "presentations": options.presentations,
        "training": asdict(training),
        "pairing": described,
        "classes": CLASSES,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    write_text(
        options.out / f"{NAME}.json",
        json.dumps({"stamp": made, "about": about, "rows": rows}, indent=1) + "\n",
    )
    write_text(options.out / f"{NAME}.md", markdown(rows, made, about))
    draw_protocols(rows, sizes, options.out / f"{NAME}.png")
    draw(plans, sizes, options.out)


def _plan(options: argparse.Namespace, seed: int, workers: int) -> Plan:
    material = paired_material(options.ravdess, options.fer2013, seed, options.cache, workers)
    file = options.cache / f"synch-pairs-{seed}.npz"
    assert material.seed == seed
    return Plan(file, options.runs / f"seed{seed}", seed, options.presentations, options.backend)


def measured(plans: Sequence[Plan], sizes: Sequence[str], counted: Sequence[str]) -> list[Row]:
    """All rows of the page: means and spreads over the seeds; counted: sizes with rows of spike counts alone."""
    rows = []
    for size in sizes:
        for protocol in reversed(PROTOCOLS):
            for layers in (3, 2):
                for permuted in (False, True):
                    job = GcnJob(size, protocol, permuted, GcnSettings(layers=layers))
                    about = {
                        "part": "protocols", "size": size, "protocol": protocol, "leaky": protocol == "paper",
                        "layers": layers, "permuted": permuted, "model": "Synch-Graph",
                    }  # fmt: skip
                    rows += _row(plans, job, about)
        counts = [count_answers(plan, size) for plan in plans] if size in counted else []
        for name in counts[0] if counts else ():
            about = {"part": "counts", "size": size, "protocol": "inductive", "leaky": False, "model": name}
            rows.append(row_of([found[name] for found in counts], about))
    if ABLATED in sizes:
        for name, job in ablation_jobs():
            about = {
                "part": "ablation",
                "size": ABLATED,
                "protocol": "inductive",
                "leaky": False,
                "model": name,
            }
            rows += _row(plans, job, about)
    return rows


def _row(plans: Sequence[Plan], job: GcnJob, about: Row) -> list[Row]:
    """The row of a GCN over the seeds for which it was trained; none without any."""
    answers = [gcn_answers(plan, job) for plan in plans if has_answers(plan, job)]
    return [row_of(answers, about)] if answers else []


def row_of(answers: Sequence[Answers], about: Row) -> Row:
    """Means and spreads over seeds; each seed's temperature is fitted on its validation clips."""
    scores: dict[str, list[float]] = {"uar": [], "accuracy": [], "calibration_error": []}
    for found in answers:
        said = found.test.argmax(1)
        temperature = fitted_temperature(found.validation_truth, found.validation)
        scores["uar"].append(uar(found.test_truth, said, len(CLASSES)))
        scores["accuracy"].append(accuracy(found.test_truth, said))
        scores["calibration_error"].append(
            calibration_error(found.test_truth, softmax(found.test, temperature))
        )
    row = {
        **about, "corpus": "FER2013 x RAVDESS", "precision": "fp32", "engine": "torch", "classes": len(CLASSES),
        "seeds": len(answers), "folds": 1, "parameters": answers[0].parameters, "test_clips": len(answers[0].test),
    }  # fmt: skip
    for name, values in scores.items():
        row[f"{name}_mean"] = float(np.mean(values))
        row[f"{name}_std"] = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    row["uar_by_seed"] = scores["uar"]
    return row


def draw(plans: Sequence[Plan], sizes: Sequence[str], out: Path) -> None:
    """Pictures: who was taken for whom, and what the first seed's network learned and did."""
    from edge_emotion_train.models.synch_graph.state import read_state
    from edge_emotion_train.synch.experiment import stored_recording
    from edge_emotion_train.synch.pictures import draw_cross, draw_fields, draw_raster, draw_synchrony

    size = sizes[0]
    answers = [gcn_answers(plan, GcnJob(size)) for plan in plans]
    counts = sum(confusion_matrix(a.test_truth, a.test.argmax(1), len(CLASSES)) for a in answers)
    title = f"Synch-Graph {size}, inductive, {len(plans)} seeds"
    draw_confusion(np.asarray(counts), CLASSES, title, out / f"{NAME}-confusion.png")
    plan = plans[0]
    state, _ = read_state(plan.folder / size / "joined" / "network.npz")
    material, _ = read_material(plan.material)
    recording = stored_recording(plan.folder / size / "joined" / "spikes.npz", material, state.settings)
    draw_fields(state, out / f"{NAME}-fields.png")
    draw_cross(state, out / f"{NAME}-cross.png")
    draw_raster(
        recording,
        int(material.shown.of(material.split().test)[3]),
        state.settings,
        out / f"{NAME}-raster.png",
    )
    size = ABLATED if ABLATED in sizes else size  # fewer neurons: a graph that can be looked at
    state, _ = read_state(plan.folder / size / "joined" / "network.npz")
    recording = stored_recording(plan.folder / size / "joined" / "spikes.npz", material, state.settings)
    clip = int(material.split().test[0])
    draw_synchrony(recording, material.shown.clip, clip, state.settings, out / f"{NAME}-synchrony.png")
