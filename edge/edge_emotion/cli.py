"""The command line: each flag maps onto a settings dataclass, and each command calls the library."""

import argparse
import errno
import json
import math
import os
import re
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from edge_emotion import __version__
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.manifest import ENGINES
from edge_emotion.settings import (
    AudioFileSettings,
    BenchSettings,
    MicrophoneSettings,
    RecognizerSettings,
)
from edge_emotion.standard_streams import open_standard_streams, write_or_discard

if TYPE_CHECKING:  # loaded when a command needs them, so that --help is quick
    from edge_emotion.outputs.output import Output
    from edge_emotion.recognizer import Recognizer
    from edge_emotion.sources.sound import SoundSource

OUTPUT_FAILED = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
CALLED = "EDGE_EMOTION_CALLED"  # environment: the name that demo.py was called by, for what to do next
DEMO = "The recording: John F. Kennedy, 20 January 1961, public domain; nobody labelled its emotion."
NOTE = "Reports expressed emotion: how a voice sounds, not what a person feels."
DESCRIPTION = f"""\
Recognise expressed emotion from a voice, live or in a recording, on this device alone.
{NOTE}
"""
EXAMPLES = """\
examples:
  edge-emotion demo                               the bundled recording, no microphone needed
  edge-emotion --mic default                      live, until Ctrl-C
  edge-emotion --mic "USB PnP" --json             live, one JSON object a line, for other programs
  edge-emotion --audio clip.wav                   a recording: wav, flac, mp3 or ogg
  edge-emotion --audio clip.wav --json | jq .emotion
  edge-emotion devices                            which microphones there are
  edge-emotion models voice                       what a model is, its numbers and its limits
  edge-emotion bench                              what it costs on this machine

Estimates go to stdout; notes, warnings and the summary of the run to stderr.
Silence and sounds that are not speech get no guess: the voice abstains.

exit codes: 0 done, also after Ctrl-C or SIGTERM in live mode; 2 bad input or an output that
            cannot be written, said in one line; 130 or 143 when Ctrl-C or SIGTERM cut
            anything else short. A second Ctrl-C ends the program at once.
"""


class _Stopped(BaseException):
    """Ctrl-C or SIGTERM, with the signal's number."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        message = message.replace("--audio: expected one argument", "--audio: expected a file, e.g. clip.wav")
        message = message.replace("--mic: expected one argument", "--mic: expected a device, e.g. default")
        found = re.search(r"invalid choice: '([^']+\.\w+)'", message)
        if found:
            message = f"unknown command {found[1]!r}; for a recording: --audio {found[1]}"
        raise EdgeEmotionError(f"{message}; see `{self.prog} --help`")


def main(argv: list[str] | None = None) -> int:
    """Run one command; give the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    open_standard_streams()
    parser = _parser()
    live = False
    if not arguments:
        parser.print_help(sys.stderr)
        return 2
    try:
        _stop_on(signal.SIGINT, signal.SIGTERM)
        options = parser.parse_args(arguments)
        if options.command is not _recognize and (options.mic is not None or options.audio is not None):
            raise EdgeEmotionError("--mic and --audio do not go with another command: leave one of them out")
        live = getattr(options, "mic", None) is not None and options.command is _recognize
        command: Callable[[argparse.Namespace], int] = options.command
        code = command(options)
        sys.stdout.flush()
        return code
    except EdgeEmotionError as error:
        called = os.environ.get(CALLED, "edge-emotion")
        print(f"edge-emotion: {str(error).replace('`edge-emotion ', f'`{called} ')}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in OUTPUT_FAILED:
            raise
        said = f"edge-emotion: cannot write the output ({error.strerror}); make room or write elsewhere\n"
        for stream, text in ((sys.stdout, ""), (sys.stderr, said)):
            write_or_discard(stream, text)
        return 2
    except _Stopped as stopped:
        return 0 if live else 128 + int(stopped.args[0])


def _stop_on(*signals: signal.Signals) -> None:
    def stop(number: int, frame: Any) -> None:
        for each in signals:  # a second one ends the program, whatever it is at
            signal.signal(each, signal.SIG_DFL)
        raise _Stopped(number)

    for each in signals:
        signal.signal(each, stop)


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = _Parser("edge-emotion", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=raw)
    parser.add_argument("--version", action="version", version=f"edge-emotion {__version__}")
    source = parser.add_argument_group("where the sound comes from").add_mutually_exclusive_group()
    source.add_argument("--mic", metavar="DEVICE", help='"default", a number, a name or a part of one')
    source.add_argument("--audio", metavar="FILE", type=Path, help="a wav, flac, mp3 or ogg file")
    _add_run_options(parser)
    parser.set_defaults(command=_recognize)
    commands = parser.add_subparsers(title="other commands", metavar="COMMAND")

    demo = commands.add_parser("demo", help="recognise the bundled recording")
    _add_run_options(demo)
    demo.set_defaults(command=_demo)

    devices = commands.add_parser("devices", help="list the microphones")
    devices.set_defaults(command=_devices)

    models = commands.add_parser("models", help="list the models, or show one's card")
    models.add_argument("model", nargs="?", metavar="NAME|PATH", help="a shipped model or a .emo file")
    models.set_defaults(command=_models)

    bench = commands.add_parser("bench", help="measure latency, CPU share and memory on this machine")
    _add_model_options(bench, engine=None)
    bench.add_argument("--seconds", type=float, default=BenchSettings.seconds, metavar="S",
                       help="sound to compute in each part (default %(default)g)")  # fmt: skip
    bench.add_argument("--out", type=Path, metavar="DIR",
                       help="also write DIR/voice-latency.json and DIR/voice-latency.md")  # fmt: skip
    form = bench.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--markdown", action="store_true", help="for pages")
    bench.set_defaults(command=_bench)
    return parser


def _add_model_options(parser: argparse.ArgumentParser, engine: str | None) -> None:
    defaults = RecognizerSettings()
    group = parser.add_argument_group("model")
    add = group.add_argument
    add("--model", default=defaults.model, metavar="NAME|PATH",
        help="a shipped model or a .emo file (default %(default)s)")  # fmt: skip
    add("--engine", choices=ENGINES, default=engine,
        help=f"runtime of the network (default {engine or 'all of them'})")  # fmt: skip
    add(
        "--precision",
        default=defaults.precision,
        help="one that the model has, see `models` (default %(default)s)",
    )
    add("--threads", type=int, default=defaults.threads, metavar="N",
        help="CPU threads of the network (default %(default)s)")  # fmt: skip


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    defaults = RecognizerSettings()
    _add_model_options(parser, defaults.engine)
    group = parser.add_argument_group("run")
    add = group.add_argument
    add("--json", action="store_true", help="one JSON object a line instead of a view for people")
    add("--smoothing", type=float, default=defaults.smoothing, metavar="S",
        help="time constant of the smoothing in seconds, 0 = off (default %(default)g)")  # fmt: skip
    add("--seconds", type=float, metavar="S", help="stop after this many seconds of sound")
    add("--realtime", action="store_true", help="recordings: keep their pace")
    add("--chunk", type=float, metavar="S",
        help=f"recordings: seconds read at a time; the estimates stay the same "
        f"(default {AudioFileSettings.chunk:g})")  # fmt: skip


def _recognize(options: argparse.Namespace) -> int:
    if options.mic is not None:
        if options.realtime or options.chunk is not None:
            raise EdgeEmotionError("--realtime and --chunk go with --audio FILE, not with --mic")
        return _run(options, lambda: _microphone(options.mic), live=True)
    if options.audio is None:
        raise EdgeEmotionError("give --mic DEVICE or --audio FILE, or try `edge-emotion demo`; see --help")
    return _run(options, lambda: _audio_file(options, options.audio), live=False)


def _demo(options: argparse.Namespace) -> int:
    with ExitStack() as stack:
        data = resources.files("edge_emotion") / "data" / "demo.flac"
        recording = stack.enter_context(resources.as_file(data))
        print(DEMO, file=sys.stderr)
        options.realtime = options.realtime or (sys.stdout.isatty() and not options.json)
        return _run(options, lambda: _audio_file(options, recording), live=False)


def _microphone(device: str) -> "SoundSource":
    from edge_emotion.sources.microphone import Microphone

    return Microphone(MicrophoneSettings(device))


def _audio_file(options: argparse.Namespace, path: Path) -> "SoundSource":
    from edge_emotion.sources.audio_file import AudioFile

    chunk = AudioFileSettings.chunk if options.chunk is None else options.chunk
    return AudioFile(AudioFileSettings(path, chunk, options.realtime))


def _run(options: argparse.Namespace, open_source: Callable[[], "SoundSource"], live: bool) -> int:
    """Run a source to its end or to a signal; the summary is written however it ends."""
    if options.seconds is not None and not (options.seconds > 0 and math.isfinite(options.seconds)):
        raise EdgeEmotionError(f"--seconds: expected more than 0 s, got {options.seconds:g}")
    settings = RecognizerSettings(
        options.model, options.engine, options.precision, options.threads, options.smoothing
    )
    from edge_emotion.pipeline import Run
    from edge_emotion.recognizer import Recognizer

    with closing(open_source()) as source:  # before the model: a wrong file or name is found at once
        recognizer = Recognizer.from_settings(settings)
        print(NOTE, file=sys.stderr)
        warned = _warn(source, set())
        output = _output(options.json, recognizer, source)
        run = Run(source, recognizer, options.seconds, output.meter)
        code = 0
        try:
            for estimate in run:
                output.show(estimate)
        except _Stopped as stopped:
            code = 0 if live else 128 + int(stopped.args[0])
        finally:
            source.close()
            output.close()
            print(run.summary(), file=sys.stderr)
            _warn(source, warned)
    return code


def _output(as_json: bool, recognizer: "Recognizer", source: "SoundSource") -> "Output":
    if as_json:
        from edge_emotion.outputs.jsonl import JsonLines

        return JsonLines(sys.stdout)
    from rich.console import Console

    from edge_emotion.outputs.terminal import PlainLines, TerminalView

    console = Console()
    if not console.is_terminal or console.is_dumb_terminal:
        return PlainLines(sys.stdout)
    window = recognizer.bundle.window
    title = f"{source.name} · {recognizer.bundle.name} on {recognizer.engine.name}"
    return TerminalView(console, title, window.nodes * window.period)


def _warn(source: "SoundSource", said: set[str]) -> set[str]:
    for warning in source.warnings:
        if warning not in said:
            print(f"warning: {warning}", file=sys.stderr)
    return said | set(source.warnings)


def _devices(options: argparse.Namespace) -> int:
    from edge_emotion.sources.microphone import input_devices

    devices = input_devices()
    if not devices:
        raise EdgeEmotionError("no microphone found; plug one in (`arecord -l` shows what ALSA sees)")
    print("number  channels  rate Hz  name")
    for device in devices:
        mark = " (default)" if device.default else ""
        print(f"{device.number:6}  {device.channels:8}  {device.rate:7}  {device.name} [{device.host}]{mark}")
    return 0


def _models(options: argparse.Namespace) -> int:
    from edge_emotion.bundle import read_bundle, shipped_bundles

    if options.model is None:
        names = shipped_bundles()
        if not names:
            raise EdgeEmotionError("no model is shipped with this install; give a .emo file: models PATH")
        for name in names:
            bundle = read_bundle(name)
            networks = ", ".join(f"{n.engine} {n.precision}" for n in bundle.networks)
            print(f"{name}: {bundle.modality}, {bundle.size / 1e3:.0f} kB, {networks}")
        return 0
    bundle = read_bundle(options.model)
    window = bundle.window
    print(f"name         {bundle.name}")
    print(f"modality     {bundle.modality}")
    print(f"size         {bundle.size / 1e3:.0f} kB")
    print(f"labels       {', '.join(f'{label} -> {bundle.label_map[label]}' for label in bundle.labels)}")
    print(
        f"window       {window.nodes} nodes of {window.period:g} s = {window.nodes * window.period:.2f} s, "
        f"an estimate each {window.hop * window.period:.2f} s"
    )
    print(f"features     {window.feature_set} version {window.feature_version}, {window.features} a node")
    print(f"temperature  {bundle.temperature:.3f}")
    for network in bundle.networks:
        print(f"network      {network.engine} {network.precision}, sha256 {network.sha256}")
    for key in ("architecture", "parameters", "date", "commit"):  # the card says the rest in sentences
        if key in bundle.about:
            print(f"{key:<12} {bundle.about[key]}")
    print(f"\n{bundle.card}")
    return 0


def _bench(options: argparse.Namespace) -> int:
    engines = ENGINES if options.engine is None else (options.engine,)
    settings = BenchSettings(options.model, engines, options.precision, options.threads, options.seconds)
    from edge_emotion.bench import bench
    from edge_emotion.bench_report import markdown, plain, write_result
    from edge_emotion.bundle import read_bundle

    read_bundle(settings.model)  # a wrong model is found here, not in the processes that measure
    result = bench(settings)
    if options.out is not None:
        result["stamp"]["command"] += f" --out {options.out}"
        write_result(result, options.out)
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        print(markdown(result) if options.markdown else plain(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
