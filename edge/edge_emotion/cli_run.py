"""Recognising from the command line: flags onto settings, a session, an output, the summary."""

import argparse
import re
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from importlib import resources
from typing import TYPE_CHECKING, TypeVar

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.settings import (
    AudioFileSettings,
    BodyRecognizerSettings,
    CameraSettings,
    FaceFrontEndSettings,
    FaceRecognizerSettings,
    MicrophoneSettings,
    MotionSettings,
    RecognizerSettings,
    SynchGraphSettings,
    VideoFileSettings,
)
from edge_emotion.spiking_contract import FACE_VOICE
from edge_emotion.stopping import Stopped

if TYPE_CHECKING:  # loaded when a command needs them, so that --help is quick
    from edge_emotion.outputs.output import Output
    from edge_emotion.outputs.window import WindowView
    from edge_emotion.pipeline import Run
    from edge_emotion.session import Session
    from edge_emotion.session_settings import SessionSettings

T = TypeVar("T")

NOTE = "Reports expressed emotion: how a face, a voice and a body appear, not what a person feels."
RECORDING = "The recording: John F. Kennedy, 20 January 1961, public domain; nobody labelled its emotion."
CLIP = "demo.mp4"  # in the package's data; demo.txt beside it says what it is
LIVE_ONLY = ("camera_backend", "size", "fps")
PICTURES_ONLY = ("face_model", "faces", "landmarks", "window")
NO_SOURCE = (
    "give --camera N, --mic DEVICE, --imu SOURCE, --video FILE or --audio FILE, or try `edge-emotion demo`; "
    "see `edge-emotion --help`"
)


def is_live(options: argparse.Namespace) -> bool:
    """Whether the flags name something live: Ctrl-C is then how a run ends."""
    return options.camera is not None or options.mic is not None or _live_motion(options)


def _live_motion(options: argparse.Namespace) -> bool:
    from edge_emotion.sources.open_motion import is_file

    return options.imu is not None and not is_file(options.imu)


def run_command(options: argparse.Namespace) -> int:
    """Recognise what the flags name."""
    _check(options)
    return _run(session_settings(options), options, is_live(options))


def demo_command(options: argparse.Namespace) -> int:
    """Recognise the bundled clip, or the bundled recording of a voice."""
    options.camera = options.mic = options.video = options.audio = options.imu = None
    options.listen = options.imu_unit = None
    name = "demo.flac" if options.audio_only else CLIP
    with ExitStack() as stack:
        data = resources.files("edge_emotion") / "data"
        if not (data / name).is_file():
            raise EdgeEmotionError(f"this install has no {name}; try `edge-emotion demo --audio-only`")
        path = stack.enter_context(resources.as_file(data / name))
        if options.audio_only:
            options.audio = path
        else:
            options.video = path
        _check(options)
        options.realtime = options.realtime or (sys.stdout.isatty() and not options.json)
        said = RECORDING if options.audio_only else (data / "demo.txt").read_text().strip()
        return _run(session_settings(options), options, live=False, said=said)


def session_settings(options: argparse.Namespace) -> "SessionSettings":
    """The settings that the flags say; EdgeEmotionError for a value out of range."""
    from edge_emotion.session_settings import SessionSettings

    chunk = AudioFileSettings.chunk if options.chunk is None else options.chunk
    how = (options.engine, options.precision, options.threads, options.smoothing)
    voice = RecognizerSettings(options.model or RecognizerSettings.model, *how)
    face, face_voice, camera = None, None, None
    if _names_one_for_both(options):
        front_end = _given(FaceFrontEndSettings, landmarks=options.landmarks, threads=options.threads)
        face_voice = SynchGraphSettings(options.model, *how, front_end=front_end)
    elif not options.no_face and (options.video or options.camera is not None):
        front_end = _given(
            FaceFrontEndSettings, faces=options.faces, landmarks=options.landmarks, threads=options.threads
        )
        face = FaceRecognizerSettings(options.face_model or FaceRecognizerSettings.model, *how, front_end)
    if options.camera is not None:
        width, height = (None, None) if options.size is None else _size(options.size)
        camera = _given(
            CameraSettings, device=options.camera, width=width, height=height, fps=options.fps,
            backend=options.camera_backend,
        )  # fmt: skip
    return SessionSettings(
        video=VideoFileSettings(options.video, chunk, options.realtime) if options.video else None,
        audio=AudioFileSettings(options.audio, chunk, options.realtime) if options.audio else None,
        camera=camera,
        microphone=None if options.mic is None else MicrophoneSettings(options.mic),
        motion=_motion(options),
        voice=None if options.no_voice else voice,
        face=face,
        face_voice=face_voice,
        body=BodyRecognizerSettings(options.body_model or BodyRecognizerSettings.model, *how),
        seconds=options.seconds,
    )


def _motion(options: argparse.Namespace) -> MotionSettings | None:
    if options.imu is None:
        return None
    more = {"listen": options.listen, "unit": options.imu_unit, "realtime": options.realtime}
    return _given(MotionSettings, source=options.imu, **more)


def _given(settings: Callable[..., T], **values: object) -> T:
    """Settings from the values that are not None, the others at their defaults."""
    return settings(**{name: value for name, value in values.items() if value is not None})


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text.strip())
    if not found:
        raise EdgeEmotionError(f"--size: expected WIDTHxHEIGHT, e.g. 640x480, got {text!r}")
    return int(found[1]), int(found[2])


def _check(options: argparse.Namespace) -> None:
    """EdgeEmotionError for flags that do not go together."""
    live = [f"--{name}" for name in ("camera", "mic") if getattr(options, name) is not None]
    files = [f"--{name}" for name in ("video", "audio") if getattr(options, name) is not None]
    if not live and not files and options.imu is None:
        raise EdgeEmotionError(NO_SOURCE)
    _check_motion(options)
    if len(files) > 1 or (live and files):
        raise EdgeEmotionError(
            f"{' and '.join([*live, *files])}: not allowed with each other; give one file, or --camera and --mic"
        )
    if not live and not files and not _live_motion(options) and options.chunk is not None:
        raise EdgeEmotionError("--chunk goes with --audio or --video FILE, not with motion alone")
    if (live or (not files and _live_motion(options))) and (options.realtime or options.chunk is not None):
        raise EdgeEmotionError(
            "--realtime and --chunk go with --audio or --video FILE, not with live sources"
        )
    if _names_one_for_both(options):
        _check_one_for_both(options, live)
    if not options.video:
        _refuse(options, ("no_voice", "no_face"), "--video FILE: leave out --camera or --mic instead")
    if options.no_voice and options.no_face:
        raise EdgeEmotionError("--no-voice and --no-face leave nothing to judge; give one of them")
    if options.camera is None:
        _refuse(options, LIVE_ONLY, "--camera")
    alone = not live and not files
    if options.audio or live == ["--mic"] or options.no_face or alone:
        _refuse(options, PICTURES_ONLY, "a face to watch: --camera, or --video without --no-face")
    if live == ["--camera"] or options.no_voice or alone:
        _refuse(
            options, ("model",), "a voice: --mic, --audio, or --video without --no-voice (see --face-model)"
        )


def _check_motion(options: argparse.Namespace) -> None:
    """EdgeEmotionError for flags of motion that go with another source of it, or with none."""
    from edge_emotion.sources.open_motion import NETWORKS

    kind = "" if options.imu is None else options.imu.partition(":")[0]
    if options.listen is not None and kind not in NETWORKS:
        raise EdgeEmotionError("--listen goes with --imu mvn or --imu osc")
    if options.imu_unit is not None and kind != "mvn":
        raise EdgeEmotionError("--imu-unit goes with --imu mvn")
    if options.body_model is not None and kind in ("", "iio"):
        raise EdgeEmotionError("--body-model goes with --imu mvn, --imu osc or --imu FILE")


def _names_one_for_both(options: argparse.Namespace) -> bool:
    """Whether --model is of one model for face and voice; one that cannot be read is told when it is opened."""
    from edge_emotion.bundle import modality_of

    return options.model is not None and modality_of(options.model) == FACE_VOICE


def _check_one_for_both(options: argparse.Namespace, live: list[str]) -> None:
    """EdgeEmotionError for flags that do not go with one model for face and voice."""
    named = f"--model {options.model}, which judges a face and a voice as one"
    if options.no_voice or options.no_face or not (options.video or len(live) == 2):
        raise EdgeEmotionError(f"{named}, needs both: give --camera and --mic, or --video with its sound")
    if options.face_model is not None:
        raise EdgeEmotionError(f"--face-model does not go with {named}: leave it out")
    if options.faces not in (None, 1):
        raise EdgeEmotionError(f"--faces {options.faces} does not go with {named}: it judges one person")


def _refuse(options: argparse.Namespace, names: tuple[str, ...], goes_with: str) -> None:
    for name in names:
        if getattr(options, name) not in (None, False):
            raise EdgeEmotionError(f"--{name.replace('_', '-')} goes with {goes_with}")


def _run(settings: "SessionSettings", options: argparse.Namespace, live: bool, said: str = "") -> int:
    """Run a session to its end or to a signal; the summary is written however it ends."""
    from edge_emotion.outputs.output import OutputClosed
    from edge_emotion.session import open_session

    started: list[Run] = []
    with ExitStack() as stack:
        # Before the session: once PyAV is loaded, OpenCV's windows hang as they open.
        window = _window(options, lambda modality: started[0].dropped(modality) if started else 0)
        if window is not None:
            stack.callback(window.close)
        session = open_session(settings)
        run = stack.enter_context(closing(session.run))
        started.append(run)
        print(*[said] * bool(said), NOTE, sep="\n", file=sys.stderr)
        warned = _warn(run.warnings, set())
        output = _output(options, session, window)
        run.meter, run.watch = output.meter, output.frame
        code = 0
        try:
            for event in run:
                output.show(event)
                warned = _warn(run.warnings, warned)
        except OutputClosed:
            pass  # the summary says how far it came
        except Stopped as stopped:
            code = 0 if live else 128 + int(stopped.args[0])
        finally:
            run.close()
            output.close()
            print(run.summary(), file=sys.stderr)
            _warn(run.warnings, warned)
    return code


def _window(options: argparse.Namespace, dropped: Callable[[str], int]) -> "WindowView | None":
    if not options.window:
        return None
    from edge_emotion.outputs.window import WindowView

    return WindowView(dropped=dropped)


def _output(options: argparse.Namespace, session: "Session", window: "WindowView | None") -> "Output":
    text = _text_output(options.json, session)
    if window is None:
        return text
    from edge_emotion.outputs.output import Several

    return Several(text, window)


def _text_output(as_json: bool, session: "Session") -> "Output":
    if as_json:
        from edge_emotion.outputs.jsonl import JsonLines

        return JsonLines(sys.stdout)
    from rich.console import Console

    from edge_emotion.outputs.lines import PlainLines
    from edge_emotion.outputs.terminal import TerminalView

    console = Console()
    if not console.is_terminal or console.is_dumb_terminal:
        return PlainLines(sys.stdout)
    return TerminalView(console, session.title, session.needs, dropped=session.run.dropped)


def _warn(warnings: list[str], said: set[str]) -> set[str]:
    for warning in warnings:
        if warning not in said:
            print(f"warning: {warning}", file=sys.stderr)
    return said | set(warnings)
