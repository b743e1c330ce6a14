"""The frozen network in Brian2, shown given input spikes: what the NumPy reference and the export are held against."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.spikes import PERIOD, STEPS, TIME_STEP
from edge_emotion_train.models.synch_graph.network import (
    Modality,
    SpikingNetwork,
    input_synapses,
    joined,
    neurons,
)
from edge_emotion_train.models.synch_graph.reference import Events
from edge_emotion_train.models.synch_graph.state import NetworkState


def brian2_spikes(
    state: NetworkState, presentations: Iterable[Events], target: str = "numpy"
) -> list[NDArray[np.bool_]]:
    """Each presentation's excitatory spikes, (STEPS, N), from its events; each one starts at rest.

    presentations: steps and inputs of each, as drawn_events gives them. target: of Brian2's code, "numpy" or "cython".
    """
    import brian2
    from brian2 import defaultclock, prefs, second

    before = prefs["codegen.target"]
    prefs["codegen.target"] = target
    try:
        brian2.start_scope()
        defaultclock.dt = TIME_STEP * second
        built = _frozen(state)
        built.network.store("rest")
        return [_shown(state, built, events) for events in presentations]
    finally:
        prefs["codegen.target"] = before


def _frozen(state: NetworkState) -> SpikingNetwork:
    """A network with a state's weights and thresholds, which learns nothing and sees no input yet."""
    from brian2 import SpikeGeneratorGroup, SpikeMonitor, second, volt

    settings = state.settings
    parts = {}
    for modality in settings.modalities:
        inputs = SpikeGeneratorGroup(settings.inputs(modality), [], [] * second, name=f"inputs_{modality}")
        excitatory, inhibitory = neurons(settings, modality, learning=False)
        excitatory.theta = state.theta[modality] * volt
        synapses = input_synapses(settings, modality, inputs, excitatory, learning=False)
        synapses.w = state.inputs[modality].ravel()
        monitor = SpikeMonitor(excitatory, name=f"spikes_{modality}")
        parts[modality] = Modality(excitatory, inhibitory, inputs, synapses, monitor)
    built = joined(settings, parts, {}, learning=False)
    for modality, synapses in built.cross.items():
        synapses.w = state.cross[modality].ravel()
    return built


def _shown(state: NetworkState, built: SpikingNetwork, events: Events) -> NDArray[np.bool_]:
    from brian2 import second

    settings = state.settings
    steps, inputs = events
    built.network.restore("rest")
    first = 0
    for modality, part in built.parts.items():
        last = first + settings.inputs(modality)
        mine = (inputs >= first) & (inputs < last)
        part.inputs.set_spikes(inputs[mine] - first, steps[mine] * TIME_STEP * second)
        first = last
    built.network.run(PERIOD * second)
    spikes = np.zeros((STEPS, settings.neurons), bool)
    first = 0
    for modality, part in built.parts.items():
        fired = np.rint(np.asarray(part.monitor.t) / TIME_STEP).astype(np.int64)
        spikes[fired, first + np.asarray(part.monitor.i)] = True
        first += settings.count(modality)
    return spikes
