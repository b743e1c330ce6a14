"""What a spiking network has learned: weights and thresholds, as arrays and as a file."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.models.synch_graph.settings import NetworkSettings, Neurons, Plasticity

Weights = NDArray[np.float64]
GRID = (
    2.0**-20
)  # of frozen weights: their sums in float64 are exact, whatever the order, so that all runtimes agree


@dataclass(frozen=True)
class NetworkState:
    """Weights and thresholds of a network.

    inputs: modality -> (windows, inputs, features). cross: modality -> (n of the other one, n of this one), empty
    without cross-modal synapses. theta: modality -> (n,) V.
    """

    settings: NetworkSettings
    inputs: dict[str, Weights]
    cross: dict[str, Weights]
    theta: dict[str, Weights]

    def rested(self) -> "NetworkState":
        """The same after settings.rest seconds without a spike: theta falls towards its floor, weights stay."""
        how = self.settings.plasticity
        left = np.exp(-self.settings.rest / how.threshold_tau)
        theta = {
            name: how.threshold_floor + (theta - how.threshold_floor) * left
            for name, theta in self.theta.items()
        }
        return replace(self, theta=theta)

    def frozen(self) -> "NetworkState":
        """The same, its weights rounded to GRID."""
        return NetworkState(
            self.settings,
            {name: np.round(w / GRID) * GRID for name, w in self.inputs.items()},
            {name: np.round(w / GRID) * GRID for name, w in self.cross.items()},
            dict(self.theta),
        )


def initial_state(settings: NetworkSettings, seed: int) -> NetworkState:
    """Random weights, normalised, and thresholds at their start."""
    random = np.random.default_rng((seed, 0))
    inputs, cross, theta = {}, {}, {}
    for modality in settings.modalities:
        windows = settings.windows(modality)
        shape = (len(windows.starts), windows.inputs, settings.features)
        drawn = random.random(shape if modality not in settings.shared else (1, *shape[1:])) + 0.01
        drawn = np.broadcast_to(drawn, shape)
        inputs[modality] = drawn * settings.input_sum / drawn.sum(1, keepdims=True)
        theta[modality] = np.full(settings.count(modality), settings.theta)
    if len(settings.modalities) == 2 and settings.cross_sum > 0:
        for target, source in (("face", "voice"), ("voice", "face")):
            drawn = random.random((settings.count(source), settings.count(target))) + 0.01
            cross[target] = drawn * settings.cross_sum / drawn.sum(0)
    return NetworkState(settings, inputs, cross, theta)


def with_shared_weights(state: NetworkState) -> NetworkState:
    """Shared weights: each window's set becomes their mean.

    Deviation: a convolution's windows learn as one; here each learns on its own and they are averaged after each run.
    """
    inputs = {
        modality: np.broadcast_to(w.mean(0), w.shape).copy() if modality in state.settings.shared else w
        for modality, w in state.inputs.items()
    }
    return NetworkState(state.settings, inputs, state.cross, state.theta)


def write_state(state: NetworkState, path: Path, **more: Any) -> None:
    """Write a state as .npz, whole or not at all; more: arrays kept beside it."""
    unfinished = path.with_suffix(".part.npz")
    parts = {
        f"{kind}_{name}": w
        for kind in ("inputs", "cross", "theta")
        for name, w in getattr(state, kind).items()
    }
    np.savez(unfinished, settings=json.dumps(asdict(state.settings)), **parts, **more)
    unfinished.replace(path)


def read_state(path: Path) -> tuple[NetworkState, dict[str, NDArray[Any]]]:
    """Read a state and what was kept beside it; EdgeEmotionError when the file is none."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        settings = settings_from(json.loads(str(arrays.pop("settings"))))
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as reason:
        raise EdgeEmotionError(f"{path} is no state of a spiking network ({reason})") from reason
    found: dict[str, dict[str, Weights]] = {"inputs": {}, "cross": {}, "theta": {}}
    for key in list(arrays):
        kind, _, name = key.partition("_")
        if kind in found and name in settings.modalities:
            found[kind][name] = arrays.pop(key)
    _check(settings, found, path)
    return NetworkState(settings, **found), arrays


def _check(settings: NetworkSettings, found: dict[str, dict[str, Weights]], path: Path) -> None:
    """EdgeEmotionError when arrays are missing or of other shapes than the settings say."""
    joined = len(settings.modalities) == 2 and settings.cross_sum > 0
    for modality in settings.modalities:
        windows, count = settings.windows(modality), settings.count(modality)
        wanted = {"inputs": (len(windows.starts), windows.inputs, settings.features), "theta": (count,)}
        if joined:
            wanted["cross"] = (settings.neurons - count, count)
        for kind, shape in wanted.items():
            array = found[kind].get(modality)
            if array is None or array.shape != shape or not np.isfinite(array).all():
                raise EdgeEmotionError(
                    f"{path} is no state of a spiking network: {kind} of {modality} are not finite numbers of {shape}"
                )


def settings_from(table: dict[str, Any]) -> NetworkSettings:
    """Settings from the object that asdict makes of them."""
    kinds = {name: Neurons(**table.pop(name)) for name in ("excitatory", "inhibitory")}
    lists = {name: tuple(table.pop(name)) for name in ("modalities", "shared")}
    learning = Plasticity(**table.pop("plasticity"))
    return NetworkSettings(**table, **kinds, **lists, plasticity=learning)
