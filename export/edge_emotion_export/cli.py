"""`edge-emotion-export`: a training run in, a bundle for the device out."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from edge_emotion.errors import EdgeEmotionError

_ABOUT = """\
Turns the final model of a training run into one file that a device runs: NAME.emo, a zip of the network in ONNX and
TFLite, a manifest that says what it expects and gives, and a model card. A face model that looks at the picture too
brings its appearance network, in the same two formats.

What happens: batch norms and the learned graph are folded into constants; each network is written, run in its real
runtime (ONNX Runtime, LiteRT) on random and extreme input, and compared with the trained model. If any logit, or any
number of the embedding, differs by over 1e-4, nothing is written.
"""
_EXAMPLES = """\
examples:
  edge-emotion-export runs/voice --out voice.emo
  edge-emotion-export runs/voice --out small.emo --name voice --formats tflite
  edge-emotion-export runs/face --out face.emo --results docs/results/face.json
  edge-emotion models voice.emo            what the bundle says of itself
  edge-emotion --model voice.emo --audio clip.wav
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0, or 2 after one line on stderr."""
    try:
        _export(_parser().parse_args(arguments))
    except EdgeEmotionError as error:
        print(f"edge-emotion-export: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("edge-emotion-export: stopped, nothing written", file=sys.stderr)
        return 130
    return 0


def _export(options: argparse.Namespace) -> None:
    try:
        from edge_emotion_export.export import export_bundle
    except ModuleNotFoundError as reason:
        raise EdgeEmotionError(
            f"{reason.name} is not installed: pip install '.[export]' in the clone"
        ) from reason
    export_bundle(
        options.run,
        options.out,
        name=options.name,
        formats=[kind.strip() for kind in options.formats.split(",") if kind.strip()],
        modality=options.modality,
        results=options.results,
        report=lambda line: print(line, flush=True),
    )


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
        "--results",
        metavar="FILE.json",
        help="result table whose rows the card shows (docs/results/voice.json, docs/results/face.json)",
    )
    parser.add_argument(
        "--modality",
        help="what the network listens to or looks at, voice or face (default: by the run's feature set)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
