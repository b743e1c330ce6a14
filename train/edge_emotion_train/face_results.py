"""docs/results/face.md and face.json: FER2013 and RAVDESS action units, by one command."""

import argparse
import json
import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.face_alignment import VIEWS
from edge_emotion_train.action_units import action_unit_rows
from edge_emotion_train.appearance_recipe import FINE, LAST, TAUGHT, AppearanceTraining
from edge_emotion_train.appearance_run import SeenStills, rates, run_appearance, seen_stills
from edge_emotion_train.appearance_training import appearance_logits
from edge_emotion_train.corpora import fer2013
from edge_emotion_train.face_run import run_face, settings
from edge_emotion_train.face_shipping import held_row
from edge_emotion_train.face_training import FEATURE_SETS
from edge_emotion_train.metrics import softmax
from edge_emotion_train.models.appearance import Appearance
from edge_emotion_train.run_stamp import stamp
from edge_emotion_train.still_faces import view_crops
from edge_emotion_train.whole_file import write_text


def make_face_tables(options: argparse.Namespace, device: str, workers: int, command: list[str]) -> None:
    """Train what is not yet trained, measure all, write both tables and the pictures."""
    seen = seen_stills(options.fer2013, options.cache, workers)
    first, _ = run_appearance(seen, AppearanceTraining(), 0, options.runs / "appearance", command)
    teacher, appearance_folder = options.runs / "appearance-fine", options.runs / "appearance-last"
    fine, _ = run_appearance(seen, FINE, 0, teacher, command, first)
    taught, _ = run_appearance(seen, TAUGHT, 0, options.runs / "appearance-taught", command, fine, [teacher])
    teachers = [options.runs / name for name in ("appearance", "appearance-fine", "appearance-taught")]
    network, _ = run_appearance(seen, LAST, 0, appearance_folder, command, taught, teachers)
    count = network.parameter_count()["total"]
    base = {
        "corpus": fer2013.NAME,
        "precision": "fp32",
        "engine": "torch",
        "classes": 7,
        "folds": 1,
        "seeds": 1,
    }
    rows: list[dict[str, Any]] = []
    for feature_set in FEATURE_SETS:
        made = run_face(
            seen,
            feature_set,
            appearance_folder,
            settings(feature_set),
            0,
            options.runs / feature_set,
            command,
        )
        parameters = made.network.parameter_count()["total"]
        extra = {"parameters": parameters, "appearance_parameters": count if made.appearance else 0}
        for protocol, key in (
            ("stills held as steady windows", "held"),
            ("the same, faces found alone", "held_found"),
            ("moved by the motion model, clearly shown, faces found", "moving"),
        ):
            row = {**held_row(made, protocol, key), **base, "model": feature_set, **extra}
            if key == "held_found":
                part: Any = made.numbers["part"]
                row["calibration_error_mean"] = part["validation"]["calibration_error"]
            rows.append(row)
    truth, found = seen.stills["validation"].labels, seen.faces["validation"].found
    looks = appearance_looks(network, seen)
    for protocol, logits, chosen in (
        ("stills, one look", looks[0], slice(None)),
        ("stills, mean of the device's looks", sum(looks), slice(None)),
        ("the same, faces found alone", sum(looks), found),
    ):
        measured = rates(truth[chosen], logits[chosen].argmax(1))
        rows.append({
            **base, "model": "appearance alone", "protocol": f"validation tenth, {protocol}", "parameters": 0,
            "uar_mean": measured["uar"], "accuracy_mean": measured["accuracy"], "share_found": float(found.mean()),
            "appearance_parameters": count,
        })  # fmt: skip
    if options.action_units is not None:
        units = options.runs / "action-units"
        rows += action_unit_rows(
            options.action_units, options.cache, units, range(options.seeds), device, workers, command=command
        )
    options.out.mkdir(parents=True, exist_ok=True)
    made_by = stamp(command)
    write_text(options.out / "face.json", json.dumps({"stamp": made_by, "rows": rows}, indent=1) + "\n")
    write_text(options.out / "face.md", markdown(rows, made_by))
    for picture in ("confusion", "adjacency"):
        shutil.copyfile(options.runs / "face" / f"{picture}.png", options.out / f"face-{picture}.png")


def appearance_looks(network: Appearance, seen: SeenStills) -> list[NDArray[np.float64]]:
    """Log-probabilities (n, 7) of the appearance network alone on the validation stills, for each look."""
    crops = (
        view_crops(seen.stills["validation"], seen.faces["validation"], look) for look in range(len(VIEWS))
    )
    return [np.log(softmax(appearance_logits(network, crop))) for crop in crops]


def markdown(rows: Sequence[dict[str, Any]], made: dict[str, Any]) -> str:
    """The tables for people; rates in per cent."""
    lines = [
        "# Face: what the networks recognise", "",
        f"Written by `{made['command']}` on {made['date']}, commit {made['commit']}, {made['machine']}.", "",
        "## FER2013, seven classes", "",
        "A tenth of FER2013's training stills, chosen by a hash of their names, on which nothing was trained or",
        "fitted. Recipes were chosen on another twentieth, with the numbers of this tenth in sight. A still is held",
        "for a whole window, as a face that does not move. Where FaceMesh finds no face the device would abstain; here",
        "such stills count too (the whole still stands for the crop), and the line below",
        "leaves them out. A window holds the device's six looks at a face in turn, plain and mirrored, at three sizes;",
        "the row of the appearance network alone that averages them is the one to compare with. fp32, one seed.",
        "FER2013's labels are noisy and its people unnamed; shifted or mirrored copies of a still may stand on both",
        "sides.", "",
        "| model | protocol | UAR % | accuracy % | calibration error % | found % | parameters, L-GrIN + appearance |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip

    def percent(row: dict[str, Any], key: str) -> str:
        return f"{100 * row[key]:.1f}" if key in row else "-"

    for row in rows:
        if row["corpus"] == fer2013.NAME:
            lines.append(
                f"| {row['model']} | {row['protocol']} | {percent(row, 'uar_mean')} | {percent(row, 'accuracy_mean')} "
                f"| {percent(row, 'calibration_error_mean')} | {percent(row, 'share_found')} "
                f"| {row['parameters']:,} + {row['appearance_parameters']:,} |"
            )
    units = [row for row in rows if row["corpus"] != fer2013.NAME]
    if units:
        lines += [
            "", "## RAVDESS action units: the one check on real movement", "",
            "OpenFace's 35 action units a frame, five actors, leave one actor out; eight classes. Mean over actors and",
            "seeds, in brackets the spread. The widths of this L-GrIN were set once by hand on validation actors of",
            "all folds; mixup, the regression's penalty and the temperatures by each fold's own.", "",
            "| model | protocol | classes | folds x seeds | UAR % | accuracy % | parameters |",
            "|---|---|---|---|---|---|---|",
        ]  # fmt: skip
        for row in units:
            spread = f" ({percent(row, 'uar_std')})" if "uar_std" in row else ""
            lines.append(
                f"| {row['model']} | {row['protocol']} | {row['classes']} | {row['folds']} x {row['seeds']} "
                f"| {percent(row, 'uar_mean')}{spread} | {percent(row, 'accuracy_mean')} | {row['parameters']:,} |"
            )
    lines += ["", "![confusion](face-confusion.png)", "", "![adjacency](face-adjacency.png)", ""]
    return "\n".join(lines)
