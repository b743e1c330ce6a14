"""Sound in, estimates out: voice activity, features, rolling graph, network, calibration, smoothing."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.calibrated_network import CalibratedNetwork
from edge_emotion.engine import Engine, open_engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import Estimate
from edge_emotion.features.feature_set import SoundFeatureSet, sound_feature_set
from edge_emotion.features.voice_activity import F0, VoiceActivity
from edge_emotion.pipeline import Run
from edge_emotion.settings import AudioFileSettings, MicrophoneSettings, RecognizerSettings
from edge_emotion.smoothing import ExponentialSmoothing
from edge_emotion.sources.audio_file import AudioFile
from edge_emotion.sources.microphone import Microphone
from edge_emotion.sources.sound import RATE
from edge_emotion.spiking_contract import FACE_VOICE
from edge_emotion.window import RollingGraph

PIECE = 1280  # samples computed at a time, 80 ms: bounds the memory of a large push
DROPPED = "dropped sound"  # why a window abstains that a gap cuts in two


@dataclass(frozen=True)
class _Gap:
    """Missing sound; at: samples pushed before it. seconds: how much is missing."""

    at: int
    seconds: float


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
        features: SoundFeatureSet | None = None,
    ) -> None:
        """features: the set that the bundle names when None. EdgeEmotionError when they do not fit."""
        self.settings = settings or RecognizerSettings()
        self.bundle = bundle
        self.engine = engine
        window = bundle.window
        if bundle.modality != "voice":
            hint = ": recognize() takes it as face_voice" if bundle.modality == FACE_VOICE else ""
            raise EdgeEmotionError(
                f"model {bundle.name!r} is for {bundle.modality}; expected one for voice{hint}"
            )
        self.features = features or sound_feature_set(window.feature_set, window.feature_version)
        self._network = CalibratedNetwork(bundle, engine, self.features)
        self._every = 1
        self.reset()

    @classmethod
    def open(
        cls,
        model: str | Path = "voice",
        engine: str = "auto",
        precision: str = "auto",
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
        return Run(AudioFile(AudioFileSettings(Path(path))), self).estimates()

    def microphone(self, device: str = "default") -> Iterator[Estimate]:
        """Live estimates from a microphone by "default", number or name, from a fresh start."""
        return Run(Microphone(MicrophoneSettings(device)), self).estimates()

    def reset(self) -> None:
        """Forget all sound heard so far; the next sample is at time 0."""
        window = self.bundle.window
        self._stream = self.features.stream()
        self._graph = RollingGraph(window.nodes, window.hop)
        self._graph.every = self._every
        self.activity = VoiceActivity(self.settings.voice_activity)
        self._smoothing = ExponentialSmoothing(self.settings.smoothing)
        self._pushed = 0
        self._gaps: deque[_Gap] = deque()  # those that a window to come may still contain
        self._lost = 0.0  # seconds missing in older gaps
        self._smoothed_lost = 0.0

    def spread(self, every: int) -> None:
        """From now on compute only each so-manieth estimate."""
        self._every = self._graph.every = every

    def push(self, samples: NDArray[np.float32]) -> list[Estimate]:
        """Take (n,) float samples, mono, 16 kHz, -1..1; give the estimates of the windows they complete.

        EdgeEmotionError for another shape or type, and for samples that are not finite.
        """
        sound = checked_sound(samples)
        estimates: list[Estimate] = []
        began = perf_counter()
        self._pushed += len(sound)
        for begin in range(0, len(sound), PIECE):
            started = perf_counter()
            piece = sound[begin : begin + PIECE]
            self.activity.push(piece)
            estimates += self._estimates(self._graph.push(self._stream.push(piece)), began, started)
        return estimates

    def flush(self) -> list[Estimate]:
        """End of the sound: give the estimates still due; a short clip is padded cyclically to one window."""
        began = perf_counter()
        estimates = self._estimates(self._graph.push(self._stream.flush()), began, began)
        return estimates + self._estimates(self._graph.flush(), began, perf_counter())

    def lose(self, seconds: float) -> None:
        """Say that this much sound is missing between what was pushed and what will be.

        Later times stay on the source's clock, windows that contain the gap abstain ("dropped sound"), and
        smoothing starts afresh after it. EdgeEmotionError for a length that is negative or not finite.
        """
        if checked_loss(seconds) > 0:
            self._gaps.append(_Gap(self._pushed, seconds))

    def _estimates(
        self, windows: Iterator[tuple[int, NDArray[np.float32]]], began: float, started: float
    ) -> list[Estimate]:
        estimates = []
        for end, nodes in windows:
            estimates.append(self._estimate(end * self.bundle.window.period, nodes, began, started))
            started = perf_counter()
        return estimates

    def _estimate(self, end: float, nodes: NDArray[np.float32], began: float, started: float) -> Estimate:
        """Estimate of the window that ends at this second of the stream; gaps are no part of a stream."""
        start = max(0.0, end - self.bundle.window.nodes * self.bundle.window.period)
        activity = self.activity.window(start, end, nodes[:, F0])
        lost, cut = self._gaps_until(start, end)
        abstained = DROPPED if cut else activity.abstain
        probabilities = None
        if abstained is None:
            if lost != self._smoothed_lost:
                self._smoothing = ExponentialSmoothing(self.settings.smoothing)
                self._smoothed_lost = lost
            probabilities = self._smoothing.update(end + lost, self._network.probabilities(nodes))
        now = perf_counter()
        return Estimate(
            time=round(end + lost, 6),  # 3.6, not 3.5999999999999996
            modality=self.bundle.modality,
            probabilities=probabilities,
            quality=activity.speech,
            latency=max(0.0, self._pushed / RATE - end) + now - began,
            abstained=abstained,
            computing=now - started,
        )

    def _gaps_until(self, start: float, end: float) -> tuple[float, bool]:
        """Seconds missing before the end of a window of the stream, and whether a gap lies within it."""
        first, last = round(start * RATE), round(end * RATE)
        while self._gaps and self._gaps[0].at <= first:
            self._lost += self._gaps.popleft().seconds
        within = [gap.seconds for gap in self._gaps if gap.at < last]
        return self._lost + sum(within), bool(within)


def checked_sound(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,) float samples as float32; EdgeEmotionError for another shape or type, and when they are not finite."""
    sound = np.asarray(samples)
    if sound.ndim != 1 or sound.dtype.kind != "f":
        raise EdgeEmotionError(
            f"expected (n,) float samples in -1..1 at 16 kHz, got {sound.dtype} of shape {sound.shape}"
        )
    if not np.isfinite(sound).all():
        raise EdgeEmotionError("expected finite samples, got NaN or infinity; check the source of the sound")
    return sound.astype(np.float32, copy=False)


def checked_loss(seconds: float) -> float:
    """The length of lost sound in seconds; EdgeEmotionError when it is negative or not finite."""
    if not (np.isfinite(seconds) and seconds >= 0):
        raise EdgeEmotionError(f"expected 0 or more seconds of lost sound, got {seconds}")
    return float(seconds)
