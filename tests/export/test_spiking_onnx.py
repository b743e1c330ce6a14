"""The exported spiking network: spike for spike what Brian2 and the NumPy reference give, and what a device opens."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from edge_emotion.bundle import read_bundle, write_bundle
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.spikes import STEPS
from edge_emotion.spiking_network import open_spiking
from edge_emotion_export.cli import main
from edge_emotion_export.spiking_onnx import spiking_network_onnx
from edge_emotion_export.synch_parity import Parity, compared
from edge_emotion_train.models.synch_graph.reference import (
    Events,
    drawn_events,
    drive_of,
    excitatory_spikes,
)
from edge_emotion_train.models.synch_graph.settings import NetworkSettings, network_settings
from edge_emotion_train.models.synch_graph.state import NetworkState, initial_state, write_state
from tiny_synch_bundle import tiny_synch_files, tiny_synch_manifest

# 128 inputs a window at up to 60 Hz: conductances of a few leaks, as 3200 weaker ones give. 52: JSON may have no float.
SMALL = network_settings("reduced", features=2, window=8, input_sum=250.0, to_inhibitory=52)
NOTHING: Events = (np.zeros(0, np.int64), np.zeros(0, np.int64))


def small_state(settings: NetworkSettings = SMALL, seed: int = 3) -> NetworkState:
    """Random weights, thresholds adapted by different amounts."""
    state = initial_state(settings, seed).frozen()
    theta = {
        name: value + np.arange(len(value)) * settings.plasticity.threshold_step
        for name, value in state.theta.items()
    }
    return replace(state, theta=theta)


def small_events(settings: NetworkSettings, count: int, highest: float = 60.0) -> list[Events]:
    random = np.random.default_rng(5)
    rates = [
        {m: random.uniform(0, highest, settings.inputs(m)).astype(np.float32) for m in settings.modalities}
        for _ in range(count)
    ]
    return [drawn_events(settings, given, (7, k)) for k, given in enumerate(rates)]


def no_difference(parity: Parity) -> bool:
    return set(parity.differences().values()) == {0}


def test_three_runtimes_give_the_same_spikes() -> None:
    events = [*small_events(SMALL, 2), NOTHING, *small_events(SMALL, 1, 25.0)]
    parity = compared(small_state(), events)
    assert no_difference(parity), parity.differences()
    counts = parity.spikes["Brian2"].sum((1, 2))
    assert counts[0] > 50 and counts[1] > 50 and counts[2] == 0, counts
    assert parity.spikes["ONNX Runtime"].shape == (4, STEPS, SMALL.neurons)


@pytest.mark.parametrize(
    "changes",
    [
        {"inhibition": "modality"},
        {"shared": ("face", "voice"), "cross_sum": 60.0},
        {"modalities": ("voice",), "shared": ()},
        {"face_across": 1, "sound_count": 2, "cross_sum": 0.0},
        {"excitatory": replace(SMALL.excitatory, refractory=0.0)},
    ],
    ids=["all of a modality", "shared weights", "one sense", "other windows", "never refractory"],
)
def test_onnx_follows_every_setting(changes: dict[str, object]) -> None:
    settings = replace(SMALL, **changes)  # type: ignore[arg-type]
    events = small_events(settings, 1)
    state = small_state(settings)
    expected = excitatory_spikes(state, drive_of(state, events[0])[None])[0]
    spikes = _run(spiking_network_onnx(state), events[0])
    assert expected.sum() > 20
    np.testing.assert_array_equal(spikes > 0, expected)


def test_a_threshold_below_rest_fires_as_often_as_it_may() -> None:
    # theta of a neuron that was silent for long falls under 7 mV, and its limit under the reset.
    state = small_state()
    theta = {name: np.full_like(value, 0.006) for name, value in state.theta.items()}
    lone = replace(SMALL, to_inhibitory=0.0)
    state = replace(state, settings=lone, theta=theta, cross={n: 0 * w for n, w in state.cross.items()})
    expected = excitatory_spikes(state, drive_of(state, NOTHING)[None])[0]
    spikes = _run(spiking_network_onnx(state), NOTHING)
    refractory = 10  # steps, 5 ms
    assert np.flatnonzero(spikes[:, 0]).tolist() == list(range(0, STEPS, refractory))
    np.testing.assert_array_equal(spikes > 0, expected)


def test_the_order_of_events_does_not_count() -> None:
    state = small_state()
    steps, inputs = small_events(SMALL, 1)[0]
    order = np.random.default_rng(0).permutation(len(steps))
    content = spiking_network_onnx(state)
    np.testing.assert_array_equal(
        _run(content, (steps, inputs)), _run(content, (steps[order], inputs[order]))
    )


def test_weights_are_kept_small() -> None:
    local, shared = (
        len(spiking_network_onnx(small_state(replace(SMALL, shared=s)))) for s in ((), ("voice",))
    )
    windows, features = len(SMALL.windows("voice").starts), SMALL.features
    assert local - shared == pytest.approx((windows - 1) * 128 * features * 4, abs=64)  # float32, one copy


def test_a_device_opens_it_in_a_bundle(tmp_path: Path) -> None:
    settings = network_settings("reduced", features=2)  # the 16 neurons that the small bundle promises
    state = initial_state(settings, 0).frozen()
    files = {**tiny_synch_files(), "spiking.onnx": spiking_network_onnx(state)}
    path = tmp_path / "synch.emo"
    write_bundle(path, tiny_synch_manifest(), files)
    network = open_spiking(read_bundle(path))
    events = small_events(settings, 1, 12.0)[0]
    expected = excitatory_spikes(state, drive_of(state, events)[None])[0]
    assert expected.any()
    np.testing.assert_array_equal(network.run(events), expected.astype(np.float32))


def test_a_state_that_no_graph_can_keep_is_refused() -> None:
    with pytest.raises(EdgeEmotionError, match="expected frozen weights"):
        spiking_network_onnx(initial_state(SMALL, 0))
    state = small_state()
    broken = replace(state, cross={name: w * np.nan for name, w in state.cross.items()})
    with pytest.raises(EdgeEmotionError, match="expected finite weights"):
        spiking_network_onnx(broken)


def test_the_command_writes_table_and_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "network.npz"
    write_state(small_state(), file)
    command = ["synch-parity", "--network", str(file), "--presentations", "2", "--out"]
    assert main([*command, str(tmp_path)]) == 0
    row = json.loads((tmp_path / "synch-graph-parity.json").read_text())["rows"][0]
    assert {two["spikes"] for two in row["differences"]} == {0} and row["presentations"] == 2
    page = (tmp_path / "synch-graph-parity.md").read_text()
    assert (
        "| Brian2 and ONNX Runtime | 0 |" in page
        and "| Brian2 and ONNX Runtime | 0 |" in capsys.readouterr().out
    )
    assert (tmp_path / "synch-graph-parity.png").stat().st_size > 5000
    assert main([*command, str(tmp_path / "missing")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert main([*command, str(tmp_path), "--fer2013", "fer.npz"]) == 2
    assert "give both --ravdess and --fer2013" in capsys.readouterr().err


def _run(content: bytes, events: Events) -> np.ndarray:
    from onnxruntime import InferenceSession

    onnx.checker.check_model(onnx.load_from_string(content))
    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, {"steps": events[0], "inputs": events[1]})[0]
