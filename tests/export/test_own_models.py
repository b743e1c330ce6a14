"""Own models from end to end: ten labelled clips, a run, a bundle, and the bundle recognises the clips."""

import json
import shutil
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import soundfile
import soxr
import torch

from edge_emotion.bundle import read_bundle
from edge_emotion.emotions import EMOTIONS
from edge_emotion.engine import open_engine
from edge_emotion_train import cli, face_video, own_place, own_run, own_windows
from edge_emotion_train.calibration_data import read_calibration
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.own_calibration import own_calibration
from edge_emotion_train.own_folds import own_folds
from edge_emotion_train.own_head import Head, careful_temperature, first_head, fitted_head
from edge_emotion_train.own_start import open_start, pack_start
from edge_emotion_train.own_windows import ClipWindows

VOICES = {"happy": 1.22, "sad": 0.85}  # label -> how much faster and higher than the recording
PIECES = (0.0, 1.2, 4.2, 6.0, 8.2)  # seconds where each begins


@pytest.fixture(scope="module")
def spoken() -> np.ndarray:
    """Eleven seconds of real speech."""
    with resources.as_file(resources.files("edge_emotion") / "data" / "demo.flac") as file:
        return soundfile.read(file, dtype="float32")[0]


@pytest.fixture(scope="module")
def ten(tmp_path_factory, spoken) -> Path:
    """Ten clips: pieces of one recording in a high, quick and in a low, slow voice, five each."""
    folder = tmp_path_factory.mktemp("own") / "mine"
    for label, speed in VOICES.items():
        (folder / label).mkdir(parents=True)
        for number, begin in enumerate(PIECES):
            piece = spoken[round(begin * 16_000) :][:40_000]
            changed = soxr.resample(piece, 16_000 * speed, 16_000)
            soundfile.write(folder / label / f"{number}.wav", changed, 16_000)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


def own(*arguments) -> int:
    return cli.main(["own", "--workers", "1", *map(str, arguments)])


@pytest.fixture(scope="module")
def run(ten, cache) -> Path:
    out = ten.parent / "run"
    assert own(ten, "--out", out, "--cache", cache) == 0
    return out


def emotions(bundle: Path, clip: Path) -> set[str]:
    from edge_emotion.recognizer import Recognizer

    estimates = [e for e in Recognizer.open(bundle, smoothing=0).file(clip) if e.abstained is None]
    assert estimates
    return {estimate.emotion for estimate in estimates}


def test_ten_clips_make_a_bundle_that_recognises_them(ten, run, tmp_path):
    """The three commands of docs/own-models.md, the second and third by the functions they call."""
    export = pytest.importorskip("edge_emotion_export.export", reason="needs the extra export")
    pytest.importorskip("litert_torch", reason="needs the extra export")
    bundle = tmp_path / "mine.emo"
    export.export_bundle(run, bundle, formats=["tflite"], quantize=["none"])
    made = read_bundle(bundle)
    assert (made.modality, made.labels) == ("voice", ("happy", "sad"))
    assert "own folder mine" in made.card
    for label, emotion in (("happy", "happiness"), ("sad", "sadness")):
        for clip in sorted((ten / label).glob("*.wav")):
            assert emotions(bundle, clip) == {emotion}, clip


def test_the_run_says_what_was_measured_and_how(run):
    result = json.loads((run / "own.json").read_text())
    assert (result["clips"], result["speakers"], result["by"], result["start"]) == (
        10,
        None,
        "clips",
        "voice",
    )
    assert "the same people" in result["split"]
    assert result["held_out"]["accuracy"] >= 0.8 > result["start_alone"]["accuracy"]
    assert 0.1 <= result["temperature"] <= 10
    assert (run / "confusion.png").read_bytes()[:4] == b"\x89PNG"
    about = json.loads((run / "model" / "config.json").read_text())["about"]
    assert about["corpora"] == ["own folder mine", "ravdess-speech", "emodb"]
    assert "yours" in about["licence"]
    assert "happiness, sadness and nothing else" in " ".join(about["limits"])


def test_the_same_command_gives_the_same_model_and_other_clips_are_refused(
    ten, run, cache, tmp_path, capsys, monkeypatch
):
    def never(*_):
        raise AssertionError("clips are read from the cache")

    monkeypatch.setattr(own_windows, "read_sound", never)
    assert own(ten, "--out", tmp_path / "again", "--cache", cache) == 0
    first, again = (torch.load(place / "model" / "weights.pt") for place in (run, tmp_path / "again"))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert own(ten, "--out", run, "--cache", cache) == 0
    capsys.readouterr()
    assert own(ten, "--out", run, "--cache", cache, "--seed", 1) == 2
    assert "choose another --out" in capsys.readouterr().err


def interrupt(*_):
    raise KeyboardInterrupt


def test_an_interrupted_writing_leaves_nothing_and_the_same_command_goes_on(
    ten, cache, tmp_path, monkeypatch
):
    with monkeypatch.context() as broken:
        broken.setattr(own_run, "_draw", interrupt)  # the model is written, own.json is not
        assert own(ten, "--out", tmp_path / "run", "--cache", cache) != 0
    assert list(tmp_path.iterdir()) == []
    killed = tmp_path / ".run.unfinished" / "model"  # as a power cut leaves it
    killed.mkdir(parents=True)
    (killed / "half.pt").touch()
    assert own(ten, "--out", tmp_path / "run", "--cache", cache) == 0
    assert [place.name for place in tmp_path.iterdir()] == ["run"]
    assert sorted(file.name for file in (tmp_path / "run" / "model").iterdir()) == [
        "config.json",
        "weights.pt",
    ]


def test_a_move_into_a_folder_that_is_there_goes_on_after_an_interruption(ten, cache, tmp_path, monkeypatch):
    out, move = tmp_path / "run", own_place._move
    out.mkdir()

    def once(entry, target):
        if target.name != "own.json":
            interrupt()
        move(entry, target)

    with monkeypatch.context() as broken:
        broken.setattr(own_place, "_move", once)
        assert own(ten, "--out", out, "--cache", cache) != 0
    assert [file.name for file in out.iterdir()] == ["own.json"]
    (out / "mine.emo").touch()
    assert own(ten, "--out", out, "--cache", cache) == 0
    (out / "model" / "calibration.npz").touch()  # of an earlier version
    assert own(ten, "--out", out, "--cache", cache) == 0
    assert sorted(file.name for file in out.iterdir()) == ["confusion.png", "mine.emo", "model", "own.json"]
    assert sorted(file.name for file in (out / "model").iterdir()) == ["config.json", "weights.pt"]


def numbered(speakers: str, each: int = 2) -> list[ClipWindows]:
    """Two labels by turns, a letter a clip's speaker; all numbers of a clip's windows are the clip's own."""
    return [
        ClipWindows(
            Clip(Path(f"{i}.wav"), "mine", f"mine-{who}", ("happy", "sad")[i % 2]),
            np.full((each, 3, 4), i, np.float32),
        )
        for i, who in enumerate(speakers)
    ]


@pytest.mark.parametrize("known", [True, False])
def test_who_judges_int8_gave_no_ranges(known):
    found, contract = numbered("aabbbbbbcc"), open_start("voice").window
    kinds = np.arange(10) % 2
    folds = own_folds([each.clip for each in found], known, seed=0)
    said: list[str] = []
    if not known:  # five folds of two clips: 4 windows
        assert own_calibration(contract, found, kinds, folds, said.append) is None
        assert len(said) == 1 and "4 windows at most, judging int8 takes 8" in said[0]
        found = numbered("aabbbbbbcc", each=4)
        said.clear()
    data = own_calibration(contract, found, kinds, folds, said.append)
    assert data is not None and not said
    judges, ranges = set(data.check[:, 0, 0].astype(int)), set(data.windows[:, 0, 0].astype(int))
    assert ranges == set(range(10)) - judges
    assert data.truth.tolist() == (data.check[:, 0, 0].astype(int) % 2).tolist()
    if known:
        assert judges == {2, 3, 4, 5, 6, 7}, "all of speaker b, nobody else"
    else:
        assert judges in [set(fold) for fold in folds.folds]


def test_clips_of_many_windows_are_written_to_quantise_by_and_those_of_few_are_not(
    spoken, run, ten, cache, tmp_path, capsys
):
    assert not (run / "model" / "calibration.npz").exists()
    assert own(ten, "--out", tmp_path / "few", "--cache", cache) == 0
    assert capsys.readouterr().out.count("the export writes fp32 alone") == 1
    folder = tmp_path / "long"
    for label, speeds in (("happy", (1.2, 1.25)), ("sad", (0.85, 0.9))):
        (folder / label).mkdir(parents=True)
        for speed in speeds:
            soundfile.write(
                folder / label / f"{speed}.wav", soxr.resample(spoken, 16_000 * speed, 16_000), 16_000
            )
    assert own(folder, "--out", tmp_path / "many", "--cache", cache) == 0
    assert "fp32 alone" not in capsys.readouterr().out
    data = read_calibration(tmp_path / "many" / "model" / "calibration.npz")
    assert len(data.check) >= 8 and len(data.windows) >= 8
    assert set(data.truth.tolist()) == {0, 1}
    ranges = {window.tobytes() for window in data.windows}
    assert not ranges & {window.tobytes() for window in data.check}


def test_a_run_starts_from_an_own_run(ten, run, cache, tmp_path):
    assert own(ten, "--out", tmp_path / "next", "--cache", cache, "--start", run) == 0
    result = json.loads((tmp_path / "next" / "own.json").read_text())
    assert result["start_alone"]["accuracy"] == 1.0


def test_clips_without_speech_are_left_out_and_named(ten, cache, tmp_path, capsys):
    folder = shutil.copytree(ten, tmp_path / "mine")
    noise = 0.1 * np.random.default_rng(0).standard_normal(40_000)
    soundfile.write(folder / "sad" / "wind.wav", noise, 16_000)
    assert own(folder, "--out", tmp_path / "run", "--cache", cache) == 0
    assert "no speech in them: 1 of 11 clips: wind.wav" in capsys.readouterr().out
    for clip in list((folder / "sad").glob("[1-4].wav")):
        soundfile.write(clip, noise, 16_000)
    assert own(folder, "--out", tmp_path / "other", "--cache", cache) == 2
    assert "sad has 1" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("break_it", "arguments", "said"),
    [
        (lambda d: (d / "sad" / "1.wav").write_text("none"), (), "1 of 10 clips cannot be read"),
        (
            lambda d: shutil.copy(d / "sad" / "1.wav", d / "happy" / "x.wav"),
            (),
            "are the same clip under two labels, happy and sad",
        ),
        (lambda d: (d / "sad" / "1.mp4").write_text("none"), (), "mixes 10 sound files with 1 videos"),
        (lambda d: (d / "labels.json").write_text('{"sad": "tired"}'), (), "says 'tired'"),
        (lambda d: None, ("--modality", "face"), "no videos"),
        (lambda d: None, ("--start", "nowhere"), "cannot start from nowhere"),
        (lambda d: None, ("--workers", "0"), "--workers"),
        (lambda d: None, ("--seed", "-1"), "--seed"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_run(break_it, arguments, said, ten, cache, tmp_path, capsys):
    folder = shutil.copytree(ten, tmp_path / "mine")
    break_it(folder)
    assert own(folder, "--out", tmp_path / "run", "--cache", cache, *arguments) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("edge-emotion-train: ")
    assert said in error
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("modality", ["voice", "face"])
def test_the_packed_starts_are_the_shipped_networks(modality):
    start, bundle = open_start(modality), read_bundle(modality)
    assert bundle.about["date"] == start.about["date"], "pack it anew: python -m edge_emotion_train.own_start"
    assert (start.labels, start.window) == (bundle.labels, bundle.window)
    random = np.random.default_rng(0)
    windows = random.normal(0, 1, (8, start.window.nodes, start.window.features)).astype(np.float32)
    engine = open_engine(bundle, precision="fp32")
    shipped = np.concatenate([engine.run(window[None]) for window in windows])
    with torch.no_grad():
        packed = start.network(torch.from_numpy(windows)).numpy()
    assert np.abs(shipped - packed).max() < 0.05  # matrices are packed in half precision
    pooled = start.pooled(torch.from_numpy(windows))
    last = start.network.head[-1]
    assert np.allclose((pooled @ last.weight.T + last.bias).detach().numpy(), packed, atol=1e-4)


def test_a_start_of_the_other_modality_is_refused(run, tmp_path, capsys):
    from edge_emotion.errors import EdgeEmotionError

    with pytest.raises(EdgeEmotionError, match="it is a voice network"):
        open_start("face", run)


def test_packing_keeps_a_run(run, tmp_path, monkeypatch):
    pack_start(run, tmp_path / "voice.npz")
    monkeypatch.setattr("edge_emotion_train.own_start.STARTS", tmp_path)
    packed, own_run = open_start("voice"), open_start("voice", run)
    assert (packed.labels, packed.temperature) == (own_run.labels, own_run.temperature)
    assert torch.allclose(packed.network.head[-1].weight, own_run.network.head[-1].weight, atol=1e-2)


def test_without_clips_to_learn_from_the_last_layer_is_the_starts():
    """Emotions of one row keep it, calm and neutral add up; T = the start's."""
    start = open_start("voice")
    first = first_head(start, ["joy", "still"], {"joy": "happiness", "still": "neutral"})
    last, T = start.network.head[-1], start.temperature
    happy, calm, neutral = (start.labels.index(word) for word in ("happy", "calm", "neutral"))
    assert torch.allclose(first.weight[0], last.weight[happy] / T)
    assert torch.allclose(first.weight[1], (last.weight[calm] + last.weight[neutral]) / 2 / T)
    both = (last.bias[calm] + last.bias[neutral]) / 2 / T + np.log(2)
    assert torch.allclose(first.bias[1], both)
    pooled = [torch.randn(2, first.weight.shape[1]) for _ in range(4)]
    held = fitted_head(first, pooled, np.array([0, 1, 0, 1]), penalty=1e9)
    assert torch.allclose(held.weight, first.weight, atol=1e-4)


def test_the_last_layer_of_two_clips_worked_by_hand():
    """z = +-1, W0 = b0 = 0: by symmetry W = (-w, w), b = 0 with w = sigmoid(-2 w) 2 / penalty."""
    first = Head(torch.zeros(2, 1), torch.zeros(2))
    head = fitted_head(first, [torch.tensor([[-1.0]]), torch.tensor([[1.0]])], np.array([0, 1]), penalty=2.0)
    w = float(head.weight[1, 0])
    assert float(head.weight[0, 0]) == pytest.approx(-w, abs=1e-5)
    assert head.bias.abs().max() < 1e-5
    assert w == pytest.approx(1 / (1 + np.exp(2 * w)), abs=1e-4)


def test_few_clips_ask_for_no_certainty():
    groups = np.eye(len(EMOTIONS))[:2]
    right = [np.array([[3.0, 0.0]])], np.array([0])
    assert 0.5 < careful_temperature(*right, groups) < 1.0
    wrong = [np.array([[3.0, 0.0]])] * 20, np.array([1] * 20)
    assert careful_temperature(*wrong, groups) > 3


class Stand:
    """A front end that finds one face in every picture but black ones; its mouth opens with the brightness."""

    def reset(self):
        pass

    def find(self, image, time):
        level = float(image.mean())
        points = np.random.default_rng(0).uniform(10, 50, (68, 2)).astype(np.float32)
        points[48:] += level / 10
        face = SimpleNamespace(identity=1, landmarks=points, quality=1.0, problem=None)
        return [face] if level >= 8 else []


def film(path, level, seconds=1.4, rate=15):
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=rate)
        stream.width = stream.height = 48
        stream.pix_fmt = "yuv420p"
        for _ in range(round(seconds * rate)):
            for packet in stream.encode(
                av.VideoFrame.from_ndarray(np.full((48, 48, 3), level, np.uint8), format="bgr24")
            ):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)


def test_videos_make_a_face_model_measured_on_other_people(cache, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(face_video.Eyes, "open", lambda _: (Stand(), None))
    folder = tmp_path / "faces"
    for label, level in (("calm", 60), ("surprised", 220)):
        for person in ("anna", "ben"):
            for number in (1, 2):
                film(folder / label / person / f"{number}.mp4", level + number)
    film(folder / "calm" / "ben" / "dark.mp4", 0)
    assert own(folder, "--out", tmp_path / "run", "--cache", cache) == 0
    said = capsys.readouterr().out
    assert "no face for a second in them: 1 of 9 clips: dark.mp4" in said
    assert "speakers: anna, ben" in said
    result = json.loads((tmp_path / "run" / "own.json").read_text())
    assert (result["modality"], result["by"], result["speakers"], result["clips"]) == (
        "face",
        "speakers",
        2,
        8,
    )
    assert result["held_out"]["accuracy"] == 1.0
    trained = pytest.importorskip("edge_emotion_export.trained_model", reason="needs the extra export")
    model = trained.load_trained_model(tmp_path / "run")
    assert (model.labels, model.window["feature_set"]) == (["calm", "surprised"], "face")
    assert model.appearance is not None
