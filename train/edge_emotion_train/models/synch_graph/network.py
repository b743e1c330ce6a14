"""The spiking network in Brian2: equations (1) to (3) of the paper, with units.

    input trains --STDP--> excitatory --one to one--> inhibitory --all but self--> excitatory     (each modality)
                           excitatory <--STDP, cross-modal--> excitatory                          (between the two)

Source: Mansouri-Benssassi and Ye, "Synch-Graph" (AAAI 2020), equations (1)-(3); base: Diehl and Cook, "Unsupervised
learning of digit recognition using spike-timing-dependent plasticity" (2015). Deviations are marked on their line.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.spikes import DELAY_STEPS, PERIOD, STEPS, STIMULUS_STEPS, TIME_STEP
from edge_emotion_train.models.synch_graph.settings import NetworkSettings, Neurons, Plasticity

THETA_START = 0.02  # V, that counts as no adaptation: v spikes above threshold - THETA_START + theta

# Equation (1): tau dV/dt = (E_rest - V) + g_e (E_exc - V) + g_i (E_inh - V), E_exc = 0 V.
# Equation (2): tau_g dg/dt = -g; a spike that arrives adds its synapse's weight.
MEMBRANE = """
dv/dt = ((rest - v) + ge * (0*volt - v) + gi * (reversal - v)) / tau : volt (unless refractory)
dge/dt = -ge / tau_e : 1
dgi/dt = -gi / tau_i : 1
"""
FALLS_BACK = "dtheta/dt = (theta_floor - theta) / tau_theta"
ADAPTIVE = f"""
{FALLS_BACK} : volt
dx/dt = -x / tau_trace : 1
input_total : 1
cross_total : 1
"""
INPUT = """
dx/dt = -x / tau_trace : 1
rate : Hz
"""
# Equation (3), at a spike of the neuron behind the synapse: dw = eta (x_pre - x_tar) (w_max - w)^mu.
# What is left to w_max never counts as negative under a power: normalising may lift a weight above it.
STDP = "w = clip(w + eta * (x_pre - x_tar) * {left}, 0, w_max)"


@dataclass(frozen=True)
class Modality:
    """Brian2's groups and synapses of one modality."""

    excitatory: Any
    inhibitory: Any
    inputs: Any
    synapses: Any
    monitor: Any


@dataclass(frozen=True)
class SpikingNetwork:
    """A Brian2 network. parts: each modality's; cross: synapses into the modality named, from the other one."""

    network: Any
    parts: dict[str, Modality]
    cross: dict[str, Any]
    shown: dict[str, Any]


def namespace(settings: NetworkSettings, kind: Neurons) -> dict[str, Any]:
    """Constants of the equations as Brian2 takes them."""
    from brian2 import second, volt

    learning = settings.plasticity
    return {
        "tau": kind.tau * second, "rest": kind.rest * volt, "reversal": kind.reversal * volt,
        "reset": kind.reset * volt, "threshold": kind.threshold * volt,
        "tau_e": settings.tau_excitation * second, "tau_i": settings.tau_inhibition * second,
        "tau_theta": learning.threshold_tau * second, "tau_trace": learning.tau_trace * second,
        "theta_step": learning.threshold_step * volt, "theta_start": THETA_START * volt,
        "theta_floor": learning.threshold_floor * volt,
    }  # fmt: skip


def build(
    settings: NetworkSettings, presentations: int, rates: dict[str, Any] | None = None
) -> SpikingNetwork:
    """Build the learning network for runs of some presentations, with Poisson inputs.

    rates: modality -> (presentations, inputs), Hz with Brian2's unit; None for a compiled program, which is given them
    at each run in place of `shown[modality]`. Before each presentation membranes and conductances go to rest and
    weights are normalised.
    """
    from brian2 import Hz, TimedArray, defaultclock, second

    defaultclock.dt = TIME_STEP * second
    parts, shown = {}, {}
    for modality in settings.modalities:
        nothing = np.zeros((presentations, settings.inputs(modality))) * Hz
        given = nothing if rates is None else rates[modality]
        shown[modality] = TimedArray(given, dt=PERIOD * second, name=f"shown_{modality}")
        parts[modality] = _modality(settings, modality, shown[modality])
    return joined(settings, parts, shown, learning=True)


def joined(
    settings: NetworkSettings, parts: dict[str, Modality], shown: dict[str, Any], learning: bool
) -> SpikingNetwork:
    """The network of some modalities' parts, with inhibition and cross-modal synapses; shown: see SpikingNetwork."""
    from brian2 import Network

    cross = cross_synapses(settings, parts, learning)
    groups = [g for part in parts.values() for g in vars(part).values()]
    inhibiting = [s for part in parts.values() for s in _inhibition(settings, part, learning)]
    return SpikingNetwork(Network(*groups, *inhibiting, *cross.values()), parts, cross, shown)


def _modality(settings: NetworkSettings, modality: str, shown: Any) -> Modality:
    from brian2 import SpikeMonitor, second

    inputs = _inputs(settings, modality, shown)
    excitatory, inhibitory = neurons(settings, modality)
    synapses = input_synapses(settings, modality, inputs, excitatory, learning=True)
    excitatory.run_regularly(
        "v = rest; ge = 0; gi = 0", dt=PERIOD * second, when="start", name=f"rest_excitatory_{modality}"
    )
    inhibitory.run_regularly(
        "v = rest; ge = 0; gi = 0", dt=PERIOD * second, when="start", name=f"rest_inhibitory_{modality}"
    )
    monitor = SpikeMonitor(excitatory, name=f"spikes_{modality}")
    return Modality(excitatory, inhibitory, inputs, synapses, monitor)


def neurons(settings: NetworkSettings, modality: str, learning: bool = True) -> tuple[Any, Any]:
    """The excitatory and the inhibitory group of a modality."""
    from brian2 import NeuronGroup, second, volt

    one = settings.excitatory
    excitatory = NeuronGroup(
        settings.count(modality),
        # Frozen thresholds do not fall back either.
        MEMBRANE + (ADAPTIVE if learning else ADAPTIVE.replace(FALLS_BACK, "theta")),
        threshold="v > theta - theta_start + threshold",
        reset="v = reset; x += 1" + ("; theta += theta_step" if learning else ""),
        refractory=one.refractory * second,
        method="exponential_euler",
        namespace=namespace(settings, one),
        name=f"excitatory_{modality}",
    )
    other = settings.inhibitory
    inhibitory = NeuronGroup(
        settings.count(modality),
        MEMBRANE,
        threshold="v > threshold",
        reset="v = reset",
        refractory=other.refractory * second,
        method="exponential_euler",
        namespace=namespace(settings, other),
        name=f"inhibitory_{modality}",
    )
    excitatory.v, inhibitory.v = one.rest * volt, other.rest * volt
    excitatory.theta = settings.theta * volt
    return excitatory, inhibitory


def _inputs(settings: NetworkSettings, modality: str, shown: Any) -> Any:
    """Poisson trains of the rates of a presentation, for the first 350 ms of it; the voice's 5 ms later."""
    from brian2 import NeuronGroup, second

    delay = DELAY_STEPS if modality == "voice" else 0
    group = NeuronGroup(
        settings.inputs(modality),
        INPUT,
        # Deviation: a spike train is Bernoulli in steps of .5 ms, as Brian2's PoissonGroup, which cannot carry a trace.
        threshold=f"timestep(t, dt) % {STEPS} >= {delay} and timestep(t, dt) % {STEPS} < {delay + STIMULUS_STEPS} "
        "and rate > 0*Hz and rand() < rate * dt",
        reset="x += 1",
        method="exact",
        namespace={"tau_trace": settings.plasticity.tau_trace * second, f"shown_{modality}": shown},
        name=f"inputs_{modality}",
    )
    group.run_regularly(f"rate = shown_{modality}(t, i)", dt=PERIOD * second, name=f"show_{modality}")
    return group


def input_synapses(
    settings: NetworkSettings, modality: str, inputs: Any, excitatory: Any, learning: bool
) -> Any:
    """Synapses of a modality's inputs onto its excitatory neurons, each onto those of its window."""
    from brian2 import Synapses

    rule = stdp(settings.plasticity, settings.plasticity.rate) if learning else {}
    synapses = Synapses(inputs, excitatory, "w : 1", on_pre="ge_post += w", name=f"input_{modality}", **rule)
    source, target = input_connections(settings, modality)
    synapses.connect(i=source, j=target)
    if learning:
        normalise(synapses, "input", settings.input_sum)
    return synapses


def input_connections(
    settings: NetworkSettings, modality: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Source and target of every input synapse, in the order of the weights (windows, inputs, features)."""
    windows = settings.windows(modality)
    shape = (len(windows.starts), windows.inputs, settings.features)
    window, own, feature = np.indices(shape).reshape(3, -1)
    return window * windows.inputs + own, window * settings.features + feature


def inhibition_mask(settings: NetworkSettings, modality: str) -> NDArray[np.bool_]:
    """(n, n) whether the inhibitory neuron of the row inhibits the excitatory one of the column: never its own."""
    count = settings.count(modality)
    others = ~np.eye(count, dtype=bool)
    if settings.inhibition == "modality":
        return others
    window = np.arange(count) // settings.features
    return others & (window[:, None] == window[None])


def _inhibition(settings: NetworkSettings, part: Modality, learning: bool) -> list[Any]:
    from brian2 import Synapses

    modality = part.excitatory.name.removeprefix("excitatory_")
    there = Synapses(
        part.excitatory, part.inhibitory, on_pre="ge_post += weight", name=f"to_inhibitory_{modality}",
        namespace={"weight": settings.to_inhibitory},
    )  # fmt: skip
    there.connect(j="i")
    back = Synapses(
        part.inhibitory, part.excitatory, on_pre="gi_post += weight", name=f"to_excitatory_{modality}",
        namespace={"weight": settings.to_excitatory if learning else settings.to_excitatory_frozen},
    )  # fmt: skip
    source, target = np.nonzero(inhibition_mask(settings, modality))
    if len(source):
        back.connect(i=source, j=target)
    else:
        back.active = False
    return [there, back]


def cross_synapses(settings: NetworkSettings, parts: dict[str, Modality], learning: bool) -> dict[str, Any]:
    """Synapses of each excitatory group onto the other, learning: those that fire together grow stronger."""
    from brian2 import Synapses

    if len(parts) < 2 or settings.cross_sum == 0:
        return {}
    made = {}
    for source, target in (("voice", "face"), ("face", "voice")):
        rule = stdp(settings.plasticity, settings.plasticity.cross_rate) if learning else {}
        synapses = Synapses(
            parts[source].excitatory, parts[target].excitatory, "w : 1", on_pre="ge_post += w",
            name=f"cross_{target}", **rule,
        )  # fmt: skip
        synapses.connect()
        if learning:
            normalise(synapses, "cross", settings.cross_sum)
        made[target] = synapses
    return made


def stdp(plasticity: Plasticity, rate: float) -> dict[str, Any]:
    """Equation (3) as what Synapses take: their rule at a spike of the neuron behind, and its constants."""
    left = "(w_max - w)" if plasticity.dependence == 1 else "clip(w_max - w, 0, w_max) ** mu"
    return {
        "on_post": STDP.format(left=left),
        "namespace": {
            "eta": rate, "x_tar": plasticity.target, "w_max": plasticity.largest, "mu": plasticity.dependence,
        },
    }  # fmt: skip


def normalise(synapses: Any, kind: str, total: float) -> None:
    """Before each presentation scale a neuron's weights to one sum (Diehl and Cook), so that none wins by weight."""
    from brian2 import second

    when = {"dt": PERIOD * second, "when": "start"}
    name = synapses.name
    synapses.target.run_regularly(f"{kind}_total = 0", order=0, name=f"clear_{name}", **when)
    synapses.run_regularly(f"{kind}_total_post += w", order=1, name=f"sum_{name}", **when)
    # Where all weights have fallen to 0 they stay there: 0 / 0 would make them NaN for good.
    summed = f"({kind}_total_post + int({kind}_total_post == 0))"
    synapses.run_regularly(f"w = w * {total} / {summed}", order=2, name=f"scale_{name}", **when)
