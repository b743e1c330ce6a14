"""One session: what is watched and listened to, with which models, and the events that come of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_emotion.bundle import Bundle
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.fusion import FACE, Fusion
from edge_emotion.pipeline import Run, Source
from edge_emotion.settings import (
    AudioFileSettings,
    CameraSettings,
    FaceRecognizerSettings,
    FusionSettings,
    MicrophoneSettings,
    RecognizerSettings,
    SynchGraphSettings,
    VideoFileSettings,
)
from edge_emotion.spiking_contract import FACE_VOICE

if TYPE_CHECKING:  # loaded for the senses that are used: OpenCV, PyAV and PortAudio are large
    from edge_emotion.face_recognizer import FaceRecognizer
    from edge_emotion.recognizer import Recognizer
    from edge_emotion.synch_graph import SynchGraphRecognizer

HOLD = 0.3  # seconds; more than the voice looks ahead
BREAK = 10.0  # seconds that a recording's sound or picture may break off for, before it counts as absent
WEIGHT = "fusion_weight"  # in a bundle's `about`: its weight in the pool, where one was learned


@dataclass(frozen=True)
class SessionSettings:
    """What comes in and who judges it: a video, a recording, a camera, a microphone, or camera and microphone."""

    video: VideoFileSettings | None = None
    """A video file: pictures and sound."""
    audio: AudioFileSettings | None = None
    """A recording: sound."""
    camera: CameraSettings | None = None
    """A camera: pictures, live."""
    microphone: MicrophoneSettings | None = None
    """A microphone: sound, live."""
    voice: RecognizerSettings | None = field(default_factory=RecognizerSettings)
    """Who listens; None leaves a video's sound out."""
    face: FaceRecognizerSettings | None = field(default_factory=FaceRecognizerSettings)
    """Who watches; None leaves a video's pictures out."""
    face_voice: SynchGraphSettings | None = None
    """Who listens and watches as one; it takes the place of voice and face, whatever they say."""
    fusion: FusionSettings = field(default_factory=FusionSettings)
    """How both are joined."""
    seconds: float | None = None
    """Stop after this many seconds of the source; None for all of it."""

    def __post_init__(self) -> None:
        """Check what goes together; EdgeEmotionError says what does not."""
        given = [
            name for name in ("video", "audio", "camera", "microphone") if getattr(self, name) is not None
        ]
        if given not in (["video"], ["audio"], ["camera"], ["microphone"], ["camera", "microphone"]):
            raise EdgeEmotionError(
                "expected a video, a recording, a camera, a microphone or camera and microphone, got "
                + (" and ".join(given) or "none of them")
            )
        if self.seconds is not None and not (self.seconds > 0 and math.isfinite(self.seconds)):
            raise EdgeEmotionError(f"seconds: expected more than 0 s, got {self.seconds:g}")
        if self.face_voice is not None:
            if given not in (["video"], ["camera", "microphone"]):
                raise EdgeEmotionError(
                    f"model {self.face_voice.model} judges a face and a voice as one: "
                    f"give a video, or a camera and a microphone, not {given[0]} alone"
                )
            return
        if self.voice is None and (self.face is None or "audio" in given or "microphone" in given):
            raise EdgeEmotionError("sound is given, but no voice model to judge it")
        if self.face is None and "camera" in given:
            raise EdgeEmotionError("a camera is given, but no face model to judge it")


@dataclass(frozen=True)
class Session:
    """An opened session. run: its events and numbers. voice, face, or both as one: who judges, None for nobody."""

    run: Run
    voice: "Recognizer | None"
    face: "FaceRecognizer | None"
    face_voice: "SynchGraphRecognizer | None" = None

    @property
    def title(self) -> str:
        """What is watched, by which models."""
        judges = [judge for judge in (self.face, self.voice, self.face_voice) if judge is not None]
        models = " + ".join(judge.bundle.name for judge in judges)
        return f"{self.run.source.name} · {models} on {judges[0].engine.name}"

    @property
    def needs(self) -> dict[str, float]:
        """Modality -> seconds of the source that its first estimate needs."""
        needs = {}
        if self.face is not None:
            from edge_emotion.face_recognizer import FIRST_ESTIMATE

            needs[FACE] = FIRST_ESTIMATE
        if self.voice is not None:
            window = self.voice.bundle.window
            needs["voice"] = window.nodes * window.period
        if self.face_voice is not None:
            window = self.face_voice.bundle.window
            needs[FACE_VOICE] = window.nodes * window.period
        return needs


def recognize(
    *,
    video: str | Path | None = None,
    audio: str | Path | None = None,
    camera: str | int | None = None,
    mic: str | None = None,
    voice: RecognizerSettings | None = None,
    face: FaceRecognizerSettings | None = None,
    face_voice: SynchGraphSettings | None = None,
    seconds: float | None = None,
) -> Run:
    """Recognise expressed emotion in a video, a recording or live; iterate what it gives for the events.

        from edge_emotion.session import recognize

        for event in recognize(video="clip.mp4"):
            print(event.time, event.emotion, event.confidence, event.valence, event.arousal)

        for event in recognize(camera=0, mic="default"):  # live, both at once; either may be left out
            print(event.time, event.emotion, {name: e.abstained for name, e in event.modalities.items()})

        for event in recognize(video="clip.mp4", face_voice=SynchGraphSettings()):  # one model for both
            print(event.time, event.emotion)

    video, audio: path of a file. camera: number, device or URL. mic: "default", number or name. voice, face: settings
    of the models where they are not the shipped ones. face_voice: settings of one model for both, in their place.
    seconds: stop after so many. EdgeEmotionError when something is missing or cannot be opened.
    """
    if face_voice is not None and (voice is not None or face is not None):
        raise EdgeEmotionError("face_voice is one model for both: leave voice and face out")
    return open_session(
        SessionSettings(
            video=None if video is None else VideoFileSettings(Path(video)),
            audio=None if audio is None else AudioFileSettings(Path(audio)),
            camera=None if camera is None else CameraSettings(str(camera)),
            microphone=None if mic is None else MicrophoneSettings(mic),
            voice=voice or RecognizerSettings(),
            face=face or FaceRecognizerSettings(),
            face_voice=face_voice,
            seconds=seconds,
        )
    ).run


def open_session(settings: SessionSettings) -> Session:
    """Open the source, then the models: a wrong file or device is found at once; EdgeEmotionError says which."""
    source, senses, notes = _open_source(settings)
    try:
        if settings.face_voice is not None:
            return _joint(settings, settings.face_voice, source, senses, notes)
        voice, face = None, None
        if "voice" in senses and settings.voice is not None:
            from edge_emotion.recognizer import Recognizer

            voice = Recognizer.from_settings(settings.voice)
        if FACE in senses and settings.face is not None:
            from edge_emotion.face_recognizer import FaceRecognizer

            face = FaceRecognizer.from_settings(settings.face)
        bundles = [judge.bundle for judge in (voice, face) if judge is not None]
        fusion = Fusion(
            replace(settings.fusion, weights=_weights(bundles, settings.fusion.weights)),
            {bundle.modality: bundle.window.hop * bundle.window.period for bundle in bundles},
        )
        hold = HOLD + settings.video.chunk if settings.video and voice and face else 0.0
        run = Run(source, voice, face, fusion, settings.seconds, hold)
        run.notes += notes
    except BaseException:
        source.close()
        raise
    return Session(run, voice, face)


def _joint(
    settings: SessionSettings, chosen: SynchGraphSettings, source: Source, senses: set[str], notes: list[str]
) -> Session:
    """The session of one model for both senses."""
    from edge_emotion.synch_graph import SynchGraphRecognizer

    if settings.video is not None:  # its items come in order of time: nothing is late, however it is cut
        chosen = replace(chosen, late=BREAK + settings.video.chunk)
    missing = tuple(sense for sense in ("voice", FACE) if sense not in senses)
    judge = SynchGraphRecognizer.from_settings(chosen, missing)
    window = judge.bundle.window
    hops = {judge.bundle.modality: window.hop * window.period}
    run = Run(source, judge.listener, judge.watcher, Fusion(settings.fusion, hops), settings.seconds)
    run.notes += notes
    return Session(run, None, None, judge)


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


def _weights(bundles: list[Bundle], chosen: Mapping[str, float]) -> dict[str, float]:
    """The weight of each modality: as chosen, else as its bundle says, else equal."""
    weights = {}
    for bundle in bundles:
        weight = bundle.about.get(WEIGHT, 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < math.inf:
            raise EdgeEmotionError(
                f"model {bundle.name!r}: expected a number of 0 or more as {WEIGHT}, got {weight!r}"
            )
        weights[bundle.modality] = float(weight)
    return {**weights, **chosen}
