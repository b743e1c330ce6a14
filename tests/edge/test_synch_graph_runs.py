"""Synch-Graph from end to end: a clip, a camera and a microphone, the command line, what is shown, the bench."""

import io
import json
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rich.console import Console

from edge_emotion import cli
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import Estimate
from edge_emotion.fusion import Event, Fusion
from edge_emotion.outputs.lines import line
from edge_emotion.outputs.terminal import TerminalView
from edge_emotion.pipeline import JointListener, Run
from edge_emotion.session import SessionSettings, open_session, recognize
from edge_emotion.settings import (
    AudioFileSettings,
    CameraSettings,
    FaceRecognizerSettings,
    MicrophoneSettings,
    RecognizerSettings,
    SynchGraphSettings,
    VideoFileSettings,
)
from edge_emotion.sources.sound import SoundBlock
from edge_emotion.sources.timed_sound import Ended, TimedSound
from fake_faces import even, frames
from fake_presentations import RATE, in_step, recognizer, said, voice
from fake_senses import FakeSource
from fakes import FakePortAudio

CLIP = Path(str(resources.files("edge_emotion") / "data" / "demo.mp4"))
P = np.array([0.1, 0.05, 0.05, 0.6, 0.1, 0.05, 0.05], np.float32)


@pytest.fixture
def both(tiny_synch_bundle: Path) -> SynchGraphSettings:
    return SynchGraphSettings(str(tiny_synch_bundle))


@pytest.fixture
def model(tiny_synch_bundle: Path) -> list[str]:
    return ["--model", str(tiny_synch_bundle)]


def told(event: Event) -> tuple[Any, ...]:
    return event.time, event.identity, *said(event.modalities.values())


def live(seconds: float, sound_starts: float = 0.0, chunk: float = 0.08) -> list[Any]:
    """Items of a camera and a microphone, in the order in which they are due."""
    sound, size = voice(seconds), round(chunk * RATE)
    items: list[tuple[float, Any]] = [(frame.time, frame) for frame in frames(even(25, seconds))]
    for begin in range(0, len(sound), size):
        block = SoundBlock(sound[begin : begin + size])
        time = sound_starts + begin / RATE
        items.append((time + len(block.samples) / RATE, TimedSound(block, time)))
    return [item for _, item in sorted(items, key=lambda given: given[0])]


def run_of(items: list[Any], **given: Any) -> tuple[Run, list[Event]]:
    judge = recognizer(**given)
    run = Run(FakeSource(items), judge.listener, judge.watcher, Fusion(hops={"face-voice": 0.5}))
    return run, list(run)


def test_a_clip_gives_events_of_one_modality(both: SynchGraphSettings) -> None:
    pytest.importorskip("av")
    session = open_session(SessionSettings(video=VideoFileSettings(CLIP), face_voice=both, seconds=4.2))
    assert session.needs == {"face-voice": 3.0}
    assert session.title == "demo.mp4 · tiny-synch on onnx"
    assert (session.voice, session.face) == (None, None)
    events = list(session.run)
    assert [event.time for event in events] == [3.0, 3.5, 4.0]
    for event in events:
        assert (set(event.modalities), event.identity) == ({"face-voice"}, 1)
        assert event.probabilities is not None and event.valence is not None
        assert event.probabilities.sum() == pytest.approx(1.0, abs=1e-5)
    summary = str(session.run.summary())
    assert summary.startswith("3 windows (0 abstained) in 4.")
    assert " s of sound and pictures (10" in summary
    assert summary.endswith("0 frames and 0 samples dropped")


def test_chunks_of_sound_change_no_event_of_a_clip(both: SynchGraphSettings) -> None:
    pytest.importorskip("av")

    def events(chunk: float) -> list[Any]:
        settings = SessionSettings(video=VideoFileSettings(CLIP, chunk), face_voice=both, seconds=6.0)
        return [told(event) for event in open_session(settings).run]

    whole = events(0.08)
    assert len(whole) == 7
    assert events(0.01) == whole
    assert events(3.0) == whole


def test_a_live_run_is_what_the_senses_gave() -> None:
    run, events = run_of(live(5.0))
    assert [told(event)[2:] for event in events] == [
        (one,) for one in said(in_step(recognizer(), voice(5.0)))
    ]
    (sense,) = run.summary().senses
    assert (sense.modality, sense.windows, sense.frames, sense.dropped_sound) == ("face-voice", 5, 126, 0)
    assert isinstance(recognizer().listener, JointListener)


def test_a_microphone_that_starts_after_the_camera_is_heard_in_its_place() -> None:
    _, events = run_of(live(5.0, sound_starts=0.3))
    later = np.concatenate([np.zeros(round(0.3 * RATE), np.float32), voice(5.0)])
    expected = in_step(recognizer(), later[: 5 * RATE])
    assert [event.time for event in events][:5] == [e.time for e in expected]
    for event, estimate in zip(events, expected, strict=False):
        assert np.array_equal(event.probabilities, estimate.probabilities)  # type: ignore[arg-type]


def test_a_microphone_that_is_gone_leaves_no_sound() -> None:
    items = [item for item in live(7.0) if not (isinstance(item, TimedSound) and item.time >= 3.0)]
    _, events = run_of([*items[:150], Ended("voice"), *items[150:]])
    assert [next(iter(event.modalities.values())).abstained for event in events][-2:] == ["no sound"] * 2
    assert events[0].probabilities is not None


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({"audio": AudioFileSettings(CLIP)}, "give a video, or a camera and a microphone, not audio alone"),
        ({"camera": CameraSettings()}, "judges a face and a voice as one: .* not camera alone"),
        ({"microphone": MicrophoneSettings()}, "not microphone alone"),
        ({"video": VideoFileSettings(CLIP), "seconds": 0.0}, "more than 0 s"),
    ],
)
def test_one_sense_alone_is_refused(sources: dict[str, Any], said: str) -> None:
    with pytest.raises(EdgeEmotionError, match=said):
        SessionSettings(face_voice=SynchGraphSettings(), **sources)


def test_a_model_in_the_wrong_place_says_where_it_belongs(tiny_synch_bundle: Path, tiny_bundle: Path) -> None:
    pytest.importorskip("av")
    path = str(tiny_synch_bundle)
    with pytest.raises(
        EdgeEmotionError, match=r"expected one for voice: recognize\(\) takes it as face_voice"
    ):
        recognize(video=CLIP, voice=RecognizerSettings(path))
    with pytest.raises(
        EdgeEmotionError, match=r"expected one for face: recognize\(\) takes it as face_voice"
    ):
        recognize(camera=str(CLIP), face=FaceRecognizerSettings(path))
    with pytest.raises(EdgeEmotionError, match="is for voice; expected one for face-voice"):
        recognize(video=CLIP, face_voice=SynchGraphSettings(str(tiny_bundle)))
    with pytest.raises(EdgeEmotionError, match="leave voice and face out"):
        recognize(video=CLIP, face_voice=SynchGraphSettings(path), voice=RecognizerSettings())


def test_a_video_without_sound_abstains_and_says_so(both: SynchGraphSettings, tmp_path: Path) -> None:
    pytest.importorskip("av")
    path = tmp_path / "mute.mp4"
    capture = cv2.VideoCapture(str(CLIP))
    _, image = capture.read()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, image.shape[1::-1])
    for _ in range(90):
        writer.write(image)
    writer.release()
    run = recognize(video=path, face_voice=both)
    estimates = [event.modalities["face-voice"] for event in run]
    assert [(e.time, e.abstained) for e in estimates] == [(3.0, "no sound"), (3.5, "no sound")]
    assert run.warnings == [f"mute.mp4 has no sound: model {both.model} needs both, and abstains"]


def test_json_lines_of_a_clip(model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("av")
    assert cli.main(["--video", str(CLIP), "--json", "--seconds", "3.6", *model]) == 0
    output = capsys.readouterr()
    first, second = (json.loads(text) for text in output.out.splitlines())
    assert (first["v"], first["t"], second["t"], first["identity"]) == (1, 3.0, 3.5, 1)
    assert set(first["modalities"]) == {"face-voice"}
    assert first["p"] == first["modalities"]["face-voice"]["p"]
    assert set(first["modalities"]["face-voice"]) == {
        "emotion", "p", "quality", "abstained", "latency_ms", "computing_ms", "age_ms"
    }  # fmt: skip
    assert output.err.splitlines()[-1].startswith("2 windows (0 abstained)")


def test_the_demo_with_one_model(model: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("av")
    assert cli.main(["demo", "--seconds", "3.2", *model]) == 0
    (shown,) = capsys.readouterr().out.splitlines()
    assert shown.startswith("   3.00 s  ")


def test_a_camera_and_a_microphone(
    model: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = np.zeros((1600, 1), np.int16)
    portaudio = FakePortAudio([("USB mic", 1, (16000,))], [sound] * 5, default=0)
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    monkeypatch.setattr(
        "edge_emotion.sources.camera.Camera", lambda settings: FakeSource(frames(even(25, 1.0)))
    )
    live = ["--camera", "0", "--mic", "default", "--json", "--seconds", "1.5"]
    assert cli.main([*live, *model]) == 0
    output = capsys.readouterr()
    assert "warning: fake ended; the others go on" in output.err
    told = [json.loads(text) for text in output.out.splitlines()]
    assert all(line["emotion"] is None for line in told if "notice" not in line)
    assert "of sound and pictures" in output.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mic", "default"], "judges a face and a voice as one, needs both: give --camera and --mic"),
        (["--camera", "0"], "needs both: give --camera and --mic, or --video with its sound"),
        (["--audio", "clip.wav"], "needs both"),
        (["--video", "clip.mp4", "--no-voice"], "needs both"),
        (["--video", "clip.mp4", "--no-face"], "needs both"),
        (["demo", "--audio-only"], "needs both"),
        (["--video", str(CLIP), "--face-model", "face"], "--face-model does not go with --model"),
        (["--video", str(CLIP), "--faces", "2"], "--faces 2 does not go with --model"),
        (["--video", str(CLIP), "--engine", "litert"], "no network for litert, it has: onnx fp32"),
        (["--video", str(CLIP), "--precision", "int8"], "no int8 network for onnx, it has: onnx fp32"),
        (["--video", "nowhere.mp4"], "nowhere.mp4"),
        (["bench", "--face-model", "face"], "--face-model does not go with --model"),
        (["bench", "--voice"], "--voice does not go with --model"),
        (["bench", "--face"], "--face does not go with --model"),
        (["bench", "--compare", "fer"], "--compare does not go with --model"),
        (["bench", "--engine", "litert"], "no network for litert, it has: onnx fp32"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    model: list[str], arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("av")
    assert cli.main([*arguments, *model]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err.splitlines()[-1]
    assert sum(text.startswith("edge-emotion: ") for text in output.err.splitlines()) == 1


def test_a_model_that_is_missing_is_told_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("av")
    assert cli.main(["--video", str(CLIP), "--model", "synch-grap"]) == 2
    assert "no model 'synch-grap'" in capsys.readouterr().err.splitlines()[-1]


def test_models_shows_what_the_spiking_network_sees(
    tiny_synch_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["models", str(tiny_synch_bundle)]) == 0
    shown = capsys.readouterr().out
    assert "modality     face-voice" in shown
    assert "6 nodes of 0.5 s = 3.00 s, an estimate each 0.50 s" in shown
    assert "spiking      4 windows of 40 x 40 over the face, 4 of 40 x 40 over the sound" in shown
    assert "onnx fp32 (spiking), sha256 " in shown


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "edge-emotion --model synch-graph --camera 0 --mic default" in capsys.readouterr().out


SEEN = Estimate(3.5, "face-voice", P, 0.63, 0.0488, computing=0.01, identity=1)
GONE = Estimate(4.0, "face-voice", None, 0.0, 0.01, "no face")


def test_lines_and_the_terminal_show_one_modality() -> None:
    fusion = Fusion(hops={"face-voice": 0.5})
    assert line(fusion.update(SEEN)) == "   3.50 s  anger       60%   quality  63%  48.8 ms"
    assert line(fusion.update(GONE)) == "   4.00 s  (no face)         quality   0%"
    console = Console(
        file=(stream := io.StringIO()), width=60, height=24, force_terminal=True, color_system=None
    )
    view = TerminalView(
        console,
        "clip.mp4",
        {"face-voice": 3.0},
        iter(range(100)).__next__,
        {"face": 7, "voice": 5}.__getitem__,
    )
    view.meter(1.2, -30.0)
    view.frame(frames([0.0])[0], [])
    assert "face-voice  watching: 1.2 of 3.0 s" in stream.getvalue()
    view.show(Fusion().update(SEEN))
    view.close()
    shown = stream.getvalue()
    assert "face-voice  anger 60%, quality 63%" in shown
    assert "dropped 7 frames, 5 samples" in shown
    assert "-30 dBFS" in shown


def test_an_event_belongs_to_the_face_that_was_judged() -> None:
    fusion = Fusion(hops={"face-voice": 0.5})
    assert fusion.update(SEEN).identity == 1
    (event,) = fusion.together([Estimate(4.0, "face-voice", P, 0.6, 0.0, identity=2)])
    assert (event.identity, set(event.modalities)) == (2, {"face-voice"})
    gone = fusion.update(Estimate(4.5, "face-voice", None, 0.0, 0.0, "no face"))
    assert (gone.identity, gone.emotion) == (None, None)
