"""The spiking network's physics, worked by hand: equations (1) to (3), thresholds, inhibition, what it learns from."""

import math
import shutil
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.spikes import PERIOD, STEPS, TIME_STEP
from edge_emotion_train.models.synch_graph import network, reference
from edge_emotion_train.models.synch_graph.frozen import brian2_spikes
from edge_emotion_train.models.synch_graph.settings import (
    EXCITATORY_NEURONS,
    NetworkSettings,
    Neurons,
    Plasticity,
    network_settings,
)
from edge_emotion_train.models.synch_graph.simulator import open_simulator
from edge_emotion_train.models.synch_graph.state import NetworkState, initial_state

TINY = {"features": 2, "window": 8, "shared": (), "inhibition": "modality"}


@pytest.fixture(autouse=True)
def brian2_in_numpy() -> Any:
    brian2 = pytest.importorskip("brian2")
    before = brian2.prefs["codegen.target"]
    brian2.prefs["codegen.target"] = "numpy"
    brian2.start_scope()
    brian2.defaultclock.dt = TIME_STEP * brian2.second
    yield
    brian2.prefs["codegen.target"] = before


def learned_weight(plasticity: Plasticity, pre: list[float], post: list[float], weight: float) -> float:
    """A weight after one input and one excitatory neuron spiked at some times, s; by the network's own rule."""
    from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, second

    def forced(name: str, times: list[float]) -> tuple[Any, ...]:
        """A neuron with the trace of an input that spikes when it is told to."""
        neuron = NeuronGroup(
            1,
            network.INPUT + "told : 1\n",
            threshold="told > 0",
            reset="x += 1; told = 0",
            method="exact",
            namespace={"tau_trace": plasticity.tau_trace * second},
            name=name,
        )
        source = SpikeGeneratorGroup(
            1, [0] * len(times), np.array(times) * second, when="start", name=f"tell_{name}"
        )
        tell = Synapses(source, neuron, on_pre={"told": "told_post += 1"}, name=f"telling_{name}")
        tell.told.when, tell.told.order = "start", 1
        tell.connect()
        return neuron, source, tell

    before, after = forced("before", pre), forced("after", post)
    synapses = Synapses(before[0], after[0], "w : 1", **network.stdp(plasticity, plasticity.rate))
    synapses.connect()
    synapses.w = weight
    Network(*before, *after, synapses).run(0.1 * second)
    return float(synapses.w[0])


@pytest.mark.parametrize("mu", [1.0, 0.0, 0.5, 2.0])
def test_a_spike_soon_after_its_input_strengthens_as_equation_3(mu: float) -> None:
    plasticity = Plasticity(rate=0.1, target=0.4, dependence=mu, largest=1.0, tau_trace=0.02)
    weight = learned_weight(plasticity, [0.010], [0.015], 0.5)
    trace = math.exp(-5 / 20)  # 5 ms after the input's spike
    assert weight == pytest.approx(0.5 + 0.1 * (trace - 0.4) * (1 - 0.5) ** mu, rel=1e-9)


def test_two_input_spikes_add_their_traces() -> None:
    plasticity = Plasticity(rate=0.1, target=0.4)
    weight = learned_weight(plasticity, [0.010, 0.020], [0.030], 0.2)
    trace = math.exp(-20 / 20) + math.exp(-10 / 20)
    assert weight == pytest.approx(0.2 + 0.1 * (trace - 0.4) * 0.8, rel=1e-9)


def test_a_spike_before_its_input_weakens() -> None:
    plasticity = Plasticity(rate=0.1, target=0.4)
    assert learned_weight(plasticity, [0.030], [0.010], 0.5) == pytest.approx(0.5 - 0.1 * 0.4 * 0.5, rel=1e-9)


def test_weights_stay_between_0_and_the_largest() -> None:
    assert learned_weight(Plasticity(rate=1.0, target=1.0), [], [0.010], 0.2) == 0
    strong = Plasticity(rate=1.0, target=0.0, dependence=0.0, largest=0.6)
    assert learned_weight(strong, [0.010], [0.0105], 0.5) == 0.6


def test_a_weight_above_the_largest_is_no_error_under_a_broken_power() -> None:
    # Normalising can lift one there; (w_max - w) ** .5 would be NaN for good.
    weight = learned_weight(Plasticity(rate=0.1, dependence=0.5), [0.010], [0.015], 1.2)
    assert weight == 1.0


def closed_form(kind: Neurons, excitation: float, inhibition: float, time: float) -> float:
    """v of equation (1) from rest, under conductances that do not change."""
    total = 1 + excitation + inhibition
    goal = (kind.rest + inhibition * kind.reversal) / total
    return goal + (kind.rest - goal) * math.exp(-time * total / kind.tau)


@pytest.mark.parametrize(("excitation", "inhibition"), [(0.1, 0.0), (0.1, 0.3), (0.0, 2.0)])
def test_a_membrane_follows_its_closed_form(excitation: float, inhibition: float) -> None:
    from brian2 import Network, second

    endless = 1e12  # s: conductances that do not change
    settings = network_settings("reduced", **TINY, tau_excitation=endless, tau_inhibition=endless)
    kind, steps = settings.excitatory, 120
    expected = closed_form(kind, excitation, inhibition, steps * TIME_STEP)

    group = reference._Group.at_rest(kind, settings, (1, 1))
    group.ge += excitation
    group.gi += inhibition
    for _ in range(steps):
        group.step()
    assert group.v[0, 0] == pytest.approx(expected, abs=1e-12)

    excitatory, _ = network.neurons(settings, "face", learning=False)
    excitatory.ge, excitatory.gi = excitation, inhibition
    Network(excitatory).run(steps * TIME_STEP * second)
    assert np.asarray(excitatory.v) == pytest.approx(expected, abs=1e-12)


def test_conductances_fall_by_their_time_constants() -> None:
    settings = network_settings("reduced", **TINY)
    group = reference._Group.at_rest(settings.excitatory, settings, (1, 1))
    group.ge += 1.0
    group.gi += 1.0
    for _ in range(4):  # 2 ms
        group.step()
    assert group.ge[0, 0] == pytest.approx(math.exp(-1)) and group.gi[0, 0] == pytest.approx(math.exp(-2))


def one_driven(
    weight: float, steps: NDArray[np.int64], **changes: Any
) -> tuple[NetworkState, reference.Events]:
    """A network whose inputs all weigh nothing but the first, onto the first neuron, and that one's spikes."""
    state = initial_state(network_settings("reduced", **TINY, **{"cross_sum": 0.0, **changes}), seed=0)
    nothing = {name: np.zeros_like(w) for name, w in state.inputs.items()}
    nothing["face"][0, 0, 0] = weight
    events = steps, np.zeros(len(steps), np.int64)
    return NetworkState(state.settings, nothing, state.cross, state.theta).frozen(), events


def both_runtimes(state: NetworkState, events: reference.Events) -> NDArray[np.bool_]:
    """(STEPS, N) spikes, on which Brian2 and the reference agree."""
    spikes = reference.excitatory_spikes(state, reference.drive_of(state, events)[None])[0]
    assert np.array_equal(brian2_spikes(state, [events])[0], spikes)
    return spikes


def test_a_neuron_rests_for_its_refractory_time() -> None:
    state, events = one_driven(500.0, np.arange(200))  # so strong that it spikes as soon as it may
    spikes = both_runtimes(state, events)
    refractory = round(EXCITATORY_NEURONS.refractory / TIME_STEP)
    assert refractory == 10
    # The input of step 0 reaches the conductance after that step's potential: the first spike is at step 1.
    assert np.flatnonzero(spikes[:220, 0]).tolist()[:19] == list(range(1, 190, refractory))
    assert not spikes[:, 1:].any()


def test_a_neuron_that_has_adapted_needs_more() -> None:
    state, events = one_driven(60.0, np.array([5]))
    group = reference._Group.at_rest(state.settings.excitatory, state.settings, (1, 1))
    group.ge += state.inputs["face"][0, 0, 0]
    reached = []
    for _ in range(40):
        group.step()
        reached.append(float(group.v[0, 0]))
    highest = max(reached)  # V, that one input spike lifts the neuron to
    for above, expected in ((-1e-6, True), (1e-6, False)):
        theta = {name: t.copy() for name, t in state.theta.items()}
        theta["face"][0] = highest + above - EXCITATORY_NEURONS.threshold + network.THETA_START
        changed = NetworkState(state.settings, state.inputs, state.cross, theta)
        assert both_runtimes(changed, events)[:, 0].any() == expected


def test_a_spike_raises_the_threshold_by_its_step() -> None:
    from brian2 import Network, second, volt

    settings = network_settings("reduced", **TINY, plasticity=Plasticity(threshold_tau=1e9))
    excitatory, _ = network.neurons(settings, "face")
    excitatory.v[0] = 0 * volt
    Network(excitatory).run(TIME_STEP * second)
    assert np.asarray(excitatory.theta) == pytest.approx([0.02005] + [0.02] * 7, abs=1e-9)
    assert float(excitatory.v[0]) == settings.excitatory.reset


@pytest.mark.parametrize("inhibition", ["modality", "window"])
def test_a_neuron_inhibits_all_but_itself(inhibition: str) -> None:
    settings = network_settings("reduced", features=2, window=8, inhibition=inhibition)
    mask = network.inhibition_mask(settings, "face")
    expected = np.ones((8, 8), bool) if inhibition == "modality" else np.kron(np.eye(4), np.ones((2, 2))) > 0
    np.fill_diagonal(expected, False)
    assert np.array_equal(mask, expected)
    inhibit, _ = reference.recurrent_weights(initial_state(settings, seed=0))
    assert not inhibit[:8, 8:].any() and not inhibit[8:, :8].any()  # the senses do not inhibit each other
    assert np.array_equal(inhibit[8:, 8:], expected * settings.to_excitatory_frozen)


def silent_rates(settings: NetworkSettings, presentations: int) -> dict[str, NDArray[np.float32]]:
    return {m: np.zeros((presentations, settings.inputs(m)), np.float32) for m in settings.modalities}


def test_weights_are_brought_to_their_sum_before_each_presentation() -> None:
    settings = network_settings("reduced", **TINY, input_sum=12.0)
    state = initial_state(settings, seed=1)
    double = {name: 2 * w for name, w in state.inputs.items()}
    cross = {name: w.copy() for name, w in state.cross.items()}
    cross["face"][:, 0] = 0  # a neuron that has lost all: it stays so, and is no NaN
    simulator = open_simulator(settings, 1, "numpy")
    before = NetworkState(settings, double, cross, state.theta)
    after, spikes = simulator.run(before, silent_rates(settings, 1), seed=0)
    assert all(len(neuron) == 0 for neuron, _ in spikes.values())
    for modality in settings.modalities:
        assert after.inputs[modality] == pytest.approx(state.inputs[modality])
        assert after.inputs[modality].sum(1) == pytest.approx(12.0)
    assert after.cross["voice"].sum(0) == pytest.approx(settings.cross_sum)
    assert after.cross["face"].sum(0) == pytest.approx([0.0] + [settings.cross_sum] * 7)


def test_neurons_of_two_senses_that_fire_together_grow_together() -> None:
    # All inputs of the first window of each sense spike; those of the other windows do not.
    settings = _eager_settings()
    state = initial_state(settings, seed=2)
    even = {name: np.full_like(w, settings.cross_sum / len(w)) for name, w in state.cross.items()}
    rates = silent_rates(settings, 4)
    for modality in settings.modalities:
        rates[modality][:, : settings.windows(modality).inputs] = 60.0
    simulator = open_simulator(settings, 4, "numpy")
    after, spikes = simulator.run(NetworkState(settings, state.inputs, even, state.theta), rates, seed=0)
    fired = {m: np.bincount(spikes[m][0], minlength=8) for m in spikes}
    assert all((fired[m][:2] > 5).all() and not fired[m][2:].any() for m in fired)
    for target in ("face", "voice"):
        weights = after.cross[target]
        assert weights[:2, :2].min() > even[target][0, 0] > weights[2:, :2].max()
        assert weights[:, 2:] == pytest.approx(even[target][:, 2:])  # those that never fire learn nothing


def _eager_settings() -> NetworkSettings:
    """Neurons that hardly hold each other down, and a low mark for what counts as fired together."""
    return network_settings(
        "reduced", features=2, window=8, shared=(), input_sum=60.0, to_excitatory=0.1,
        plasticity=Plasticity(target=0.05, cross_rate=0.05),
    )  # fmt: skip


BACKENDS = [
    "numpy",
    pytest.param(
        "cpp_standalone",
        marks=pytest.mark.skipif(
            shutil.which("g++") is None or shutil.which("make") is None, reason="needs g++ and make"
        ),
    ),
]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_small_network_learns_what_it_is_shown(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from brian2 import prefs

    monkeypatch.setitem(prefs, "codegen.cpp.extra_compile_args", ["-w", "-O0", "-std=c++11"])  # soon compiled
    settings = replace(_eager_settings(), modalities=("face",))
    state = initial_state(settings, seed=3)
    rates = silent_rates(settings, 3)
    shown = {m: np.arange(settings.inputs(m)) % 2 == 0 for m in settings.modalities}
    for modality in settings.modalities:
        rates[modality][:, shown[modality]] = 60.0
    simulator = open_simulator(settings, 3, backend)
    try:
        after, spikes = simulator.run(state, rates, seed=1)
        again, same = simulator.run(state, rates, seed=1)
    finally:
        simulator.close()
    for modality in settings.modalities:
        neuron, time = spikes[modality]
        assert len(neuron) > 20 and neuron.max() < settings.count(modality) and time.max() < 3 * PERIOD
        assert np.array_equal(neuron, same[modality][0])  # a seed says all
        per_window = settings.windows(modality).inputs
        seen = shown[modality].reshape(-1, per_window)[0]
        before, learned = state.inputs[modality], after.inputs[modality]
        assert learned[:, seen].mean() > before[:, seen].mean()
        assert learned[:, ~seen].mean() < before[:, ~seen].mean()
        assert np.isfinite(learned).all() and learned.min() >= 0
        assert np.array_equal(learned, again.inputs[modality])


def test_unknown_settings_say_what_was_meant() -> None:
    with pytest.raises(EdgeEmotionError, match="did you mean 'features'"):
        network_settings("reduced", feature=3)
    with pytest.raises(EdgeEmotionError, match="did you mean 'reduced'"):
        network_settings("reduce")
    with pytest.raises(EdgeEmotionError, match="dependence: expected 0 or more, got -1"):
        Plasticity(dependence=-1)


def test_a_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(shutil, "which", lambda tool: None)
    settings = network_settings("reduced", **TINY)
    with pytest.raises(EdgeEmotionError, match=r"cpp_standalone needs g\+\+ and make: .*--backend numpy"):
        open_simulator(settings, 1, "cpp_standalone")
    with pytest.raises(EdgeEmotionError, match=r"cython needs g\+\+:"):
        open_simulator(settings, 1, "cython")
    with pytest.raises(EdgeEmotionError, match="unknown backend 'cuda'"):
        open_simulator(settings, 1, "cuda")


def test_a_presentation_starts_at_rest() -> None:
    state, events = one_driven(500.0, np.arange(990, 1000))
    nothing = np.zeros(0, np.int64), np.zeros(0, np.int64)
    first, second, third = brian2_spikes(state, [events, nothing, events])
    assert first.shape == (STEPS, state.settings.neurons)
    assert first.any() and not second.any() and np.array_equal(first, third)
