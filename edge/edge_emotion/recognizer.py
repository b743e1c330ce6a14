"""Sound in, estimates out: voice activity, features, rolling graph, network, calibration, smoothing."""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.engine import Engine, open_engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import Estimate
from edge_emotion.features.feature_set import FeatureSet, feature_set
from edge_emotion.features.voice_activity import F0, VoiceActivity
from edge_emotion.pipeline import Run
from edge_emotion.settings import AudioFileSettings, MicrophoneSettings, RecognizerSettings
from edge_emotion.smoothing import ExponentialSmoothing
from edge_emotion.sources.audio_file import AudioFile
from edge_emotion.sources.microphone import Microphone
from edge_emotion.window import RollingGraph, network_input

PIECE = 1280  # samples computed at a time, 80 ms: bounds the memory of a large push


class Recognizer:
    """Recognises expressed emotion in a stream of 16 kHz mono sound.

        for estimate in Recognizer.open("voice").file("clip.wav"):
            print(estimate.time, estimate.emotion, estimate.confidence)

    Estimates do not depend on how the sound is cut into pushes. Not safe for use by several threads at once.
    """

    def __init__(
        self,
        bundle: Bundle,
        engine: Engine,
        settings: RecognizerSettings | None = None,
        features: FeatureSet | None = None,
    ) -> None:
        """features: the set that the bundle names when None. EdgeEmotionError when they do not fit."""
        self.settings = settings or RecognizerSettings()
        self.bundle = bundle
        self.engine = engine
        window = bundle.window
        self.features = features or feature_set(window.feature_set, window.feature_version)
        if bundle.modality != "voice":
            raise EdgeEmotionError(f"model {bundle.name!r} is for {bundle.modality}; expected one for voice")
        if (self.features.features, self.features.period) != (window.features, window.period):
            raise EdgeEmotionError(
                f"model {bundle.name!r} expects {window.features} features each {window.period} s, "
                f"{window.feature_set!r} gives {self.features.features} each {self.features.period} s, "
                "update edge-emotion or the model"
            )
        self._emotion_matrix = bundle.emotion_matrix()
        self._logits(np.zeros((window.nodes, self.features.width), np.float32))  # first runs are slow
        self.reset()

    @classmethod
    def open(
        cls,
        model: str | Path = "voice",
        engine: str = "litert",
        precision: str = "fp32",
        threads: int = 1,
        smoothing: float = RecognizerSettings.smoothing,
    ) -> "Recognizer":
        """Open a shipped model by name, or a .emo file by path; smoothing in seconds, 0 = off."""
        return cls.from_settings(RecognizerSettings(str(model), engine, precision, threads, smoothing))

    @classmethod
    def from_settings(cls, settings: RecognizerSettings) -> "Recognizer":
        """Open the model that the settings name, on the engine they name."""
        bundle = read_bundle(settings.model)
        engine = open_engine(bundle, settings.engine, settings.precision, settings.threads)
        return cls(bundle, engine, settings)

    def file(self, path: str | Path) -> Iterator[Estimate]:
        """Estimates of a recording, from a fresh start; EdgeEmotionError when it is not one."""
        return iter(Run(AudioFile(AudioFileSettings(Path(path))), self))

    def microphone(self, device: str = "default") -> Iterator[Estimate]:
        """Live estimates from a microphone by "default", number or name, from a fresh start."""
        return iter(Run(Microphone(MicrophoneSettings(device)), self))

    def reset(self) -> None:
        """Forget all sound heard so far; the next sample is at time 0."""
        window = self.bundle.window
        self._stream = self.features.stream()
        self._graph = RollingGraph(window.nodes, window.hop)
        self.activity = VoiceActivity(self.settings.voice_activity)
        self._smoothing = ExponentialSmoothing(self.settings.smoothing)
        self._lost = 0.0

    def push(self, samples: NDArray[np.float32]) -> list[Estimate]:
        """Take (n,) float samples, mono, 16 kHz, -1..1; give the estimates of the windows they complete.

        EdgeEmotionError for another shape or type, and for samples that are not finite.
        """
        sound = _checked(samples)
        estimates: list[Estimate] = []
        for begin in range(0, len(sound), PIECE):
            started = perf_counter()
            piece = sound[begin : begin + PIECE]
            self.activity.push(piece)
            estimates += self._estimates(self._graph.push(self._stream.push(piece)), started)
        return estimates

    def flush(self) -> list[Estimate]:
        """End of the sound: give the estimates still due; a short clip is padded cyclically to one window."""
        started = perf_counter()
        estimates = self._estimates(self._graph.push(self._stream.flush()), started)
        return estimates + self._estimates(self._graph.flush(), started)

    def lose(self, seconds: float) -> None:
        """Say that this much sound is missing here, so that later times stay on the source's clock."""
        self._lost += seconds

    def _estimates(
        self, windows: Iterator[tuple[int, NDArray[np.float32]]], started: float
    ) -> list[Estimate]:
        estimates = []
        for end, nodes in windows:
            estimates.append(self._estimate(end * self.bundle.window.period, nodes, started))
            started = perf_counter()
        return estimates

    def _estimate(self, end: float, nodes: NDArray[np.float32], started: float) -> Estimate:
        length = self.bundle.window.nodes * self.bundle.window.period
        activity = self.activity.window(max(0.0, end - length), end, nodes[:, F0])
        time = end + self._lost
        probabilities = None
        if activity.abstain is None:
            probabilities = self._smoothing.update(time, self._probabilities(nodes))
        return Estimate(
            time=time,
            modality=self.bundle.modality,
            probabilities=probabilities,
            quality=activity.speech,
            latency=perf_counter() - started,
            abstained=activity.abstain,
        )

    def _logits(self, nodes: NDArray[np.float32]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = self.engine.run(network_input(self.features, self.bundle.window, nodes))
        row: NDArray[np.float32] = logits[0]
        return row

    def _probabilities(self, nodes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of the seven emotions: softmax(logits / temperature), summed over its labels."""
        logits = self._logits(nodes)
        if not np.isfinite(logits).all():
            raise EdgeEmotionError(f"model {self.bundle.name!r} gave values that are not finite; replace it")
        scaled = logits / np.float32(self.bundle.temperature)
        exponents = np.exp(scaled - scaled.max())
        probabilities: NDArray[np.float32] = (exponents / exponents.sum()) @ self._emotion_matrix
        return probabilities


def _checked(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    sound = np.asarray(samples)
    if sound.ndim != 1 or sound.dtype.kind != "f":
        raise EdgeEmotionError(
            f"expected (n,) float samples in -1..1 at 16 kHz, got {sound.dtype} of shape {sound.shape}"
        )
    if not np.isfinite(sound).all():
        raise EdgeEmotionError("expected finite samples, got NaN or infinity; check the source of the sound")
    return sound.astype(np.float32, copy=False)
