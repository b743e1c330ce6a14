"""Own labelled folders: layout, labels, speakers, and what is refused."""

import json

import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora.labelled_folder import check_one_label, emotions_of, labelled_folder
from edge_emotion_train.own_folds import own_folds


def made(folder, names):
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return folder


def test_labels_by_their_names_in_the_order_of_the_emotions(tmp_path):
    names = ["Angry/1.wav", "Angry/b.MP3", "calm/1.flac", "calm/2.m4a", "calm/.hidden.wav", "calm/notes.txt"]
    data = labelled_folder(made(tmp_path / "mine", names))
    assert (data.name, data.modality, data.speakers) == ("mine", "voice", False)
    assert list(data.label_map.items()) == [("calm", "neutral"), ("Angry", "anger")]
    assert [(clip.path.name, clip.label) for clip in data.clips] == [
        ("1.wav", "Angry"), ("b.MP3", "Angry"), ("1.flac", "calm"), ("2.m4a", "calm"),
    ]  # fmt: skip
    assert [file.name for file in data.foreign] == ["notes.txt"]


def test_labels_json_says_what_other_words_stand_for(tmp_path):
    folder = made(tmp_path / "d", ["grr/1.mp4", "grr/2.mov", "happy/1.mkv", "happy/2.webm"])
    (folder / "labels.json").write_text(json.dumps({"grr": "Angry"}))
    data = labelled_folder(folder)
    assert data.modality == "face"
    assert data.label_map == {"happy": "happiness", "grr": "anger"}
    assert labelled_folder(folder, "voice").modality == "voice"


@pytest.mark.parametrize(
    ("names", "speakers"),
    [
        (["sad/anna/1.wav", "sad/ben/1.wav", "joy/anna/1.wav", "joy/ben/1.wav"], ["anna", "ben"]),
        (["sad/anna_1.wav", "sad/ben_1.wav", "joy/anna_1.wav", "joy/ben_x.wav"], ["anna", "ben"]),
        (["sad/s1_1.wav", "sad/s2_1.wav", "joy/s1_1.wav", "joy/s2_2.wav"], ["s1", "s2"]),
        (["sad/01/1.wav", "sad/02/1.wav", "joy/01/1.wav", "joy/02/1.wav"], ["01", "02"]),
        ([f"{label}/{k}_rec.wav" for label in ("sad", "joy") for k in range(5)], None),
        ([f"{label}/2026010{k}_{n}.wav" for label in ("sad", "joy") for k in (1, 2) for n in "xy"], None),
        ([f"{label}/2026-01-0{k}_{n}.wav" for label in ("sad", "joy") for k in (1, 2) for n in "xy"], None),
        (["sad/anna_1.wav", "sad/ben_1.wav", "joy/anna_1.wav", "joy/ben_x.wav", "joy/carl_1.wav"], None),
        (["sad/clip_1.wav", "sad/clip_2.wav", "joy/clip_1.wav", "joy/clip_2.wav"], None),
        (["sad/sad_1.wav", "sad/sad_2.wav", "joy/joy_1.wav", "joy/joy_2.wav"], None),
        (["sad/anna_1.wav", "sad/2.wav", "joy/ben_1.wav", "joy/anna_2.wav"], None),
    ],
)
def test_speakers_are_folders_or_prefixes_that_differ(names, speakers, tmp_path):
    data = labelled_folder(made(tmp_path / "d", names))
    assert data.speakers == (speakers is not None)
    found = sorted({clip.speaker for clip in data.clips})
    assert found == [f"d-{name}" for name in speakers or ["unknown"]]


@pytest.mark.parametrize(
    ("names", "labels", "said"),
    [
        ([], None, "no clips in"),
        (["readme.txt"], None, "no clips in"),
        (["happy/1.wav", "happy/2.wav"], None, "one label (happy)"),
        (["happy/1.wav", "happy/2.wav", "joy/1.wav", "joy/2.wav"], None, "all stand for happiness"),
        (["happy/1.wav", "happy/2.wav", "sad/1.wav"], None, "sad has 1; each label needs at least 2"),
        (["happy/1.wav", "happy/2.wav", "grr/1.wav", "grr/2.wav"], None, '{"grr": "anger"}'),
        (["happy/1.wav", "grr/1.wav"], '{"grr": "rage"}', "says 'rage'"),
        (["happy/1.wav", "sad/1.wav"], '{"grr": "anger"}', "'grr', which has no clips"),
        (["happy/1.wav", "sad/1.wav"], '["anger"]', "expected {"),
        (["happy/1.wav", "sad/1.wav"], "{", "cannot be read as JSON"),
        (["happy/1.wav", "sad/1.mp4"], None, "mixes 1 sound files with 1 videos (1.wav, 1.mp4)"),
        (["1.wav", "sad/1.wav"], None, "lie in no label's folder"),
        (["happy/a/b/1.wav", "sad/1.wav"], None, "lie in no label's folder"),
        (["happy/anna/1.wav", "sad/1.wav"], None, "some clips lie in speakers' folders"),
    ],
)
def test_what_is_refused_is_one_line(names, labels, said, tmp_path):
    folder = made(tmp_path, names)
    if labels:
        (folder / "labels.json").write_text(labels)
    with pytest.raises(EdgeEmotionError) as caught:
        labelled_folder(folder)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_same_clip_under_two_labels_is_refused_and_both_are_named(tmp_path):
    names = ["happy/1.wav", "happy/copy.wav", "sad/1.wav", "sad/2.wav"]
    clips = labelled_folder(made(tmp_path, names)).clips
    check_one_label(clips, [b"a", b"a", b"b", b"c"])
    with pytest.raises(EdgeEmotionError) as caught:
        check_one_label(clips, [b"a", b"b", b"c", b"b"])
    message = str(caught.value)
    assert f"{tmp_path / 'happy' / 'copy.wav'} and {tmp_path / 'sad' / '2.wav'}" in message
    assert "\n" not in message


def test_a_face_model_is_not_made_of_sound(tmp_path):
    with pytest.raises(EdgeEmotionError, match="no videos"):
        labelled_folder(made(tmp_path, ["happy/1.wav", "sad/1.wav"]), "face")
    with pytest.raises(EdgeEmotionError, match="no folder"):
        labelled_folder(tmp_path / "none")


def test_two_labels_may_stand_for_one_emotion(tmp_path):
    assert emotions_of(["joy", "happy", "sad"], tmp_path / "labels.json") == {
        "joy": "happiness", "happy": "happiness", "sad": "sadness",
    }  # fmt: skip


def folds_of(tmp_path, names):
    data = labelled_folder(made(tmp_path / "d", names))
    return data, own_folds(data.clips, data.speakers, seed=0)


def test_folds_by_speakers_never_share_one(tmp_path):
    names = [f"{label}/{who}_{k}.wav" for label in ("sad", "joy") for who in "abcdefg" for k in (1, 2)]
    data, folds = folds_of(tmp_path, names)
    assert (folds.by, len(folds.folds)) == ("speakers", 5)
    assert sorted(i for fold in folds.folds for i in fold) == list(range(len(names)))
    sides = [{data.clips[i].speaker for i in fold} for fold in folds.folds]
    assert sum(map(len, sides)) == len(set.union(*sides))


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["sad/1.wav", "sad/2.wav", "joy/1.wav", "joy/2.wav", "joy/3.wav"], "nobody can tell who speaks"),
        (["sad/a/1.wav", "sad/a/2.wav", "joy/a/1.wav", "joy/a/2.wav"], "there is one speaker, a"),
        (["sad/a/1.wav", "sad/a/2.wav", "joy/b/1.wav", "joy/b/2.wav"], "nobody but a has clips of sad"),
    ],
)
def test_folds_by_clips_say_why_and_learn_every_label(names, why, tmp_path):
    data, folds = folds_of(tmp_path, names)
    assert folds.by == "clips"
    assert why in folds.why
    assert "the same people" in folds.why
    assert sorted(i for fold in folds.folds for i in fold) == list(range(len(names)))
    for fold in folds.folds:
        assert {clip.label for i, clip in enumerate(data.clips) if i not in fold} == {"sad", "joy"}
