"""docs/results/body.md and .json: the body network and a forest on the same folds, by one command."""

import argparse
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.body import BODY, BODY_RAW
from edge_emotion_train.body import FEATURES, STYLES, leave_one_action_out, plan, settings_of
from edge_emotion_train.body_nodes import load_takes
from edge_emotion_train.corpora import bandai_namco
from edge_emotion_train.experiment import Outcome, run_jobs
from edge_emotion_train.figures import draw_confusion
from edge_emotion_train.metrics import accuracy, calibration_error, confusion_matrix, softmax
from edge_emotion_train.metrics import unweighted_average_recall as uar
from edge_emotion_train.motion_forest import TREES, forest_logits
from edge_emotion_train.node_cache import ClipNodes
from edge_emotion_train.run_folder import fold_temperatures, write_run
from edge_emotion_train.run_stamp import stamp
from edge_emotion_train.whole_file import write_text

NAME = "body"
Row = dict[str, Any]
LABELS = bandai_namco.LABELS
FOUR = STYLES["four"]
ASKED = [LABELS.index(label) for label in FOUR]  # the four among the fifteen


def make_tables(options: argparse.Namespace, device: str, workers: int, command: list[str]) -> None:
    """Train what is not yet trained, measure it, write the page, its numbers and the confusion of both tasks."""
    takes = load_takes(bandai_namco.clips(options.data))
    made = plan("loao", takes, "all", settings_of(options.epochs), range(options.seeds))
    folder = options.runs / "loao"
    outcomes = run_jobs(made.jobs, made.recipe, takes, folder, device, workers, "body, leave one action out")
    write_run(folder, made.recipe, outcomes, "Bandai-Namco 1, leave one action out", command)
    kinds = np.array([LABELS.index(take.clip.label) for take in takes], np.int64)
    said = {seed: _pooled(outcomes, seed, len(takes)) for seed in range(options.seeds)}
    parameters = next(outcome.parameters for outcome in outcomes)
    rows = _rows("L-GrIN edge, of fifteen styles", kinds, list(said.values()), parameters)
    temperatures = fold_temperatures(outcomes)
    rows[0]["calibration_error_mean"] = float(
        np.mean([_calibration(outcomes, seed, temperatures) for seed in range(options.seeds)])
    )
    rows += _forests(takes, kinds, range(options.seeds))
    about = {
        "takes": len(takes), "folds": len({outcome.job.fold for outcome in outcomes}), "seeds": options.seeds,
        "epochs": made.recipe.settings.epochs,
    }  # fmt: skip
    stamped = stamp(command)
    options.out.mkdir(parents=True, exist_ok=True)
    write_text(
        options.out / f"{NAME}.json",
        json.dumps({"stamp": stamped, "about": about, "rows": rows}, indent=1) + "\n",
    )
    write_text(options.out / f"{NAME}.md", markdown(rows, stamped, about))
    logits = np.concatenate(list(said.values()))
    truth = np.tile(kinds, options.seeds)
    counts = confusion_matrix(truth, logits.argmax(1), len(LABELS))
    draw_confusion(counts, LABELS, "L-GrIN, fifteen styles", options.out / f"{NAME}-confusion.png")


def _pooled(outcomes: Sequence[Outcome], seed: int, takes: int) -> NDArray[np.float64]:
    """(takes, 15) what the networks of a seed said of the takes that they did not learn from."""
    logits = np.full((takes, len(LABELS)), np.nan)
    for outcome in outcomes:
        if outcome.job.role == "test" and outcome.job.seed == seed:
            logits[list(outcome.job.measure)] = outcome.logits
    if np.isnan(logits).any():
        raise EdgeEmotionError(
            f"seed {seed} has takes that no network was measured on; delete the runs and go on"
        )
    return logits


def _calibration(outcomes: Sequence[Outcome], seed: int, temperatures: dict[str, float]) -> float:
    """Calibration error over all takes, each at the temperature of its fold's validation action."""
    own = [o for o in outcomes if o.job.role == "test" and o.job.seed == seed]
    truth = np.concatenate([o.truth for o in own])
    probabilities = np.concatenate([softmax(o.logits, temperatures[o.job.fold]) for o in own])
    return calibration_error(truth, probabilities)


def _rows(
    model: str, kinds: NDArray[np.int64], said: Sequence[NDArray[np.float64]], parameters: int | None
) -> list[Row]:
    """The row of all fifteen, and of the same model asked for the four emotions."""
    emotional = np.isin(kinds, ASKED)
    four = np.array([ASKED.index(kind) for kind in kinds[emotional]], np.int64)
    return [
        _row(model, kinds, said, len(LABELS), parameters),
        _row(
            f"{model}, asked for four",
            four,
            [s[np.ix_(emotional, ASKED)] for s in said],
            len(FOUR),
            parameters,
        ),
    ]


def _row(
    model: str,
    truth: NDArray[np.int64],
    said: Sequence[NDArray[np.float64]],
    classes: int,
    parameters: int | None,
) -> Row:
    scores = {
        "uar": [uar(truth, logits.argmax(1), classes) for logits in said],
        "accuracy": [accuracy(truth, logits.argmax(1)) for logits in said],
    }
    row: Row = {
        "corpus": bandai_namco.NAME, "protocol": "leave one action out", "model": model, "precision": "fp32",
        "classes": classes, "seeds": len(said), "takes": len(truth),
    }  # fmt: skip
    if parameters is not None:
        row["parameters"] = parameters
    for name, values in scores.items():
        row[f"{name}_mean"] = float(np.mean(values))
        row[f"{name}_std"] = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return row


def _forests(takes: Sequence[ClipNodes], kinds: NDArray[np.int64], seeds: Sequence[int]) -> list[Row]:
    """Forests on statistics of both feature sets: of fifteen styles, and of four alone."""
    splits = leave_one_action_out([take.clip for take in takes])
    alone = np.array([ASKED.index(kind) if kind in ASKED else -1 for kind in kinds], np.int64)
    rows = []
    for features in (BODY, BODY_RAW):
        name = f"random forest, statistics of {features.name}"
        chosen = FEATURES[features.name]
        said = [forest_logits(takes, kinds, splits, chosen, len(LABELS), seed) for seed in seeds]
        rows += _rows(f"{name}, of fifteen styles", kinds, said, None)
        own = [forest_logits(takes, alone, splits, chosen, len(FOUR), seed)[alone >= 0] for seed in seeds]
        rows.append(_row(f"{name}, of four styles", alone[alone >= 0], own, len(FOUR), None))
    return rows


def markdown(rows: Sequence[Row], made: Row, about: Row) -> str:
    """The page: both tasks, the network first, and whether it is above every forest."""
    lines = [
        "# Body: what the network recognises, and a forest beside it", "",
        f"Written by `{made['command']}` on {made['date']}, commit {made['commit']}, {made['machine']}.", "",
        "Bandai-Namco Research Motiondataset 1 (CC BY-NC 4.0): acted styles of motion by **three actors, who are not",
        "named: the same three stand on both sides of every split**. What is left out is the action: each is measured",
        "by a model that never saw it (some are there in the style normal alone). Every take is measured once a seed;",
        "unweighted average recall (UAR) and accuracy over all of them in per cent,",
        f"{about['seeds']} seed{'s: mean' * (about['seeds'] > 1)},",
        "in brackets their spread. fp32. A network's answer on a take is the mean log-probability of the windows that",
        "a device would make of it; a forest sees the whole take at once.", "",
    ]  # fmt: skip
    for classes, title in (
        (len(FOUR), "Four emotions: angry, happy, sad, normal"),
        (len(LABELS), "Fifteen styles"),
    ):
        own = [row for row in rows if row["classes"] == classes]
        chance = 100 / classes
        lines += [
            f"## {title}", "", f"{own[0]['takes']} takes; chance {chance:.1f}.", "",
            "| model | UAR % | accuracy % | parameters |", "|---|---|---|---|",
            *(
                f"| {row['model']} | {_percent(row, 'uar')} | {_percent(row, 'accuracy')} "
                f"| {row['parameters']:,} |" if "parameters" in row else
                f"| {row['model']} | {_percent(row, 'uar')} | {_percent(row, 'accuracy')} | - |"
                for row in own
            ),
            "", *_bar(own), "",
        ]  # fmt: skip
    error = next(row["calibration_error_mean"] for row in rows if "calibration_error_mean" in row)
    return "\n".join(
        [
            *lines,
            "## How", "",
            f"L-GrIN: 120 nodes of 1/30 s, features `body`; one network of fifteen styles, {about['epochs']} epochs,",
            "half of the windows mirrored, tempo changed by up to 16 %; for four emotions the same network is asked",
            f"for its four outputs. Calibration error on fifteen {100 * error:.1f} %, the temperature fitted on the",
            f"next action, which a network of its own did not learn from. Forests: {TREES} trees on mean, deviation,",
            "least and greatest of each feature, given the same takes to learn from.",
            f"{about['takes']} takes, {about['folds']} folds. The recipe is the voice's; how many epochs was chosen by",
            "a look at some of the folds, which is optimistic by a little.",
            "",
            "![who was taken for whom](body-confusion.png)", "",
        ]
    )  # fmt: skip


def _percent(row: Row, name: str) -> str:
    return f"{100 * row[f'{name}_mean']:.1f} ({100 * row[f'{name}_std']:.1f})"


def _bar(rows: Sequence[Row]) -> list[str]:
    """Whether the network is above the best forest."""
    ours, forests = rows[0], [row for row in rows if "parameters" not in row]
    lines = []
    for name, said in (("uar", "UAR"), ("accuracy", "accuracy")):
        best = max(forests, key=lambda row: row[f"{name}_mean"])
        met = ours[f"{name}_mean"] > best[f"{name}_mean"]
        scores = f"{100 * ours[f'{name}_mean']:.1f} against {100 * best[f'{name}_mean']:.1f}"
        lines.append(f"- {said} above the best forest: {scores}: {'met' if met else '**not met**'}")
    return lines
