from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_emotion.bench_sound import speech_like
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.session import SessionSettings, open_session, recognize
from edge_emotion.settings import (
    AudioFileSettings,
    CameraSettings,
    FaceRecognizerSettings,
    FusionSettings,
    MicrophoneSettings,
    RecognizerSettings,
    VideoFileSettings,
)

CLIP = Path(str(resources.files("edge_emotion") / "data" / "demo.mp4"))


@pytest.fixture
def voice(tiny_bundle: Path) -> RecognizerSettings:
    return RecognizerSettings(str(tiny_bundle), "onnx")


@pytest.fixture
def face(tiny_face_bundle: Path) -> FaceRecognizerSettings:
    return FaceRecognizerSettings(str(tiny_face_bundle), "onnx")


def test_a_video_gives_both_senses_on_one_clock(
    voice: RecognizerSettings, face: FaceRecognizerSettings
) -> None:
    pytest.importorskip("av")
    events = list(recognize(video=CLIP, voice=voice, face=face, seconds=4.0))
    times = [event.time for event in events]
    assert times == sorted(set(times))
    early = next(event for event in events if event.time == pytest.approx(1.4))
    assert (early.identity, set(early.modalities), early.emotion is None) == (1, {"face"}, False)
    (both,) = [event for event in events if event.time == pytest.approx(3.6)]
    assert {name: estimate.time for name, estimate in both.modalities.items()} == {"face": 3.6, "voice": 3.6}
    faces, heard = both.modalities["face"].probabilities, both.modalities["voice"].probabilities
    mean = np.sqrt(faces * heard)
    assert both.probabilities == pytest.approx(mean / mean.sum(), abs=1e-5)


def test_chunks_of_sound_change_no_event_of_a_video(
    voice: RecognizerSettings, face: FaceRecognizerSettings
) -> None:
    pytest.importorskip("av")

    def told(chunk: float) -> list[object]:
        settings = SessionSettings(video=VideoFileSettings(CLIP, chunk), voice=voice, face=face, seconds=4.0)
        return [
            (
                event.time,
                event.identity,
                event.probabilities.tolist() if event.probabilities is not None else None,
            )
            for event in open_session(settings).run
        ]

    assert told(0.02) == told(1.0)


def test_one_sense_of_a_video(voice: RecognizerSettings, face: FaceRecognizerSettings) -> None:
    pytest.importorskip("av")
    for settings, sense in (
        ({"voice": None, "face": face}, "face"),
        ({"voice": voice, "face": None}, "voice"),
    ):
        session = open_session(SessionSettings(video=VideoFileSettings(CLIP), seconds=4.0, **settings))
        assert {name for event in session.run for name in event.modalities} == {sense}
        assert set(session.needs) == {sense}


def test_a_recording(voice: RecognizerSettings, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "clip.wav", speech_like(4.2), 16000)
    run = recognize(audio=tmp_path / "clip.wav", voice=voice)
    assert [event.time for event in run] == [3.6, 4.08, 4.2]
    assert run.summary().senses[0].windows == 3


def test_a_file_as_a_camera(face: FaceRecognizerSettings) -> None:
    run = recognize(camera=str(CLIP), face=face, seconds=2.0)
    events = list(run)
    assert {name for event in events for name in event.modalities} == {"face"}
    assert run.summary().senses[0].frames


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ({}, "got none of them"),
        ({"video": VideoFileSettings(CLIP), "microphone": MicrophoneSettings()}, "got video and microphone"),
        ({"audio": AudioFileSettings(CLIP), "camera": CameraSettings()}, "got audio and camera"),
        ({"microphone": MicrophoneSettings(), "voice": None}, "no voice model"),
        ({"camera": CameraSettings(), "face": None}, "no face model"),
        ({"video": VideoFileSettings(CLIP), "face": None, "voice": None}, "no voice model"),
        ({"audio": AudioFileSettings(CLIP), "seconds": 0.0}, "more than 0 s"),
    ],
)
def test_what_does_not_go_together_is_refused(sources: dict[str, object], said: str) -> None:
    with pytest.raises(EdgeEmotionError, match=said):
        SessionSettings(**sources)  # type: ignore[arg-type]


def test_a_wrong_model_gives_the_source_back(
    voice: RecognizerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("av")
    closed = []
    monkeypatch.setattr("edge_emotion.sources.video_file.VideoFile.close", lambda self: closed.append(self))
    with pytest.raises(EdgeEmotionError, match=r"nowhere\.emo"):
        recognize(video=CLIP, voice=voice, face=FaceRecognizerSettings("nowhere.emo"))
    assert len(closed) == 1


def test_models_that_are_swapped_are_told_apart(tiny_bundle: Path, tiny_face_bundle: Path) -> None:
    pytest.importorskip("av")
    with pytest.raises(EdgeEmotionError, match="is for face; expected one for voice"):
        recognize(video=CLIP, voice=RecognizerSettings(str(tiny_face_bundle), "onnx"))
    with pytest.raises(EdgeEmotionError, match="is for voice; expected one for face"):
        recognize(camera=str(CLIP), face=FaceRecognizerSettings(str(tiny_bundle), "onnx"))


def test_weights_chosen_go_before_those_of_the_bundle(
    voice: RecognizerSettings, face: FaceRecognizerSettings
) -> None:
    pytest.importorskip("av")
    settings = SessionSettings(
        video=VideoFileSettings(CLIP),
        voice=voice,
        face=face,
        seconds=4.0,
        fusion=FusionSettings({"voice": 0.0}),
    )
    for event in open_session(settings).run:
        seen = event.modalities["face"].probabilities
        assert (event.probabilities is None) == (seen is None)
        assert seen is None or np.array_equal(event.probabilities, seen)  # type: ignore[arg-type]
