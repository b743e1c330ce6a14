"""Loaders of motion corpora: names on small trees, what is left out, and the real one where it is."""

from collections import Counter

import pytest

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources.motion_file import read_motion
from edge_emotion_train.corpora import bandai_namco, bandai_namco_motion, ebedb, xem
from edge_emotion_train.corpora.motion_clip import WORDS


def made(folder, names):
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return folder


def told(corpus):
    return [(clip.label, clip.emotion, clip.action, clip.actor) for clip in corpus.clips]


def test_words_stand_for_the_seven_emotions():
    assert set(WORDS.values()) == set(EMOTIONS)
    assert all(WORDS[emotion] == emotion for emotion in EMOTIONS)


def test_bandai_namco_names_give_action_and_style(tmp_path):
    names = ["data/dataset-1_walk-back_angry_001.bvh", "data/dataset-1_bow_not-confident_001.bvh",
             "data/dataset-1_bow_normal_002.BVH", "data/dataset-1_bow_normal_002.json"]  # fmt: skip
    corpus = bandai_namco_motion.clips(made(tmp_path, names))
    assert told(corpus) == [
        ("normal", "neutral", "bow", None),
        ("not-confident", None, "bow", None),
        ("angry", "anger", "walk-back", None),
    ]
    assert corpus.warnings == ()
    assert {clip.corpus for clip in corpus.clips} == {"bandai-namco-1"}


def test_bandai_namco_2_has_styles_of_its_own(tmp_path):
    names = ["data/data/dataset-2_wave-left-hand_exhausted_012.bvh", "data/data/dataset-2_run_angry_001.bvh"]
    corpus = bandai_namco_motion.clips(made(tmp_path, names), 2)
    assert told(corpus) == [("exhausted", None, "wave-left-hand", None)]
    (line,) = corpus.warnings
    assert line == (
        f"bandai-namco-2: left out 1 file: angry is none of its styles (the first: {tmp_path / names[1]})"
    )
    with pytest.raises(EdgeEmotionError, match="1 or 2, got 3"):
        bandai_namco_motion.clips(tmp_path, 3)


def test_bandai_namco_1_as_training_takes_it_has_an_action_for_a_speaker(tmp_path):
    made(tmp_path, ["data/dataset-1_walk-back_angry_001.bvh", "data/dataset-1_bow_normal_001.bvh"])
    found = bandai_namco.clips(tmp_path)
    assert [(clip.corpus, clip.speaker, clip.label) for clip in found] == [
        (bandai_namco.NAME, "bow", "normal"),
        (bandai_namco.NAME, "walk-back", "angry"),
    ]
    made(tmp_path, ["data/holiday.bvh"])
    with pytest.raises(EdgeEmotionError, match="not named dataset-1_ACTION_STYLE_NUMBER"):
        bandai_namco.clips(tmp_path)


def test_files_that_were_unpacked_twice_count_once(tmp_path):
    name = "dataset-1_walk_sad_001.bvh"
    corpus = bandai_namco_motion.clips(made(tmp_path, [f"data/{name}", f"data/data/{name}"]))
    assert len(corpus.clips) == 1
    (left_out,) = corpus.left_out
    assert (left_out.path, left_out.why) == (tmp_path / f"data/{name}", "there twice")


def test_files_of_one_name_that_differ_are_all_there(tmp_path):
    made(tmp_path, ["joy/AnBh_1.bvh", "joy/again/AnBh_1.bvh"])
    (tmp_path / "joy/AnBh_1.bvh").write_text("longer")
    assert len(ebedb.clips(tmp_path).clips) == 2


@pytest.mark.parametrize(
    ("name", "actor", "label", "emotion"),
    [
        ("AnBh_Joy_01.bvh", "AnBh", "joy", "happiness"),
        ("dimi-012-SADNESS.bvh", "DiMi", "sadness", "sadness"),
        ("HeGaangry3.bvh", "HeGa", "anger", "anger"),
        ("lest_neutral_story1.BVH", "LeSt", "neutral", "neutral"),
        ("MaMaSurprised.bvh", "MaMa", "surprise", "surprise"),
        ("NoVo_fear.bvh", "NoVo", "fear", "fear"),
        ("PaPi_12_disgusted_002.bvh", "PaPi", "disgust", "disgust"),
        ("SiGl_pride.bvh", "SiGl", "pride", None),
        ("anbh_relieved.bvh", "AnBh", "relief", None),
        ("anbh_ashamed.bvh", "AnBh", "shame", None),
        ("anbh_amused.bvh", "AnBh", "amusement", None),
        ("AnBh/joy/017.bvh", "AnBh", "joy", "happiness"),
        ("sadness/NoVo17.bvh", "NoVo", "sadness", "sadness"),
        ("sadness/NoVo_joy.bvh", "NoVo", "joy", "happiness"),  # the name counts before the folder
    ],
)
def test_ebedb_names_carry_actor_and_emotion(name, actor, label, emotion, tmp_path):
    corpus = ebedb.clips(made(tmp_path / "anger of DiMi", [name]))  # the folder's own name says nothing
    assert told(corpus) == [(label, emotion, None, f"ebedb-{actor}")]


def test_all_labels_of_ebedb_are_found(tmp_path):
    corpus = ebedb.clips(made(tmp_path, [f"AnBh_{label}.bvh" for label in ebedb.LABELS]))
    assert [clip.label for clip in corpus.clips] == list(ebedb.LABELS)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("AnBh_001.bvh", "no emotion"),
        ("joy.bvh", "no actor"),
        ("AnBh_joy_sad.bvh", "two emotions"),
        ("AnBh_DiMi_joy.bvh", "two actors"),
        # An emotion's word, or an actor's code, that is a part of another word alone.
        ("AnBh_saddle_3.bvh", "no emotion"),
        ("AnBh_crusade.bvh", "no emotion"),
        ("AnBh_unhappy.bvh", "no emotion"),
        ("AnBh_Enjoy.bvh", "no emotion"),
        ("AnBh-joystick.bvh", "no emotion"),
        ("AnBhFearless.bvh", "no emotion"),
        ("AnBhfearless.bvh", "no actor"),
        ("AnBh_shameless.bvh", "no emotion"),
        ("AnBh_mangery.bvh", "no emotion"),
        ("mamasita_joy.bvh", "no actor"),
        ("papinian_joy.bvh", "no actor"),
        ("lestat_joy.bvh", "no actor"),
        ("SiGlinde_joy.bvh", "no actor"),
        ("enjoyAnBh/crusade/017.bvh", "no emotion"),
    ],
)
def test_ebedb_names_that_say_none_or_two_are_left_out_with_the_reason(name, why, tmp_path):
    corpus = ebedb.clips(made(tmp_path, [name, "AnBh_joy_really.bvh", "._AnBh_joy.bvh"]))
    assert [clip.path.name for clip in corpus.clips] == ["AnBh_joy_really.bvh"]
    assert corpus.warnings == (f"ebedb: left out 1 file: its name says {why} (the first: {tmp_path / name})",)


@pytest.mark.parametrize(
    ("name", "actor", "label"),
    [
        ("MaMaSadStory.bvh", "MaMa", "sadness"),  # capitals part words
        ("SadMaMaStory.bvh", "MaMa", "sadness"),
        ("ANBH_SADNESS.bvh", "AnBh", "sadness"),
        ("anbhjoy2.bvh", "AnBh", "joy"),
        ("joyanbh.bvh", "AnBh", "joy"),
        ("PaPi_saddle_joy.bvh", "PaPi", "joy"),  # the misleading word says nothing, the other one does
        ("mamasita_NoVo_fear.bvh", "NoVo", "fear"),
        ("AnBh_joy_happy.bvh", "AnBh", "joy"),  # two words of one emotion
    ],
)
def test_ebedb_names_are_read_by_whole_words(name, actor, label, tmp_path):
    assert told(ebedb.clips(made(tmp_path, [name])))[0][::3] == (label, f"ebedb-{actor}")


def test_reasons_are_told_one_by_one_with_their_first_file(tmp_path):
    made(tmp_path, ["AnBh_joy.bvh", "AnBh_1.bvh", "AnBh_2.bvh", "joy.bvh"])
    assert ebedb.clips(tmp_path).warnings == (
        f"ebedb: left out 2 files: its name says no emotion (the first: {tmp_path / 'AnBh_1.bvh'})",
        f"ebedb: left out 1 file: its name says no actor (the first: {tmp_path / 'joy.bvh'})",
    )


def test_xem_folders_give_emotion_and_subject(tmp_path):
    names = ["Happiness/s01/take1.mvnx", "Happiness/s02/take1.mvnx", "sad/take2.mvnx", "boredom/take3.bvh",
             "take4.mvnx", "sad/s01/old/take5.mvnx", "sad/table.csv"]  # fmt: skip
    corpus = xem.clips(made(tmp_path, names))
    assert told(corpus) == [
        ("happiness", "happiness", None, "xem-s01"),
        ("happiness", "happiness", None, "xem-s02"),
        ("sad", "sadness", None, None),
        ("boredom", None, None, None),
    ]
    assert [(each.path.name, each.why) for each in corpus.left_out] == [
        ("take4.mvnx", "in no folder of an emotion"),
        ("take5.mvnx", "deeper than EMOTION/SUBJECT/"),
    ]


@pytest.mark.parametrize("corpus", [bandai_namco_motion, ebedb, xem])
@pytest.mark.parametrize("wrong", ["missing", "empty", "foreign"])
def test_a_wrong_folder_shows_the_expected_tree(corpus, wrong, tmp_path):
    folder = tmp_path / "data"
    if wrong != "missing":
        folder.mkdir()
    if wrong == "foreign":
        made(folder, ["holiday.bvh", "holiday.wav"])
    with pytest.raises(EdgeEmotionError) as caught:
        corpus.clips(folder)
    tree = corpus.TREE.format(1) if corpus is bandai_namco_motion else corpus.TREE
    assert tree in str(caught.value)
    assert "\n" not in str(caught.value)


def test_real_bandai_namco_1(shared_data):
    folder = shared_data / "body_bandai_namco_1"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    corpus = bandai_namco_motion.clips(folder)
    assert corpus.warnings == ()
    assert Counter(clip.label for clip in corpus.clips) == {
        "normal": 20,
        **dict.fromkeys(bandai_namco_motion.LABELS[1][1:], 11),
    }
    motion = read_motion(corpus.clips[0].path)
    assert motion.period == pytest.approx(1 / 30, abs=1e-5)
    assert len(motion.poses) > 30
