"""`edge-emotion-export`: a training run in, a bundle for the device out."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.whole_numbers import positive

_ABOUT = """\
Turns the final model of a training run into one file that a device runs: NAME.emo, a zip of the network in ONNX and
TFLite, a manifest that says what it expects and gives, and a model card. A face model that looks at the picture too
brings its appearance network, in the same two formats.

What happens: batch norms and the learned graph are folded into constants; each network is written, run in its real
runtime (ONNX Runtime, LiteRT) on random and extreme input, and compared with the trained model. If any logit, or any
number of the embedding, differs by over 1e-4, nothing is written.

int8: where the run holds calibration data (training leaves it), each network is quantised too, with its ranges at run
time (dynamic) and fixed (static). On clips kept for judging (held out for a face; for a voice those of the
calibration twin) its first answer must be that of fp32 in 99 of 100 windows and its UAR within half a point; of each
format the file that passed and was the quickest on this machine is what a device takes.
"""
_EXAMPLES = """\
examples:
  edge-emotion-export runs/voice --out voice.emo
  edge-emotion-export runs/voice --out small.emo --name voice --formats tflite
  edge-emotion-export runs/face --out face.emo --results docs/results/face.json
  edge-emotion-export runs/face --out face.emo --quantize none,dynamic      not the static one
  edge-emotion-export verify face.emo --run runs/face                       every gate again, on the written file
  edge-emotion-export results runs/voice runs/face --out docs/results       the table of all formats and precisions
  edge-emotion-export synch-graph runs/synch --out synch.emo                a Synch-Graph of edge-emotion-train
  edge-emotion-export synch-parity --network runs/synch/model/network.npz    the same spikes in Brian2, NumPy and ONNX
  edge-emotion-export synch-cost                                            what spiking networks cost on this machine
  edge-emotion models voice.emo            what the bundle says of itself
  edge-emotion --model voice.emo --audio clip.wav
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0, or 2 after one line on stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["verify"]:
            return _verify(_verify_parser().parse_args(given[1:]))
        if given[:1] == ["results"]:
            return _results(_results_parser().parse_args(given[1:]))
        if given[:1] == ["synch-graph"]:
            return _synch_graph(_synch_graph_parser().parse_args(given[1:]))
        if given[:1] == ["synch-cost"]:
            return _synch_cost(_synch_cost_parser().parse_args(given[1:]), given)
        if given[:1] == ["synch-parity"]:
            return _synch_parity(_synch_parity_parser().parse_args(given[1:]), given)
        _export(_parser().parse_args(given))
    except EdgeEmotionError as error:
        print(f"edge-emotion-export: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("edge-emotion-export: stopped, nothing written", file=sys.stderr)
        return 130
    return 0


def _export(options: argparse.Namespace) -> None:
    with _needs_the_extra():
        from edge_emotion_export.export import export_bundle
    export_bundle(
        options.run,
        options.out,
        name=options.name,
        formats=_list(options.formats),
        modality=options.modality,
        results=options.results,
        quantize=None if options.quantize is None else _list(options.quantize),
        calibrate=options.calibrate,
        report=_say,
    )


def _verify(options: argparse.Namespace) -> int:
    with _needs_the_extra():
        from edge_emotion_export.verify import verify_bundle
    problems = verify_bundle(options.bundle, run=options.run, calibrate=options.calibrate, report=_say)
    for problem in problems:
        print(f"edge-emotion-export: {options.bundle}: {problem}", file=sys.stderr)
    return 2 if problems else 0


def _results(options: argparse.Namespace) -> int:
    with _needs_the_extra():
        from edge_emotion_export.results import write_export_results
    command = " ".join(["edge-emotion-export", "results", *options.runs, "--out", options.out])
    write_export_results(options.runs, options.out, command, report=_say)
    return 0


def _synch_graph(options: argparse.Namespace) -> int:
    with _needs_the_extra():
        from edge_emotion_export.synch_graph import export_synch_graph, verify_synch_graph

        if options.verify:
            verify_synch_graph(options.out, options.run, _say)
        else:
            export_synch_graph(options.run, options.out, options.name, _say)
    return 0


def _synch_cost(options: argparse.Namespace, given: Sequence[str]) -> int:
    with _needs_the_extra():
        from edge_emotion_export.synch_cost import write_synch_cost

        write_synch_cost(options.out, ["edge-emotion-export", *given], _say)
    return 0


def _synch_parity(options: argparse.Namespace, given: Sequence[str]) -> int:
    if (options.ravdess is None) != (options.fer2013 is None):
        raise EdgeEmotionError("give both --ravdess and --fer2013, or neither for random rates")
    with _needs_the_extra():
        from edge_emotion_export.synch_parity import write_synch_parity

        problems = write_synch_parity(
            options.network,
            options.presentations,
            None if options.ravdess is None else (options.ravdess, options.fer2013),
            options.out,
            " ".join(["edge-emotion-export", *given]),
            cache=options.cache,
            seed=options.seed,
            report=_say,
        )
    for problem in problems:
        print(f"edge-emotion-export: {options.network}: {problem}", file=sys.stderr)
    return 2 if problems else 0


@contextmanager
def _needs_the_extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as reason:
        raise EdgeEmotionError(
            f"{reason.name} is not installed: pip install '.[export]' in the clone"
        ) from reason


def _list(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _say(line: str) -> None:
    print(line, flush=True)


class _Parser(argparse.ArgumentParser):
    """Says a wrong command line in one line, like every other bad input."""

    def error(self, message: str) -> NoReturn:
        raise EdgeEmotionError(f"{message}; see `{self.prog} --help`")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="edge-emotion-export",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "run", metavar="RUN", help="folder of a run that edge-emotion-train finished (holds model/)"
    )
    parser.add_argument(
        "--out", metavar="NAME.emo", required=True, help="bundle to write; replaced if it exists"
    )
    parser.add_argument("--name", help="name of the bundle (default: that of the file)")
    parser.add_argument(
        "--formats", default="onnx,tflite", help="networks to put in, of: onnx, tflite (default: both)"
    )
    parser.add_argument(
        "--quantize",
        metavar="LIST",
        help="of: none, float16, dynamic, static; one that fails its gate is then an error (default: none, and with "
        "calibration data dynamic and static where they pass)",
    )
    parser.add_argument(
        "--calibrate",
        metavar="RUN|FILE.npz",
        help="windows to quantise with and to judge by: a run that holds them (default: RUN itself)",
    )
    parser.add_argument(
        "--results",
        metavar="FILE.json",
        help="result table whose rows the card shows (docs/results/voice.json, docs/results/face.json)",
    )
    parser.add_argument(
        "--modality",
        help="what the network listens to or looks at, voice or face (default: by the run's feature set)",
    )
    return parser


def _verify_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="edge-emotion-export verify",
        description="Repeats the gates on a bundle: every network opens and gives numbers on any input, and fp32 is "
        "the same in both formats. With --run also: fp32 against the trained model, the others against fp32 on the "
        "windows kept for judging; without, they are not judged. Exit 2 when a gate fails.",
    )
    parser.add_argument(
        "bundle", metavar="NAME|FILE.emo", help="a .emo file, or the name of a shipped bundle"
    )
    parser.add_argument("--run", metavar="RUN", help="the training run that the bundle was exported from")
    parser.add_argument(
        "--calibrate", metavar="RUN|FILE.npz", help="windows to judge by, other than the run's"
    )
    return parser


def _results_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="edge-emotion-export results",
        description="Writes export.md and export.json: each run's networks in every format and precision: size, "
        "difference, agreement, UAR and time as a ratio to ONNX Runtime fp32 in the same run, passing its gate or not; "
        "and what the static error is made of.",
    )
    parser.add_argument("runs", metavar="RUN", nargs="+", help="runs that edge-emotion-train finished")
    parser.add_argument("--out", metavar="DIR", default="docs/results", help="default: docs/results")
    return parser


def _synch_graph_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="edge-emotion-export synch-graph",
        description="Turns a run of `edge-emotion-train synch-graph` into a bundle: its spiking network as one ONNX "
        "Scan, graph building and GCN as another graph. Nothing is written unless, opened as on a device, every "
        "spike is the reference's and no logit differs from PyTorch's by more than 1e-4.",
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of the training run")
    parser.add_argument("--out", metavar="FILE.emo", type=Path, required=True, help="the bundle")
    parser.add_argument("--name", help="of the model (default: the file's)")
    parser.add_argument("--verify", action="store_true", help="repeat the proof on a bundle that is there")
    return parser


def _synch_cost_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="edge-emotion-export synch-cost",
        description="Measures spiking networks of several sizes over several presentations, in ONNX Runtime, NumPy and "
        "Brian2, and learning in Brian2's compiled program; writes synch-graph-cost.md and .json.",
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("docs/results"), help="default: docs/results"
    )
    return parser


def _synch_parity_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="edge-emotion-export synch-parity",
        description="Shows a spiking network the same input spikes in Brian2, in the NumPy reference and in its ONNX "
        "graph, counts the spikes that differ, and writes synch-graph-parity.md, .json and .png. Exit 2 where any "
        "differ.",
    )
    parser.add_argument(
        "--network", metavar="FILE.npz", type=Path, required=True, help="network.npz of a Synch-Graph run"
    )
    parser.add_argument(
        "--presentations", metavar="N", type=positive, default=20, help="how many (default: %(default)s)"
    )
    parser.add_argument(
        "--ravdess",
        metavar="DIR",
        type=Path,
        help="RAVDESS speech, with --fer2013: show test clips of the pairs",
    )
    parser.add_argument(
        "--fer2013", metavar="FILE", type=Path, help="FER2013 as .npz (default: random rates)"
    )
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, default=Path("cache"), help="of encoded clips (default: cache)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of pairs, rates and spike trains (default: %(default)s)"
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("docs/results"), help="default: docs/results"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
