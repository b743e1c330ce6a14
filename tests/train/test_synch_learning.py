"""Learning of a spiking network: the minimum-spike rule, checkpoints, resume; a stand-in for the simulator."""

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.spikes import PERIOD
from edge_emotion_train.models.synch_graph.settings import network_settings
from edge_emotion_train.models.synch_graph.state import NetworkState
from edge_emotion_train.synch import learning
from edge_emotion_train.synch.learning import RUN, learn
from edge_emotion_train.synch.presentations import Shown

SETTINGS = network_settings("reduced", features=1, window=4)
SHOWS = 2 * RUN


class FakeSimulator:
    """Spikes ten times a presentation, or not at all where the face's rates stay below `least`."""

    presentations = RUN

    def __init__(self, least=0.0, stop_at=None):
        self.least, self.stop_at = least, stop_at
        self.shown = []

    def run(self, state, rates, seed):
        if self.stop_at == len(self.shown):
            raise KeyboardInterrupt
        self.shown.append(rates["face"].max(1).copy())
        learned = {name: w + seed % 7 for name, w in state.inputs.items()}
        on = np.flatnonzero(rates["face"].max(1) >= max(self.least, 1e-6))
        times = (np.repeat(on, 10) + 0.1) * PERIOD
        spikes = (np.zeros(len(times), np.int64), times)
        return NetworkState(state.settings, learned, state.cross, state.theta), {
            "face": spikes,
            "voice": spikes,
        }

    def close(self):
        pass


@pytest.fixture
def clips():
    """Presentations of which number 0 is faint."""
    random = np.random.default_rng(0)
    face = random.integers(100, 200, (40, SETTINGS.inputs("face"))).astype(np.uint8)
    face[0] = 60  # 15 Hz
    voice = random.integers(100, 200, (40, SETTINGS.inputs("voice"))).astype(np.uint8)
    return Shown(face, voice, np.arange(40) // 4, np.arange(40) % 4 + 1)


def taught(monkeypatch, simulator, clips, folder, which=None, settings=SETTINGS):
    monkeypatch.setattr(learning, "open_simulator", lambda *_: simulator)
    return learn(clips, np.arange(40) if which is None else which, settings, 1, SHOWS, folder)


def test_a_faint_presentation_is_shown_again_with_higher_rates(monkeypatch, clips, tmp_path):
    simulator = FakeSimulator(least=30.0)
    taught(monkeypatch, simulator, clips, tmp_path / "net", which=np.array([0, 5]))
    shown = np.concatenate(simulator.shown)
    # Diehl and Cook: intensity 2, then 3, then 4; 15 Hz spike from 30 Hz on.
    assert set(np.round(shown[(shown > 0) & (shown < 24)], 2)) == {15.0, 22.5}
    assert 30.0 in np.round(shown, 2)
    assert 37.5 not in np.round(shown, 2)


def test_what_never_spikes_is_let_go(monkeypatch, clips, tmp_path):
    simulator = FakeSimulator(least=1e9)
    taught(monkeypatch, simulator, clips, tmp_path / "net", which=np.array([0]))
    shown = np.round(np.concatenate(simulator.shown), 2)
    counts = [int((shown == rate).sum()) for rate in (15.0, 22.5, 30.0, 37.5, 45.0)]
    assert counts[0] == SHOWS
    assert counts[4] == 0  # most_shows is 4


def test_a_stopped_learning_goes_on_to_the_same_network(monkeypatch, clips, tmp_path):
    whole = taught(monkeypatch, FakeSimulator(), clips, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        taught(monkeypatch, FakeSimulator(stop_at=1), clips, tmp_path / "stopped")
    assert (tmp_path / "stopped" / "checkpoint.npz").is_file()
    rest = FakeSimulator()
    again = taught(monkeypatch, rest, clips, tmp_path / "stopped")
    assert len(rest.shown) == 1
    for modality in ("face", "voice"):
        assert (again.inputs[modality] == whole.inputs[modality]).all()
    assert not (tmp_path / "stopped" / "checkpoint.npz").exists()


def test_a_finished_network_is_read_and_another_one_refused(monkeypatch, clips, tmp_path):
    first = taught(monkeypatch, FakeSimulator(), clips, tmp_path / "net")
    read = taught(monkeypatch, FakeSimulator(stop_at=0), clips, tmp_path / "net")
    assert (first.inputs["face"] == read.inputs["face"]).all()
    other = network_settings("reduced", features=1, window=4, input_sum=10.0)
    with pytest.raises(EdgeEmotionError, match="other settings, seed or data"):
        taught(monkeypatch, FakeSimulator(), clips, tmp_path / "net", settings=other)


def test_a_damaged_checkpoint_is_one_clear_error(monkeypatch, clips, tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "checkpoint.npz").write_bytes(b"not a file of arrays")
    with pytest.raises(EdgeEmotionError, match="no state of a spiking network"):
        taught(monkeypatch, FakeSimulator(), clips, tmp_path / "net")


def test_every_run_is_full_and_what_is_shown_again_takes_no_ones_place(monkeypatch, clips, tmp_path):
    simulator = FakeSimulator(least=30.0)
    monkeypatch.setattr(learning, "open_simulator", lambda *_: simulator)
    learn(clips, np.array([0, 5]), SETTINGS, 1, RUN + 3, tmp_path / "net")
    assert all((run > 0).all() for run in simulator.shown)
    fresh = np.round(np.concatenate(simulator.shown), 2)
    assert np.isin(fresh, [15.0]).sum() + (fresh > 24).sum() >= RUN + 3


def test_thresholds_fall_back_by_their_law_before_the_network_is_frozen(monkeypatch, clips, tmp_path):
    how = SETTINGS.plasticity
    taught_state = taught(monkeypatch, FakeSimulator(), clips, tmp_path / "net")
    left = np.exp(-SETTINGS.rest / how.threshold_tau)
    expected = how.threshold_floor + (SETTINGS.theta - how.threshold_floor) * left
    assert taught_state.theta["face"] == pytest.approx(np.full(SETTINGS.count("face"), expected))
    awake = network_settings("reduced", features=1, window=4, rest=0.0)
    state = taught(monkeypatch, FakeSimulator(), clips, tmp_path / "awake", settings=awake)
    assert state.theta["face"] == pytest.approx(np.full(SETTINGS.count("face"), SETTINGS.theta))
