"""The spiking network behind its interface, on one that counts events; hostile ones are refused as they are opened."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.engine import input_shape, open_engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.spikes import DELAY_STEPS, STEPS, STIMULUS_STEPS, poisson_events
from edge_emotion.spiking_network import (
    LAST_STEP,
    OnnxSpikingNetwork,
    open_spiking,
    presentation_events,
    windows_of,
)
from handmade_bundle import onnx_network, raw_bundle, signed
from tiny_synch_bundle import (
    INPUTS,
    NEURONS,
    PRESENTATIONS,
    decision_network,
    spiking_network,
    tiny_synch_files,
    tiny_synch_manifest,
)


def bundle_with(path: Path, **files: bytes) -> Bundle:
    content = {**tiny_synch_files(), **{f"{name}.onnx": data for name, data in files.items()}}
    return read_bundle(raw_bundle(path / "synch.emo", signed(tiny_synch_manifest(), content), content))


def test_events_become_spikes_worked_by_hand(tiny_synch_bundle: Path) -> None:
    network = open_spiking(read_bundle(tiny_synch_bundle))
    # Input 3 of window 0 goes to its neuron 1; inputs 0 and 2 of window 5 both to its neuron 0, which is number 10.
    steps = np.array([0, 7, 7, LAST_STEP])
    spikes = network.run((steps, np.array([3, 5 * INPUTS, 5 * INPUTS + 2, 8 * INPUTS - 1])))
    assert (spikes.shape, spikes.dtype) == ((STEPS, NEURONS), np.float32)
    assert [tuple(place) for place in np.argwhere(spikes).tolist()] == [(0, 1), (7, 10), (LAST_STEP, 15)]
    nothing = np.zeros(0, np.int64)
    assert not network.run((nothing, nothing)).any()


def test_the_decision_takes_the_spikes_of_k_presentations(tiny_synch_bundle: Path) -> None:
    bundle = read_bundle(tiny_synch_bundle)
    assert input_shape(bundle) == (PRESENTATIONS, STEPS, NEURONS)
    logits = open_engine(bundle).run(np.ones(input_shape(bundle), np.float32))
    assert (logits.shape, logits.dtype) == ((1, 7), np.float32)
    with pytest.raises(EdgeEmotionError, match="no network for litert, it has: onnx fp32"):
        open_engine(bundle, "litert")
    with pytest.raises(EdgeEmotionError, match="no spiking network for litert, it has: onnx fp32"):
        open_spiking(bundle, "litert")


def renamed(data: bytes, name: bytes, other: bytes) -> bytes:
    assert len(name) == len(other)
    return data.replace(name, other)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (spiking_network(neurons=8), "has inputs and outputs .*its manifest says"),
        (spiking_network(steps=1001), "has inputs and outputs .*its manifest says"),
        (onnx_network(), "has inputs and outputs .*its manifest says"),
        (renamed(spiking_network(), b"inputs", b"inputz"), "has inputs and outputs .*its manifest says"),
        (renamed(spiking_network(), b"events", b"evente"), "has inputs and outputs .*its manifest says"),
        (renamed(spiking_network(), b"Greater", b"Greatex"), "does not open"),
        (spiking_network(most=8 * INPUTS - 1), "does not take input 25599 at step 709, which its manifest promises"),
    ],
    ids=["neurons", "steps", "another", "names", "dimension", "operator", "inputs"],
)  # fmt: skip
def test_another_spiking_network_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    bundle = bundle_with(tmp_path, spiking=content)
    with pytest.raises(EdgeEmotionError, match=expected) as caught:
        open_spiking(bundle)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("shape", [{"presentations": 5}, {"neurons": 8}, {"classes": 6}])
def test_another_decision_network_is_refused(tmp_path: Path, shape: dict[str, int]) -> None:
    bundle = bundle_with(tmp_path, decision=decision_network(**shape))
    with pytest.raises(EdgeEmotionError, match=r"inputs and outputs .* its manifest says"):
        open_engine(bundle)


@pytest.mark.parametrize(
    "spikes", [np.full((STEPS, NEURONS), 2), np.full((STEPS, NEURONS), np.nan), np.ones((1, 1))]
)
def test_spikes_that_are_none_are_refused(spikes: np.ndarray) -> None:
    class Wrong:
        def run_named(self, inputs: dict[str, Any]) -> np.ndarray:
            return spikes.astype(np.float32)

    network = OnnxSpikingNetwork(Wrong(), NEURONS, "synch")  # type: ignore[arg-type]
    with pytest.raises(EdgeEmotionError, match=r"synch gave spikes that are not \(1000, 16\) of 0 and 1"):
        network.run((np.zeros(0, np.int64), np.zeros(0, np.int64)))


def test_a_missing_runtime_names_the_extra(tiny_synch_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("edge_emotion.engine.importlib.import_module", absent)
    for opened in (open_spiking, open_engine):
        with pytest.raises(EdgeEmotionError, match=r"onnxruntime is not installed.*'edge-emotion\[onnx\]'"):
            opened(read_bundle(tiny_synch_bundle))


def test_inputs_are_numbered_over_the_face_then_the_sound(tiny_synch_bundle: Path) -> None:
    contract = read_bundle(tiny_synch_bundle).spiking
    assert contract is not None
    face, sound = (np.full((4, INPUTS), rate, np.float32) for rate in (10.0, 20.0))
    steps, inputs = presentation_events(contract, 3, face, sound)
    looks = inputs < 4 * INPUTS
    at, which = poisson_events(face.reshape(-1), (7, 3, 0))
    assert np.array_equal(steps[looks], at) and np.array_equal(inputs[looks], which)
    at, which = poisson_events(sound.reshape(-1), (7, 3, 1), DELAY_STEPS)
    assert np.array_equal(steps[~looks], at) and np.array_equal(inputs[~looks], which + 4 * INPUTS)
    assert steps[~looks].min() >= DELAY_STEPS and steps.max() <= STIMULUS_STEPS - 1 + DELAY_STEPS
    only = presentation_events(contract, 3, None, sound)
    assert np.array_equal(only[0], steps[~looks]) and np.array_equal(only[1], inputs[~looks])
    assert len(presentation_events(contract, 3, None, None)[0]) == 0
    looking, listening = windows_of(contract)
    assert (len(looking.starts), len(listening.starts), looking.inputs) == (4, 4, INPUTS)
