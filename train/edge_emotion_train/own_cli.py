"""Command line of `own`: a model from one's own labelled folder."""

import argparse
from pathlib import Path
from typing import Any

EXAMPLES = """examples:
  DATA/happy/1.wav, DATA/angry/1.wav, ...: a model, its bundle, what it recognises
    edge-emotion-train own DATA --out runs/mine
    edge-emotion-export runs/mine --out mine.emo
    edge-emotion --model mine.emo --audio clip.wav
  filmed faces, DATA/happy/ANNA/1.mp4, DATA/happy/BEN/1.mp4, ...:
    edge-emotion-train own DATA --out runs/my-face
    edge-emotion-export runs/my-face --out my-face.emo
    edge-emotion --face-model my-face.emo --camera 0

A label is a folder: one of neutral, happiness, sadness, anger, fear, disgust, surprise, or a word such as happy, sad,
angry, afraid, disgusted, surprised, calm. Of other words DATA/labels.json says the emotion: {"furious": "anger"}.
Speakers are folders within a label, or what stands before "_" in every file's name (anna_1.wav), a name, no number,
of two clips each at least; with two or more, the numbers are of people who were not learned from. The network starts
from the shipped one and learns its last layer, so that ten clips are enough to begin with; each label needs two. Clips
read once are kept in --cache."""


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    one = commands.add_parser(
        "own", help="make a model from your own labelled clips", epilog=EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
        description="Learn a folder DATA/LABEL/clips, sound or video; RUN/model is what edge-emotion-export reads.",
    )  # fmt: skip
    one.add_argument("data", type=Path, metavar="DATA", help="the folder")
    one.add_argument("--out", type=Path, required=True, metavar="RUN", help="run folder to write")
    one.add_argument(
        "--modality", choices=("voice", "face"),
        help="default: voice for sound, face for videos; voice takes the sound of videos",
    )  # fmt: skip
    one.add_argument(
        "--start", type=Path, metavar="RUN",
        help="start from this finished run (RUN/model) instead of the shipped network",
    )  # fmt: skip
    one.add_argument("--seed", type=int, default=0, help="of the dealing of clips to folds (default: 0)")
    one.add_argument("--workers", type=int, help="clips read at a time (default: one a core)")
    one.add_argument(
        "--cache", type=Path, default=Path("cache"), help="folder of clips read (default: %(default)s)"
    )
    one.set_defaults(run=run)

    table = commands.add_parser(
        "own-results", help="the table of docs/results/own-models.md",
        description="Measure what so many own clips bring, with RAVDESS actors as users the start never heard.",
    )  # fmt: skip
    table.add_argument("--ravdess", type=Path, required=True, help="folder of RAVDESS speech")
    table.add_argument(
        "--runs",
        type=Path,
        default=Path("runs/voice-results"),
        help="of voice-results (default: %(default)s)",
    )
    table.add_argument("--workers", type=int, help="clips read at a time (default: one a core)")
    table.add_argument("--cache", type=Path, default=Path("cache"), help="default: %(default)s")
    table.add_argument("--out", type=Path, default=Path("docs/results"), help="default: %(default)s")
    table.set_defaults(run=results)


def run(options: argparse.Namespace, command: list[str]) -> None:
    """Read, learn, measure, write the run folder, say the result."""
    import os

    from edge_emotion.errors import EdgeEmotionError
    from edge_emotion_train.own_run import run_own

    if options.workers is not None and options.workers < 1:
        raise EdgeEmotionError(f"--workers: expected a number of at least 1, got {options.workers}")
    if options.seed < 0:
        raise EdgeEmotionError(f"--seed: expected a number of at least 0, got {options.seed}")
    result = run_own(
        options.data, options.out, command, options.modality, options.start, options.seed, options.cache,
        options.workers or os.cpu_count() or 1,
    )  # fmt: skip
    for key, said in (("start_alone", f"{result['start']} alone"), ("held_out", "with your clips, held out")):
        row = result[key]
        print(f"{said}: UAR {row['uar']:.1%}, accuracy {row['accuracy']:.1%} of {result['clips']} clips")
    if result["held_out"]["uar"] <= result["start_alone"]["uar"]:
        print(
            f"the clips did not help by these numbers, which {result['clips']} clips give roughly: record more"
        )
    print(f"network to ship: {options.out / 'model'}; see {options.out / 'own.json'}, confusion.png")
    print(f"next: edge-emotion-export {options.out} --out {options.out.name}.emo")


def results(options: argparse.Namespace, command: list[str]) -> None:
    """Measure and write the table."""
    import os

    from edge_emotion_train.own_results import make_own_tables

    make_own_tables(
        options.ravdess,
        options.runs,
        options.cache,
        options.workers or os.cpu_count() or 1,
        options.out,
        command,
    )
