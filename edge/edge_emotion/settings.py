"""Every setting of the recogniser, with its unit; the command line's flags map onto these."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.manifest import ENGINES


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


@dataclass(frozen=True)
class RecognizerSettings:
    """Which model runs, on what, and how its estimates are smoothed."""

    model: str = "voice"
    """Name of a shipped bundle, or the path of a .emo file."""
    engine: str = "litert"
    """Runtime of the network: "litert" or "onnx"."""
    precision: str = "fp32"
    """Which of the bundle's networks: "fp32", or "int8" where the bundle has it."""
    threads: int = 1
    """CPU threads of the network; one is the fastest for a network this small."""
    smoothing: float = 1.0
    """Time constant of the exponential smoothing of the probabilities; seconds, 0 switches it off."""
    voice_activity: VoiceActivitySettings = field(default_factory=VoiceActivitySettings)
    """When the voice abstains."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check(self.engine in ENGINES, "engine", " or ".join(ENGINES), repr(self.engine))
        _check(self.threads >= 1, "threads", "1 or more", self.threads)
        smoothing_fits = math.isfinite(self.smoothing) and self.smoothing >= 0
        _check(smoothing_fits, "smoothing", "0 or more seconds", self.smoothing)


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
class BenchSettings:
    """What `edge-emotion bench` measures."""

    model: str = "voice"
    """Name of a shipped bundle, or the path of a .emo file."""
    engines: tuple[str, ...] = ENGINES
    """Runtimes to measure, each in a process of its own."""
    precision: str = "fp32"
    """Which of the bundle's networks."""
    threads: int = 1
    """CPU threads of the network."""
    seconds: float = 30.0
    """Sound to run through each stage; seconds."""
    warm_up: int = 5
    """Windows computed before the clock starts."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        for engine in self.engines:
            _check(engine in ENGINES, "engine", " or ".join(ENGINES), repr(engine))
        _check(5 <= self.seconds <= 3600, "seconds", "5 to 3600 s", self.seconds)
        _check(self.threads >= 1, "threads", "1 or more", self.threads)
