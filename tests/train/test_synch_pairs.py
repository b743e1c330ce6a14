"""Pairs of FER2013 faces and RAVDESS sentences on the real corpora, and filmed clips from a tree that is made."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import edge_emotion
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.spikes import PERIOD, RATE_UNIT, face_windows, sound_windows
from edge_emotion_train.synch import pairs
from edge_emotion_train.synch.material import paired_material, read_material
from edge_emotion_train.synch.pairs import CLASSES, FACES_EACH, SIDES, dealt, paired_clips
from edge_emotion_train.synch.presentations import KEPT, ends
from edge_emotion_train.synch.video_material import look, video_material

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RAVDESS, FER = DATA / "ravdess_speech", DATA / "fer2013_train.npz"
DEMO = Path(edge_emotion.__file__).parent / "data" / "demo.mp4"
real = pytest.mark.skipif(
    not (RAVDESS.is_dir() and FER.is_file()), reason="needs ../shared/data: RAVDESS, FER2013"
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _few_faces(monkeypatch):
    monkeypatch.setattr(pairs, "MOST_FACES", 12)


@real
def test_speakers_and_faces_stand_on_one_side_each(cache):
    paired = paired_clips(RAVDESS, FER, 0, cache)
    for of in (lambda p: p.sentence.speaker, lambda p: str(paired.stills.names[p.face])):
        sides = [{of(p) for p in paired.pairs if p.side == side} for side in SIDES]
        assert all(sides)
        assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert {p.sentence.speaker for p in paired.pairs} == {f"ravdess-{n:02d}" for n in range(1, 21)}


@real
def test_both_halves_of_a_pair_show_the_same_class_and_follow_from_the_seed(cache):
    paired = paired_clips(RAVDESS, FER, 0, cache)
    for pair in paired.pairs:
        assert pairs.RAVDESS_WORDS[pair.sentence.label] == CLASSES[pair.label]
        assert pairs.EMOTIONS[paired.stills.labels[pair.face]] == CLASSES[pair.label]
    counts = [sum(p.side == side for p in paired.pairs) for side in SIDES]
    assert counts == [12 * 48 * FACES_EACH["train"], 4 * 48, 4 * 48]
    assert paired_clips(RAVDESS, FER, 0, cache).pairs == paired.pairs
    assert "not the same person" in paired.described()
    assert "seed 0" in paired.described()


@real
def test_presentations_are_a_clips_last_ones_and_are_kept(cache, monkeypatch):
    monkeypatch.setattr(pairs, "FACES_EACH", dict.fromkeys(SIDES, 1))
    material = paired_material(RAVDESS, FER, 1, cache)
    shown = material.shown
    assert shown.face.shape[1:] == (4 * face_windows().inputs,)
    assert shown.voice.shape[1:] == (4 * sound_windows().inputs,)
    assert (np.bincount(shown.clip) == KEPT).all()  # every sentence is longer than 2 s
    assert (np.diff(shown.number[shown.clip == 5]) == 1).all()
    assert shown.rates(np.array([0]), "face").max() <= 255 * RATE_UNIT
    assert set(material.sides) == set(SIDES)
    again, _ = read_material(cache / "synch-pairs-1.npz")
    assert (again.shown.voice == shown.voice).all()
    assert again.described == material.described
    learned = {material.sides[c] for c in shown.clip[material.learned()]}
    assert learned == {"train"}


def test_speakers_are_dealt_by_the_seed_to_three_sides():
    names = [f"s{n}" for n in range(10)]
    sides = dealt(names, 0)
    assert sorted(sides.values()).count("train") == 6
    assert sorted(sides.values()).count("test") == 2
    assert dealt(names, 0) == sides != dealt(names, 1)
    with pytest.raises(EdgeEmotionError, match="found 2"):
        dealt(["a", "b"], 0)


def test_a_clips_presentations_end_within_it():
    assert ends(round(3.7 * 16000)) == [4, 5, 6, 7]
    assert ends(round(1.2 * 16000)) == [1, 2]
    assert ends(round(0.4 * 16000)) == []
    assert PERIOD == 0.5


def test_filmed_clips_are_seen_and_heard_as_on_the_device(tmp_path):
    for number, emotion in enumerate(("anger", "happiness", "fear"), start=1):
        place = tmp_path / f"subject {number}" / emotion / "sentence 1"
        place.mkdir(parents=True)
        shutil.copyfile(DEMO, place / f"s{number}_1.mp4")
    material = video_material("enterface-video", tmp_path, 0, workers=1)
    assert sorted(CLASSES[label] for label in material.labels) == ["anger", "fear", "happiness"]
    assert set(material.sides) == set(SIDES)
    assert (np.bincount(material.shown.clip) == KEPT).all()
    seen, sound = look(DEMO)
    assert list(seen) == ends(len(sound)) == [19, 20, 21, 22]
    assert material.shown.voice.any()


def test_an_unknown_corpus_is_refused(tmp_path):
    with pytest.raises(EdgeEmotionError, match="ravdess-video, enterface-video"):
        video_material("emodb", tmp_path, 0)
