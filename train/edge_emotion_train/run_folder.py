"""What a run leaves behind: metrics.json, confusion.png, adjacency.png, and the network that ships."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edge_emotion_train.experiment import Outcome, Recipe, temperature_of, trained_network
from edge_emotion_train.figures import draw_adjacency, draw_confusion
from edge_emotion_train.metrics import confusion_matrix
from edge_emotion_train.models.lgrin import LGrIN
from edge_emotion_train.protocols import speakers_of
from edge_emotion_train.run_stamp import stamp
from edge_emotion_train.trainer import Standardisation
from edge_emotion_train.voice import Plan


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    unfinished = path.with_suffix(path.suffix + ".part")
    unfinished.write_text(text)
    unfinished.replace(path)


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
        found[role] = row
    return {**found, "parameters": outcomes[0].parameters, "jobs": jobs}


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


def named_speakers(speakers: Sequence[str]) -> str:
    """Speakers "corpus-NN" in few words: "emodb 03, 08-10; ravdess 01-20"."""
    corpora: dict[str, list[list[str]]] = {}
    for speaker in sorted(speakers):
        corpus, number = speaker.rsplit("-", 1)
        runs = corpora.setdefault(corpus, [])
        if runs and number.isdigit() and runs[-1][-1].isdigit() and int(number) == int(runs[-1][-1]) + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = {
        corpus: ", ".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
        for corpus, runs in corpora.items()
    }
    return "; ".join(f"{corpus} {text}" for corpus, text in texts.items())


def about_shipped(corpora: Sequence[str], made: Plan, metrics: dict[str, object]) -> dict[str, object]:
    """What a bundle's card says of a network that learned from everyone: who, how divided, how measured."""
    everyone = speakers_of([clip.clip for clip in made.clips])
    held = speakers_of([made.clips[i].clip for i in made.jobs[0].measure])
    split = (
        f"The network inside learned from all {len(everyone)} speakers ({named_speakers(everyone)}). A twin that "
        f"learned without {named_speakers(held)} was measured on these; its logits there gave the temperature."
    )
    row = {
        "corpus": "+".join(corpora),
        "protocol": "held-out speakers, of the twin",
        "classes": len(made.recipe.labels),
    }
    stamped: dict[str, Any] = dict(metrics["stamp"])  # type: ignore[call-overload]
    return {
        "corpora": list(corpora), "split": split, "seed": made.jobs[-1].seed, "date": stamped["date"],
        "commit": stamped["commit"], "command": stamped["command"],
        "metrics": [{**row, **dict(metrics["validation"])}],  # type: ignore[call-overload]
    }  # fmt: skip


def write_model(
    folder: Path,
    recipe: Recipe,
    network: LGrIN,
    standard: Standardisation,
    temperature: float,
    label_map: dict[str, str],
    about: dict[str, object],
) -> Path:
    """Write RUN/model: config.json and weights.pt, which edge-emotion-export reads."""
    place = folder / "model"
    place.mkdir(parents=True, exist_ok=True)
    features = recipe.features()
    window = {
        "nodes": recipe.network.nodes, "period": features.period, "hop": recipe.hop, "feature_set": features.name,
        "feature_version": features.version, "features": features.features,
        "mean": [float(value) for value in standard.mean], "scale": [float(value) for value in standard.scale],
    }  # fmt: skip
    config = {
        "lgrin": asdict(recipe.network), "labels": recipe.labels, "label_map": label_map, "window": window,
        "temperature": temperature, "about": about,
    }  # fmt: skip
    unfinished = place / "weights.part"
    torch.save({name: value.cpu() for name, value in network.state_dict().items()}, unfinished)
    unfinished.replace(place / "weights.pt")
    write_text(place / "config.json", json.dumps(config, indent=1) + "\n")
    return place
