"""Every constant of the spiking network. Where the paper and its base, Diehl and Cook (2015), differ, both are named.

Times in seconds, potentials in volts, conductances without a unit: relative to the leak's (equation 1).
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.spikes import Windows, face_windows, sound_windows

MODALITIES = ("face", "voice")


def _check(good: bool, name: str, expected: str, came: object) -> None:
    if not good:
        raise EdgeEmotionError(f"{name}: expected {expected}, got {came}")


@dataclass(frozen=True)
class Neurons:
    """Constants of one kind of leaky integrate-and-fire neuron, equations (1) and (2)."""

    tau: float
    """Membrane time constant; s."""
    rest: float
    """Resting potential; V."""
    reset: float
    """Potential after a spike; V."""
    threshold: float
    """Potential of a spike; V. That of excitatory neurons is higher by what they have adapted."""
    refractory: float
    """Time after a spike without another; s."""
    reversal: float
    """Potential that inhibition pulls towards; V. Excitation pulls towards 0 V."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check(self.tau > 0, "tau", "more than 0 s", self.tau)
        _check(self.refractory >= 0, "refractory", "0 s or more", self.refractory)
        _check(self.reset < self.threshold, "reset", f"below the threshold of {self.threshold} V", self.reset)


# Paper: tau 200 and 100 ms. Diehl and Cook: 100 and 10 ms. The rest is theirs, which the paper takes over.
EXCITATORY_NEURONS = Neurons(0.2, -0.065, -0.065, -0.052, 0.005, -0.1)
INHIBITORY_NEURONS = Neurons(0.1, -0.06, -0.045, -0.04, 0.002, -0.085)


@dataclass(frozen=True)
class Plasticity:
    """How weights learn, equation (3), and how thresholds adapt."""

    rate: float = 0.01
    """eta of equation (3), input to excitatory neurons; the paper gives none. Diehl and Cook's own rule: .01."""
    cross_rate: float = 0.01
    """The same between the two excitatory groups."""
    target: float = 0.4
    """x_tar of equation (3): inputs whose trace is weaker at a spike lose weight. The paper gives none."""
    dependence: float = 1.0
    """mu of equation (3): 0 adds, 1 adds in proportion to what is left to the largest weight. The paper gives none."""
    largest: float = 1.0
    """w_max of equation (3)."""
    tau_trace: float = 0.02
    """Time constant of the traces; s (Diehl and Cook)."""
    threshold_step: float = 0.00005
    """What a spike adds to a neuron's own threshold, theta; V (Diehl and Cook)."""
    threshold_tau: float = 50.0
    """Time constant by which theta falls back; s. Diehl and Cook: 1e4.

    Deviation: over a thousand presentations, not their 60 000, theta would still be rising, until all fall silent.
    """
    threshold_floor: float = 0.01
    """What theta falls back to; V. Diehl and Cook: 0, which theirs never nears. Below 7 mV a neuron fires by itself."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check(0 <= self.rate <= 1, "rate", "0 to 1", self.rate)
        _check(0 <= self.cross_rate <= 1, "cross_rate", "0 to 1", self.cross_rate)
        _check(self.dependence >= 0, "dependence", "0 or more", self.dependence)
        _check(self.largest > 0, "largest", "more than 0", self.largest)
        _check(
            self.tau_trace > 0 and self.threshold_tau > 0, "tau_trace, threshold_tau", "more than 0 s", self
        )


@dataclass(frozen=True)
class NetworkSettings:
    """One spiking network: its size, its constants and how it learns."""

    name: str = "full"
    """Of the setting."""
    features: int = 20
    """Excitatory neurons that look at each window (paper: 20)."""
    window: int = 40
    """Side of a convolutional window; pixels, frames and cepstra (paper: 40)."""
    face_across: int = 2
    """Windows across and down the face: 2 x 2."""
    sound_count: int = 4
    """Windows along the sound."""
    modalities: tuple[str, ...] = MODALITIES
    """Senses: both, or one for the unimodal networks of the paper's ablation."""
    shared: tuple[str, ...] = ("voice",)
    """Senses whose windows share their weights; those of the others are local, a set a window.

    Sound comes by every window, parts of a face stay at their own.
    """
    inhibition: str = "window"
    """Who a neuron inhibits: all others of its "modality" (paper), or of its "window".

    Deviation: neurons of one window compete to explain it; those of different windows see different things.
    """
    excitatory: Neurons = EXCITATORY_NEURONS
    """Constants of the excitatory neurons."""
    inhibitory: Neurons = INHIBITORY_NEURONS
    """Constants of the inhibitory neurons."""
    tau_excitation: float = 0.002
    """Time constant of excitatory conductances; s. Paper: 2 ms; Diehl and Cook: 1 ms."""
    tau_inhibition: float = 0.001
    """The same of inhibitory ones; s. Paper: 1 ms; Diehl and Cook: 2 ms."""
    to_inhibitory: float = 52.0
    """Weight of an excitatory neuron on its inhibitory one. Diehl and Cook: 10.4, at tau 10 ms and tau_ge 1 ms.

    Deviation: at the paper's 100 ms and 2 ms that would move it by a fifth as much, and a spike would not get through.
    """
    to_excitatory: float = 20.0
    """Weight of an inhibitory neuron on each other excitatory one while the network learns. Diehl and Cook: 17."""
    to_excitatory_frozen: float = 4.0
    """The same once the network is frozen. Deviation: neurons that compete less answer in degrees, which says more."""
    input_sum: float = 300.0
    """What the input weights of a neuron sum up to; 3200 inputs, Diehl and Cook: 78 of 784."""
    cross_sum: float = 4.0
    """What the cross-modal weights of a neuron sum up to; 0 cuts the two senses apart."""
    theta: float = 0.02
    """theta at the start; V. A neuron spikes at v > threshold - 20 mV + theta."""
    plasticity: Plasticity = field(default_factory=Plasticity)
    """How it learns."""
    rest: float = 20.0
    """Seconds without input between learning and freezing, in which theta falls back.

    Deviation: thresholds that keep few neurons at a time learning keep as many silent when the network is read.
    """
    least_spikes: int = 5
    """A training presentation with fewer spikes in a sense is shown again, with higher rates (Diehl and Cook)."""
    most_shows: int = 4
    """After so many shows it is let go: a picture that is all dark never spikes."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        _check(1 <= self.features <= 1000, "features", "1 to 1000", self.features)
        known = bool(self.modalities) and all(m in MODALITIES for m in self.modalities)
        _check(known, "modalities", " and ".join(MODALITIES), self.modalities)
        _check(self.inhibition in ("modality", "window"), "inhibition", "modality or window", self.inhibition)
        _check(set(self.shared) <= set(MODALITIES), "shared", " and ".join(MODALITIES), self.shared)
        _check(self.tau_excitation > 0 and self.tau_inhibition > 0, "tau", "more than 0 s", self)
        _check(self.input_sum > 0 and self.cross_sum >= 0, "input_sum, cross_sum", "above 0, 0 or more", self)
        _check(
            self.least_spikes >= 0 and self.most_shows >= 1, "least_spikes, most_shows", "0, 1 or more", self
        )
        _check(self.rest >= 0, "rest", "0 s or more", self.rest)
        for modality in self.modalities:
            self.windows(modality)

    def windows(self, modality: str) -> Windows:
        """The windows over a modality's image."""
        if modality == "face":
            return face_windows(self.window, self.face_across)
        return sound_windows(self.window, self.sound_count)

    def count(self, modality: str) -> int:
        """Excitatory neurons of a modality."""
        return self.features * len(self.windows(modality).starts)

    @property
    def neurons(self) -> int:
        """Excitatory neurons in all."""
        return sum(self.count(modality) for modality in self.modalities)

    def inputs(self, modality: str) -> int:
        """Spike trains that a modality's windows see, in all."""
        windows = self.windows(modality)
        return len(windows.starts) * windows.inputs


PRESETS = {
    "full": NetworkSettings(),  # 160 excitatory neurons, as the paper's node counts tell
    "reduced": NetworkSettings(name="reduced", features=8),  # 64, for the device
}


def _changeable() -> tuple[str, ...]:
    """Names of what a command line can change, those of a group after its own: "plasticity.rate"."""
    names = []
    for field_ in fields(NetworkSettings):
        value = getattr(PRESETS["full"], field_.name)
        if is_dataclass(value):
            names += [f"{field_.name}.{inner.name}" for inner in fields(value)]
        elif field_.name != "name":
            names.append(field_.name)
    return tuple(names)


CHANGEABLE = _changeable()


def network_settings(name: str, **changes: Any) -> NetworkSettings:
    """A preset by name with some settings changed; EdgeEmotionError says what was meant by an unknown one."""
    if name not in PRESETS:
        raise EdgeEmotionError(
            f"unknown setting {name!r}{_meant(name, PRESETS)}; known: {', '.join(PRESETS)}"
        )
    for change in changes:
        if change not in NetworkSettings.__dataclass_fields__:
            _check_changeable(change)
    whole = {key: value for key, value in changes.items() if "." not in key}
    for key in changes.keys() - whole.keys():
        group, _, name_within = key.partition(".")
        whole[group] = replace(whole.get(group, getattr(PRESETS[name], group)), **{name_within: changes[key]})
    return replace(PRESETS[name], **whole)


def changed(name: str, changes: Sequence[str]) -> NetworkSettings:
    """A preset with changes as a command line says them: "features=10", "shared=face,voice", "plasticity.rate=0.02".

    EdgeEmotionError for an unknown setting, and for a value that is not of its kind.
    """
    values: dict[str, Any] = {}
    for change in changes:
        key, _, text = change.partition("=")
        _check_changeable(key)
        before: Any = PRESETS.get(name)
        for part in key.split("."):
            before = getattr(before, part, "")
        try:
            if isinstance(before, tuple):
                values[key] = tuple(part for part in text.split(",") if part)
            else:
                values[key] = type(before)(text)
        except (TypeError, ValueError) as reason:
            raise EdgeEmotionError(f"{change}: expected KEY=VALUE, with a value like {before!r}") from reason
    return network_settings(name, **values)


def _check_changeable(key: str) -> None:
    if key not in CHANGEABLE:
        raise EdgeEmotionError(
            f"unknown setting {key!r}{_meant(key, CHANGEABLE)}; known: {', '.join(CHANGEABLE)}"
        )


def _meant(word: str, known: Any) -> str:
    near = difflib.get_close_matches(word, list(known), 1)
    return f", did you mean {near[0]!r}?" if near else ""
