"""Command line of the workstation: train and measure networks for voice and face, on corpora or your own clips."""

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train import body_cli, face_cli, face_video_cli, own_cli, synch_cli
from edge_emotion_train.whole_numbers import not_negative, positive

EXAMPLES = """examples:
  one protocol, three seeds, EmoDB learning beside RAVDESS:
    edge-emotion-train lgrin --corpus ravdess-speech --data ravdess --corpus emodb --data emodb --seeds 3
  leave one speaker out:
    edge-emotion-train lgrin --corpus emodb --data emodb --protocol loso
  the tables of docs/results/voice.md (hours; stops and resumes where you like):
    edge-emotion-train voice-results --ravdess ravdess --emodb emodb
  a network to ship, then its bundle:
    edge-emotion-train lgrin --corpus ravdess-speech --data ravdess --corpus emodb --data emodb \\
        --protocol all --out runs/voice
    edge-emotion-export runs/voice --out voice.emo
  a network from a folder of your own clips, DATA/LABEL/clip.wav:
    edge-emotion-train own DATA --out runs/mine
  the face: see edge-emotion-train appearance --help
  face and voice as one spiking network: see edge-emotion-train synch-graph --help

Speakers never stand on two sides of a split, except under the protocol named leaky. A stopped run goes on from its
checkpoints when the same command is given again."""


def _parser() -> argparse.ArgumentParser:
    top = _Parser(
        prog="edge-emotion-train",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--epochs", type=positive, help="passes over the clips (default: the recipe's)")
    common.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    common.add_argument(
        "--workers", type=positive, help="trainings at a time (default: one a core; 1 on a GPU)"
    )
    common.add_argument(
        "--cache", type=Path, default=Path("cache"), help="folder of computed nodes (default: cache)"
    )
    common.add_argument(
        "--copies", type=not_negative, default=10, help="augmented copies of each recording (default: 10)"
    )

    one = commands.add_parser(
        "lgrin", parents=[common], help="train L-GrIN by one protocol", formatter_class=argparse.RawTextHelpFormatter,
        epilog=EXAMPLES, description="Train L-GrIN by one protocol; writes a run folder: metrics.json, pictures.",
    )  # fmt: skip
    one.add_argument(
        "--corpus", action="append", required=True, help="ravdess-speech or emodb; given again: beside it"
    )
    one.add_argument(
        "--data", action="append", required=True, type=Path, help="its folder; one for each --corpus"
    )
    one.add_argument(
        "--protocol", choices=("emobox", "loso", "cross", "leaky", "all"), default="emobox",
        help="emobox: folds of four actors (RAVDESS); loso: leave one speaker out; cross: first corpus learns, second\n"
        "is measured; leaky: the paper's, windows dealt at random; all: everyone learns, to ship (default: emobox)",
    )  # fmt: skip
    one.add_argument(
        "--preset", choices=("edge", "paper", "reference"), default="edge", help="sizes (default: edge)"
    )
    one.add_argument(
        "--adjacency", choices=("free", "tied", "binary", "weighted"), help="instead of the preset's"
    )
    one.add_argument("--seeds", type=positive, default=1, help="how many seeds, 0, 1, ... (default: 1)")
    one.add_argument("--out", type=Path, help="run folder (default: runs/CORPUS-PROTOCOL)")
    one.set_defaults(run=_lgrin)

    table = commands.add_parser(
        "voice-results", parents=[common], help="every table of docs/results/voice.md",
        formatter_class=argparse.RawTextHelpFormatter, epilog=EXAMPLES,
        description="Train and measure every protocol of the voice model; writes docs/results/voice.json and voice.md.",
    )  # fmt: skip
    table.add_argument("--ravdess", type=Path, required=True, help="folder of RAVDESS speech")
    table.add_argument("--emodb", type=Path, required=True, help="folder of EmoDB")
    table.add_argument(
        "--runs", type=Path, default=Path("runs/voice-results"), help="where its runs lie and resume"
    )
    table.add_argument("--out", type=Path, default=Path("docs/results"), help="where the tables go")
    table.add_argument("--seeds", type=positive, default=3, help="how many seeds, 0, 1, ... (default: 3)")
    table.set_defaults(run=_voice_results)
    face_cli.add_parsers(commands, common)
    face_video_cli.add_parser(commands, common)
    own_cli.add_parser(commands)
    body_cli.add_parsers(commands, common)
    synch_cli.add_parsers(commands)
    return top


class _Parser(argparse.ArgumentParser):
    """Says a wrong command line in one line, like every other bad input."""

    def error(self, message: str) -> NoReturn:
        raise EdgeEmotionError(f"{message}; see `{self.prog} --help`")


def chosen_device(asked: str) -> str:
    """ "cpu" or "cuda"; EdgeEmotionError when cuda is asked for and absent."""
    import torch

    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise EdgeEmotionError("--device cuda: PyTorch finds no CUDA device here; use --device cpu")
    return "cuda" if asked != "cpu" and there else "cpu"


def _lgrin(options: argparse.Namespace, command: list[str]) -> None:
    from edge_emotion_train.experiment import run_jobs
    from edge_emotion_train.models.lgrin import LGrIN
    from edge_emotion_train.run_folder import write_run
    from edge_emotion_train.shipping import ship
    from edge_emotion_train.trainer import TrainingSettings
    from edge_emotion_train.voice import load_corpus, plan

    if len(options.corpus) != len(options.data):
        raise EdgeEmotionError(
            f"{len(options.corpus)} --corpus but {len(options.data)} --data: give one for each"
        )
    device, workers = places(options)
    corpora = [
        (name, load_corpus(name, folder, options.cache, workers, options.copies))
        for name, folder in zip(options.corpus, options.data, strict=True)
    ]
    settings = TrainingSettings(**({"epochs": options.epochs} if options.epochs else {}))
    made = plan(options.protocol, corpora, settings, range(options.seeds), options.preset)
    if options.adjacency:
        network = replace(made.recipe.network, adjacency=options.adjacency)
        made = replace(made, recipe=replace(made.recipe, network=network))
    folder = options.out or Path("runs") / f"{options.corpus[0]}-{options.protocol}"
    count = LGrIN(made.recipe.network).parameter_count()
    print(f"L-GrIN {options.preset}: {count['total']:,} parameters {count}, on {device}, {workers} at a time")
    print(f"{len(made.clips)} clips, {len(made.jobs)} trainings, run folder {folder}")
    title = f"{options.corpus[0]} {options.protocol}"
    outcomes = run_jobs(made.jobs, made.recipe, made.clips, folder, device, workers, title)
    metrics = write_run(folder, made.recipe, outcomes, title, command)
    for role in ("validation", "test"):
        if role in metrics:
            row = metrics[role]
            print(f"{role}: UAR {100 * row['uar_mean']:.1f} +- {100 * row['uar_std']:.1f} %")
    if options.protocol == "all":
        print("network to ship:", ship(folder, made, options.corpus, metrics))
    print(f"see {folder / 'metrics.json'}, confusion.png, adjacency.png")


def places(options: argparse.Namespace) -> tuple[str, int]:
    """Where to train, and how many at a time."""
    device = chosen_device(options.device)
    return device, options.workers or (1 if device == "cuda" else os.cpu_count() or 1)


def _voice_results(options: argparse.Namespace, command: list[str]) -> None:
    from edge_emotion_train.voice_results import make_tables

    device, workers = places(options)
    make_tables(options, device, workers, command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0, 2 on bad input (one line on standard error), 130 on Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command = ["edge-emotion-train", *given]
    try:
        options = _parser().parse_args(given)
        options.run(options, command)
    except EdgeEmotionError as error:
        print(f"edge-emotion-train: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "tqdm", "matplotlib"):
            raise
        message = f"{error.name} is missing: pip install -c constraints.txt '.[export]' in the clone"
        print(f"edge-emotion-train: {message}", file=sys.stderr)
        return 2
    except BrokenProcessPool:
        message = (
            "a worker was killed, most likely for want of memory: the same command with --workers 1 goes on"
        )
        print(f"edge-emotion-train: {message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("edge-emotion-train: stopped; the same command goes on from the checkpoints", file=sys.stderr)
        return 130
    return 0
