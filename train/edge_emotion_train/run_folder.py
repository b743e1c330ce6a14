"""What a run leaves behind: metrics.json, confusion.png, adjacency.png."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge_emotion_train.experiment import Outcome, Recipe, temperature_of, trained_network
from edge_emotion_train.figures import draw_adjacency, draw_confusion
from edge_emotion_train.metrics import confusion_matrix, unweighted_average_recall
from edge_emotion_train.run_stamp import stamp
from edge_emotion_train.whole_file import write_text


def fold_temperatures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """For each fold the temperature fitted on its validation speakers; 1 where a protocol (leaky) has none."""
    folds = {outcome.job.fold for outcome in outcomes}
    held = {
        fold: [o for o in outcomes if o.job.fold == fold and o.job.role == "validation"] for fold in folds
    }
    return {fold: temperature_of(found) if found else 1.0 for fold, found in held.items()}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Mean and sample standard deviation; 0 for one value."""
    return {"mean": float(np.mean(values)), "std": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0}


def summary(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Metrics of every job and their mean and spread over folds and seeds, test and validation apart.

    seed_std: spread over seeds of the mean over folds; fold_std: spread over folds of the mean over seeds.
    """
    temperatures = fold_temperatures(outcomes)
    found: dict[str, object] = {}
    jobs = []
    for outcome in outcomes:
        metrics = outcome.metrics(temperatures[outcome.job.fold]) if len(outcome.truth) else {}
        about = {
            "name": outcome.job.name,
            "fold": outcome.job.fold,
            "seed": outcome.job.seed,
            "role": outcome.job.role,
        }
        jobs.append({**about, "clips": len(outcome.truth), **metrics})
    for role in ("validation", "test"):
        mine = [job for job in jobs if job["role"] == role and job["clips"]]
        if not mine:
            continue
        row: dict[str, object] = {}
        for name in ("uar", "accuracy", "calibration_error"):
            over = spread([job[name] for job in mine])
            row[f"{name}_mean"], row[f"{name}_std"] = over["mean"], over["std"]
        for key in ("seed", "fold"):
            groups = sorted({job[key] for job in mine})
            means = [float(np.mean([job["uar"] for job in mine if job[key] == group])) for group in groups]
            row[f"uar_{key}_std"], row[f"{key}s"] = spread(means)["std"], len(groups)
            if key == "fold":
                row["uar_by_fold"] = dict(zip(groups, means, strict=True))
        row["uar_pooled"] = _pooled([outcome for outcome in outcomes if outcome.job.role == role])
        found[role] = row
    return {**found, "parameters": outcomes[0].parameters, "jobs": jobs}


def _pooled(outcomes: Sequence[Outcome]) -> float:
    """UAR over the clips of all folds together, which a fold without some class needs; the mean over seeds."""
    found = []
    for seed in sorted({outcome.job.seed for outcome in outcomes}):
        mine = [outcome for outcome in outcomes if outcome.job.seed == seed and len(outcome.truth)]
        truth = np.concatenate([outcome.truth for outcome in mine])
        logits = np.concatenate([outcome.logits for outcome in mine])
        found.append(unweighted_average_recall(truth, logits.argmax(1), logits.shape[1]))
    return float(np.mean(found))


def write_run(
    folder: Path, recipe: Recipe, outcomes: Sequence[Outcome], title: str, command: list[str]
) -> dict[str, object]:
    """Write metrics.json, confusion.png and, of the first network, adjacency.png; give the metrics."""
    begun = json.loads((folder / "begun.json").read_text())
    metrics = {
        "stamp": stamp(command),
        "begun": begun,
        "title": title,
        "classes": recipe.labels,
        **summary(outcomes),
    }
    write_text(folder / "metrics.json", json.dumps(metrics, indent=1) + "\n")
    measured = [o for o in outcomes if o.job.role == "test" and len(o.truth)] or list(outcomes)
    counts = sum(confusion_matrix(o.truth, o.logits.argmax(1), len(recipe.labels)) for o in measured)
    draw_confusion(np.asarray(counts), recipe.labels, title, folder / "confusion.png")
    network, _ = trained_network(outcomes[0].job, recipe, folder)
    if network.config.adjacency != "weighted":
        matrix = network.adjacency().detach().numpy()
        draw_adjacency(
            matrix, recipe.features().period, "learned adjacency ReLU(A)", folder / "adjacency.png"
        )
    return metrics
