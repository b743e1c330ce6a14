"""A Synch-Graph run as a bundle: proved, read by the device, and giving the class that training would give."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch

from edge_emotion.engine import open_engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.spikes import CEPSTRA, STEPS
from edge_emotion.spiking_network import open_spiking
from edge_emotion_export import cli
from edge_emotion_export.synch_graph import export_synch_graph, verify_synch_graph
from edge_emotion_train.models.synch_graph.gcn import GcnSettings, Propagation, SynchGcn, node_kinds
from edge_emotion_train.models.synch_graph.reference import drawn_events, drive_of, excitatory_spikes
from edge_emotion_train.models.synch_graph.settings import network_settings
from edge_emotion_train.models.synch_graph.state import initial_state, write_state
from edge_emotion_train.models.synch_graph.synchrony import synchrony_graphs
from edge_emotion_train.synch.pairs import CLASSES
from edge_emotion_train.synch.recording import Recording

SETTINGS = network_settings("reduced", features=2, input_sum=400.0)
KEPT = 3


def gcn():
    torch.manual_seed(0)
    network = SynchGcn(GcnSettings(), node_kinds(SETTINGS), len(CLASSES))
    with torch.no_grad():
        network.first.normal_()
        network.normalise.running_var.uniform_(0.01, 0.1)
    return network.eval()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder as `edge-emotion-train synch-graph` leaves it, of networks that learned nothing."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "model").mkdir()
    write_state(initial_state(SETTINGS, 0).frozen(), folder / "model" / "network.npz")
    torch.save(gcn().state_dict(), folder / "model" / "gcn.pt")
    row = {"uar_mean": 0.5, "accuracy_mean": 0.51, "calibration_error_mean": 0.1, "test_clips": 192}
    about = {
        "size": "reduced", "presentations": KEPT, "seed": 0, "labels": CLASSES, "temperature": 1.3,
        "gcn": asdict(GcnSettings()), "sound": {"mean": [0.0] * CEPSTRA, "scale": [2.0] * CEPSTRA},
        "licence": "RAVDESS: CC BY-NC-SA 4.0; FER2013: for research", "described": "FER2013 x RAVDESS: pairing seed 0",
        "rows": {"Synch-Graph": row}, "stamp": {"date": "2026-11-25", "commit": "abc", "versions": {}},
    }  # fmt: skip
    (folder / "model" / "model.json").write_text(json.dumps(about))
    return folder


@pytest.fixture(scope="module")
def bundle(run):
    return export_synch_graph(run, run / "synch.emo", "synch-graph")


def test_the_card_says_data_licence_split_numbers_limits_and_misuse(bundle):
    for words in ("CC BY-NC-SA", "pairing seed 0", "50.0", "## Limits", "no neutral", "must not be used"):
        assert words in bundle.card
    assert bundle.modality == "face-voice"
    assert bundle.about["proof"]["spikes_that_differ"] == 0
    assert bundle.about["proof"]["spikes"] > 1000


def test_the_same_input_spikes_give_the_class_that_training_gives(run, bundle):
    """Events -> ONNX spikes -> ONNX decision, beside reference spikes -> graph as lists -> GCN in PyTorch."""
    state, network = initial_state(SETTINGS, 0).frozen(), gcn()
    spiking, decision = open_spiking(bundle), open_engine(bundle, "onnx")
    random = np.random.default_rng(5)
    for clip in range(3):
        given, wanted = [], []
        for number in range(KEPT):
            rates = {
                m: (random.random(SETTINGS.inputs(m)) * 30).astype(np.float32) for m in SETTINGS.modalities
            }
            events = drawn_events(SETTINGS, rates, (clip, number))
            given.append(spiking.run(events))
            wanted.append(excitatory_spikes(state, drive_of(state, events)[None])[0])
        assert (np.stack(given) == np.stack(wanted)).all()
        parts = [part.astype(np.int32) for part in np.nonzero(np.stack(wanted))]
        graphs = synchrony_graphs(Recording(*parts, KEPT, SETTINGS.neurons), np.zeros(KEPT, np.int64), 1)
        edges = torch.from_numpy(graphs.adjacency(np.array([0]))).float()
        with torch.no_grad():
            logits = network(torch.from_numpy(graphs.measures), Propagation(edges)).numpy()
        said = decision.run(np.stack(given))
        assert np.stack(given).shape == (KEPT, STEPS, SETTINGS.neurons)
        assert said == pytest.approx(logits, abs=1e-3)
        assert said.argmax() == logits.argmax()


def test_a_bundle_is_verified_against_its_run_and_no_other(run, bundle, tmp_path, capsys):
    verify_synch_graph(bundle.path, run)
    other = tmp_path / "other"
    (other / "model").mkdir(parents=True)
    for file in (run / "model").iterdir():
        (other / "model" / file.name).write_bytes(file.read_bytes())
    write_state(initial_state(SETTINGS, 1).frozen(), other / "model" / "network.npz")
    assert cli.main(["synch-graph", str(other), "--out", str(bundle.path), "--verify"]) == 2
    assert "differs from the reference" in capsys.readouterr().err


def test_nothing_is_written_of_a_run_that_is_not_whole(run, tmp_path):
    with pytest.raises(EdgeEmotionError, match="holds no Synch-Graph"):
        export_synch_graph(tmp_path, tmp_path / "x.emo")
    (tmp_path / "model").mkdir()
    for file in (run / "model").iterdir():
        (tmp_path / "model" / file.name).write_bytes(file.read_bytes()[:2000])
    with pytest.raises(EdgeEmotionError, match=r"damaged|no state"):
        export_synch_graph(tmp_path, tmp_path / "x.emo")
    with pytest.raises(EdgeEmotionError, match=r"ends in \.emo"):
        export_synch_graph(run, tmp_path / "x.onnx")
    assert not list(tmp_path.glob("*.emo"))
