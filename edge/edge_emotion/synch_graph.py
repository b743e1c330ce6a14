"""Face and voice judged as one: presentations to a spiking network, whose newest spikes a decision network reads.

Source: Mansouri-Benssassi and Ye, "Synch-Graph" (AAAI 2020), run from a bundle by ONNX Runtime.
"""

import math
from collections import deque
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.calibrated_network import Calibration
from edge_emotion.checked_time import checked_time
from edge_emotion.engine import Engine, input_shape, open_engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import Estimate
from edge_emotion.face_recognizer import FrontEnd
from edge_emotion.features.face import TOLERANCE
from edge_emotion.features.face_front_end import Face, FaceFrontEnd
from edge_emotion.features.spikes import PERIOD
from edge_emotion.features.voice_activity import SpeechDetector
from edge_emotion.presentation import TOO_SHORT, Presentation, abstention, identity_of, quality
from edge_emotion.presented_face import PresentedFace
from edge_emotion.presented_sound import PIECE, PresentedSound
from edge_emotion.recognizer import DROPPED, checked_loss, checked_sound
from edge_emotion.settings import SynchGraphSettings
from edge_emotion.smoothing import ExponentialSmoothing
from edge_emotion.sources.frame import Frame
from edge_emotion.spiking_contract import FACE_VOICE, SPIKES, SPIKES_VERSION, SpikingContract
from edge_emotion.spiking_network import SpikingNetwork, open_spiking, presentation_events
from edge_emotion.window import cyclic_padding

AHEAD = 60  # presentations that a source may jump ahead, 30 s; of a longer jump the newest ones are computed


class SynchGraphRecognizer:
    """Recognises expressed emotion in a face and a voice that come in step, or one up to `late` seconds behind.

        recognizer = SynchGraphRecognizer.from_settings(SynchGraphSettings())
        estimates = recognizer.listener.push(samples) + recognizer.watcher.push(frame)

    Every half second of the source's clock makes a presentation, once both senses have come up to it; from the K-th on
    each gives an estimate over the newest K. Estimates do not depend on how the sound is cut into pushes. Not safe for
    use by several threads at once.
    """

    def __init__(
        self,
        bundle: Bundle,
        spiking: SpikingNetwork,
        decision: Engine,
        front_end: FrontEnd,
        settings: SynchGraphSettings | None = None,
        missing: tuple[str, ...] = (),
        detector: SpeechDetector | None = None,
    ) -> None:
        """missing: "voice" or "face", where a source has none. detector: of speech, Silero VAD when None.

        EdgeEmotionError for a bundle that is for something else.
        """
        self.settings = settings or SynchGraphSettings()
        self.bundle = bundle
        self.engine = decision
        self._contract = _contract(bundle)
        self._face_neurons = self._contract.face_neurons(bundle.window.features)
        self._spiking = spiking
        self._front_end = front_end
        self._missing = missing
        self._detector = detector
        self._calibration = Calibration(bundle)
        self._silent = np.zeros(input_shape(bundle)[1:], np.float32)
        decision.run(np.zeros(input_shape(bundle), np.float32))  # first runs are slow
        self.listener, self.watcher = Listening(self), Watching(self)
        self.reset()

    @classmethod
    def from_settings(
        cls, settings: SynchGraphSettings, missing: tuple[str, ...] = ()
    ) -> "SynchGraphRecognizer":
        """Open the model that the settings name, on the engine they name; missing: as __init__."""
        bundle = read_bundle(settings.model)
        _contract(bundle)
        decision = open_engine(bundle, settings.engine, settings.precision, settings.threads)
        spiking = open_spiking(bundle, settings.engine, settings.threads)
        return cls(bundle, spiking, decision, FaceFrontEnd(settings.front_end), settings, missing)

    def reset(self) -> None:
        """Forget all that was heard and seen; the source's clock begins at 0."""
        self._front_end.reset()
        nodes = self.bundle.window.nodes
        self._most = nodes + math.ceil(self.settings.late / PERIOD) + AHEAD
        self._sound = PresentedSound(
            self._contract, nodes, self._most, self.settings.voice_activity, self._detector
        )
        self._face = PresentedFace(self._contract, self._front_end, self._most)
        self._sound.over, self._face.over = "voice" in self._missing, "face" in self._missing
        self._window: deque[Presentation] = deque(maxlen=nodes)
        self._next = 1  # number of the next presentation
        self._given = False  # whether there was any estimate
        self._smoothing = ExponentialSmoothing(self.settings.smoothing)
        self._smoothed: int | None = None  # whose face the smoothing is of

    @property
    def faces(self) -> list[Face]:
        """Faces of the newest frame."""
        return self._face.faces

    def hear(self, samples: NDArray[np.float32]) -> list[Estimate]:
        """Take (n,) float samples, mono, 16 kHz, -1..1; give the estimates that they complete.

        EdgeEmotionError for another shape or type, and for samples that are not finite.
        """
        sound = checked_sound(samples)
        began = perf_counter()
        estimates: list[Estimate] = []
        for begin in range(0, len(sound), PIECE):
            started = perf_counter()
            self._sound.push(sound[begin : begin + PIECE])
            estimates += self._advance(began, started)
        return estimates

    def place(self, time: float) -> None:
        """Say at which second of the source's clock the next sample lies; it follows the last one when nothing is said.

        EdgeEmotionError for a time that is not finite.
        """
        self._sound.place(checked_time(time, -math.inf))

    def lose(self, seconds: float) -> None:
        """Say that sound is missing before the next sample: silence takes its place, and what hears it abstains.

        EdgeEmotionError for a length that is negative or not finite.
        """
        if checked_loss(seconds) > 0:
            self._sound.lose(seconds)

    def see(self, frame: Frame) -> list[Estimate]:
        """Take the next frame; give the estimates that it completes.

        EdgeEmotionError for a time that goes back or is not finite, and for a picture that the front end refuses.
        """
        began = perf_counter()
        checked_time(frame.time, self._face.end)
        self._face.push(frame)
        return self._advance(began, began)

    def end(self, *senses: str) -> list[Estimate]:
        """End of the sound ("voice"), of the pictures ("face") or of both: the other one waits no longer.

        At the end of both a clip of fewer than K presentations gives one estimate over those there are, padded
        cyclically, and one without any abstains ("too short").
        """
        began = perf_counter()
        if "voice" in senses:
            self._sound.finish()
        if "face" in senses:
            self._face.finish()
        estimates = self._advance(began, began)
        ends = max(self._sound.end, self._face.end)
        if self._sound.over and self._face.over and not self._given and ends > -math.inf:
            self._given = True
            started = perf_counter()
            estimates.append(
                self._estimate(began, started) if self._window else self._too_short(ends, began, started)
            )
        return estimates

    def _due(self) -> int:
        """Number of the newest presentation that need not wait any more."""
        sound, face = self._sound, self._face
        newest = max(sound.end, face.end)
        if newest == -math.inf:
            return 0
        if sound.over and face.over:
            return math.floor((newest + TOLERANCE) / PERIOD)
        if sound.over or face.over:
            return face.up_to if sound.over else sound.up_to
        return max(min(sound.up_to, face.up_to), math.floor((newest - self.settings.late) / PERIOD))

    def _advance(self, began: float, started: float) -> list[Estimate]:
        estimates: list[Estimate] = []
        due = self._due()
        if due - self._next >= self._most:
            self._next = due - self._most + 1
            self._window.clear()
        for number in range(self._next, due + 1):
            self._window.append(self._presentation(number))
            if len(self._window) == self.bundle.window.nodes:
                estimates.append(self._estimate(began, started))
                self._given = True
                started = perf_counter()
        self._next = max(self._next, due + 1)
        return estimates

    def _presentation(self, number: int) -> Presentation:
        """Show it to the spiking network; without events nothing fires, and the network is not run."""
        sight, hearing = self._face.take(number), self._sound.take(number)
        heard = None if hearing is None else hearing.rates
        events = presentation_events(self._contract, number, sight.rates, heard)
        spikes = self._spiking.run(events) if len(events[0]) else self._silent
        return Presentation(number, sight, hearing, spikes)

    def _estimate(self, began: float, started: float) -> Estimate:
        """Estimate over the presentations that are there; began: of the push, started: of its last piece."""
        window = list(self._window)
        time, identity = round(window[-1].number * PERIOD, 6), identity_of(window)
        abstained = abstention(window, self._face_neurons)
        if abstained == DROPPED or identity != self._smoothed:
            self._smoothing = ExponentialSmoothing(self.settings.smoothing)
            self._smoothed = identity
        probabilities = None
        if abstained is None:
            spikes = cyclic_padding(np.stack([p.spikes for p in window]), self.bundle.window.nodes)
            logits = self.engine.run(spikes)[0]
            probabilities = self._smoothing.update(time, self._calibration.probabilities(logits))
        now = perf_counter()
        return Estimate(
            time=time,
            modality=self.bundle.modality,
            probabilities=probabilities,
            quality=quality(window),
            latency=max(0.0, max(self._sound.end, self._face.end) - time) + now - began,
            abstained=abstained,
            computing=now - started,
            identity=identity,
        )

    def _too_short(self, end: float, began: float, started: float) -> Estimate:
        now = perf_counter()
        modality = self.bundle.modality
        return Estimate(round(end, 6), modality, None, 0.0, now - began, TOO_SHORT, now - started)


class Listening:
    """The recogniser as what hears: a pipeline.JointListener."""

    def __init__(self, recognizer: SynchGraphRecognizer) -> None:
        self._recognizer = recognizer
        self.modality = recognizer.bundle.modality
        self.reset = recognizer.reset
        self.push = recognizer.hear
        self.lose = recognizer.lose
        self.place = recognizer.place

    def flush(self) -> list[Estimate]:
        """End of the sound."""
        return self._recognizer.end("voice")


class Watching:
    """The recogniser as what sees: a pipeline.Watcher."""

    def __init__(self, recognizer: SynchGraphRecognizer) -> None:
        self._recognizer = recognizer
        self.reset = recognizer.reset
        self.push = recognizer.see

    @property
    def faces(self) -> list[Face]:
        """Faces of the newest frame."""
        return self._recognizer.faces

    def flush(self) -> list[Estimate]:
        """End of the pictures."""
        return self._recognizer.end("face")


def _contract(bundle: Bundle) -> SpikingContract:
    """What the bundle's spiking network takes; EdgeEmotionError when it is for something else."""
    if bundle.modality != FACE_VOICE or bundle.spiking is None:
        raise EdgeEmotionError(
            f"model {bundle.name!r} is for {bundle.modality}; expected one for {FACE_VOICE}"
        )
    window = bundle.window
    wanted = (window.feature_set, window.feature_version, window.period)
    if wanted != (SPIKES, SPIKES_VERSION, PERIOD):
        raise EdgeEmotionError(
            f"model {bundle.name!r} needs {wanted[0]!r} version {wanted[1]} each {wanted[2]} s, "
            f"known is {SPIKES!r} version {SPIKES_VERSION} each {PERIOD} s; update edge-emotion or the model"
        )
    return bundle.spiking
