"""The network that ships: it learned from everyone; a twin that did not is what calibrates it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edge_emotion.emotions import EMOTIONS
from edge_emotion_train.calibration_data import CalibrationData, no_crops
from edge_emotion_train.experiment import Job, Recipe, trained_network
from edge_emotion_train.labels import TO_EMOTION
from edge_emotion_train.metrics import (
    calibration_error,
    fitted_temperature,
    softmax,
    unweighted_average_recall,
)
from edge_emotion_train.models.lgrin import LGrIN
from edge_emotion_train.node_cache import ClipNodes
from edge_emotion_train.protocols import speakers_of
from edge_emotion_train.trainer import Standardisation, device_windows, window_logits
from edge_emotion_train.voice import Plan
from edge_emotion_train.whole_file import write_text

CALIBRATION_WINDOWS = 256


def ship(
    folder: Path,
    made: Plan,
    corpora: Sequence[str],
    metrics: dict[str, Any],
    networks: Path | None = None,
    split: str | None = None,
) -> Path:
    """Write RUN/model of a finished "all" run: the network of all speakers, calibrated by its twin.

    networks: where the jobs' networks lie, the run folder when None. split: who learned, in words, for the card; of
    speakers when None. The temperature is fitted to what the device shows: windows rather than clips, and the seven
    emotions.
    """
    networks = networks or folder
    twin, shipped = made.jobs[0], made.jobs[1]
    label_map = {label: TO_EMOTION[corpora[0]][label] for label in made.recipe.labels}
    groups = np.array(
        [[float(label_map[label] == emotion) for emotion in EMOTIONS] for label in made.recipe.labels]
    )
    heard, truth, weights, logits = _twin_windows(networks, made, twin, groups)
    temperature = fitted_temperature(truth, logits, weights, groups)
    rows = []
    for corpus in corpora:
        mine = np.array([clip.clip.corpus == corpus for clip in heard])
        if not mine.any():
            continue
        said = (softmax(logits[mine]) @ groups).argmax(1)
        rows.append(
            {
                "corpus": corpus, "trained_on": "+".join(corpora), "protocol": "validation, windows, one seed",
                "classes": len(np.unique(truth[mine])), "folds": 1, "seeds": 1,
                "uar_mean": unweighted_average_recall(truth[mine], said, len(EMOTIONS)),
                "accuracy_mean": float(np.mean(said == truth[mine])),
            }
        )  # fmt: skip
    about = {
        **about_shipped(corpora, made, metrics, split or _split_by_speakers(made)),
        "metrics": rows,
        "calibration_error_uncalibrated": calibration_error(truth, softmax(logits) @ groups),
        "calibration_error": calibration_error(truth, softmax(logits, temperature) @ groups),
    }
    network, standard = trained_network(shipped, made.recipe, networks)
    place = write_model(folder, made.recipe, network, standard, temperature, label_map, about)
    _calibration(made, twin).write(place)
    return place


def _calibration(made: Plan, twin: Job) -> CalibrationData:
    """Windows of the speakers that the twin learned from, and of those it did not, as the device makes them."""
    features, length, hop = made.recipe.features(), made.recipe.network.nodes, made.recipe.hop

    def windows_of(clips: Sequence[ClipNodes]) -> NDArray[np.float32]:
        each = [device_windows(clip.copies[0], length, hop)[-1] for clip in clips]
        return np.asarray(features.window(np.stack(each)), np.float32)

    held = [made.clips[i] for i in twin.measure if made.recipe.label(made.clips[i]) is not None]
    learned = [made.clips[i] for i in twin.learn]
    chosen = np.random.default_rng(0).permutation(len(learned))[:CALIBRATION_WINDOWS]
    truth = np.array([made.recipe.label(clip) for clip in held], np.int64)
    return CalibrationData(
        features.name, features.version, windows_of([learned[i] for i in chosen]), windows_of(held), truth,
        no_crops(), no_crops(),
    )  # fmt: skip


def _twin_windows(
    folder: Path, made: Plan, twin: Job, groups: NDArray[np.float64]
) -> tuple[list[ClipNodes], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """For each window of the twin's validation clips: its clip, its emotion, its share of the clip, its logits."""
    network, standard = trained_network(twin, made.recipe, folder)
    clips = [made.clips[i] for i in twin.measure if made.recipe.label(made.clips[i]) is not None]
    found = window_logits(
        network, [clip.copies[0] for clip in clips], made.recipe.features(), standard, made.recipe.hop
    )
    counts = [len(windows) for windows in found]
    owners = np.repeat(np.arange(len(clips)), counts)
    kinds = np.array([made.recipe.label(clip) for clip in clips], np.int64)
    weights = np.repeat(1.0 / np.array(counts), counts)
    return [clips[i] for i in owners], groups[kinds].argmax(1)[owners], weights, np.concatenate(found)


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


def _split_by_speakers(made: Plan) -> str:
    everyone = speakers_of([clip.clip for clip in made.clips])
    held = speakers_of([made.clips[i].clip for i in made.jobs[0].measure])
    return (
        f"The network inside learned from all {len(everyone)} speakers ({named_speakers(everyone)}). A twin that "
        f"learned without {named_speakers(held)} was measured on these; its logits there gave the temperature, so "
        "its row below is optimistic about calibration and says little beyond it."
    )


def about_shipped(
    corpora: Sequence[str], made: Plan, metrics: dict[str, Any], split: str
) -> dict[str, object]:
    """What a bundle's card says of a network that learned from everyone: of what, how divided, by which command."""
    return {
        "corpora": list(corpora), "split": split, "seed": made.jobs[1].seed, "date": metrics["begun"]["date"],
        "commit": metrics["begun"]["commit"], "command": metrics["stamp"]["command"],
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
