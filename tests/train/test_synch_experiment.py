"""The whole experiment on a small scale: networks, recordings, graphs, GCNs, counts, the page; resume and refusals."""

import json
from dataclasses import replace

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train import cli
from edge_emotion_train.models.synch_graph.gcn import GcnSettings
from edge_emotion_train.models.synch_graph.settings import PRESETS, network_settings
from edge_emotion_train.synch import experiment, learning, one_run, results
from edge_emotion_train.synch.experiment import GcnJob, Plan, claim, count_answers, gcn_answers, gcn_job
from edge_emotion_train.synch.graph_training import GraphTraining
from edge_emotion_train.synch.material import Material, write_material
from edge_emotion_train.synch.pairs import CLASSES, SIDES
from edge_emotion_train.synch.presentations import Shown, SoundScale
from edge_emotion_train.synch.results_page import bars, markdown
from edge_emotion_train.synch.results_picture import draw_protocols

TINY = {
    name: network_settings(name, features=f, window=8, input_sum=60.0)
    for name, f in (("full", 3), ("reduced", 2))
}
CLIPS, SHOWS = 90, 2
TRAINING = GraphTraining(epochs=10)


class Unlearning:
    """A simulator that shows nothing and learns nothing."""

    presentations = learning.RUN

    def run(self, state, rates, seed):
        times = np.repeat(np.arange(learning.RUN) * 0.5 + 0.1, 9)
        spikes = np.zeros(len(times), np.int64), times
        return state, dict.fromkeys(state.settings.modalities, spikes)

    def close(self):
        pass


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    for name, settings in TINY.items():
        monkeypatch.setitem(PRESETS, name, settings)
    monkeypatch.setattr(learning, "open_simulator", lambda *_: Unlearning())


def material(seed):
    """Clips whose rates are higher in one of six parts of the inputs, by their class."""
    random = np.random.default_rng(seed)
    labels = np.arange(CLIPS) % len(CLASSES)
    clip = np.repeat(np.arange(CLIPS), SHOWS)
    rates = {}
    for modality in ("face", "voice"):
        drawn = random.integers(0, 120, (CLIPS * SHOWS, TINY["full"].inputs(modality)))
        part = np.arange(drawn.shape[1]) * len(CLASSES) // drawn.shape[1]
        rates[modality] = np.where(part == labels[clip][:, None], drawn + 100, drawn).astype(np.uint8)
    sides = np.array(SIDES)[random.permutation(CLIPS) % 3]
    shown = Shown(rates["face"], rates["voice"], clip, np.tile([1, 2], CLIPS))
    scale = SoundScale(np.zeros(40, np.float32), np.ones(40, np.float32))
    return Material(
        shown, scale, labels, sides, seed, "FER2013 x RAVDESS", f"made: clips; pairing seed {seed}, none"
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("synch")


@pytest.fixture
def plans(folder):
    made = []
    for seed in (0, 1):
        file = folder / f"pairs-{seed}.npz"
        if not file.is_file():
            write_material(material(seed), "mark", file)
        made.append(Plan(file, folder / f"seed{seed}", seed, learning.RUN))
    return made


def test_everything_is_computed_once_and_makes_a_page(plans, monkeypatch, tmp_path):
    for plan in plans:
        claim(plan, TRAINING)
        for size in TINY:
            for kind in experiment.KINDS:
                experiment.spiking_job(plan, size, kind)
        for job in results.gcn_jobs(tuple(TINY)):
            gcn_job(plan, job, TRAINING)
    answers = gcn_answers(plans[0], GcnJob("full"))
    assert answers.test.shape == (len(answers.test_truth), len(CLASSES))
    assert set(count_answers(plans[0], "full")) == {
        "face only",
        "voice only",
        "early enhancement",
        "both, counts",
    }
    rows = results.measured(plans, tuple(TINY), tuple(TINY))
    about = {"pairing": ["x: pairs; seed 0"], "presentations": 50, "training": vars(TRAINING)}
    page = markdown(rows, {"command": "c", "date": "d", "commit": "e", "machine": "m"}, about)
    for words in ("paper, leaky", "permuted", "early enhancement", "without edges", "Synch-Graph, inductive"):
        assert words in page
    assert len(bars(rows, "full")) == 5
    draw_protocols(rows, tuple(TINY), tmp_path / "bars.png")
    assert (tmp_path / "bars.png").stat().st_size > 5000
    # What is there is read, not made again.
    monkeypatch.setattr(experiment, "train_gcn", None)
    monkeypatch.setattr(experiment, "learn", lambda *a: learning.read_state(a[5] / "network.npz")[0])
    gcn_job(plans[0], GcnJob("full"), TRAINING)
    experiment.spiking_job(plans[0], "full", "joined")


def test_counts_of_what_is_shown_tell_its_class(plans):
    """The chain from rates to counts keeps which inputs were strong: far above a sixth, on clips not learned from."""
    for kind in experiment.KINDS:
        experiment.spiking_job(plans[0], "full", kind)
    test_rows = {name: results.row_of([found], {}) for name, found in count_answers(plans[0], "full").items()}
    assert test_rows["both, counts"]["uar_mean"] > 0.3


def test_a_folder_of_other_data_or_settings_is_refused(plans):
    claim(plans[0], TRAINING)
    with pytest.raises(EdgeEmotionError, match="other data or settings"):
        claim(plans[0], replace(TRAINING, rate=0.1))
    with pytest.raises(EdgeEmotionError, match="other data or settings"):
        claim(replace(plans[0], presentations=7), TRAINING)


def test_jobs_that_differ_have_files_that_differ():
    names = [f"{job.size} {job.name}" for job in results.gcn_jobs(("full", "reduced"))]
    assert len(set(names)) == len(names)
    assert GcnJob("full", settings=GcnSettings(edges=False)).name != GcnJob("full").name


def test_the_command_leaves_a_model_pictures_and_numbers(folder, plans, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(one_run, "_material", lambda *_: plans[0].material)
    command = [
        "synch-graph",
        "--presentations",
        "50",
        "--epochs",
        "10",
        "--out",
        str(tmp_path / "run"),
        "--baselines",
    ]
    assert cli.main(command) == 0
    said = capsys.readouterr().out
    assert "Synch-Graph: test UAR" in said
    assert "face only: test UAR" in said
    about = json.loads((tmp_path / "run" / "model" / "model.json").read_text())
    assert about["labels"] == list(CLASSES)
    assert 0.1 <= about["temperature"] <= 10
    for name in ("confusion", "fields", "cross", "raster"):
        assert (tmp_path / "run" / f"{name}.png").stat().st_size > 5000
    leaky = [*command[:-2], str(tmp_path / "leaky"), "--protocol", "paper"]
    assert cli.main(leaky) == 0
    assert not (tmp_path / "leaky" / "model").exists()
    assert (tmp_path / "leaky" / "metrics-paper-3l-real.json").is_file()


def test_any_setting_can_be_changed_from_the_command_line(plans, tmp_path, monkeypatch):
    monkeypatch.setattr(one_run, "_material", lambda *_: plans[0].material)
    command = ["synch-graph", "--presentations", "50", "--epochs", "5", "--out", str(tmp_path / "run")]
    changes = ["--set", "features=1", "--set", "cross_sum=0", "--set", "shared=face,voice"]
    changes += ["--set", "plasticity.rate=0.02", "--set", "plasticity.cross_rate=0.03"]
    assert cli.main([*command, *changes]) == 0
    state, _ = learning.read_state(tmp_path / "run" / "model" / "network.npz")
    assert state.settings.neurons == 8
    assert state.settings.shared == ("face", "voice")
    assert (state.settings.plasticity.rate, state.settings.plasticity.cross_rate) == (0.02, 0.03)
    assert not state.cross


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "featurs=1"], "did you mean 'features'"),
        (["--set", "features=many"], "with a value like"),
        (["--set", "name=mine"], "unknown setting 'name'"),
        (["--set", "plasticity=3"], "unknown setting 'plasticity'"),
        (["--set", "plasticity.rates=3"], "did you mean 'plasticity.rate'"),
        (["--set", "plasticity.rate=2"], "rate: expected 0 to 1"),
        (["--set", "window=4"], "part of how clips are encoded"),
        (["--corpus", "enterface-video"], "needs --data"),
        ([], "give --ravdess DIR and --fer2013 FILE"),
        (["--size", "reducd"], "invalid choice"),
        (["--seed", "-1"], "at least 0"),
        (["--workers", "two"], "expected a whole number, not 'two'"),
    ],
)
def test_a_wrong_command_line_is_one_line(arguments, said, capsys, tmp_path, plans, monkeypatch):
    if "--set" in arguments:
        monkeypatch.setattr(one_run, "_material", lambda *_: plans[0].material)
    assert cli.main(["synch-graph", "--out", str(tmp_path / "x"), *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
