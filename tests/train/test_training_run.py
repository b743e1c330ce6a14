"""A whole run on a small made corpus: folders, metrics, pictures, resume, the command line's errors."""

import json
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
import soundfile

from edge_emotion.features.speech import FEATURE_SETS
from edge_emotion_train import cli
from edge_emotion_train.node_cache import cached_nodes, nodes_of, read_sound
from edge_emotion_train.waveform_augmentation import WaveformAugmentation

ACTORS = (1, 2, 5, 6, 9, 10)  # three folds of EmoBox


@pytest.fixture(scope="module")
def ravdess(tmp_path_factory):
    """Six actors, two emotions that differ in pitch, each said four times."""
    folder = tmp_path_factory.mktemp("ravdess")
    random = np.random.default_rng(0)
    time = np.arange(16_000) / 16_000
    for actor in ACTORS:
        place = folder / f"Actor_{actor:02d}"
        place.mkdir()
        for emotion, f0 in (("03", 260), ("04", 110)):
            for number in range(4):
                tone = sum(np.sin(2 * np.pi * (f0 + actor) * k * time) / k for k in range(1, 6))
                name = f"03-01-{emotion}-01-0{1 + number % 2}-0{1 + number // 2}-{actor:02d}.flac"
                soundfile.write(place / name, 0.1 * tone + 0.01 * random.standard_normal(len(time)), 16_000)
    return folder


def run(*arguments):
    return cli.main(["lgrin", "--device", "cpu", "--workers", "2", "--copies", "1", *map(str, arguments)])


def test_a_run_leaves_metrics_pictures_and_a_network(ravdess, tmp_path, capsys):
    out = tmp_path / "run"
    arguments = ("--corpus", "ravdess-speech", "--data", ravdess, "--cache", tmp_path / "cache", "--out", out)
    assert run(*arguments, "--epochs", 3, "--protocol", "all") == 0
    said = capsys.readouterr()
    assert "parameters" in said.out
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["validation"]["folds"] == 1
    assert 0 <= metrics["validation"]["uar_mean"] <= 1
    assert metrics["stamp"]["command"].startswith("edge-emotion-train lgrin")
    for picture in ("confusion.png", "adjacency.png"):
        assert (out / picture).read_bytes()[:4] == b"\x89PNG"
    config = json.loads((out / "model" / "config.json").read_text())
    assert config["window"]["features"] == FEATURE_SETS[0].features == len(config["window"]["mean"])
    assert config["label_map"]["calm"] == "neutral"
    assert (out / "model" / "weights.pt").is_file()


def test_folds_seeds_and_going_on(ravdess, tmp_path, capsys):
    out = tmp_path / "run"
    arguments = ("--corpus", "ravdess-speech", "--data", ravdess, "--cache", tmp_path / "cache", "--out", out)
    assert run(*arguments, "--epochs", 2, "--seeds", 2) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert (metrics["test"]["folds"], metrics["test"]["seeds"]) == (3, 2)
    assert len(metrics["jobs"]) == 3 * (1 + 2)
    assert sum(job["clips"] for job in metrics["jobs"] if job["role"] == "test") == 2 * 8 * len(ACTORS)
    done = {file: file.stat().st_mtime_ns for file in out.glob("*/outcome.npz")}
    (out / "fold01-seed1" / "outcome.npz").unlink()
    assert run(*arguments, "--epochs", 2, "--seeds", 2) == 0
    redone = [file.parent.name for file, when in done.items() if file.stat().st_mtime_ns != when]
    assert redone == ["fold01-seed1"]
    again = json.loads((out / "metrics.json").read_text())
    assert [job["uar"] for job in again["jobs"]] == [job["uar"] for job in metrics["jobs"]]
    capsys.readouterr()
    assert run(*arguments, "--epochs", 3, "--seeds", 2) == 2
    assert "another recipe" in capsys.readouterr().err


def test_another_protocol_or_other_data_never_gets_the_outcomes_found(ravdess, tmp_path, capsys):
    out = tmp_path / "run"
    common = ("--corpus", "ravdess-speech", "--data", ravdess, "--out", out, "--epochs", 1)
    cache = ("--cache", tmp_path / "cache")
    assert run(*common, *cache, "--protocol", "leaky") == 0
    assert run(*common, *cache, "--protocol", "loso") == 2
    assert "another protocol, split or data" in capsys.readouterr().err
    assert (
        cli.main(
            ["lgrin", "--copies", "0", "--workers", "1", *map(str, (*common, *cache, "--protocol", "leaky"))]
        )
        == 0
    )
    assert run(*common, *cache, "--protocol", "leaky") == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--corpus", "ravdess-speech", "--data", "{empty}"), "Actor_01"),
        (("--corpus", "emodb", "--data", "{empty}/none"), "03a01Fa.wav"),
        (("--corpus", "iemocap", "--data", "{empty}"), "ravdess-speech, emodb"),
        (("--corpus", "ravdess-speech"), "--data"),
        (("--corpus", "ravdess-speech", "--data", "{ravdess}", "--protocol", "cross"), "two corpora"),
        (("--corpus", "ravdess-speech", "--data", "{ravdess}", "--data", "{empty}"), "one for each"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(arguments, said, ravdess, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    filled = [a.format(empty=tmp_path / "empty", ravdess=ravdess) for a in arguments]
    try:
        code = run(*filled, "--cache", tmp_path / "cache", "--out", tmp_path / "run")
    except SystemExit as stopped:  # argparse's own
        code = stopped.code
    assert code == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in error
    assert "Traceback" not in error
    assert not (tmp_path / "run").exists()


def test_cuda_where_there_is_none(ravdess, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert cli.main(["lgrin", "--corpus", "emodb", "--data", str(ravdess), "--device", "cuda"]) == 2
    assert "--device cpu" in capsys.readouterr().err


def test_cached_nodes_are_the_streams_own_and_read_back(ravdess, tmp_path):
    from edge_emotion_train.corpora import ravdess_speech

    clips = ravdess_speech.clips(ravdess)[:3]
    made, read = (
        cached_nodes(clips, FEATURE_SETS[0], 2, WaveformAugmentation(), tmp_path, 1) for _ in range(2)
    )
    assert len(list(tmp_path.glob("*.npz"))) == 1
    for clip, first, second in zip(clips, made, read, strict=True):
        assert first.clip == clip
        assert len(first.copies) == 3
        assert np.array_equal(first.copies[0], nodes_of(read_sound(clip.path, 16_000), FEATURE_SETS[0]))
        assert all(np.array_equal(a, b) for a, b in zip(first.copies, second.copies, strict=True))


def test_a_clip_that_is_not_sound_is_named(tmp_path):
    from edge_emotion.errors import EdgeEmotionError

    (tmp_path / "a.wav").write_text("no sound")
    with pytest.raises(EdgeEmotionError, match=r"cannot read .*a\.wav as sound"):
        read_sound(tmp_path / "a.wav", 16_000)


def test_speakers_are_named_in_few_words():
    from edge_emotion_train.shipping import named_speakers

    names = ["ravdess-02", "ravdess-01", "ravdess-03", "ravdess-07", "emodb-08", "emodb-03", "own-anna"]
    assert named_speakers(names) == "emodb 03, 08; own anna; ravdess 01-03, 07"


def test_a_killed_worker_is_one_line(monkeypatch, capsys):
    def killed(*_):
        raise BrokenProcessPool

    monkeypatch.setattr("edge_emotion_train.synch.one_run.train_one", killed)
    assert cli.main(["synch-graph"]) == 2
    assert capsys.readouterr().err.startswith("edge-emotion-train: a worker was killed")
