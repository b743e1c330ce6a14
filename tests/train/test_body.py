"""The body's training on a small made corpus: folds, mirror images, the forest, the page, the model that ships."""

import json

import numpy as np
import pytest

from bvh_body import body
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.body import BODY
from edge_emotion.features.feature_set import feature_set
from edge_emotion.rotations import about
from edge_emotion.skeleton import JOINTS, SEGMENTS
from edge_emotion.skeleton_names import MVN_BVH
from edge_emotion_train import cli
from edge_emotion_train.body import leave_one_action_out
from edge_emotion_train.body_nodes import mirrored, nodes_of
from edge_emotion_train.corpora import bandai_namco
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.motion_forest import forest_logits
from edge_emotion_train.node_cache import ClipNodes
from walking import walk, walking

STYLES = {"angry": 50, "happy": 30, "sad": 10, "normal": 20}  # degrees that the arms swing
ACTIONS = ("bow", "run", "walk")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bandai")
    (folder / "data").mkdir()
    for action in (*ACTIONS, "kick"):
        for style, size in STYLES.items() if action != "kick" else [("normal", 20)]:
            frames = []
            for number in range(75):
                swing = np.sin(2 * np.pi * (0.5 + 0.2 * len(action)) * number / 30)
                frames.append(
                    {
                        "LeftUpperArm": (0, size * swing, 0),
                        "RightUpperArm": (0, -size * swing, 0),
                        "L5": (0, size / 5, 0),
                    }
                )
            text = body(MVN_BVH, frames).replace("Frame Time: 0.04", f"Frame Time: {1 / 30:.7f}")
            (folder / "data" / f"dataset-1_{action}_{style}_001.bvh").write_text(text)
    return folder


def test_the_corpus_has_actions_for_speakers(corpus):
    clips = bandai_namco.clips(corpus)
    assert len(clips) == 13
    assert {clip.speaker for clip in clips} == {*ACTIONS, "kick"}


def test_no_action_stands_on_two_sides(corpus):
    clips = bandai_namco.clips(corpus)
    splits = leave_one_action_out(clips)
    assert [split.name for split in splits] == ["bow", "kick", "run", "walk"]
    for split in splits:
        sides = [{clips[i].speaker for i in side} for side in (split.train, split.validation, split.test)]
        assert sides[2] == {split.name}
        assert "kick" not in sides[1]  # one style alone validates nothing
        assert not sides[0] & sides[1] and not sides[1] & sides[2] and not sides[0] & sides[2]
        assert sum(map(len, (split.train, split.validation, split.test))) == len(clips)


def test_two_actions_are_too_few(corpus):
    with pytest.raises(EdgeEmotionError, match="three actions"):
        leave_one_action_out([clip for clip in bandai_namco.clips(corpus) if clip.speaker in ("bow", "run")])


def test_a_mirror_image_swaps_sides_and_turns():
    pose = walking(0.3)
    pose.rotations[SEGMENTS.index("LeftUpperArm")] = about(2, 0.6)
    pose.rotations[SEGMENTS.index("Head")] = about(1, 0.4)
    nodes = nodes_of([pose, walking(0.4)])
    image = mirrored(nodes)
    left, right, head = (
        6 + 3 * JOINTS.index(joint) for joint in ("jLeftShoulder", "jRightShoulder", "jC1Head")
    )
    assert image[0, right : right + 3] == pytest.approx(nodes[0, left : left + 3] * [1, -1, -1])
    assert image[0, head : head + 3] == pytest.approx(nodes[0, head : head + 3] * [1, -1, -1])
    assert image[0, [0, 3]] == pytest.approx(-nodes[0, [0, 3]])
    assert mirrored(image) == pytest.approx(nodes)


def test_a_take_with_a_gap_is_refused():
    with pytest.raises(EdgeEmotionError, match="without gaps"):
        nodes_of([*walk(1.0), *walk(1.0, begin=3.0)])


def test_the_forest_learns_nothing_of_what_it_tests():
    random = np.random.default_rng(0)
    clips = [
        ClipNodes(Clip(None, "c", action, style), (random.normal(size=(40, 72)).astype(np.float32),))
        for action in ACTIONS
        for style in STYLES
    ]
    kinds = np.arange(12) % 4
    splits = leave_one_action_out([clip.clip for clip in clips])
    first = forest_logits(clips, kinds, splits, BODY, 4, 0)
    changed = kinds.copy()
    changed[:4] = changed[:4][::-1]  # other classes of the action that is tested first
    again = forest_logits(clips, changed, splits, BODY, 4, 0)
    assert np.array_equal(first[:4], again[:4])
    assert not np.array_equal(first[4:], again[4:])


def test_the_tables_come_by_one_command(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr("edge_emotion_train.motion_forest.TREES", 10)
    out = tmp_path / "out"
    command = ["body-results", "--data", str(corpus), "--epochs", "2", "--seeds", "2", "--workers", "1"]
    assert cli.main([*command, "--runs", str(tmp_path / "runs"), "--out", str(out)]) == 0
    found = json.loads((out / "body.json").read_text())
    four = [row for row in found["rows"] if row["classes"] == 4]
    assert all(row["takes"] == 13 and row["seeds"] == 2 for row in found["rows"])
    assert four[0]["model"].startswith("L-GrIN") and four[0]["parameters"] <= 120_000
    assert sum("forest" in row["model"] for row in four) == 4
    page = (out / "body.md").read_text()
    assert "three actors" in page and "above the best forest" in page
    assert (out / "body-confusion.png").is_file()


def test_the_model_that_ships_is_asked_for_the_four_emotions(corpus, tmp_path, capsys):
    run = tmp_path / "run"
    command = ["body", "--data", str(corpus), "--protocol", "all", "--epochs", "2", "--workers", "1"]
    assert cli.main([*command, "--out", str(run)]) == 0
    config = json.loads((run / "model" / "config.json").read_text())
    assert config["labels"] == ["normal", "happy", "sad", "angry"]
    assert config["label_map"]["angry"] == "anger"
    assert config["lgrin"]["classes"] == 4
    assert "same three stand on both" in config["about"]["split"]
    features = feature_set(config["window"]["feature_set"], config["window"]["feature_version"])
    assert features.features == config["window"]["features"] == config["lgrin"]["features"]
    assert "network to ship" in capsys.readouterr().out


def test_the_papers_own_features_are_a_choice(corpus, tmp_path):
    run = tmp_path / "run"
    command = ["body", "--data", str(corpus), "--features", "body-raw", "--epochs", "1", "--workers", "1"]
    assert cli.main([*command, "--out", str(run)]) == 0
    assert json.loads((run / "recipe.json").read_text())["network"]["features"] == 72
