"""Runs of a learning network in Brian2: compiled to one C++ program, or step by step where no compiler is there."""

import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.spikes import PERIOD
from edge_emotion_train.models.synch_graph.network import SpikingNetwork, build
from edge_emotion_train.models.synch_graph.settings import NetworkSettings
from edge_emotion_train.models.synch_graph.state import NetworkState

BACKENDS = ("cpp_standalone", "cython", "numpy")
INTERRUPTED = "(error code: 2)"  # in Brian2's words, of a make that Ctrl-C ended; one that failed has 512
SEED = "EDGE_EMOTION_SNN_SEED"  # environment of the compiled program, which knows one seed otherwise

Rates = Mapping[str, NDArray[np.float32]]
Spikes = tuple[NDArray[np.int64], NDArray[np.float64]]  # neuron, time in s


class Simulator(Protocol):
    """Shows a network a fixed number of presentations a run, learning as it goes."""

    presentations: int

    def run(self, state: NetworkState, rates: Rates, seed: int) -> tuple[NetworkState, dict[str, Spikes]]:
        """Show rates, modality -> (presentations, inputs) in Hz; give what was learned and all excitatory spikes."""
        ...

    def close(self) -> None:
        """Give back the program and its folder."""
        ...


def open_simulator(
    settings: NetworkSettings, presentations: int, backend: str = "cpp_standalone"
) -> Simulator:
    """Open a simulator; backend: one of BACKENDS, the one that runs: none is taken instead of another.

    EdgeEmotionError for one that is unknown, for a missing Brian2, and for a compiler that is missing.
    """
    if backend not in BACKENDS:
        raise EdgeEmotionError(f"unknown backend {backend!r}, expected one of: {', '.join(BACKENDS)}")
    try:
        import brian2
    except ImportError as reason:
        raise EdgeEmotionError(
            f"Brian2 does not load ({reason}): pip install -c constraints.txt '.[train]' in the clone"
        ) from reason
    # Else Brian2 takes Ctrl-C for itself, and stops the simulation at its end.
    brian2.prefs["core.stop_on_keyboard_interrupt"] = False
    if backend == "numpy":
        return RuntimeSimulator(settings, presentations, backend)
    need_compiler(backend)
    if backend == "cython":
        return RuntimeSimulator(settings, presentations, backend)
    return StandaloneSimulator(settings, presentations)


def need_compiler(backend: str) -> None:
    """EdgeEmotionError when no C++ compiler is there: it names the package, and what works without."""
    if backend == "numpy":
        return
    compiler = os.environ.get("CXX", "g++")
    compiler = shlex.split(compiler)[0]
    tools = [compiler] if backend == "cython" else [compiler, "make"]
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise EdgeEmotionError(
            f"{backend} needs {' and '.join(missing)}: on Debian, sudo apt install g++ make python3-dev; "
            "or, many times slower, give --backend numpy"
        )


class StandaloneSimulator:
    """One C++ program, built once and run with other rates, weights and seeds each time."""

    def __init__(self, settings: NetworkSettings, presentations: int) -> None:
        from brian2 import device, prefs, second, set_device

        self.settings, self.presentations = settings, presentations
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-emotion-snn-"))
            prefs.devices.cpp_standalone.extra_make_args_unix = [
                "-j2"
            ]  # Brian2's own -j starts all files at once
            set_device("cpp_standalone", build_on_run=False)
            stack.callback(_leave_device)
            self._built: SpikingNetwork = build(settings, presentations)
            device.insert_code(
                "before_network_run",
                f'brian::_random_generators[0].seed(strtoul(std::getenv("{SEED}"), nullptr, 10));',
            )
            self._built.network.run(presentations * PERIOD * second)
            try:
                device.build(directory=folder, run=False, with_output=False)
            except Exception as reason:  # Brian2 raises what make left behind
                if INTERRUPTED in str(reason):
                    raise KeyboardInterrupt from reason
                raise EdgeEmotionError(
                    f"the spiking network does not compile ({' '.join(str(reason).split())[:160]}); "
                    "give --backend numpy, many times slower"
                ) from reason
            self._stack = stack.pop_all()

    def run(self, state: NetworkState, rates: Rates, seed: int) -> tuple[NetworkState, dict[str, Spikes]]:
        """As Simulator.run."""
        from brian2 import Hz, device, volt

        arguments: dict[Any, Any] = {}
        for modality, part in self._built.parts.items():
            arguments[self._built.shown[modality]] = rates[modality].astype(np.float64) * Hz
            arguments[part.synapses.w] = state.inputs[modality].ravel()
            arguments[part.excitatory.theta] = state.theta[modality] * volt
        for target, synapses in self._built.cross.items():
            arguments[synapses.w] = state.cross[target].ravel()
        os.environ[SEED] = str(seed)
        try:
            device.run(run_args=arguments, with_output=False)
        finally:
            del os.environ[SEED]
        return _learned(state, self._built)

    def close(self) -> None:
        """As Simulator.close."""
        self._stack.close()


def _leave_device() -> None:
    from brian2 import device, set_device

    device.reinit()
    set_device("runtime")


class RuntimeSimulator:
    """Brian2 step by step, by Cython or NumPy; the network is built anew for each run, since rates are part of it."""

    def __init__(self, settings: NetworkSettings, presentations: int, target: str) -> None:
        self.settings, self.presentations, self._target = settings, presentations, target

    def run(self, state: NetworkState, rates: Rates, seed: int) -> tuple[NetworkState, dict[str, Spikes]]:
        """As Simulator.run."""
        import brian2
        from brian2 import Hz, prefs, second, volt

        before = prefs["codegen.target"]
        prefs["codegen.target"] = self._target
        try:
            brian2.start_scope()
            brian2.seed(seed)
            built = build(self.settings, self.presentations, rates={m: r * Hz for m, r in rates.items()})
            for modality, part in built.parts.items():
                part.synapses.w = state.inputs[modality].ravel()
                part.excitatory.theta = state.theta[modality] * volt
            for target, synapses in built.cross.items():
                synapses.w = state.cross[target].ravel()
            built.network.run(self.presentations * PERIOD * second)
            return _learned(state, built)
        finally:
            prefs["codegen.target"] = before

    def close(self) -> None:
        """Nothing is kept."""


def _learned(before: NetworkState, built: SpikingNetwork) -> tuple[NetworkState, dict[str, Spikes]]:
    """What a run has left in the network: its state, and each modality's spikes."""
    inputs, cross, theta, spikes = {}, {}, {}, {}
    for modality, part in built.parts.items():
        inputs[modality] = np.array(part.synapses.w[:], np.float64).reshape(before.inputs[modality].shape)
        theta[modality] = np.array(part.excitatory.theta[:], np.float64)
        spikes[modality] = (np.array(part.monitor.i[:], np.int64), np.array(part.monitor.t[:], np.float64))
    for target, synapses in built.cross.items():
        cross[target] = np.array(synapses.w[:], np.float64).reshape(before.cross[target].shape)
    return NetworkState(before.settings, inputs, cross, theta), spikes
