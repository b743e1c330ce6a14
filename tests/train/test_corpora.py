"""Loaders: published layouts, wrong folders, and the real corpora where they are."""

from collections import Counter

import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora import emodb, ravdess_speech


def made(folder, names):
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return folder


def test_ravdess_names_give_label_and_speaker(tmp_path):
    folder = made(tmp_path, ["Actor_02/03-01-06-01-02-01-02.wav", "Actor_01/03-01-02-02-02-01-01.flac"])
    found = ravdess_speech.clips(folder)
    assert [(clip.speaker, clip.label) for clip in found] == [
        ("ravdess-01", "calm"),
        ("ravdess-02", "fearful"),
    ]


def test_emodb_names_give_label_and_speaker_with_or_without_wav_folder(tmp_path):
    for place in ("plain", "inner/wav"):
        folder = made(tmp_path / place, ["03a01Fa.wav", "16b10Lb.wav"])
        found = emodb.clips(folder if place == "plain" else folder.parent)
        assert [(clip.speaker, clip.label) for clip in found] == [
            ("emodb-03", "happiness"),
            ("emodb-16", "boredom"),
        ]


@pytest.mark.parametrize("corpus", [ravdess_speech, emodb])
@pytest.mark.parametrize("wrong", ["missing", "empty", "foreign"])
def test_a_wrong_folder_shows_the_expected_tree(corpus, wrong, tmp_path):
    folder = tmp_path / "data"
    if wrong != "missing":
        folder.mkdir()
    if wrong == "foreign":
        made(folder, ["Actor_01/holiday.wav", "holiday.wav"])
    with pytest.raises(EdgeEmotionError) as caught:
        corpus.clips(folder)
    assert corpus.TREE in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_actor_in_another_actors_folder_is_refused(tmp_path):
    made(tmp_path, ["Actor_02/03-01-06-01-02-01-03.wav"])
    with pytest.raises(EdgeEmotionError, match="not named as RAVDESS"):
        ravdess_speech.clips(tmp_path)


def test_real_ravdess(shared_data):
    found = ravdess_speech.clips(shared_data / "ravdess_speech")
    assert len(found) == 1200
    assert Counter(clip.label for clip in found) == {
        "neutral": 80,
        **dict.fromkeys(ravdess_speech.LABELS[1:], 160),
    }
    assert set(Counter(clip.speaker for clip in found).values()) == {60}


def test_real_emodb(shared_data):
    found = emodb.clips(shared_data / "emodb")
    assert len(found) == 535
    assert Counter(clip.label for clip in found)["anger"] == 127
    assert len({clip.speaker for clip in found}) == 10
