"""Command line of Synch-Graph: one network, and the tables of docs/results/synch-graph.md."""

import argparse
import os
from pathlib import Path
from typing import Any

from edge_emotion_train.whole_numbers import not_negative, positive

SYNCH_EXAMPLES = """examples:
  a reduced network (64 neurons, for the device) on FER2013 faces paired with RAVDESS sentences, then its bundle:
    edge-emotion-train synch-graph --ravdess ravdess --fer2013 fer2013.npz --size reduced --out runs/synch
    edge-emotion-export synch-graph runs/synch --out synch.emo
    edge-emotion --model synch.emo --camera 0 --mic default
  on your copy of a corpus with both senses:
    edge-emotion-train synch-graph --corpus enterface-video --data DIR --size full --baselines
  the paper's leaky protocol, and the control that shows the leak:
    edge-emotion-train synch-graph --ravdess ravdess --fer2013 fer2013.npz --protocol paper --permuted
  every table of docs/results/synch-graph.md (an hour or two; stops and resumes where you like):
    edge-emotion-train synch-results --ravdess ravdess --fer2013 fer2013.npz

A stopped run goes on from its checkpoints when the same command is given again."""


def add_parsers(commands: Any) -> None:
    """Add the subcommands synch-graph and synch-results."""
    from edge_emotion_train.models.synch_graph.settings import PRESETS

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--ravdess", type=Path, metavar="DIR", help="RAVDESS speech: the sentences of the pairs"
    )
    common.add_argument(
        "--fer2013", type=Path, metavar="FILE", help="FER2013 as .npz: the faces of the pairs"
    )
    common.add_argument("--presentations", type=positive, default=800, metavar="N",
                        help="presentations that the spiking network learns from (default: %(default)s)")  # fmt: skip
    common.add_argument(
        "--backend", choices=("cpp_standalone", "cython", "numpy"), default="cpp_standalone",
        help="how Brian2 runs: compiled to one C++ program (needs g++ and make), by Cython (needs g++), or by NumPy,\n"
        "many times slower; none is taken in place of another (default: %(default)s)",
    )  # fmt: skip
    common.add_argument("--epochs", type=positive, help="of the graph network at most (default: 50)")
    common.add_argument("--workers", type=positive, help="jobs at a time (default: one a core)")
    common.add_argument("--cache", type=Path, default=Path("cache"), help="of encoded clips (default: cache)")
    form = {"formatter_class": argparse.RawTextHelpFormatter, "epilog": SYNCH_EXAMPLES, "parents": [common]}

    one = commands.add_parser(
        "synch-graph", help="train a Synch-Graph: spiking network, synchrony graphs, GCN",
        description="Teach a Brian2 spiking network with STDP, record it frozen, and train a GCN on the graphs of\n"
        "neurons that fire together. RUN/model is what the export reads.", **form,
    )  # fmt: skip
    one.add_argument("--corpus", help="ravdess-video or enterface-video, in place of pairs")
    one.add_argument("--data", type=Path, metavar="DIR", help="its folder, as published")
    one.add_argument("--size", choices=tuple(PRESETS), default="reduced",
                     help="full: 160 excitatory neurons, the paper's; reduced: 64 (default: %(default)s)")  # fmt: skip
    one.add_argument(
        "--protocol", choices=("inductive", "masked", "paper"), default="inductive",
        help="inductive: no edge leaves a clip, as on a device; masked: label edges among training clips alone;\n"
        "paper: leaky, label edges everywhere (default: %(default)s)",
    )  # fmt: skip
    one.add_argument("--permuted", action="store_true", help="classes dealt at random: the control for leaks")
    one.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE",
        help="another setting of the spiking network: features=10, inhibition=modality, shared=face,voice,\n"
        "cross_sum=0, to_excitatory_frozen=2 ...; given again: more of them",
    )  # fmt: skip
    one.add_argument(
        "--layers", type=int, choices=(2, 3), default=3, help="of the GCN (default: %(default)s)"
    )
    one.add_argument("--baselines", action="store_true", help="also the unimodal and early-fusion rows")
    one.add_argument("--seed", type=not_negative, default=0, help="of split, pairs, networks (default: 0)")
    one.add_argument("--out", type=Path, help="run folder (default: runs/synch-graph-SIZE)")
    one.set_defaults(run=_one)

    table = commands.add_parser(
        "synch-results", help="every table of docs/results/synch-graph.md",
        description="Train what is not yet trained, measure it, write docs/results/synch-graph.md, .json and pictures.",
        **form,
    )  # fmt: skip
    table.add_argument("--sizes", nargs="+", default=["full", "reduced"], help="default: full reduced")
    table.add_argument("--baselines", nargs="*", default=["full", "reduced"], metavar="SIZE",
                       help="sizes with unimodal and early-fusion rows too (default: full reduced)")  # fmt: skip
    table.add_argument("--partial", action="store_true",
                       help="write the tables from the graph networks that are there, train none")  # fmt: skip
    table.add_argument("--seeds", type=positive, default=3, help="how many seeds, 0, 1, ... (default: 3)")
    table.add_argument(
        "--runs", type=Path, default=Path("runs/synch-results"), help="where its runs lie and resume"
    )
    table.add_argument("--out", type=Path, default=Path("docs/results"), help="where the tables go")
    table.set_defaults(run=_table)


def _one(options: argparse.Namespace, command: list[str]) -> None:
    from edge_emotion_train.synch.one_run import train_one

    train_one(options, options.workers or os.cpu_count() or 1, command)


def _table(options: argparse.Namespace, command: list[str]) -> None:
    from edge_emotion.errors import EdgeEmotionError
    from edge_emotion_train.synch.results import make_tables

    if options.ravdess is None or options.fer2013 is None:
        raise EdgeEmotionError("synch-results needs --ravdess DIR and --fer2013 FILE")
    make_tables(options, options.workers or os.cpu_count() or 1, command)
