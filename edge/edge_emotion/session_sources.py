"""Opens what a session watches and listens to, as one source."""

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.senses import BODY, FACE, Source
from edge_emotion.session_settings import SessionSettings
from edge_emotion.settings import VideoFileSettings


def open_sources(settings: SessionSettings) -> tuple[Source, set[str], list[str]]:
    """The source with the motion in it, the senses it feeds, and what to say about it."""
    if settings.motion is None:
        return _open_source(settings)
    from edge_emotion.sources.open_motion import is_file, open_motion
    from edge_emotion.sources.with_motion import LiveWithMotion, RecordedWithMotion

    motion = open_motion(settings.motion)
    if not (settings.video or settings.audio or settings.camera or settings.microphone):
        return motion, {BODY}, []
    try:
        main, senses, notes = _open_source(settings)
    except BaseException:
        motion.close()
        raise
    joined = RecordedWithMotion if is_file(settings.motion.source) else LiveWithMotion
    return joined(main, motion, senses), senses | {BODY}, notes


def _open_source(settings: SessionSettings) -> tuple[Source, set[str], list[str]]:
    """The source, the senses it feeds, and what to say about it."""
    if settings.video is not None:
        return _open_video(settings, settings.video)
    if settings.audio is not None:
        from edge_emotion.sources.audio_file import AudioFile

        return AudioFile(settings.audio), {"voice"}, []
    if settings.microphone is None:
        from edge_emotion.sources.camera import Camera

        assert settings.camera is not None  # SessionSettings has checked
        return Camera(settings.camera), {FACE}, []
    from edge_emotion.sources.microphone import Microphone

    microphone = Microphone(settings.microphone)
    if settings.camera is None:
        return microphone, {"voice"}, []
    from edge_emotion.sources.camera import Camera
    from edge_emotion.sources.camera_and_microphone import CameraAndMicrophone

    try:
        camera = Camera(settings.camera)
    except BaseException:
        microphone.close()
        raise
    return CameraAndMicrophone(camera, microphone), {"voice", FACE}, []


def _open_video(settings: SessionSettings, video: VideoFileSettings) -> tuple[Source, set[str], list[str]]:
    from edge_emotion.sources.video_file import VideoFile

    source = VideoFile(video)
    holds = {"voice": source.has_sound, FACE: source.has_picture}
    joint = settings.face_voice is not None
    wanted = {"voice": joint or settings.voice is not None, FACE: joint or settings.face is not None}
    senses = {sense for sense in holds if holds[sense] and wanted[sense]}
    named = {"voice": "sound", FACE: "picture"}
    missing = [named[sense] for sense in holds if wanted[sense] and not holds[sense]]
    if not senses:
        source.close()
        raise EdgeEmotionError(f"{source.name} has no {' and no '.join(missing)}; nothing is left to judge")
    rest = f"the {'face' if FACE in senses else 'voice'} alone is judged"
    if settings.face_voice is not None:
        rest = f"model {settings.face_voice.model} needs both, and abstains"
    return source, senses, [f"{source.name} has no {kind}: {rest}" for kind in missing]
