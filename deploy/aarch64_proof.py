"""What is shown on aarch64: the commands that are run there, and by which rule their events are compared."""

from dataclasses import dataclass
from pathlib import Path

from aarch64_agreement import TOLERANCE
from aarch64_install import Command
from environment import SetupError, say
from installed_size import ROOT

PACKAGE = ROOT / "edge" / "edge_emotion"
DATA, MODELS = PACKAGE / "data", PACKAGE / "models"
CLIPS = ROOT.parent / "shared" / "data" / "clips"
TALKERS = ("lbax4n.mpg", "brbk7n.mpg")  # a woman and a man of GRID, 3 s each with sound
SYNCH_GRAPH = "synch-graph"
SUFFIX = ".emo"
FIRST_TWO = "2.6"  # seconds; synch-graph's first estimates are those at 2.0 and 2.5 s


@dataclass(frozen=True)
class Proof:
    """Commands, and what their events have to agree in.

    name: of the result files. about: what the result file says of them, after "what". extras: of the wheel, for the
    commands that take them. tolerance: of a probability; None where only classes and abstentions have to agree.
    left_out: recordings that are not on this machine.
    """

    name: str
    title: str
    about: str
    commands: tuple[Command, ...]
    extras: tuple[str, ...] = ("video",)
    tolerance: float | None = TOLERANCE
    left_out: tuple[str, ...] = ()


RECORDINGS = Proof(
    "aarch64",
    "The program on aarch64, emulated",
    "it says of the bundled recordings is compared event by event with what the same wheel says on the machine below. "
    "It proves that the program starts there and computes the same",
    (
        Command("models", ("models",)),
        Command("--audio demo.flac", ("--audio", str(DATA / "demo.flac"), "--json")),
        # As long as it takes for both senses to speak: the voice's first window is 3.6 s long. A frame costs the
        # emulation half a second of a core.
        Command(
            "--video demo.mp4, 3.7 s",
            ("--video", str(DATA / "demo.mp4"), "--seconds", "3.7", "--json"),
            extra=True,
        ),
    ),
)


def synch_graph(model: str, clips: Path = CLIPS) -> Proof:
    """Proof of a model of face and voice together, `model` by shipped name or path, on demo.mp4 and real talkers.

    Its spike trains are drawn from rates, and one spike more or less moves every probability; so classes are compared.
    Says which clips are not there. SetupError when the model is not.
    """
    bundle = Path(model) if model.endswith(SUFFIX) else MODELS / (model + SUFFIX)
    if not bundle.is_file():
        raise SetupError(f"no model {model!r}: expected the name of a shipped one, or a {SUFFIX} file")
    given = str(bundle.resolve()) if model.endswith(SUFFIX) else model
    there = [DATA / "demo.mp4", *(clips / name for name in TALKERS if (clips / name).is_file())]
    left_out = tuple(name for name in TALKERS if clips / name not in there)
    for name in left_out:
        say(f"skipped: {name} (not in ../shared/data/clips, beside the repository)")
    return Proof(
        "aarch64-synch-graph",
        f"The model {bundle.stem} on aarch64, emulated",
        f"the model {bundle.stem}, run by ONNX Runtime, says of each clip is compared event by event with what the "
        "same wheel says on the machine below. It proves that the model runs there and finds the same classes",
        tuple(
            Command(
                f"--model {bundle.stem} --video {clip.name}, {FIRST_TWO} s",
                ("--model", given, "--video", str(clip), "--seconds", FIRST_TWO, "--json"),
                extra=True,
            )
            for clip in there
        ),
        ("onnx", "video"),
        None,
        left_out,
    )
