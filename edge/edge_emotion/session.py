"""One session: what is watched and listened to, with which models, and the events that come of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_emotion.bundle import Bundle
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.fusion import Fusion
from edge_emotion.pipeline import Run
from edge_emotion.senses import BODY, FACE, VOICE, Mover, Source
from edge_emotion.session_settings import SessionSettings
from edge_emotion.session_sources import open_sources
from edge_emotion.settings import (
    AudioFileSettings,
    BodyRecognizerSettings,
    CameraSettings,
    FaceRecognizerSettings,
    MicrophoneSettings,
    MotionSettings,
    RecognizerSettings,
    SynchGraphSettings,
    VideoFileSettings,
)
from edge_emotion.spiking_contract import FACE_VOICE

if TYPE_CHECKING:  # loaded for the senses that are used: OpenCV, PyAV and PortAudio are large
    from edge_emotion.body_recognizer import BodyRecognizer
    from edge_emotion.face_recognizer import FaceRecognizer
    from edge_emotion.recognizer import Recognizer
    from edge_emotion.synch_graph import SynchGraphRecognizer

HOLD = 0.3  # seconds; more than the voice looks ahead
BREAK = 10.0  # seconds that a recording's sound or picture may break off for, before it counts as absent
WEIGHT = "fusion_weight"  # in a bundle's `about`: its weight in the pool, where one was learned


@dataclass(frozen=True)
class Session:
    """An opened session. run: its events and numbers. voice, face, both as one, body: who judges, None for nobody.

    moves: whether a bare IMU tells of movement.
    """

    run: Run
    voice: "Recognizer | None" = None
    face: "FaceRecognizer | None" = None
    face_voice: "SynchGraphRecognizer | None" = None
    body: "BodyRecognizer | None" = None
    moves: bool = False

    @property
    def senses(self) -> set[str]:
        """What is watched and listened to."""
        judged = {VOICE: self.voice or self.face_voice, FACE: self.face or self.face_voice, BODY: self.body}
        return {sense for sense, judge in judged.items() if judge is not None} | (
            {BODY} if self.moves else set()
        )

    @property
    def title(self) -> str:
        """What is watched, by which models."""
        judges = [judge for judge in (self.face, self.voice, self.face_voice, self.body) if judge is not None]
        models = " + ".join([*(judge.bundle.name for judge in judges), *["movement"] * self.moves])
        on = f" on {judges[0].engine.name}" if judges else ""
        return f"{self.run.source.name} · {models}{on}"

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
        if self.body is not None:
            window = self.body.bundle.window
            needs[BODY] = window.nodes * window.period
        if self.moves:
            from edge_emotion.features.movement import MINIMUM

            needs[BODY] = MINIMUM
        return needs


def recognize(
    *,
    video: str | Path | None = None,
    audio: str | Path | None = None,
    camera: str | int | None = None,
    mic: str | None = None,
    imu: str | Path | None = None,
    voice: RecognizerSettings | None = None,
    face: FaceRecognizerSettings | None = None,
    face_voice: SynchGraphSettings | None = None,
    body: BodyRecognizerSettings | None = None,
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

        for event in recognize(imu="walk.bvh"):  # or "mvn", "osc", "iio", live; also beside the others
            print(event.time, event.emotion)

    video, audio: path of a file. camera: number, device or URL. mic: "default", number or name. imu: "mvn[:PORT]",
    "osc[:PORT]", "iio[:NAME]" or the path of a .bvh or .mvnx file. voice, face, body: settings of the models where they
    are not the shipped ones. face_voice: settings of one model for face and voice, in their place.
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
            motion=None if imu is None else MotionSettings(str(imu)),
            voice=voice or RecognizerSettings(),
            face=face or FaceRecognizerSettings(),
            face_voice=face_voice,
            body=body or BodyRecognizerSettings(),
            seconds=seconds,
        )
    ).run


def open_session(settings: SessionSettings) -> Session:
    """Open the source, then the models: a wrong file or device is found at once; EdgeEmotionError says which."""
    source, senses, notes = open_sources(settings)
    try:
        mover, body = _body(settings)
        if settings.face_voice is not None and senses != {BODY}:
            return _joint(settings, settings.face_voice, source, senses, notes, mover, body)
        voice, face = None, None
        if "voice" in senses and settings.voice is not None:
            from edge_emotion.recognizer import Recognizer

            voice = Recognizer.from_settings(settings.voice)
        if FACE in senses and settings.face is not None:
            from edge_emotion.face_recognizer import FaceRecognizer

            face = FaceRecognizer.from_settings(settings.face)
        bundles = [judge.bundle for judge in (voice, face, body) if judge is not None]
        fusion = Fusion(
            replace(settings.fusion, weights=_weights(bundles, settings.fusion.weights)),
            {bundle.modality: bundle.window.hop * bundle.window.period for bundle in bundles},
        )
        file = settings.video or settings.audio
        several = sum(judge is not None for judge in (voice, face, mover)) > 1
        run = Run(
            source,
            voice,
            face,
            fusion,
            settings.seconds,
            HOLD + file.chunk if file and several else 0.0,
            mover,
        )
        run.notes += notes
    except BaseException:
        source.close()
        raise
    return Session(run, voice, face, None, body, mover is not None and body is None)


def _body(settings: SessionSettings) -> "tuple[Mover | None, BodyRecognizer | None]":
    """Who follows the motion, and who of them judges it: nobody, where it is one bare IMU's."""
    if settings.motion is None:
        return None, None
    from edge_emotion.sources.open_motion import is_bare_imu

    if is_bare_imu(settings.motion.source):
        from edge_emotion.movement_recognizer import MovementRecognizer

        return MovementRecognizer(), None
    from edge_emotion.body_recognizer import BodyRecognizer

    body = BodyRecognizer.from_settings(settings.body)
    return body, body


def _joint(
    settings: SessionSettings,
    chosen: SynchGraphSettings,
    source: Source,
    senses: set[str],
    notes: list[str],
    mover: Mover | None,
    body: "BodyRecognizer | None",
) -> Session:
    """The session of one model for face and voice, with or without a body beside."""
    from edge_emotion.synch_graph import SynchGraphRecognizer

    if settings.video is not None:  # its items come in order of time: nothing is late, however it is cut
        chosen = replace(chosen, late=BREAK + settings.video.chunk)
    missing = tuple(sense for sense in ("voice", FACE) if sense not in senses)
    judge = SynchGraphRecognizer.from_settings(chosen, missing)
    window = judge.bundle.window
    hops = {judge.bundle.modality: window.hop * window.period}
    if body is not None:
        hops[BODY] = body.bundle.window.hop * body.bundle.window.period
    hold = HOLD + settings.video.chunk if settings.video and mover else 0.0
    fusion = Fusion(settings.fusion, hops)
    run = Run(source, judge.listener, judge.watcher, fusion, settings.seconds, hold, mover)
    run.notes += notes
    return Session(run, None, None, judge, body, mover is not None and body is None)


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
