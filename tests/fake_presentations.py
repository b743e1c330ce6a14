"""Networks over presentations that do as told, and a stream of face and voice for them."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bundle import Bundle
from edge_emotion.estimate import Estimate
from edge_emotion.features.face_front_end import Face
from edge_emotion.features.spikes import CEPSTRA, PERIOD, STEPS
from edge_emotion.settings import SynchGraphSettings
from edge_emotion.sources.frame import Frame
from edge_emotion.spiking_contract import SpikingContract
from edge_emotion.spiking_network import Events
from edge_emotion.synch_graph import SynchGraphRecognizer
from edge_emotion.window import WindowContract
from fake_faces import FakeFrontEnd, even, face, frames
from fakes import fake_bundle, loud_is_speech

Array = NDArray[np.float32]
RATE = 16000
K, NEURONS, INPUTS = 6, 16, 3200  # presentations of a decision; neurons, two a window; inputs of a window


class CountingSpikes:
    """A neuron for each half of a window's inputs: it spikes at each step that brings it an event."""

    def __init__(self) -> None:
        self.runs = 0

    def run(self, events: Events) -> Array:
        self.runs += 1
        steps, inputs = events
        spikes = np.zeros((STEPS, NEURONS), np.float32)
        spikes[steps, inputs // INPUTS * 2 + inputs % 2] = 1
        return spikes


class ShareDecision:
    """Logits from how often the neurons of the face (happiness) and of the voice (anger) spike."""

    name, version = "fake", "0"

    def __init__(self) -> None:
        self.inputs: list[Array] = []

    def run(self, x: Array) -> Array:
        assert (x.shape, x.dtype) == ((K, STEPS, NEURONS), np.float32)
        self.inputs.append(x)
        logits = np.zeros((1, 7), np.float32)
        logits[0, 1], logits[0, 3] = 5 * x[..., :8].mean(), 5 * x[..., 8:].mean()
        return logits


def synch_bundle(**changes: Any) -> Bundle:
    window = WindowContract(
        nodes=K, period=PERIOD, hop=1, feature_set="spikes", feature_version=1, features=NEURONS,
        mean=(0.0,) * NEURONS, scale=(1.0,) * NEURONS,
    )  # fmt: skip
    spiking = SpikingContract(7, 40, 2, 40, 4, (0.0,) * CEPSTRA, (1.0,) * CEPSTRA, ())
    return fake_bundle(**{"modality": "face-voice", "window": window, "spiking": spiking, **changes})


def one_face(time: float) -> list[Face]:
    return [face()]


def recognizer(
    there: Callable[[float], list[Face]] = one_face,
    smoothing: float = 0.0,
    missing: tuple[str, ...] = (),
    **settings: Any,
) -> SynchGraphRecognizer:
    """A recogniser of fakes; there: faces at a time."""
    how = SynchGraphSettings(smoothing=smoothing, **settings)
    return SynchGraphRecognizer(
        synch_bundle(), CountingSpikes(), ShareDecision(), FakeFrontEnd(there), how, missing, loud_is_speech
    )


def voice(seconds: float, level: float = 0.2) -> Array:
    """Noise that rises and falls five times a second: loud_is_speech takes it for speech."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(7).normal(0, level, len(time))
    return (noise * (1.1 + np.sin(2 * np.pi * 5 * time)) / 2).astype(np.float32)


def in_step(
    judge: SynchGraphRecognizer,
    sound: Array,
    pictures: Iterable[float] | None = None,
    chunk: float = 0.1,
    late_face: float = 0.0,
    late_sound: float = 0.0,
    images: Callable[[float], NDArray[np.uint8]] | None = None,
) -> list[Estimate]:
    """Push sound and frames in the order in which they are due, one of them late by some seconds; then both end."""
    times = even(25, len(sound) / RATE) if pictures is None else pictures
    size = round(chunk * RATE)
    items: list[tuple[float, Any]] = []
    for frame in frames(times):
        shown = Frame(images(frame.time), frame.time) if images else frame
        items.append((frame.time + late_face, shown))
    for begin in range(0, len(sound), size):
        piece = sound[begin : begin + size]
        items.append(((begin + len(piece)) / RATE + late_sound, piece))
    judge.reset()
    estimates: list[Estimate] = []
    for _, item in sorted(items, key=lambda given: given[0]):
        estimates += judge.see(item) if isinstance(item, Frame) else judge.hear(item)
    return estimates + judge.end("voice", "face")


def said(estimates: Iterable[Estimate]) -> list[tuple[Any, ...]]:
    """All of estimates but what depends on the clock."""
    return [
        (
            e.time, e.modality, None if e.probabilities is None else e.probabilities.tolist(),
            round(e.quality, 9), e.abstained, e.identity,
        )
        for e in estimates
    ]  # fmt: skip
