"""Splits: no speaker on two sides, every clip tested once, leaky only under its name."""

from pathlib import Path

import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.protocols import (
    Split,
    check_speakers,
    cross_corpus,
    emobox_folds,
    leaky_folds,
    leave_one_speaker_out,
)


def corpus(name="ravdess", speakers=20, each=3):
    return [
        Clip(Path(f"{s}-{i}.wav"), name, f"{name}-{s:02d}", ("sad", "happy", "calm")[i % 3])
        for s in range(1, speakers + 1)
        for i in range(each)
    ]


def sides(clips, split):
    return [{clips[i].speaker for i in side} for side in (split.train, split.validation, split.test)]


def test_emobox_folds_are_four_actors_each():
    clips = corpus()
    folds = emobox_folds(clips)
    assert [fold.name for fold in folds] == [f"actors {a}-{b}" for a, b in
        (("01", "04"), ("05", "08"), ("09", "12"), ("13", "16"), ("17", "20"))]  # fmt: skip
    assert sides(clips, folds[4])[2] == {"ravdess-17", "ravdess-18", "ravdess-19", "ravdess-20"}
    assert sides(clips, folds[4])[1] == {"ravdess-01", "ravdess-02", "ravdess-03", "ravdess-04"}


@pytest.mark.parametrize("make", [emobox_folds, leave_one_speaker_out])
def test_no_speaker_on_two_sides_and_every_clip_tested_once(make):
    clips = corpus()
    folds = make(clips)
    for fold in folds:
        train, validation, test = sides(clips, fold)
        assert not train & validation
        assert not train & test
        assert not validation & test
        assert len(fold.train) + len(fold.validation) + len(fold.test) == len(clips)
    assert sorted(i for fold in folds for i in fold.test) == list(range(len(clips)))


def test_cross_corpus_tests_all_of_the_other():
    clips = corpus("first", 10) + corpus("second", 4)
    (split,) = cross_corpus(clips, "first", "second")
    train, validation, test = sides(clips, split)
    assert test == {f"second-{s:02d}" for s in range(1, 5)}
    assert validation == {"first-09", "first-10"}
    assert len(train) == 8


def test_leaky_is_named_leaky_and_leaks():
    clips = corpus(each=6)
    windows = [i for i in range(len(clips)) for _ in range(2)]
    folds = leaky_folds(clips, windows)
    assert all(fold.leaky and fold.name.startswith("leaky") for fold in folds)
    assert sorted(i for fold in folds for i in fold.test) == list(range(len(windows)))
    shared = {clips[windows[i]].speaker for i in folds[0].train} & {
        clips[windows[i]].speaker for i in folds[0].test
    }
    assert shared


def test_a_split_with_a_speaker_on_two_sides_is_refused():
    clips = corpus(speakers=4)
    with pytest.raises(EdgeEmotionError, match="ravdess-01"):
        check_speakers(clips, Split("bad", (0, 3), (6,), (1,)))
    check_speakers(clips, Split("named", (0, 3), (6,), (1,), leaky=True))


def test_too_few_speakers_are_told():
    with pytest.raises(EdgeEmotionError, match="at least four speakers"):
        leave_one_speaker_out(corpus(speakers=3))
    with pytest.raises(EdgeEmotionError, match="three folds"):
        emobox_folds(corpus(speakers=8))
