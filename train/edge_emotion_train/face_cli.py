"""Command line of the face models: the appearance network, the two face models on FER2013, and their tables."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

FACE_EXAMPLES = """examples:
  the appearance network, then the two face models and their bundles:
    edge-emotion-train appearance --fer2013 fer2013.npz
    edge-emotion-train appearance --fer2013 fer2013.npz --start runs/appearance --out runs/appearance-fine
    edge-emotion-train appearance --fer2013 fer2013.npz --teacher runs/appearance-fine --out runs/appearance-taught
    edge-emotion-train appearance --fer2013 fer2013.npz --start runs/appearance-taught --teacher runs/appearance \\
      --teacher runs/appearance-fine --teacher runs/appearance-taught --out runs/appearance-last
    edge-emotion-train face --fer2013 fer2013.npz --features face --out runs/face
    edge-emotion-train face --fer2013 fer2013.npz --features face-landmarks --out runs/face-landmarks
    edge-emotion-export runs/face --out face.emo

Stopped trainings go on from their checkpoints when the same command is given again."""


def add_parsers(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the subcommands; common: the options of every training."""
    stills = argparse.ArgumentParser(add_help=False)
    stills.add_argument("--fer2013", type=Path, required=True, metavar="FILE", help="FER2013 as .npz")
    form = {"formatter_class": argparse.RawTextHelpFormatter, "epilog": FACE_EXAMPLES}

    one = commands.add_parser(
        "appearance", parents=[common, stills], help="train the appearance network on FER2013",
        description="Train the small CNN that turns an aligned face into numbers for the graph.", **form,
    )  # fmt: skip
    one.add_argument("--seed", type=int, default=0, help="default: 0")
    one.add_argument(
        "--start",
        type=Path,
        metavar="RUN",
        help="go on from this run's weights, more gently: the second training",
    )
    one.add_argument(
        "--teacher",
        type=Path,
        metavar="RUN",
        action="append",
        default=[],
        help="learn from this run's answers as well; alone it goes on from its weights: the third training;\n"
        "given several times, and with --start: the fourth",
    )
    one.add_argument(
        "--out", type=Path, default=Path("runs/appearance"), help="run folder (default: %(default)s)"
    )
    one.set_defaults(run=_appearance)

    two = commands.add_parser(
        "face", parents=[common, stills], help="train a face model on FER2013",
        description="Train L-GrIN on moving windows made from FER2013's stills; RUN/model is what the export reads.",
        **form,
    )  # fmt: skip
    two.add_argument(
        "--features", choices=("face", "face-landmarks"), default="face",
        help="face: 68 landmarks and the appearance embedding; face-landmarks: the paper's 136 numbers (default: face)",
    )  # fmt: skip
    two.add_argument(
        "--appearance", type=Path, default=Path("runs/appearance-last"), metavar="RUN",
        help="run of `edge-emotion-train appearance`: the network inside, and what is learned beside the labels\n"
        "(default: %(default)s)",
    )  # fmt: skip
    two.add_argument("--seed", type=int, default=0, help="default: 0")
    two.add_argument("--out", type=Path, help="run folder (default: runs/FEATURES)")
    two.set_defaults(run=_face)

    table = commands.add_parser(
        "face-results", parents=[common, stills], help="every table of docs/results/face.md",
        description="Train what is not yet trained, measure it, write docs/results/face.json, face.md and pictures.",
        **form,
    )  # fmt: skip
    table.add_argument("--action-units", type=Path, metavar="DIR", help="OpenFace's CSV files of RAVDESS")
    table.add_argument(
        "--runs", type=Path, default=Path("runs"), help="where its runs lie and resume (default: runs)"
    )
    table.add_argument("--seeds", type=int, default=3, help="of the action units (default: 3)")
    table.add_argument("--out", type=Path, default=Path("docs/results"), help="default: docs/results")
    table.set_defaults(run=_face_results)

    noise = commands.add_parser(
        "landmark-noise", help="measure how landmarks jitter, on your videos of faces",
        description="Print the deviation of landmark coordinates from frame to frame, for the motion model.",
        **form,
    )  # fmt: skip
    noise.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    noise.set_defaults(run=_landmark_noise)


def _workers(options: argparse.Namespace) -> int:
    import os

    return options.workers or os.cpu_count() or 1


def _appearance(options: argparse.Namespace, command: list[str]) -> None:
    import torch

    from edge_emotion_train.appearance_recipe import FINE, LAST, TAUGHT, AppearanceTraining
    from edge_emotion_train.appearance_run import load_appearance, run_appearance, seen_stills

    torch.set_num_threads(_workers(options))
    seen = seen_stills(options.fer2013, options.cache, _workers(options))
    before = options.start or (options.teacher[0] if options.teacher else None)
    fine = LAST if options.teacher else FINE
    how = fine if options.start else TAUGHT if options.teacher else AppearanceTraining()
    start = None if before is None else load_appearance(before)
    if options.epochs:
        how = replace(how, epochs=options.epochs)
    for name, stills in seen.stills.items():
        print(f"{name}: {len(stills)} stills, face found in {seen.faces[name].found.mean():.1%}")
    _, numbers = run_appearance(seen, how, options.seed, options.out, command, start, options.teacher)
    for part in ("choice", "validation"):
        row: Any = numbers[part]
        print(f"{part}: UAR {row['uar']:.1%}, accuracy {row['accuracy']:.1%} of all {row['stills']} stills")
    print(f"see {options.out / 'appearance.json'}")


def _face(options: argparse.Namespace, command: list[str]) -> None:
    import torch

    from edge_emotion_train.appearance_run import seen_stills
    from edge_emotion_train.face_run import run_face, settings

    torch.set_num_threads(_workers(options))
    seen = seen_stills(options.fer2013, options.cache, _workers(options))
    folder = options.out or Path("runs") / options.features
    made = run_face(
        seen,
        options.features,
        options.appearance,
        settings(options.features, options.epochs),
        options.seed,
        folder,
        command,
    )
    part: Any = made.numbers["part"]
    print(f"{options.features}: parameters {made.numbers['parameters']}")
    for name, found in part.items():
        for way in ("held", "held_found", "moving"):
            row = found[way]
            print(f"{name}, {way}: UAR {row['uar']:.1%}, accuracy {row['accuracy']:.1%}")
    print(f"network to ship: {folder / 'model'}; see {folder / 'face.json'}, confusion.png, adjacency.png")


def _face_results(options: argparse.Namespace, command: list[str]) -> None:
    import torch

    from edge_emotion_train.face_results import make_face_tables

    torch.set_num_threads(_workers(options))
    make_face_tables(options, "cpu", _workers(options), command)


def _landmark_noise(options: argparse.Namespace, command: list[str]) -> None:
    from edge_emotion_train.landmark_noise import landmark_noise, shapes_of

    every = []
    for video in options.videos:
        runs = shapes_of(video)
        every += runs
        said = f"{landmark_noise(runs).mean():.5f} crops" if runs else "no face"
        print(f"{video.name}: {sum(map(len, runs))} frames, {said}")
    noise = landmark_noise(every)
    print(
        f"all: {noise.mean():.5f} crops a coordinate, largest {noise.max():.5f} (a crop is 2 outer-eye distances)"
    )
