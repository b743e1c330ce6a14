"""A bundle's spiking network, opened: the events of a presentation in, the spikes of its excitatory neurons out."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bundle import Bundle
from edge_emotion.engine import End, NetworkRunError, OnnxEngine, open_named
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.spikes import (
    DELAY_STEPS,
    STEPS,
    STIMULUS_STEPS,
    Windows,
    face_windows,
    poisson_events,
    sound_windows,
)
from edge_emotion.network_file import AUTO
from edge_emotion.spiking_contract import SpikingContract

LAST_STEP = STIMULUS_STEPS - 1 + DELAY_STEPS  # at which an event may come
FACE, VOICE = 0, 1  # modalities, as seeds of the trains
INPUTS: dict[str, End] = {"steps": ("int64", ("events",)), "inputs": ("int64", ("events",))}

Events = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Steps and inputs, (events,) each."""
Rates = NDArray[np.float32]


class SpikingNetwork(Protocol):
    """A spiking network that remembers nothing from presentation to presentation."""

    def run(self, events: Events) -> NDArray[np.float32]:
        """Steps and inputs of a presentation's events, (events,) each -> its spikes (STEPS, N), 0 and 1."""
        ...


class OnnxSpikingNetwork:
    """A spiking network in ONNX Runtime."""

    def __init__(self, engine: OnnxEngine, neurons: int, where: str) -> None:
        """neurons: N. where: how errors name the network."""
        self._engine = engine
        self._shape = (STEPS, neurons)
        self._where = where

    def run(self, events: Events) -> NDArray[np.float32]:
        """Spikes, see SpikingNetwork; EdgeEmotionError when they are not 0 and 1, or not (STEPS, N)."""
        steps, inputs = events
        spikes = self._engine.run_named({"steps": steps, "inputs": inputs})
        if spikes.shape != self._shape or not ((spikes == 0) | (spikes == 1)).all():
            raise EdgeEmotionError(
                f"{self._where} gave spikes that are not {self._shape} of 0 and 1; replace the model"
            )
        return spikes


def open_spiking(bundle: Bundle, engine: str = AUTO, threads: int = 1) -> OnnxSpikingNetwork:
    """Open a bundle's spiking network; EdgeEmotionError as open_engine, and when it does not take every event."""
    engine = bundle.engine_taken(engine)
    content = bundle.spiking_network(engine)
    contract = bundle.spiking
    assert contract is not None  # spiking_network has refused a bundle without
    where = f"{bundle.path}: the spiking network for {engine}"
    outputs: dict[str, End] = {"spikes": ("float32", (STEPS, bundle.window.features))}
    opened = open_named(content, INPUTS, outputs, where, threads)
    network = OnnxSpikingNetwork(opened, bundle.window.features, where)
    last = sum(len(windows.starts) * windows.inputs for windows in windows_of(contract)) - 1
    for event in ((0, 0), (LAST_STEP, last)):
        try:
            network.run((np.array(event[:1], np.int64), np.array(event[1:], np.int64)))
        except NetworkRunError as reason:
            raise EdgeEmotionError(
                f"{where} does not take input {event[1]} at step {event[0]}, which its manifest promises; "
                "export it again"
            ) from reason
    return network


def windows_of(contract: SpikingContract) -> tuple[Windows, Windows]:
    """The windows over the face crop and those over the MFCC image."""
    return (
        face_windows(contract.face_side, contract.face_across),
        sound_windows(contract.sound_side, contract.sound_count),
    )


def presentation_events(
    contract: SpikingContract, number: int, face: Rates | None, sound: Rates | None
) -> Events:
    """Poisson events of presentation `number` from the rates that the windows see, Hz; None: that sense is absent.

    face, sound: (windows, inputs) of windows_of(). Inputs are numbered over the face's windows, then the sound's.
    """
    looking, _ = windows_of(contract)
    first = len(looking.starts) * looking.inputs
    steps, inputs = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for modality, rates, before, delay in ((FACE, face, 0, 0), (VOICE, sound, first, DELAY_STEPS)):
        if rates is not None:
            seed = (contract.seed, number, modality)
            at, which = poisson_events(rates.reshape(-1), seed, delay)
            steps.append(at)
            inputs.append(which + before)
    return np.concatenate(steps), np.concatenate(inputs)
