"""Training on other corpora of motion: whom a fold leaves out, what a corpus holds as a table, what ships."""

import json
import re

import numpy as np
import pytest

from bvh_body import body
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.skeleton_names import MVN_BVH
from edge_emotion_train import body_cli, cli
from edge_emotion_train.body import leave_one_out
from edge_emotion_train.body_corpora import LOADERS, body_corpus
from edge_emotion_train.labels import TO_EMOTION
from edge_emotion_train.pose_encoders import mvnx_document
from walking import walking

SIZES = {
    "anger": 50,
    "joy": 30,
    "sad": 10,
    "pride": 40,
    "boredom": 5,
    "angry": 50,
    "happy": 30,
    "neutral": 20,
}
SECONDS = 2.0


def take(size, seconds=SECONDS):
    """BVH of a body whose arms swing by so many degrees."""
    swing = size * np.sin(2 * np.pi * 0.8 * np.arange(round(seconds * 25)) / 25)
    return body(
        MVN_BVH, [{"LeftUpperArm": (0, angle, 0), "RightUpperArm": (0, -angle, 0)} for angle in swing]
    )


@pytest.fixture(scope="module")
def ebedb(tmp_path_factory):
    """Four actors in four emotions, and files that are none."""
    folder = tmp_path_factory.mktemp("ebedb")
    for actor in ("AnBh", "DiMi", "HeGa", "LeSt"):
        for label in ("anger", "joy", "sad", "pride"):
            (folder / f"{actor}_{label}_1.bvh").write_text(take(SIZES[label]))
    (folder / "AnBh_saddle.bvh").write_text(take(1))
    (folder / "NoVo_joy.bvh").write_text("HIERARCHY\nROOT Hips\n")
    return folder


def mvnx(count):
    """MVNX of so many poses of a walk, a sixtieth of a second apart."""
    documents = [mvnx_document(walking(number / 60)) for number in range(count)]
    frames = [re.search("<frame .*</frame>", document)[0] for document in documents]
    numbered = [frame.replace('index="0"', f'index="{number}"') for number, frame in enumerate(frames)]
    return documents[0].replace(frames[0], "".join(numbered))


def xem(folder, *names):
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(mvnx(60) if file.suffix == ".mvnx" else take(SIZES[name.split("/")[0]]))
    return folder


def test_the_command_line_offers_the_corpora_that_there_are():
    assert tuple(LOADERS) == body_cli.CORPORA
    assert set(LOADERS) <= set(TO_EMOTION)


def test_actors_are_left_out_where_they_are_named(ebedb):
    corpus = body_corpus("ebedb", ebedb)
    assert (corpus.unit, corpus.labels) == ("actor", ("anger", "joy", "pride", "sadness"))
    clips = corpus.clips()
    splits = leave_one_out(clips, corpus.unit)
    assert [split.name for split in splits] == [
        "ebedb-AnBh",
        "ebedb-DiMi",
        "ebedb-HeGa",
        "ebedb-LeSt",
        "ebedb-NoVo",
    ]
    for split in splits:
        sides = [{clips[i].speaker for i in side} for side in (split.train, split.validation, split.test)]
        assert sides[2] == {split.name} and "ebedb-NoVo" not in sides[1]
        assert not sides[0] & sides[1] and not sides[1] & sides[2] and not sides[0] & sides[2]


def test_actions_are_left_out_of_bandai_namco_2(tmp_path):
    for action in ("bow", "run", "walk"):
        for style in ("normal", "elderly"):
            (tmp_path / f"dataset-2_{action}_{style}_001.bvh").touch()
    corpus = body_corpus("bandai-namco-2", tmp_path)
    assert (corpus.unit, corpus.labels) == ("action", ("elderly", "normal"))
    assert {clip.speaker for clip in corpus.clips()} == {"bow", "run", "walk"}


def test_takes_of_nobody_are_left_out_where_others_are_someones(tmp_path):
    corpus = body_corpus("xem", xem(tmp_path, "angry/s1/a.bvh", "happy/s1/a.bvh", "happy/b.bvh"))
    assert [take.actor for take in corpus.takes] == ["xem-s1", "xem-s1"]
    assert corpus.warnings == (
        f"xem: left out 1 file: it names no actor, as others do (the first: {tmp_path / 'happy/b.bvh'})",
    )


def test_takes_that_name_nobody_and_nothing_cannot_be_split(tmp_path, capsys):
    folder = xem(tmp_path, "angry/a.bvh", "happy/a.bvh")
    assert cli.main(["body", "--data", str(folder), "--corpus", "xem"]) == 2
    assert "neither actors nor actions" in capsys.readouterr().err
    assert cli.main(["body-takes", str(folder), "--corpus", "xem"]) == 0
    assert "nothing that a fold could leave out" in capsys.readouterr().out


def test_the_table_says_what_there_is_and_what_is_left_out(ebedb, capsys):
    assert cli.main(["body-takes", str(ebedb), "--corpus", "ebedb"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ebedb: 16 takes, 31.5 s, 4 labels, 4 actors: a fold leaves out one actor"
    assert [line.split() for line in lines[2:12]] == [
        ["label", "emotion", "takes", "seconds", "actors"],
        ["anger", "anger", "4", "7.9", "4"],
        ["joy", "happiness", "4", "7.9", "4"],
        ["pride", "-", "4", "7.9", "4"],
        ["sadness", "sadness", "4", "7.9", "4"],
        [],
        ["actor", "labels", "takes", "seconds"],
        ["ebedb-AnBh", "4", "4", "7.9"],
        ["ebedb-DiMi", "4", "4", "7.9"],
        ["ebedb-HeGa", "4", "4", "7.9"],
    ]
    assert lines[-2] == (
        f"ebedb: left out 1 file: its name says no emotion (the first: {ebedb / 'AnBh_saddle.bvh'})"
    )
    assert lines[-1].startswith("ebedb: left out 1 file: ") and str(ebedb / "NoVo_joy.bvh") in lines[-1]


def test_it_trains_on_the_corpus_own_labels_leaving_one_actor_out(ebedb, tmp_path, capsys):
    run = tmp_path / "run"
    command = ["body", "--data", str(ebedb), "--corpus", "ebedb", "--epochs", "1", "--workers", "1"]
    assert cli.main([*command, "--out", str(run)]) == 0
    recipe = json.loads((run / "recipe.json").read_text())
    assert recipe["labels"] == ["anger", "joy", "pride", "sadness"]
    assert list(recipe["targets"]) == ["ebedb"]
    metrics = json.loads((run / "metrics.json").read_text())
    assert sorted(metrics["test"]["uar_by_fold"]) == ["ebedb-AnBh", "ebedb-DiMi", "ebedb-HeGa", "ebedb-LeSt"]
    assert "NoVo_joy.bvh" in capsys.readouterr().err


def test_what_ships_is_of_the_labels_that_are_emotions(ebedb, tmp_path):
    run = tmp_path / "run"
    command = ["body", "--data", str(ebedb), "--corpus", "ebedb", "--protocol", "all", "--epochs", "1"]
    assert cli.main([*command, "--workers", "1", "--out", str(run)]) == 0
    config = json.loads((run / "model" / "config.json").read_text())
    assert config["label_map"] == {"anger": "anger", "joy": "happiness", "sadness": "sadness"}
    assert config["labels"] == ["anger", "joy", "sadness"] and config["lgrin"]["classes"] == 3
    assert config["about"]["corpora"] == ["ebedb"]
    assert "all 4 actors (ebedb AnBh, DiMi, HeGa, LeSt)" in config["about"]["split"]


def test_folders_named_for_emotions_ship_those_of_the_seven(tmp_path, capsys):
    names = [f"{label}/s{n}/a.bvh" for label in ("angry", "boredom", "neutral") for n in (1, 2, 3)]
    folder = xem(tmp_path / "xem", *names, "angry/s1/b.mvnx")
    (folder / "angry/s2/still.mvnx").write_text(mvnx(1))
    run = tmp_path / "run"
    command = ["body", "--data", str(folder), "--corpus", "xem", "--protocol", "all", "--epochs", "1"]
    assert cli.main([*command, "--workers", "1", "--out", str(run)]) == 0
    config = json.loads((run / "model" / "config.json").read_text())
    assert config["label_map"] == {"angry": "anger", "neutral": "neutral"}
    printed = capsys.readouterr()
    assert "xem: left out 1 file: expected a take of 2 nodes" in printed.err
    assert "7 takes, 2 trainings" in printed.out


@pytest.mark.parametrize(
    ("protocol", "names", "said"),
    [
        ("all", ["angry/s1/a.bvh", "boredom/s2/a.bvh"], "fewer than two of the seven emotions"),
        ("loao", ["angry/s1/a.bvh", "angry/s2/a.bvh"], "takes of two labels or more to tell apart, got 1"),
        (
            "loao",
            ["angry/s1/a.bvh", "happy/s2/a.bvh"],
            "needs three actors with several labels each, found 0",
        ),
    ],
)
def test_a_corpus_too_small_is_one_line(protocol, names, said, tmp_path, capsys):
    folder = xem(tmp_path / "xem", *names)
    command = ["body", "--data", str(folder), "--corpus", "xem", "--protocol", protocol]
    assert cli.main([*command, "--out", str(tmp_path / "run")]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_an_unknown_corpus_is_refused(tmp_path):
    with pytest.raises(EdgeEmotionError, match="expected one of: bandai-namco-1, bandai-namco-2, ebedb, xem"):
        body_corpus("mocap", tmp_path)
