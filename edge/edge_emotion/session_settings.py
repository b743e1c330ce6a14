"""What comes into a session, and who judges it."""

import math
from dataclasses import dataclass, field

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.settings import (
    AudioFileSettings,
    BodyRecognizerSettings,
    CameraSettings,
    FaceRecognizerSettings,
    FusionSettings,
    MicrophoneSettings,
    MotionSettings,
    RecognizerSettings,
    SynchGraphSettings,
    VideoFileSettings,
)


@dataclass(frozen=True)
class SessionSettings:
    """What comes in and who judges it: a file, or camera and microphone or one of them; and motion, or motion alone."""

    video: VideoFileSettings | None = None
    """A video file: pictures and sound."""
    audio: AudioFileSettings | None = None
    """A recording: sound."""
    camera: CameraSettings | None = None
    """A camera: pictures, live."""
    microphone: MicrophoneSettings | None = None
    """A microphone: sound, live."""
    motion: MotionSettings | None = None
    """Body motion: a suit, a tracker or an IMU, live, or a file; beside the others or alone."""
    voice: RecognizerSettings | None = field(default_factory=RecognizerSettings)
    """Who listens; None leaves a video's sound out."""
    face: FaceRecognizerSettings | None = field(default_factory=FaceRecognizerSettings)
    """Who watches; None leaves a video's pictures out."""
    face_voice: SynchGraphSettings | None = None
    """Who listens and watches as one; it takes the place of voice and face, whatever they say."""
    body: BodyRecognizerSettings = field(default_factory=BodyRecognizerSettings)
    """Who judges the motion; one bare IMU is not judged."""
    fusion: FusionSettings = field(default_factory=FusionSettings)
    """How all are joined."""
    keep_trying: bool = False
    """Wait for a live device that is not there at the start, instead of refusing to start without it."""
    seconds: float | None = None
    """Stop after this many seconds of the source; None for all of it."""

    def __post_init__(self) -> None:
        """Check what goes together; EdgeEmotionError says what does not."""
        given = [
            name for name in ("video", "audio", "camera", "microphone") if getattr(self, name) is not None
        ]
        alone = self.motion is not None and not given
        if not alone and given not in (
            ["video"],
            ["audio"],
            ["camera"],
            ["microphone"],
            ["camera", "microphone"],
        ):
            raise EdgeEmotionError(
                "expected a video, a recording, a camera, a microphone or camera and microphone, or motion, got "
                + (" and ".join(given) or "none of them")
            )
        self._check_motion(given)
        if self.seconds is not None and not (self.seconds > 0 and math.isfinite(self.seconds)):
            raise EdgeEmotionError(f"seconds: expected more than 0 s, got {self.seconds:g}")
        if alone:
            return
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

    def _check_motion(self, given: list[str]) -> None:
        """EdgeEmotionError for a file of motion beside live sources, or live motion beside a file at any pace."""
        if self.motion is None or not given:
            return
        from edge_emotion.sources.open_motion import is_file

        file = self.video or self.audio
        if is_file(self.motion.source) and file is None:
            raise EdgeEmotionError(
                f"{self.motion.source} is a recording, {' and '.join(given)} live: `edge-emotion replay` sends it live"
            )
        if not is_file(self.motion.source) and file is not None and not file.realtime:
            raise EdgeEmotionError(
                f"--imu {self.motion.source} is live: a file beside it has to keep its pace, --realtime"
            )
