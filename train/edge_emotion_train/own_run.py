"""A model from one's own labelled folder: read, learn the last layer, measure on clips held out, write the run."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from edge_emotion.emotions import EMOTIONS
from edge_emotion.features.face_alignment import CROP
from edge_emotion_train.calibration_data import CalibrationData
from edge_emotion_train.corpora.labelled_folder import (
    LabelledFolder,
    check_counts,
    check_one_label,
    labelled_folder,
)
from edge_emotion_train.experiment import Recipe
from edge_emotion_train.figures import draw_confusion
from edge_emotion_train.metrics import accuracy, calibration_error, confusion_matrix, softmax
from edge_emotion_train.metrics import unweighted_average_recall as uar
from edge_emotion_train.models.lgrin import LGrIN
from edge_emotion_train.node_store import content
from edge_emotion_train.own_calibration import own_calibration
from edge_emotion_train.own_folds import Folds, own_folds
from edge_emotion_train.own_head import (
    PENALTIES,
    SAME_PEOPLE,
    Floats,
    Head,
    careful_temperature,
    clip_answers,
    emotion_groups,
    first_head,
    fitted_head,
    held_out_logits,
    mean_loss,
)
from edge_emotion_train.own_place import RESULT, check_place, whole_run
from edge_emotion_train.own_start import Start, open_start
from edge_emotion_train.own_windows import ClipWindows, own_windows
from edge_emotion_train.protocols import speakers_of
from edge_emotion_train.run_stamp import stamp
from edge_emotion_train.shipping import write_model
from edge_emotion_train.trainer import TrainingSettings
from edge_emotion_train.whole_file import write_text

Report = Callable[[str], None]


@dataclass(frozen=True)
class OwnModel:
    """What was learned: the last layer, the penalty chosen, the temperature, and what clips held out gave.

    first, held_out: logits (k, C) of each clip's windows, by the start alone and by layers that had not seen the clip.
    """

    head: Head
    penalty: float
    temperature: float
    first: list[Floats]
    held_out: list[Floats]


def run_own(
    folder: Path,
    out: Path,
    command: list[str],
    modality: str | None = None,
    start_run: Path | None = None,
    seed: int = 0,
    cache: Path = Path("cache"),
    workers: int = 1,
    report: Report = print,
) -> dict[str, Any]:
    """Learn a folder of labelled clips and write the run folder `out`; give what own.json says.

    modality: "voice" or "face", by the files when None. start_run: a finished run to start from, the shipped network
    when None. `out` is written whole or not at all (own_place.py); clips read are kept in `cache`. EdgeEmotionError on
    what labelled_folder, check_one_label, open_start and own_windows refuse, and on an `out` of something else.
    """
    data = labelled_folder(folder, modality)
    contents = [content(clip.path) for clip in data.clips]
    check_one_label(data.clips, contents)
    start = open_start(data.modality, start_run)
    mark = _mark(data, contents, start, seed)
    check_place(out, mark)
    _describe(data, start, report)
    found = own_windows(data.clips, start, cache, workers, report)
    check_counts([each.clip for each in found], data.label_map, f"of {folder}, clips that can be used are")
    labels = tuple(data.label_map)
    kinds = np.array([labels.index(each.clip.label) for each in found], np.int64)
    folds = own_folds([each.clip for each in found], data.speakers, seed)
    report(folds.why)
    pooled = _pooled(start, found)
    groups = emotion_groups(labels, data.label_map)
    made = learned(first_head(start, labels, data.label_map), pooled, kinds, folds, groups)
    numbers = _numbers(made, kinds, groups)
    result = {
        "stamp": stamp(command), "mark": mark, "folder": data.name, "modality": data.modality, "start": start.name,
        "labels": dict(data.label_map), "clips": len(found), "left_out": len(data.clips) - len(found),
        "speakers": len(speakers_of([each.clip for each in found])) if data.speakers else None, "seed": seed,
        "split": folds.why, "by": folds.by, "folds": len(folds.folds), "penalty": made.penalty,
        "temperature": made.temperature, **numbers,
    }  # fmt: skip
    about = _about(data, start, result, folds)
    calibration = (
        None  # an appearance network is quantised by crops, which are not kept: a face's bundle stays fp32
    )
    if start.appearance is None:
        calibration = own_calibration(start.window, found, kinds, folds, report)
    with whole_run(out) as place:
        _write(place, start, labels, data, made, about, calibration)
        _draw(made, kinds, groups, data.name, place)
        write_text(place / RESULT, json.dumps(result, indent=1) + "\n")
    return result


def learned(
    first: Head, pooled: list[torch.Tensor], kinds: NDArray[np.int64], folds: Folds, groups: Floats
) -> OwnModel:
    """Choose the penalty and the temperature on clips held out, then learn from all clips."""
    best: tuple[float, float, list[Floats]] | None = None
    choices = PENALTIES if folds.by == "speakers" else (SAME_PEOPLE,)
    for penalty in tqdm(choices, desc="learning", unit="penalty", leave=False):
        held = held_out_logits(first, pooled, kinds, folds.folds, penalty)
        loss = mean_loss(held, kinds)
        if best is None or loss < best[0]:
            best = loss, penalty, held
    assert best is not None
    _, penalty, held = best
    head = fitted_head(first, pooled, kinds, penalty)
    return OwnModel(head, penalty, careful_temperature(held, kinds, groups), first.logits(pooled), held)


def _mark(data: LabelledFolder, contents: list[bytes], start: Start, seed: int) -> str:
    """Changes with the clips, their labels and speakers, the start and the seed."""
    lines = [start.mark, str(seed), repr(sorted(data.label_map.items()))]
    lines += [
        f"{clip.speaker} {clip.label} {digest.hex()}"
        for clip, digest in zip(data.clips, contents, strict=True)
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _describe(data: LabelledFolder, start: Start, report: Report) -> None:
    counts = {label: sum(clip.label == label for clip in data.clips) for label in data.label_map}
    said = [
        f"{label} {count}"
        if label == data.label_map[label]
        else f"{label} (as {data.label_map[label]}) {count}"
        for label, count in counts.items()
    ]
    report(f"{data.name}: {len(data.clips)} clips for {data.modality}: {', '.join(said)}")
    if data.speakers:
        names = [speaker.rsplit("-", 1)[1] for speaker in speakers_of(data.clips)]
        report(f"speakers: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}")
    if data.foreign:
        report(
            f"left out, neither sound nor video: {len(data.foreign)} files, the first {data.foreign[0].name}"
        )
    report(f"starting from {start.name}: its last layer learns, the rest stays")


def _pooled(start: Start, found: list[ClipWindows]) -> list[torch.Tensor]:
    standard = start.standard
    return [
        start.pooled(torch.from_numpy(standard(each.windows)))
        for each in tqdm(found, desc="network below the last layer", unit="clip")
    ]


def _rates(
    logits: list[Floats], kinds: NDArray[np.int64], groups: Floats, temperature: float
) -> dict[str, float]:
    answers = np.exp(clip_answers([windows / temperature for windows in logits])) @ groups
    truth = groups[kinds].argmax(1)
    probabilities = answers / answers.sum(1, keepdims=True)
    return {
        "uar": uar(truth, answers.argmax(1), len(EMOTIONS)),
        "accuracy": accuracy(truth, answers.argmax(1)),
        "calibration_error": calibration_error(truth, probabilities),
    }


def _numbers(made: OwnModel, kinds: NDArray[np.int64], groups: Floats) -> dict[str, Any]:
    """Rates of the start alone and of clips held out; calibration error of windows before and after."""
    owners = np.repeat(np.arange(len(kinds)), [len(windows) for windows in made.held_out])
    truth, every = groups[kinds].argmax(1)[owners], np.concatenate(made.held_out)
    return {
        "start_alone": _rates(made.first, kinds, groups, 1.0),
        "held_out": _rates(made.held_out, kinds, groups, made.temperature),
        "calibration_error_uncalibrated": calibration_error(truth, softmax(every) @ groups),
        "calibration_error": calibration_error(truth, softmax(every, made.temperature) @ groups),
    }


def _about(data: LabelledFolder, start: Start, result: dict[str, Any], folds: Folds) -> dict[str, object]:
    """What the bundle's card is told."""
    name = f"own folder {data.name}"
    before = start.about.get("corpora", [])
    rows = [
        {"corpus": name, "trained_on": trained, "protocol": protocol, "classes": len(set(data.label_map.values())),
         "folds": result["folds"], "seeds": 1, "uar_mean": result[key]["uar"], "accuracy_mean": result[key]["accuracy"]}
        for key, trained, protocol in (
            ("start_alone", "+".join(before), "the start alone"),
            ("held_out", f"the same, and {name}", f"held out by {folds.by}"),
        )
    ]  # fmt: skip
    chosen = (
        f"the penalty ({result['penalty']:g} of {', '.join(f'{p:g}' for p in PENALTIES)}) and the temperature"
    )
    split = (
        f"{folds.why} The network inside learned from all {result['clips']} clips; "
        f"{chosen if folds.by == 'speakers' else 'the temperature'} came from the clips held out, so the numbers are a "
        "little optimistic."
    )
    return {
        "corpora": [name, *before],
        "licence": f"{name}: yours, and of those who are heard or seen in it; the start {start.name}: its corpora's",
        "split": split, "metrics": rows, "seed": result["seed"], "date": result["stamp"]["date"],
        "commit": result["stamp"]["commit"], "command": result["stamp"]["command"],
        "limits": [
            f"The last layer was learned from {result['clips']} clips of {name}; what lies below it, from "
            f"{' and '.join(before) or 'what its start learned from'}, whose limits it keeps.",
            f"It tells apart {', '.join(dict.fromkeys(data.label_map.values()))} and nothing else: whatever is shown "
            "is taken for one of these.",
        ],
        "calibration_error": result["calibration_error"],
        "calibration_error_uncalibrated": result["calibration_error_uncalibrated"],
    }  # fmt: skip


def _write(
    out: Path,
    start: Start,
    labels: tuple[str, ...],
    data: LabelledFolder,
    made: OwnModel,
    about: dict[str, object],
    calibration: CalibrationData | None,
) -> None:
    """Write RUN/model: the start's network with the new last layer, its appearance network, windows to quantise by."""
    window, config = start.window, replace(start.network.config, classes=len(labels))
    network = LGrIN(config)
    weights = dict(start.network.state_dict())
    last = f"head.{len(network.head) - 1}"
    weights[f"{last}.weight"], weights[f"{last}.bias"] = made.head.weight, made.head.bias
    network.load_state_dict(weights)
    own = {data.name: {label: label for label in labels}}
    recipe = Recipe(
        config, TrainingSettings(), window.feature_set, window.feature_version, labels, own, window.hop
    )
    place = write_model(
        out, recipe, network.eval(), start.standard, made.temperature, dict(data.label_map), about
    )
    if start.appearance is not None:
        stated = json.loads((place / "config.json").read_text())
        stated["appearance"] = {**start.stated["appearance"], "crop": CROP}
        torch.save(start.appearance.state_dict(), place / "appearance.pt")
        write_text(place / "config.json", json.dumps(stated, indent=1) + "\n")
    if calibration is not None:
        calibration.write(place)


def _draw(made: OwnModel, kinds: NDArray[np.int64], groups: Floats, title: str, out: Path) -> None:
    present = [i for i in range(len(EMOTIONS)) if groups[:, i].any()]
    few = groups[:, present]
    truth = few[kinds].argmax(1)
    said = (np.exp(clip_answers(made.held_out)) @ few).argmax(1)
    counts = confusion_matrix(truth, said, len(present))
    draw_confusion(
        counts, tuple(EMOTIONS[i] for i in present), f"{title}: clips held out", out / "confusion.png"
    )
