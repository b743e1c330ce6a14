"""edge-emotion-train body, body-results: L-GrIN on corpora of motion."""

import argparse
from pathlib import Path
from typing import Any

from edge_emotion_train.whole_numbers import positive

EXAMPLES = """examples:
  leave one action out, three seeds:
    edge-emotion-train body --data body_bandai_namco_1 --seeds 3
  a model to ship, and its export:
    edge-emotion-train body --data body_bandai_namco_1 --protocol all --out runs/body
    edge-emotion-export runs/body --out body.emo
  the tables of docs/results/body.md:
    edge-emotion-train body-results --data body_bandai_namco_1
"""


def add_parsers(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the subcommands; common: the options of every training."""
    form = {"formatter_class": argparse.RawTextHelpFormatter, "epilog": EXAMPLES, "parents": [common]}
    data = {"type": Path, "required": True, "metavar": "DIR", "help": "Bandai-Namco Research Motiondataset 1"}
    one = commands.add_parser(
        "body", help="train and measure L-GrIN on body motion",
        description="Motion files through the device's own code to nodes, then leave one action out, or all to ship.",
        **form,
    )  # fmt: skip
    one.add_argument("--data", **data)
    one.add_argument(
        "--protocol", choices=("loao", "all"), default="loao",
        help="loao: leave one action out; all: every action learns, to ship (default: loao)",
    )  # fmt: skip
    one.add_argument("--features", choices=("body", "body-raw"), default="body",
                     help="body-raw: the paper's 72 numbers (default: body)")  # fmt: skip
    one.add_argument("--seeds", type=positive, default=1, help="how many seeds, 0, 1, ... (default: 1)")
    one.add_argument("--out", type=Path, help="run folder (default: runs/body-PROTOCOL)")
    one.set_defaults(run=_one)

    table = commands.add_parser(
        "body-results", help="every table of docs/results/body.md",
        description="Train what is not yet trained, measure it beside a forest, write docs/results/body.md and .json.",
        **form,
    )  # fmt: skip
    table.add_argument("--data", **data)
    table.add_argument("--seeds", type=positive, default=3, help="how many seeds, 0, 1, ... (default: 3)")
    table.add_argument(
        "--runs", type=Path, default=Path("runs/body-results"), help="where its runs lie and resume"
    )
    table.add_argument("--out", type=Path, default=Path("docs/results"), help="where the tables go")
    table.set_defaults(run=_table)

    picture = commands.add_parser(
        "body-skeleton", help="one pose as stick figures, by every source",
        description="Draw a pose of a file as the file tells it, and as it arrives by the MVN stream and by VMC.",
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
    from edge_emotion_train.stick_figures import draw_mapping

    others = {options.beside.stem: options.beside} if options.beside else {}
    draw_mapping(options.take, options.second, options.out, others)
    print(f"wrote {options.out}")


def _one(options: argparse.Namespace, command: list[str]) -> None:
    from edge_emotion_train.body import plan, settings_of, ship_body
    from edge_emotion_train.body_nodes import load_takes
    from edge_emotion_train.cli import places
    from edge_emotion_train.corpora import bandai_namco
    from edge_emotion_train.experiment import run_jobs
    from edge_emotion_train.run_folder import write_run

    device, workers = places(options)
    takes = load_takes(bandai_namco.clips(options.data))
    made = plan(
        options.protocol, takes, "all", settings_of(options.epochs), range(options.seeds), options.features
    )
    folder = options.out or Path("runs") / f"body-{options.protocol}"
    print(f"{len(made.clips)} takes, {len(made.jobs)} trainings, run folder {folder}, on {device}")
    title = f"body {options.protocol}"
    outcomes = run_jobs(made.jobs, made.recipe, made.clips, folder, device, workers, title)
    metrics = write_run(folder, made.recipe, outcomes, title, command)
    for role in ("validation", "test"):
        if role in metrics:
            row: Any = metrics[role]
            print(f"{role}: UAR {100 * row['uar_mean']:.1f} %, accuracy {100 * row['accuracy_mean']:.1f} %")
    if options.protocol == "all":
        print("network to ship:", ship_body(folder, made, metrics))
    print(f"see {folder / 'metrics.json'}, confusion.png, adjacency.png")


def _table(options: argparse.Namespace, command: list[str]) -> None:
    from edge_emotion_train.body_results import make_tables
    from edge_emotion_train.cli import places

    make_tables(options, *places(options), command)
