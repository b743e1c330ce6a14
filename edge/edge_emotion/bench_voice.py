"""Measures what the voice's path costs on this machine, from the microphone's samples to the event."""

import io
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bench_networks import precision_taken
from edge_emotion.bench_process import peak_memory
from edge_emotion.bench_sound import speech_blocks
from edge_emotion.bench_stage import PathCost, Spent, stage_cost, timed
from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.calibrated_network import CalibratedNetwork
from edge_emotion.engine import Engine, open_engine
from edge_emotion.estimate import Estimate
from edge_emotion.features.feature_set import sound_feature_set
from edge_emotion.features.voice_activity import F0, VoiceActivity
from edge_emotion.fusion import Fusion
from edge_emotion.outputs.jsonl import JsonLines
from edge_emotion.settings import BenchSettings, VoiceActivitySettings
from edge_emotion.smoothing import ExponentialSmoothing
from edge_emotion.sources.offset import OffsetRemoval
from edge_emotion.sources.resample import MonoResampler
from edge_emotion.sources.sound import RATE
from edge_emotion.window import RollingGraph

MICROPHONE = 48000  # frames a second, two channels: what a cheap USB microphone gives
CAPTURE, ACTIVITY, FEATURES, WINDOW, NETWORK = "capture", "voice activity", "features", "window", "network"
EVENT, ALL = "event", "all"
STAGES = (CAPTURE, ACTIVITY, FEATURES, WINDOW, NETWORK, EVENT, ALL)
# Every window reaches the network, so that the numbers are those of steady speech.
ALWAYS_SPEECH = VoiceActivitySettings(minimum_speech=0.0, silence_level=-np.inf, gate_level=-np.inf)


class TimedEngine:
    """An engine that keeps what its runs took."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name, self.version = engine.name, engine.version
        self.spent: Spent = (0.0, 0.0)

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network as Engine.run does."""
        self.spent, output = timed(self._engine.run, x)
        return output


class VoicePath:
    """The chain that a live run is made of, each stage by itself; `spent` holds what each took since it was emptied."""

    def __init__(self, bundle: Bundle, engine: Engine, smoothing: float) -> None:
        """smoothing: seconds, time constant."""
        window = bundle.window
        features = sound_feature_set(window.feature_set, window.feature_version)
        self.spent: dict[str, Spent] = {}
        self._bundle = bundle
        self._engine = TimedEngine(engine)
        self._resampler, self._offset = MonoResampler(MICROPHONE), OffsetRemoval()
        self._activity = VoiceActivity(ALWAYS_SPEECH)
        self._stream, self._graph = features.stream(), RollingGraph(window.nodes, window.hop)
        self._network = CalibratedNetwork(bundle, self._engine, features)
        self._smoothing = ExponentialSmoothing(smoothing)
        self._fusion = Fusion(hops={bundle.modality: window.hop * window.period})
        self._output = JsonLines(io.StringIO())

    def push(self, recorded: NDArray[np.int16]) -> None:
        """Take (n, 2) samples at MICROPHONE frames a second through every stage that they reach."""
        period = self._bundle.window.period
        length = self._bundle.window.nodes * period
        samples = self._timed(CAPTURE, self._captured, recorded)
        self._timed(ACTIVITY, self._activity.push, samples)
        nodes = self._timed(FEATURES, self._stream.push, samples)
        for end, raw in self._timed(WINDOW, lambda: list(self._graph.push(nodes))):
            time = end * period
            self._timed(ACTIVITY, self._activity.window, max(0.0, time - length), time, raw[:, F0])
            probabilities = self._timed(WINDOW, self._network.probabilities, raw)
            self._add(WINDOW, -self._engine.spent[0], -self._engine.spent[1])
            self._add(NETWORK, *self._engine.spent)
            self._timed(EVENT, self._told, time, probabilities)

    def _captured(self, recorded: NDArray[np.int16]) -> NDArray[np.float32]:
        """What sources/microphone.py does with a block."""
        return self._offset.push(self._resampler.push(recorded.astype(np.float32) / np.float32(32768)))

    def _told(self, time: float, probabilities: NDArray[np.float32]) -> None:
        smoothed = self._smoothing.update(time, probabilities)
        estimate = Estimate(time, self._bundle.modality, smoothed, 1.0, 0.0, None)
        self._output.show(self._fusion.update(estimate))

    def _timed(self, stage: str, compute: Any, *given: Any) -> Any:
        spent, result = timed(compute, *given)
        self._add(stage, *spent)
        return result

    def _add(self, stage: str, clock: float, cpu: float) -> None:
        before = self.spent.get(stage, (0.0, 0.0))
        self.spent[stage] = before[0] + clock, before[1] + cpu


def measure_voice(settings: BenchSettings, engine: str) -> PathCost:
    """Measure one engine in this process, one hop of sound after the other."""
    assert settings.model is not None  # bench() measures the voice only with a model
    started = perf_counter()
    bundle = read_bundle(settings.model)
    precision = precision_taken(bundle.networks, engine, settings.precision)
    network = open_engine(bundle, engine, precision, settings.threads)
    path = VoicePath(bundle, network, smoothing=1.0)
    start = perf_counter() - started
    window = bundle.window
    hop = window.hop * window.period
    times: dict[str, list[Spent]] = {stage: [] for stage in STAGES}
    for block in speech_blocks(settings.seconds + window.nodes * window.period + settings.warm_up * hop):
        path.push(_as_recorded(block))
        if NETWORK in path.spent:
            path.spent[ALL] = tuple(np.sum(list(path.spent.values()), axis=0).tolist())
            for stage, spent in path.spent.items():
                times[stage].append(spent)
            path.spent = {}
    # The first window carries all the sound before it, so it is never counted.
    kept = {stage: spent[max(1, settings.warm_up) :] for stage, spent in times.items()}
    stages = tuple(stage_cost(stage, kept[stage], hop) for stage in STAGES)
    share = sum(cpu for _, cpu in kept[ALL]) / (len(kept[ALL]) * hop)
    return PathCost(engine, network.version, precision, len(kept[ALL]), stages, share, peak_memory(), start)


def _as_recorded(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """(n,) samples at 16 kHz -> (3 n, 2) of 16 bits at MICROPHONE; what repeating adds above 8 kHz is filtered off."""
    repeated = np.repeat(samples * 32767, MICROPHONE // RATE).astype(np.int16)
    return np.stack([repeated, repeated], axis=1)
