"""Command line of `face-video`: train and measure L-GrIN on a corpus of filmed faces."""

import argparse
from pathlib import Path
from typing import Any

from edge_emotion_train.whole_numbers import positive

EXAMPLES = """examples:
  the paper's landmarks, leave one speaker out:
    edge-emotion-train face-video --corpus rml-video --data RML --protocol loso
  landmarks and appearance, the embedding by the network of a bundle:
    edge-emotion-train face-video --corpus ravdess-video --data RAVDESS --features face --bundle face.emo

Layouts, each as its corpus is published and unpacked:
  ravdess-video    DIR/[Video_Speech_Actor_01/]Actor_01/01-01-06-01-02-01-01.mp4
  rml-video        DIR/[rml-1/]s1/[LANGUAGE/]an1.avi
  enterface-video  DIR/subject 1/anger/sentence 1/s1_an_1.avi
Nodes are computed once and kept in --cache. A stopped run goes on when the same command is given again."""


def add_parser(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the subcommand; common: the options of every training."""
    one = commands.add_parser(
        "face-video", parents=[common], help="train and measure L-GrIN on a corpus of filmed faces",
        formatter_class=argparse.RawTextHelpFormatter, epilog=EXAMPLES,
        description="Frames through the device's own front end to cached nodes, then folds of speakers.",
    )  # fmt: skip
    one.add_argument(
        "--corpus",
        required=True,
        choices=("ravdess-video", "rml-video", "enterface-video"),
        help="which corpus",
    )
    one.add_argument("--data", required=True, type=Path, help="its folder")
    one.add_argument(
        "--protocol", choices=("loso", "folds"), default="folds",
        help="loso: leave one speaker out; folds: five groups of speakers (default: folds)",
    )  # fmt: skip
    one.add_argument(
        "--features", choices=("face-landmarks", "face"), default="face-landmarks",
        help="face: with the appearance embedding of --bundle (default: face-landmarks)",
    )  # fmt: skip
    one.add_argument(
        "--bundle", help="bundle with the appearance network: a shipped one's name or a .emo file"
    )
    one.add_argument("--seeds", type=positive, default=1, help="how many seeds, 0, 1, ... (default: 1)")
    one.add_argument("--out", type=Path, help="run folder (default: runs/CORPUS-FEATURES-PROTOCOL)")
    one.set_defaults(run=run)


def run(options: argparse.Namespace, command: list[str]) -> None:
    """Compute the nodes, train and measure by the protocol, write the run folder, say the result."""
    from edge_emotion_train.cli import chosen_device
    from edge_emotion_train.experiment import run_jobs
    from edge_emotion_train.face_video import FEATURES, Eyes, default_workers, left_out, load_corpus, plan
    from edge_emotion_train.run_folder import write_run

    device, workers = chosen_device(options.device), default_workers(options.workers)
    features = FEATURES[options.features]
    clips = load_corpus(options.corpus, options.data, features, Eyes(options.bundle), options.cache, workers)
    missing = left_out(options.corpus, options.data, clips)
    if missing:
        print(f"left out, too short a sight of a face: {len(missing)} clips, the first {missing[0].path}")
    made = plan(options.protocol, options.corpus, clips, features, range(options.seeds), options.epochs)
    folder = options.out or Path("runs") / f"{options.corpus}-{options.features}-{options.protocol}"
    title = f"{options.corpus} {options.features} {options.protocol}"
    print(f"{len(made.clips)} clips, {len(made.jobs)} trainings, run folder {folder}, on {device}")
    at_a_time = workers if device == "cpu" else options.workers or 1
    outcomes = run_jobs(made.jobs, made.recipe, made.clips, folder, device, at_a_time, title)
    row: Any = write_run(folder, made.recipe, outcomes, title, command)["test"]
    print(
        f"UAR {100 * row['uar_mean']:.1f} +- {100 * row['uar_std']:.1f} %, accuracy {100 * row['accuracy_mean']:.1f} %"
    )
    print(f"see {folder / 'metrics.json'}, confusion.png, adjacency.png")
