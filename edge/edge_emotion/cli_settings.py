"""The flags of a run onto the settings of a session, and which of them go together."""

import argparse
import re
from collections.abc import Callable
from typing import TypeVar

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.session_settings import SessionSettings
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

T = TypeVar("T")

CAMERA_ONLY = ("camera_backend", "size", "fps")
LIVE_ONLY = ("keep_trying", "max_cpu", "allow_root", "record", "record_most", "metrics")
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


def session_settings(options: argparse.Namespace) -> SessionSettings:
    """The settings that the flags say; EdgeEmotionError for a value out of range."""
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
        keep_trying=options.keep_trying,
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


def check_options(options: argparse.Namespace) -> None:
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
    if options.max_cpu is not None and not 1 <= options.max_cpu <= 10_000:
        raise EdgeEmotionError(f"--max-cpu: expected 1 to 10000 per cent of a core, got {options.max_cpu:g}")
    if options.record is None and options.record_most is not None:
        raise EdgeEmotionError("--record-most goes with --record DIR")
    if not is_live(options):
        _refuse(options, LIVE_ONLY, "live sources: --camera, --mic, --imu mvn, osc or iio")
    if options.camera is None:
        _refuse(options, CAMERA_ONLY, "--camera")
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
        if getattr(options, name) is not None and getattr(options, name) is not False:  # --metrics 0 is given
            raise EdgeEmotionError(f"--{name.replace('_', '-')} goes with {goes_with}")
