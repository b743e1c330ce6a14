"""The frozen network in plain NumPy, many presentations at once: the reference that Brian2 and the export agree with.

All in float64. Within a step, as Brian2 orders it: membranes and conductances, thresholds, synapses, resets.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.spikes import DELAY_STEPS, STEPS, TIME_STEP, poisson_events
from edge_emotion_train.models.synch_graph.network import THETA_START, inhibition_mask
from edge_emotion_train.models.synch_graph.settings import NetworkSettings, Neurons
from edge_emotion_train.models.synch_graph.state import NetworkState

Values = NDArray[np.float64]
Events = tuple[NDArray[np.int64], NDArray[np.int64]]  # steps, inputs


@dataclass
class _Group:
    """Membranes and conductances of (presentations, n) neurons of one kind."""

    kind: Neurons
    settings: NetworkSettings
    v: Values
    ge: Values
    gi: Values
    since: NDArray[np.int64]  # steps since the last spike

    @classmethod
    def at_rest(cls, kind: Neurons, settings: NetworkSettings, shape: tuple[int, int]) -> "_Group":
        nothing = np.zeros(shape)
        return cls(
            kind, settings, np.full(shape, kind.rest), nothing.copy(), nothing.copy(), np.full(shape, STEPS)
        )

    def step(self) -> NDArray[np.bool_]:
        """Advance one step; give who is not refractory.

        Equations (1) and (2) by the exponential Euler method: exact while the conductances are constant, which they are
        taken to be within a step.
        """
        kind, dt = self.kind, TIME_STEP
        awake = self.since >= round(kind.refractory / dt)
        total = 1 + self.ge + self.gi
        goal = (kind.rest + self.gi * kind.reversal) / total
        moved = goal + (self.v - goal) * np.exp(-dt * total / kind.tau)
        self.v = np.where(awake, moved, self.v)
        self.ge = self.ge * np.exp(-dt / self.settings.tau_excitation)
        self.gi = self.gi * np.exp(-dt / self.settings.tau_inhibition)
        return awake

    def reset(self, spikes: NDArray[np.bool_]) -> None:
        self.v = np.where(spikes, self.kind.reset, self.v)
        self.since = np.where(spikes, 1, self.since + 1)


def drawn_events(
    settings: NetworkSettings, rates: dict[str, NDArray[np.float32]], seed: tuple[int, ...]
) -> Events:
    """Spikes of one presentation, as a device draws them: rates modality -> (inputs,) Hz; inputs numbered through."""
    steps, inputs, first = [], [], 0
    for number, modality in enumerate(("face", "voice")):
        if modality not in settings.modalities:
            continue
        delay = DELAY_STEPS if modality == "voice" else 0
        when, which = poisson_events(rates[modality], (*seed, number), delay)
        steps.append(when)
        inputs.append(which + first)
        first += settings.inputs(modality)
    return np.concatenate(steps), np.concatenate(inputs)


def drive_of(state: NetworkState, events: Events) -> Values:
    """(STEPS, n) what a presentation's spikes add to the excitatory neurons' conductance in each step."""
    settings = state.settings
    steps, inputs = events
    parts, first = [], 0
    for modality in settings.modalities:
        weights = state.inputs[modality]
        windows, per_window, features = weights.shape
        mine = (inputs >= first) & (inputs < first + windows * per_window)
        own, when = inputs[mine] - first, steps[mine]
        slot = when * windows + own // per_window
        total = np.zeros((STEPS * windows, features))
        if len(slot):
            begins = np.flatnonzero(np.r_[True, slot[1:] != slot[:-1]])
            rows = weights.reshape(-1, features)[own]
            total[slot[begins]] = np.add.reduceat(rows, begins)
        parts.append(total.reshape(STEPS, windows * features))
        first += windows * per_window
    return np.concatenate(parts, axis=1)


def excitatory_spikes(state: NetworkState, drive: Values) -> NDArray[np.bool_]:
    """(presentations, STEPS, n) drive -> the same of excitatory spikes; each presentation starts at rest."""
    settings = state.settings
    count, _, width = drive.shape
    excitatory = _Group.at_rest(settings.excitatory, settings, (count, width))
    inhibitory = _Group.at_rest(settings.inhibitory, settings, (count, width))
    limit = spike_limit(state)
    inhibit, excite = recurrent_weights(state)
    spikes = np.zeros((count, STEPS, width), bool)
    for step in range(STEPS):
        fires = excitatory.step() & (excitatory.v > limit)
        damps = inhibitory.step() & (inhibitory.v > settings.inhibitory.threshold)
        excitatory.ge = excitatory.ge + drive[:, step]
        if fires.any():
            excitatory.ge = excitatory.ge + fires @ excite
            inhibitory.ge = inhibitory.ge + fires * settings.to_inhibitory
        if damps.any():
            excitatory.gi = excitatory.gi + damps @ inhibit
        excitatory.reset(fires)
        inhibitory.reset(damps)
        spikes[:, step] = fires
    return spikes


def spike_limit(state: NetworkState) -> Values:
    """(n,) potential of a spike of each excitatory neuron; V."""
    theta = np.concatenate([state.theta[m] for m in state.settings.modalities])
    return theta - THETA_START + state.settings.excitatory.threshold


def recurrent_weights(state: NetworkState) -> tuple[Values, Values]:
    """(n, n) weights onto inhibitory and excitatory conductances, from inhibitory and from excitatory neurons."""
    settings = state.settings
    inhibit = np.zeros((settings.neurons, settings.neurons))
    excite = np.zeros((settings.neurons, settings.neurons))
    places, first = {}, 0
    for modality in settings.modalities:
        places[modality] = slice(first, first + settings.count(modality))
        first += settings.count(modality)
        mask = inhibition_mask(settings, modality)
        inhibit[places[modality], places[modality]] = mask * settings.to_excitatory_frozen
    for target, weights in state.cross.items():
        source = "voice" if target == "face" else "face"
        excite[places[source], places[target]] = weights
    return inhibit, excite
