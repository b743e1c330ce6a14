"""Filmed faces: published layouts, videos through a stand-in front end, cached nodes, folds, the command line."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face import FACE, FACE_LANDMARKS
from edge_emotion.sources.frame import Frame
from edge_emotion_train import cli, face_video
from edge_emotion_train.corpora import enterface_video, ravdess_video, rml_video
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.protocols import speaker_folds

av = pytest.importorskip("av")

POINTS = np.random.default_rng(0).uniform(10, 50, (68, 2)).astype(np.float32)


def made(folder, names):
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return folder


def said_of(corpus, folder):
    return [(c.path.name, c.speaker, c.label) for c in corpus.clips(folder)]


def test_ravdess_takes_are_read_once_with_sound_where_it_is_there_and_without_song(tmp_path):
    names = [
        "Actor_02/01-01-06-01-02-01-02.mp4", "Actor_02/02-01-06-01-02-01-02.mp4", "Actor_02/01-02-06-01-02-01-02.mp4",
        "Video_Speech_Actor_01/Actor_01/02-01-03-01-02-01-01.mp4", "Actor_02/._01-01-06-01-02-01-02.mp4",
    ]  # fmt: skip
    assert said_of(ravdess_video, made(tmp_path, names)) == [
        ("01-01-06-01-02-01-02.mp4", "ravdess-02", "fearful"),
        ("02-01-03-01-02-01-01.mp4", "ravdess-01", "happy"),
    ]


def test_rml_has_parts_and_languages_or_not(tmp_path):
    names = ["rml-1/s1/an1.avi", "rml-2/s8/Mandarin/su12.avi", "s3/Fe2.AVI"]
    assert said_of(rml_video, made(tmp_path, names)) == [
        ("Fe2.AVI", "rml-03", "fear"),
        ("an1.avi", "rml-01", "anger"),
        ("su12.avi", "rml-08", "surprise"),
    ]


def test_enterface_believes_the_folders(tmp_path):
    names = [
        "subject 11/disgust/sentence 2/s12_di_2.avi", "subject-3/sadness/sentence-5/s_3_sa_5.avi",
        "subject 6/anger/s6_an.avi",
    ]  # fmt: skip
    assert said_of(enterface_video, made(tmp_path, names)) == [
        ("s12_di_2.avi", "enterface-11", "disgust"),
        ("s_3_sa_5.avi", "enterface-03", "sadness"),
    ]


@pytest.mark.parametrize("corpus", [ravdess_video, rml_video, enterface_video])
@pytest.mark.parametrize("wrong", ["missing", "empty", "foreign"])
def test_a_wrong_folder_shows_the_expected_tree(corpus, wrong, tmp_path):
    folder = tmp_path / "data"
    if wrong != "missing":
        folder.mkdir()
    if wrong == "foreign":
        made(folder, ["Actor_01/holiday.mp4", "subject 1/holiday/beach/1.avi", "s1/holiday.avi"])
    with pytest.raises(EdgeEmotionError) as caught:
        corpus.clips(folder)
    assert corpus.TREE in str(caught.value)
    assert "\n" not in str(caught.value)


class Stand:
    """A front end that finds one face in every picture but black ones; its mouth opens with the brightness."""

    def reset(self):
        pass

    def find(self, image, time):
        level = float(image.mean())
        if level < 8:
            return []
        landmarks = POINTS.copy()
        landmarks[48:] += level / 10
        return [SimpleNamespace(identity=1, landmarks=landmarks, quality=1.0, problem=None)]


def frames(levels, rate=30):
    return [Frame(np.full((48, 48, 3), level, np.uint8), k / rate) for k, level in enumerate(levels)]


def test_the_longest_presence_is_kept():
    levels = [100] * 10 + [0] * 30 + [200] * 20 + [0] * 3 + [200] * 10
    nodes = face_video.presence_nodes(frames(levels), Stand(), None, FACE_LANDMARKS.width)
    assert nodes.shape == (33, 136)  # a gap of .1 s is bridged, one of 1 s is not
    assert np.allclose(nodes, nodes[0], atol=1e-5)


def test_no_face_gives_no_nodes():
    assert face_video.presence_nodes(frames([0] * 40), Stand(), None, 136).shape == (0, 136)


def test_the_rate_of_the_frames_changes_nothing_but_interpolation():
    ramp = np.linspace(50, 110, 61)
    fast, slow = (
        face_video.presence_nodes(frames(levels, rate), Stand(), None, 136)
        for levels, rate in ((ramp, 30), (ramp[::2], 15))
    )
    assert fast.shape == slow.shape == (61, 136)
    assert np.abs(fast - slow).max() < 0.01


def film(path, level, seconds=1.4, rate=15):
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=rate)
        stream.width = stream.height = 48
        stream.pix_fmt = "yuv420p"
        for k in range(round(seconds * rate)):
            image = np.full((48, 48, 3), level if k % 4 else level * 0.8, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)


@pytest.fixture
def rml(tmp_path, monkeypatch):
    """Four subjects, two emotions of different brightness, each filmed twice; the front end is a stand-in."""
    for subject in (1, 2, 3, 4):
        for name, level in (("an", 90), ("sa", 220)):
            for number in (1, 2):
                film(tmp_path / "rml" / f"s{subject}" / f"{name}{number}.avi", level + subject)
    monkeypatch.setattr(face_video.Eyes, "open", lambda _: (Stand(), None))
    return tmp_path / "rml"


def run(*arguments):
    return cli.main(["face-video", "--device", "cpu", "--workers", "1", *map(str, arguments)])


def test_one_command_trains_and_measures(rml, tmp_path, capsys, monkeypatch):
    film(rml / "s4" / "su1.avi", 0)
    arguments = (
        "--corpus",
        "rml-video",
        "--data",
        rml,
        "--protocol",
        "loso",
        "--epochs",
        2,
        "--cache",
        tmp_path / "c",
    )
    assert run(*arguments, "--out", tmp_path / "run") == 0
    out = capsys.readouterr().out
    assert "left out, too short a sight of a face: 1 clips" in out
    assert "su1.avi" in out
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert (metrics["test"]["folds"], metrics["title"]) == (4, "rml-video face-landmarks loso")
    assert (tmp_path / "run" / "confusion.png").is_file()

    def never(*_):
        raise AssertionError("nodes are read from the cache")

    monkeypatch.setattr(face_video.Eyes, "open", never)
    assert run(*arguments, "--out", tmp_path / "run") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--corpus", "rml-video", "--data", "{rml}", "--features", "face"), "--bundle"),
        (("--corpus", "rml-video", "--data", "{rml}", "--bundle", "x.emo"), "no --bundle"),
        (("--corpus", "ravdess-video", "--data", "{rml}"), "Actor_01"),
        (("--corpus", "afew", "--data", "{rml}"), "invalid choice"),
        (("--corpus", "rml-video", "--data", "{dark}"), "no face for 1 s in any of 1 videos"),
        (("--corpus", "rml-video", "--data", "{broken}"), "an1.avi"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_run(arguments, said, rml, tmp_path, capsys):
    film(tmp_path / "dark" / "s1" / "an1.avi", 0)
    made(tmp_path, ["broken/s1/an1.avi"])
    filled = [a.format(rml=rml, dark=tmp_path / "dark", broken=tmp_path / "broken") for a in arguments]
    assert run(*filled, "--cache", tmp_path / "cache", "--out", tmp_path / "run") == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in error
    assert not (tmp_path / "run").exists()


def test_other_code_or_features_make_other_cache_files():
    eyes = face_video.Eyes()
    assert face_video._code(FACE_LANDMARKS, eyes) == face_video._code(FACE_LANDMARKS, eyes)
    assert face_video._code(FACE_LANDMARKS, eyes) != face_video._code(FACE, eyes)


def test_folds_of_speakers_test_everyone_once():
    clips = [Clip(None, "c", f"c-{k:02d}", "anger") for k in range(13)]
    splits = speaker_folds(clips)
    assert sorted(i for split in splits for i in split.test) == list(range(13))
    assert all(split.validation and not set(split.train) & set(split.test) for split in splits)
    with pytest.raises(EdgeEmotionError, match="at least three speakers"):
        speaker_folds(clips[:2])


def test_the_real_front_end_on_a_real_clip(shared_data):
    path = shared_data / "clips" / "single_face.mp4"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    front_end, appearance = face_video.Eyes().open()
    nodes = face_video.presence_nodes(list(face_video._frames(path))[:45], front_end, appearance, 136)
    assert len(nodes) >= face_video.SHORTEST
    assert np.isfinite(nodes).all()
