"""Opens what a session watches and listens to, as one source."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.senses import BODY, FACE, VOICE, Source
from edge_emotion.session_settings import SessionSettings
from edge_emotion.settings import CameraSettings, MicrophoneSettings, MotionSettings, VideoFileSettings
from edge_emotion.sources.live import LiveSources
from edge_emotion.sources.live_part import LivePart


def open_sources(settings: SessionSettings) -> tuple[Source, set[str], list[str]]:
    """The source with the motion in it, the senses it feeds, and what to say about it."""
    parts: list[LivePart] = []
    notes: list[str] = []
    try:
        if settings.microphone is not None:
            parts.append(_microphone(settings.microphone, settings.keep_trying))
        if settings.camera is not None:
            parts.append(_camera(settings.camera, settings.keep_trying))
        if settings.video is not None or settings.audio is not None:
            file, senses, notes = _open_file(settings)
            parts.append(LivePart(tuple(senses), file.name, lambda: file, file, file=True))
        if settings.motion is not None:
            parts.append(_motion(settings.motion, settings.keep_trying))
    except BaseException:
        for part in parts:
            if part.device is not None:
                part.device.close()
        raise
    parts.sort(key=lambda part: FACE not in part.senses)  # opened after the microphone, named before it
    senses = {sense for part in parts for sense in part.senses}
    recorded = [part for part in parts if part.file]
    if len(recorded) < len(parts):
        return LiveSources(parts), senses, notes
    if len(recorded) == 1:
        return recorded[0].device, senses, notes
    from edge_emotion.sources.with_motion import RecordedWithMotion

    main, motion = (part.device for part in recorded)
    return RecordedWithMotion(main, motion, senses - {BODY}), senses, notes


def _first(open_device: Callable[[], Any], keep_trying: bool) -> Any:
    """The opened device; None for one that is not there yet but may come."""
    try:
        return open_device()
    except EdgeEmotionError:
        if keep_trying:
            return None
        raise


def _microphone(chosen: MicrophoneSettings, keep_trying: bool) -> LivePart:
    from edge_emotion.sources.microphone import Microphone, lasting_name, look_again

    wanted = chosen

    def again() -> Microphone:
        nonlocal wanted
        look_again()
        microphone = Microphone(wanted)
        wanted = replace(chosen, device=lasting_name(microphone.name, chosen.device))
        return microphone

    first = _first(again, keep_trying)
    return LivePart((VOICE,), f"microphone {chosen.device!r}", again, first)


def _camera(chosen: CameraSettings, keep_trying: bool) -> LivePart:
    from edge_emotion.sources.camera import Camera
    from edge_emotion.sources.camera_list import lasting_path
    from edge_emotion.sources.opencv_capture import without_password

    wanted = chosen

    def again() -> Camera:
        nonlocal wanted
        camera = Camera(wanted)
        path: Path | None = getattr(camera, "path", None)
        lasting = None if path is None else lasting_path(path)
        wanted = replace(chosen, device=str(lasting or chosen.device))
        return camera

    return LivePart((FACE,), f"camera {without_password(chosen.device)}", again, _first(again, keep_trying))


def _motion(chosen: MotionSettings, keep_trying: bool) -> LivePart:
    from edge_emotion.sources.open_motion import is_file, open_motion

    def opened() -> Any:
        return open_motion(chosen)

    if is_file(chosen.source):
        return LivePart((BODY,), chosen.source, opened, opened(), file=True)
    return LivePart((BODY,), chosen.source, opened, _first(opened, keep_trying))


def _open_file(settings: SessionSettings) -> tuple[Source, set[str], list[str]]:
    """The video or the recording, the senses it feeds, and what to say about it."""
    if settings.video is not None:
        return _open_video(settings, settings.video)
    from edge_emotion.sources.audio_file import AudioFile

    assert settings.audio is not None  # SessionSettings has checked
    return AudioFile(settings.audio), {VOICE}, []


def _open_video(settings: SessionSettings, video: VideoFileSettings) -> tuple[Source, set[str], list[str]]:
    from edge_emotion.sources.video_file import VideoFile

    source = VideoFile(video)
    holds = {VOICE: source.has_sound, FACE: source.has_picture}
    joint = settings.face_voice is not None
    wanted = {VOICE: joint or settings.voice is not None, FACE: joint or settings.face is not None}
    senses = {sense for sense in holds if holds[sense] and wanted[sense]}
    named = {VOICE: "sound", FACE: "picture"}
    missing = [named[sense] for sense in holds if wanted[sense] and not holds[sense]]
    if not senses:
        source.close()
        raise EdgeEmotionError(f"{source.name} has no {' and no '.join(missing)}; nothing is left to judge")
    rest = f"the {'face' if FACE in senses else 'voice'} alone is judged"
    if settings.face_voice is not None:
        rest = f"model {settings.face_voice.model} needs both, and abstains"
    return source, senses, [f"{source.name} has no {kind}: {rest}" for kind in missing]
