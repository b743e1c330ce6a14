"""RAVDESS' action units: published tables, hostile ones, and the protocol that chooses nothing on the test actor."""

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train import action_units
from edge_emotion_train.class_baselines import frequency_logits, regression_logits
from edge_emotion_train.corpora import ravdess_face_au as corpus
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.known_features import known_feature_set
from edge_emotion_train.node_cache import ClipNodes

NAME = "01-01-05-02-01-02-03.csv"


def table(rows, columns=corpus.COLUMNS, mark=";"):
    return "\n".join([mark.join(columns), *(mark.join(str(value) for value in row) for row in rows)]) + "\n"


def written(folder, text, name=NAME):
    file = folder / f"Actor_{name[-6:-4]}" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text) if isinstance(text, str) else file.write_bytes(text)
    return file


def test_names_give_label_and_actor(tmp_path):
    written(tmp_path, "")
    written(tmp_path, "", "01-01-01-01-01-01-02.csv")
    found = corpus.clips(tmp_path)
    assert [(c.speaker, c.label) for c in found] == [("ravdess-02", "neutral"), ("ravdess-03", "angry")]


@pytest.mark.parametrize("wrong", ["missing", "empty", "foreign", "other actor's"])
def test_a_wrong_folder_shows_the_expected_tree(wrong, tmp_path):
    folder = tmp_path / "data"
    if wrong != "missing":
        folder.mkdir()
    if wrong == "foreign":
        written(folder, "", "holiday-01.csv")
    if wrong == "other actor's":
        (folder / "Actor_04").mkdir()
        (folder / "Actor_04" / NAME).touch()
    with pytest.raises(EdgeEmotionError) as caught:
        corpus.clips(folder)
    assert corpus.TREE in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_row_is_a_node_in_the_order_of_the_columns(tmp_path):
    rows = np.round(np.random.default_rng(0).random((7, 35)), 3)
    order = np.random.default_rng(1).permutation(35)
    for mark in (";", ", "):
        file = written(tmp_path, table(rows[:, order], [corpus.COLUMNS[i] for i in order], mark))
        nodes = corpus.action_units(file)
        assert nodes.dtype == np.float32
        assert np.allclose(nodes, rows)


def test_timestamps_are_put_onto_the_even_grid(tmp_path):
    time = np.arange(11) / 10  # 10 frames a second, values that rise by 1 in a second
    columns = ("frame", "timestamp", *corpus.COLUMNS)
    rows = [(k, t + 5, *([t] * 35)) for k, t in enumerate(time)]
    nodes = corpus.action_units(written(tmp_path, table(rows, columns)))
    assert np.allclose(nodes[:, 4], np.arange(31) / 30, atol=1e-6)


def test_frames_without_the_face_are_bridged(tmp_path):
    columns = ("confidence", "success", *corpus.COLUMNS)
    rows = [(0.9, 1, *[0.0] * 35), (0.9, 0, *[-7.0] * 35), (0.1, 1, *["nan"] * 35), (0.9, 1, *[0.9] * 35)]
    nodes = corpus.action_units(written(tmp_path, table(rows, columns)))
    assert np.allclose(nodes[:, 0], [0, 0.3, 0.6, 0.9])


GOOD = [0.5] * 35


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no rows"),
        (table([]), "no rows"),
        (table([GOOD[1:]], corpus.COLUMNS[1:]), "missing, the first AU01_r"),
        (table([GOOD, GOOD[:-1]]), "row 2 has 34 values under 35 names"),
        (table([["x", *GOOD[1:]]]), "row 1 holds what is no number"),
        (table([["nan", *GOOD[1:]]]), "not finite"),
        (table([["1e30", *GOOD[1:]]]), "AU01_r is out of range"),
        (table([[*GOOD[:-1], 2]]), "AU45_c is out of range"),
        (table([(0, *GOOD)], ("success", *corpus.COLUMNS)), "no frame in which OpenFace found"),
        (table([(1, *GOOD), (0.5, *GOOD)], ("timestamp", *corpus.COLUMNS)), "timestamps that do not rise"),
        (table([(1, *GOOD), (1e9, *GOOD)], ("timestamp", *corpus.COLUMNS)), "timestamps that do not rise"),
        (b"\xff\xfe\x00PK", "as text"),
    ],
)
def test_a_hostile_table_is_one_line_that_names_the_layout(text, said, tmp_path):
    with pytest.raises(EdgeEmotionError) as caught:
        corpus.action_units(written(tmp_path, text))
    assert said in str(caught.value)
    assert corpus.LAYOUT in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_feature_set_is_known_to_training_alone():
    found = known_feature_set("action-units", 1)
    assert (found.features, found.period) == (35, 1 / 30)
    assert known_feature_set("speech", 1).name == "speech"
    with pytest.raises(EdgeEmotionError, match="unknown feature set"):
        known_feature_set("action-units", 2)


def clips_of(actors, each=1):
    made = []
    for actor in actors:
        for number in range(each):
            label = corpus.LABELS[number % 8]
            clip = Clip(None, corpus.NAME, f"ravdess-{actor:02d}", label)
            made.append(ClipNodes(clip, (np.full((4, 35), actor, np.float32),)))
    return made


def test_no_inner_network_knows_the_actor_it_judges_or_the_one_it_chooses_for():
    clips = clips_of(range(1, 6), 2)
    jobs = action_units.inner_jobs(clips)
    assert len(jobs) == 10
    for job in jobs:
        learned = {clips[i].clip.speaker for i in job.learn}
        assert learned.isdisjoint(job.fold.split())
        assert {clips[i].clip.speaker for i in job.measure} == set(job.fold.split())
    logits = [np.array([[float(clips[i].clip.speaker[-2:])] * 8 for i in job.measure]) for job in jobs]
    measured = action_units.by_pair(clips, jobs, logits)
    assert len(measured) == 20
    assert all((values == int(judged[-2:])).all() for (_, judged), values in measured.items())


def test_the_choice_is_each_folds_own():
    clips = clips_of((1, 2, 3), 2)
    folds = action_units.folds_of(clips)
    right, wrong = np.eye(8)[:2], np.eye(8)[[3, 4]]
    pairs = [(a.actor, b.actor) for a in folds for b in folds if a != b]
    measured = {
        "first": {(t, v): right if v == "ravdess-01" else wrong for t, v in pairs},
        "second": {(t, v): right if v == "ravdess-02" else wrong for t, v in pairs},
    }
    # Actor 1 tests: only "second" was right about the others; actor 2: only "first"; actor 3: equal, so the first.
    found = action_units.chosen(folds, measured, clips)
    assert found == {"ravdess-01": "second", "ravdess-02": "first", "ravdess-03": "first"}


def test_two_actors_are_too_few():
    with pytest.raises(EdgeEmotionError, match="at least three actors"):
        action_units.folds_of(clips_of((1, 2)))


def test_regression_separates_what_a_line_separates_and_forgets_under_a_large_penalty():
    random = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 40)
    seen = np.eye(3)[truth] * 4 + random.standard_normal((120, 3))
    light = regression_logits(seen, truth, seen, 3, 0.01)
    assert (light.argmax(1) == truth).mean() > 0.9
    heavy = regression_logits(seen, truth, seen, 3, 1e4)
    assert np.allclose(heavy, heavy[:, :1], atol=0.01)  # only the frequencies are left, and they are equal


def test_frequency_guesses_the_most_frequent():
    logits = frequency_logits(np.array([0, 2, 2, 2]), 5, 4)
    assert logits.shape == (5, 4)
    assert np.allclose(np.exp(logits[0]), [0.25, 0, 0.75, 0])


def test_rows_of_a_whole_small_run(tmp_path):
    random = np.random.default_rng(0)
    for actor in (1, 2, 3):
        for emotion in (3, 4):
            for take in (1, 2, 3, 4):
                values = np.clip(random.random((40, 35)) * 0.2 + (emotion == 3) * 0.7, 0, 1)
                name = f"01-01-{emotion:02d}-0{1 + take // 3}-01-0{1 + take % 2}-{actor:02d}.csv"
                written(tmp_path / "data", table(np.round(values, 3)), name)
    arguments = (tmp_path / "data", tmp_path / "cache", tmp_path / "runs", (0, 1), "cpu", 1, 2)
    rows = action_units.action_unit_rows(*arguments)
    assert rows[0]["model"] == "L-GrIN P=35"
    network, regression, frequency = rows
    assert (network["folds"], network["seeds"], network["classes"]) == (3, 2, 8)
    assert network["protocol"] == "leave one actor out"
    assert set(network["chosen"]) == {"ravdess-01", "ravdess-02", "ravdess-03"}
    assert regression["uar_mean"] == 1.0
    assert (regression["parameters"], regression["seeds"]) == (568, 1)
    assert frequency["uar_mean"] == 0.5
    assert 0 <= network["uar_mean"] <= 1
    assert (tmp_path / "runs" / "confusion.png").read_bytes()[:4] == b"\x89PNG"
    done = {file: file.stat().st_mtime_ns for file in (tmp_path / "runs").glob("*/*/outcome.npz")}
    again = action_units.action_unit_rows(*arguments)
    assert again[0]["uar_mean"] == network["uar_mean"]
    assert all(file.stat().st_mtime_ns == when for file, when in done.items())


def test_real_tables(shared_data):
    folder = shared_data / "ravdess_face_au"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    clips = corpus.clips(folder)
    assert len(clips) == 300
    assert sorted({clip.speaker for clip in clips}) == [f"ravdess-0{k}" for k in range(1, 6)]
    nodes = [corpus.action_units(clip.path) for clip in clips[:10]]
    assert all(found.shape[1] == 35 and len(found) >= 90 for found in nodes)
