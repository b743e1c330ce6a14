"""edge-emotion-train body, body-takes, body-results, body-skeleton: L-GrIN on corpora of motion."""

import argparse
import sys
from pathlib import Path
from typing import Any

from edge_emotion_train.whole_numbers import positive

CORPORA = ("bandai-namco-1", "bandai-namco-2", "ebedb", "xem")
EXAMPLES = """examples:
  leave one action out, three seeds:
    edge-emotion-train body --data body_bandai_namco_1 --seeds 3
  a model to ship, and its export:
    edge-emotion-train body --data body_bandai_namco_1 --protocol all --out runs/body
    edge-emotion-export runs/body --out body.emo
  what another corpus holds, then leave one actor out:
    edge-emotion-train body-takes DIR --corpus ebedb
    edge-emotion-train body --data DIR --corpus ebedb
  the tables of docs/results/body.md:
    edge-emotion-train body-results --data body_bandai_namco_1
"""


def add_parsers(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the subcommands; common: the options of every training."""
    form = {"formatter_class": argparse.RawTextHelpFormatter, "epilog": EXAMPLES, "parents": [common]}
    corpus = {"choices": CORPORA, "default": CORPORA[0], "help": "default: %(default)s"}
    one = commands.add_parser(
        "body", help="train and measure L-GrIN on body motion",
        description="Motion files through the device's own code to nodes, then leave one action out (or one actor,\n"
        "where the corpus names actors), or all to ship. The classes are the corpus' own labels.",
        **form,
    )  # fmt: skip
    one.add_argument("--data", type=Path, required=True, metavar="DIR", help="the corpus' folder")
    one.add_argument("--corpus", **corpus)
    one.add_argument(
        "--protocol", choices=("loao", "all"), default="loao",
        help="loao: leave one action, or actor, out; all: everything learns, to ship what stands for one of the seven\n"
        "emotions (default: loao)",
    )  # fmt: skip
    one.add_argument("--features", choices=("body", "body-raw"), default="body",
                     help="body-raw: the paper's 72 numbers (default: body)")  # fmt: skip
    one.add_argument("--seeds", type=positive, default=1, help="how many seeds, 0, 1, ... (default: 1)")
    one.add_argument("--out", type=Path, help="run folder (default: runs/body-PROTOCOL, of another corpus\n"
                     "runs/body-CORPUS-PROTOCOL)")  # fmt: skip
    one.set_defaults(run=_one)

    takes = commands.add_parser(
        "body-takes", help="list what a corpus of motion holds",
        description="Read every take of a folder as training would; list labels, actors or actions, seconds, and what\n"
        "is left out and why.",
        epilog=EXAMPLES, formatter_class=argparse.RawTextHelpFormatter,
    )  # fmt: skip
    takes.add_argument("data", type=Path, metavar="DIR", help="the corpus' folder")
    takes.add_argument("--corpus", **corpus)
    takes.set_defaults(run=_takes)

    table = commands.add_parser(
        "body-results", help="every table of docs/results/body.md",
        description="Train what is not yet trained, measure it beside a forest, write docs/results/body.md and .json.",
        **form,
    )  # fmt: skip
    table.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="Bandai-Namco Research Motiondataset 1"
    )
    table.add_argument("--seeds", type=positive, default=3, help="how many seeds, 0, 1, ... (default: 3)")
    table.add_argument(
        "--runs", type=Path, default=Path("runs/body-results"), help="where its runs lie and resume"
    )
    table.add_argument("--out", type=Path, default=Path("docs/results"), help="where the tables go")
    table.set_defaults(run=_table)

    picture = commands.add_parser(
        "body-skeleton", help="one pose as stick figures, by every source",
        description="Draw a pose of a file as the file tells it, and as it comes out of MVNX, of the MVN stream's "
        "types 01, 02 and 20 and of VMC; print how far joints then are from the file's.",
    )  # fmt: skip
    picture.add_argument("take", type=Path, metavar="FILE", help="a .bvh or .mvnx file")
    picture.add_argument("--second", type=float, default=1.0, help="of the take (default: %(default)s)")
    picture.add_argument("--beside", type=Path, metavar="FILE", help="another file, of other joints")
    picture.add_argument(
        "--out",
        type=Path,
        default=Path("docs/results/body-skeleton.png"),
        metavar="PNG",
        help="default: %(default)s",
    )
    picture.set_defaults(run=_picture)


def _picture(options: argparse.Namespace, command: list[str]) -> None:
    from edge_emotion_train.joint_mapping import draw_mapping

    others = {options.beside.stem: options.beside} if options.beside else {}
    differences = draw_mapping(options.take, options.second, options.out, others)
    for name, degrees in differences.items():
        print(f"{name:<11}  joints differ by at most {degrees:.6f} degrees")
    print(f"wrote {options.out}")


def _takes(options: argparse.Namespace, command: list[str]) -> None:
    from edge_emotion_train.body_corpora import body_corpus
    from edge_emotion_train.body_takes import takes_table

    print(takes_table(body_corpus(options.corpus, options.data)))


def _one(options: argparse.Namespace, command: list[str]) -> None:
    from edge_emotion_train.body import (
        emotional_labels,
        plan,
        plan_labels,
        settings_of,
        ship_actors,
        ship_body,
    )
    from edge_emotion_train.body_corpora import body_corpus
    from edge_emotion_train.body_nodes import readable_takes
    from edge_emotion_train.cli import places
    from edge_emotion_train.corpora import bandai_namco
    from edge_emotion_train.corpora.motion_clip import left_out_lines
    from edge_emotion_train.experiment import run_jobs
    from edge_emotion_train.run_folder import write_run

    device, workers = places(options)
    corpus = body_corpus(options.corpus, options.data)
    clips = corpus.clips()
    settings, seeds = settings_of(options.epochs), range(options.seeds)
    own = corpus.name == bandai_namco.NAME  # whose network learns fifteen styles and ships four of them
    labels = corpus.labels
    if options.protocol == "all" and not own:
        labels = emotional_labels(corpus.name, labels)
    takes, bad = readable_takes(clips)
    for line in (*corpus.warnings, *left_out_lines(corpus.name, bad)):
        print(f"warning: {line}", file=sys.stderr)
    if own:
        made = plan(options.protocol, takes, "all", settings, seeds, options.features)
    else:
        read = {take.clip.label for take in takes}
        labels = tuple(label for label in labels if label in read)
        unit = corpus.unit or "actor"  # clips() refused a corpus without any
        made = plan_labels(options.protocol, takes, labels, settings, seeds, options.features, unit)
    name = "body" if own else f"body-{corpus.name}"
    folder = options.out or Path("runs") / f"{name}-{options.protocol}"
    print(f"{len(made.clips)} takes, {len(made.jobs)} trainings, run folder {folder}, on {device}")
    title = f"{name} {options.protocol}"
    outcomes = run_jobs(made.jobs, made.recipe, made.clips, folder, device, workers, title)
    metrics = write_run(folder, made.recipe, outcomes, title, command)
    for role in ("validation", "test"):
        if role in metrics:
            row: Any = metrics[role]
            print(f"{role}: UAR {100 * row['uar_mean']:.1f} %, accuracy {100 * row['accuracy_mean']:.1f} %")
    if options.protocol == "all":
        ship = ship_body if own else ship_actors
        print("network to ship:", ship(folder, made, metrics))
    print(f"see {folder / 'metrics.json'}, confusion.png, adjacency.png")


def _table(options: argparse.Namespace, command: list[str]) -> None:
    from edge_emotion_train.body_results import make_tables
    from edge_emotion_train.cli import places

    make_tables(options, *places(options), command)
