"""Every setting of the recogniser, with its unit; the command line's flags map onto these."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.network_file import AUTO, ENGINES, PRECISIONS
from edge_emotion.spiking_contract import FACE_VOICE

CAMERA_BACKENDS = ("auto", "v4l2", "picamera2")
SENSES = ("voice", "face")  # each with a model of its own


def _check(good: bool, name: str, expected: str, came: object) -> None:
    if not good:
        raise EdgeEmotionError(f"{name}: expected {expected}, got {came}")


@dataclass(frozen=True)
class VoiceActivitySettings:
    """When the voice has nothing to say."""

    speech_probability: float = 0.5
    """A chunk of 32 ms counts as speech from this probability on; 0..1."""
    minimum_speech: float = 0.1
    """Below this share of speech in a window the voice abstains ("non-speech"); 0..1, 0 never abstains."""
    silence_level: float = -55.0
    """A window whose loudest chunk stays below this abstains ("silence"); dBFS, -inf never abstains."""
    gate_level: float = -70.0
    """Chunks below this are not shown to the speech detector, which saves its computing; dBFS."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check(0 <= self.speech_probability <= 1, "speech_probability", "0 to 1", self.speech_probability)
        _check(0 <= self.minimum_speech <= 1, "minimum_speech", "0 to 1", self.minimum_speech)


def _check_network(engine: str, precision: str, threads: int, smoothing: float) -> None:
    """Check what the recognisers of all senses have in common."""
    known = (AUTO, *PRECISIONS)
    engines = (AUTO, *ENGINES)
    _check(engine in engines, "engine", " or ".join(engines), repr(engine))
    _check(precision in known, "precision", " or ".join(known), repr(precision))
    _check(threads >= 1, "threads", "1 or more", threads)
    smoothing_fits = math.isfinite(smoothing) and smoothing >= 0
    _check(smoothing_fits, "smoothing", "0 or more seconds", smoothing)


@dataclass(frozen=True)
class RecognizerSettings:
    """Which model runs, on what, and how its estimates are smoothed."""

    model: str = "voice"
    """Name of a shipped bundle, or the path of a .emo file."""
    engine: str = "auto"
    """Runtime of the network: "litert", "onnx", or "auto": LiteRT where the model has a network for it, else ONNX."""
    precision: str = "auto"
    """Which of the bundle's networks: "auto" for the one it lists first, or "fp32", "fp16", "int8", "int8-dynamic"."""
    threads: int = 1
    """CPU threads of the network; one is the fastest for a network this small."""
    smoothing: float = 1.0
    """Time constant of the exponential smoothing of the probabilities; seconds, 0 switches it off."""
    voice_activity: VoiceActivitySettings = field(default_factory=VoiceActivitySettings)
    """When the voice abstains."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check_network(self.engine, self.precision, self.threads, self.smoothing)


@dataclass(frozen=True)
class MicrophoneSettings:
    """Which microphone, and how its sound is buffered."""

    device: str = "default"
    """"default", the device's number, its name or a part of its name (see `edge-emotion devices`)."""
    block: float = 0.08
    """Sound that the driver hands over at a time; seconds."""
    queue: float = 2.0
    """Sound that may wait to be computed; seconds. The oldest is dropped beyond that, and counted."""
    stall: float = 3.0
    """A device that sends nothing for this long is taken as gone; seconds."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check(0.001 <= self.block <= 1, "block", "0.001 to 1 s", self.block)
        _check(self.queue >= self.block, "queue", f"at least one block ({self.block} s)", self.queue)
        _check(self.stall > 0, "stall", "more than 0 s", self.stall)


@dataclass(frozen=True)
class AudioFileSettings:
    """Which recording, and in what pieces it is read."""

    path: Path
    """A wav, flac, mp3 or ogg file of any rate and number of channels."""
    chunk: float = 0.08
    """Sound handed to the recogniser at a time; seconds. It does not change the estimates."""
    realtime: bool = False
    """Read at the pace of the recording instead of as fast as possible."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check(0.001 <= self.chunk <= 60, "chunk", "0.001 to 60 s", self.chunk)


@dataclass(frozen=True)
class FusionSettings:
    """How the senses are joined into one event."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Weight of each modality in the pool, e.g. {"voice": 0.5}; 0 leaves it out. What is not named weighs 1: equal."""
    stale: float = 1.0
    """An estimate older than this, and than stale_hops of its own hops, counts no longer; seconds."""
    stale_hops: float = 2.0
    """See stale; hops."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        for name, weight in self.weights.items():
            _check(math.isfinite(weight) and weight >= 0, f"weight of {name}", "0 or more", weight)
        _check(self.stale >= 0, "stale", "0 or more seconds", self.stale)
        _check(self.stale_hops >= 0, "stale_hops", "0 or more hops", self.stale_hops)


@dataclass(frozen=True)
class CameraSettings:
    """Which camera, and what is asked of it."""

    device: str = "0"
    """A number (see `edge-emotion devices`), /dev/videoN, or the URL of a stream; a file is played as a camera."""
    width: int = 640
    """Width asked for; pixels. A camera that cannot do it gives the nearest it can."""
    height: int = 480
    """Height asked for; pixels."""
    fps: float = 30.0
    """Pictures per second asked for."""
    backend: str = "auto"
    """"v4l2", "picamera2" (CSI cameras), or "auto": picamera2 where libcamera reports a CSI camera."""
    stall: float = 5.0
    """A camera that sends nothing for this long is taken as gone; seconds."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check(bool(self.device), "camera", "a number, /dev/videoN or a URL", repr(self.device))
        _check(
            self.backend in CAMERA_BACKENDS,
            "camera-backend",
            " or ".join(CAMERA_BACKENDS),
            repr(self.backend),
        )
        _check(1 <= self.width <= 16384, "width", "1 to 16384 pixels", self.width)
        _check(1 <= self.height <= 16384, "height", "1 to 16384 pixels", self.height)
        _check(0 < self.fps <= 1000, "fps", "more than 0, up to 1000", self.fps)
        _check(0 < self.stall <= 3600, "stall", "more than 0 s, up to 3600 s", self.stall)


@dataclass(frozen=True)
class VideoFileSettings:
    """Which video, and how it is played."""

    path: Path
    """A video file with or without sound: mp4, mov, mkv, webm, avi, mpg ..."""
    chunk: float = 0.08
    """Sound handed to the recogniser at a time; seconds. It does not change the estimates."""
    realtime: bool = False
    """Play at the pace of the video instead of as fast as possible."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check(0.001 <= self.chunk <= 60, "chunk", "0.001 to 60 s", self.chunk)


@dataclass(frozen=True)
class FaceFrontEndSettings:
    """How faces are found and followed."""

    faces: int = 1
    """Faces followed at once, the largest first; 1 to 16."""
    landmarks: str = "litert"
    """Who finds the points: "litert", which is shipped, or "mediapipe", the package of that name."""
    presence: float = 0.9
    """Presence from which a face is taken up; 0..1. A face is at .99 and more, what only resembles one below .8."""
    presence_to_stay: float = 0.3
    """Presence below which a followed face counts as gone; 0..1."""
    search_period: float = 0.5
    """Time between looks for more faces while fewer than `faces` are followed, but some; seconds."""
    memory: float = 1.0
    """A face that comes back near its place within this time keeps its identity; seconds."""
    threads: int = 1
    """CPU threads of the networks."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check(1 <= self.faces <= 16, "faces", "1 to 16", self.faces)
        known = self.landmarks in ("litert", "mediapipe")
        _check(known, "landmarks", "litert or mediapipe", repr(self.landmarks))
        _check(0 <= self.presence <= 1, "presence", "0 to 1", self.presence)
        _check(0 <= self.presence_to_stay <= 1, "presence_to_stay", "0 to 1", self.presence_to_stay)
        _check(0 <= self.search_period <= 60, "search_period", "0 to 60 s", self.search_period)
        _check(0 <= self.memory <= 60, "memory", "0 to 60 s", self.memory)
        _check(1 <= self.threads <= 64, "threads", "1 to 64", self.threads)


@dataclass(frozen=True)
class FaceRecognizerSettings:
    """Which model watches faces, on what, and how its estimates are smoothed."""

    model: str = "face"
    """Name of a shipped bundle, or the path of a .emo file."""
    engine: str = "auto"
    """Runtime of the networks: "litert", "onnx", or "auto": LiteRT where the model has networks for it, else ONNX."""
    precision: str = "auto"
    """Which of the bundle's networks: "auto" for the one it lists first, or "fp32", "fp16", "int8", "int8-dynamic"."""
    threads: int = 1
    """CPU threads of the networks; one is the fastest for networks this small."""
    smoothing: float = 1.0
    """Time constant of the exponential smoothing of the probabilities; seconds, 0 switches it off."""
    front_end: FaceFrontEndSettings = field(default_factory=FaceFrontEndSettings)
    """How faces are found, and how many."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check_network(self.engine, self.precision, self.threads, self.smoothing)


@dataclass(frozen=True)
class SynchGraphSettings:
    """Which model judges face and voice as one, and how its estimates are smoothed."""

    model: str = "synch-graph"
    """Name of a shipped bundle, or the path of a .emo file."""
    engine: str = "auto"
    """Runtime of the networks: "onnx", or "auto", which comes to the same: spiking networks need it."""
    precision: str = "auto"
    """Which of the bundle's decision networks; the spiking network is always fp32."""
    threads: int = 1
    """CPU threads of the networks; one is the fastest for networks this small."""
    smoothing: float = 1.0
    """Time constant of the exponential smoothing of the probabilities; seconds, 0 switches it off."""
    voice_activity: VoiceActivitySettings = field(default_factory=VoiceActivitySettings)
    """When the voice has nothing to say."""
    front_end: FaceFrontEndSettings = field(default_factory=FaceFrontEndSettings)
    """How the face is found; one is judged."""
    late: float = 1.5
    """A sense that is so far behind the other counts as absent, until it has caught up; seconds."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check_network(self.engine, self.precision, self.threads, self.smoothing)
        _check(self.front_end.faces == 1, "faces", "1, the one that speaks", self.front_end.faces)
        _check(0 < self.late <= 120, "late", "more than 0 s, up to 120 s", self.late)


@dataclass(frozen=True)
class MotionSettings:
    """Which source of body motion."""

    source: str
    """"mvn[:PORT]", "osc[:PORT]", "iio[:NAME]", or a file, FILE.bvh or FILE.mvnx."""
    listen: str = "127.0.0.1"
    """Address that suits and trackers are listened for at: this machine alone, unless told otherwise."""
    unit: str = "auto"
    """Of an MVN suit's positions: "m", "cm", or "auto"."""
    realtime: bool = False
    """Files: keep their pace."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check(bool(self.source), "imu", "mvn, osc, iio or a file", repr(self.source))


@dataclass(frozen=True)
class BodyRecognizerSettings:
    """Which model watches the motion of a body, on what, and how its estimates are smoothed."""

    model: str = "body"
    """Name of a shipped bundle, or the path of a .emo file."""
    engine: str = "auto"
    """Runtime of the network: "litert", "onnx", or "auto": LiteRT where the model has a network for it, else ONNX."""
    precision: str = "auto"
    """Which of the bundle's networks: "auto" for the one it lists first, or "fp32", "fp16", "int8", "int8-dynamic"."""
    threads: int = 1
    """CPU threads of the network; one is the fastest for a network this small."""
    smoothing: float = 1.0
    """Time constant of the exponential smoothing of the probabilities; seconds, 0 switches it off."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check_network(self.engine, self.precision, self.threads, self.smoothing)


@dataclass(frozen=True)
class BenchSettings:
    """What `edge-emotion bench` measures."""

    senses: tuple[str, ...] = SENSES
    """Whose paths are measured: "voice", "face", both, or "face-voice" alone, one model's for both."""
    model: str | None = "voice"
    """The voice's, or that of both: name of a shipped bundle or path of a .emo file; None when it has no part."""
    face_model: str | None = "face"
    """The face's, likewise. With both models the face's peak memory is that of both senses together."""
    engines: tuple[str, ...] = ENGINES
    """Runtimes to measure, each in a process of its own."""
    precision: str = "auto"
    """Which of the bundles' networks the paths run: "auto" as a device would, the first for the engine."""
    threads: int = 1
    """CPU threads of the networks on the paths; the table of networks is always of one."""
    seconds: float = 30.0
    """Sound, and pictures, to run through each stage; seconds."""
    warm_up: int = 5
    """Windows computed before the clock starts."""
    compare: tuple[str, ...] = ()
    """Peers to run on the same faces: "fer" as installed, or "fer=PATH" of its .tflite file."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        for sense in self.senses:
            known = (*SENSES, FACE_VOICE)
            _check(sense in known, "sense", " or ".join(known), repr(sense))
        for engine in self.engines:
            _check(engine in ENGINES, "engine", " or ".join(ENGINES), repr(engine))
        _check(5 <= self.seconds <= 3600, "seconds", "5 to 3600 s", self.seconds)
        _check(self.threads >= 1, "threads", "1 or more", self.threads)
        if self.compare and "face" not in self.senses:
            raise EdgeEmotionError("--compare goes with the face's path; leave out --voice")
