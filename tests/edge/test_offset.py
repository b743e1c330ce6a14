from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_emotion.recognizer import Recognizer
from edge_emotion.settings import (
    AudioFileSettings,
    MicrophoneSettings,
    RecognizerSettings,
    VoiceActivitySettings,
)
from edge_emotion.sources.audio_file import AudioFile
from edge_emotion.sources.microphone import Microphone
from edge_emotion.sources.offset import OffsetRemoval
from fakes import Array, FakePortAudio

NOISE = np.random.default_rng(4).normal(0, 0.05, 40000).astype(np.float32)


def cleaned(sound: Array, chunk: int) -> Array:
    removal = OffsetRemoval()
    pieces = [removal.push(sound[begin : begin + chunk]) for begin in range(0, len(sound), chunk)]
    return np.concatenate([*pieces, removal.flush()])


@pytest.mark.parametrize("chunk", [1, 100, 160, 1280, 16000])
def test_chunk_sizes_change_nothing(chunk: int) -> None:
    sound = NOISE[:20001] + np.float32(0.02)
    before = sound.copy()
    assert np.array_equal(cleaned(sound, chunk), cleaned(sound, len(sound)))
    assert np.array_equal(sound, before)  # what was pushed is not written to


def test_a_constant_is_gone_at_once() -> None:
    assert np.abs(cleaned(np.full(16000, 0.25, np.float32), 1280)).max() < 1e-6


def test_the_estimate_by_hand() -> None:
    # Blocks of means 0, 1, 1: the estimates at their ends are 0, 1/2, 2/3, with straight lines between.
    sound = np.repeat(np.array([0, 1, 1], np.float32), 160)
    taken = sound - cleaned(sound, 480)
    assert taken[[159, 239, 319, 399, 479]] == pytest.approx([0, 1 / 4, 1 / 2, 7 / 12, 2 / 3], abs=1e-6)


def test_an_offset_that_moves_is_followed() -> None:
    sound = np.repeat(np.array([0, 0.1], np.float32), 48000)
    assert abs(cleaned(sound, 1280)[-1]) < 0.1 * np.exp(-6) * 1.1  # six time constants after the step


def test_a_recording_and_a_microphone_lose_their_offset(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "offset.wav", NOISE + 0.1, 16000, subtype="FLOAT")
    read = np.concatenate([b.samples for b in AudioFile(AudioFileSettings(tmp_path / "offset.wav"))])
    assert len(read) == len(NOISE)
    assert np.abs(read - NOISE).max() < 0.02
    frames = np.round((NOISE + 0.1) * 32768).astype(np.int16)[:, None]
    microphone = Microphone(MicrophoneSettings("0"), FakePortAudio([("USB", 1, (16000,))], [frames]))
    heard = next(iter(microphone)).samples
    microphone.close()
    assert np.abs(heard - read).max() < 1e-4


@pytest.fixture(scope="module")
def voice() -> Recognizer:
    everything = VoiceActivitySettings(minimum_speech=0.0, silence_level=-np.inf)  # also what is very quiet
    return Recognizer.from_settings(RecognizerSettings(smoothing=0.0, voice_activity=everything))


def clips(shared_data: Path) -> list[Path]:
    ravdess = shared_data / "ravdess_speech"
    names = (
        "Actor_01/03-01-05-02-01-01-01",
        "Actor_06/03-01-04-01-01-01-06",
        "Actor_14/03-01-03-02-02-02-14",
    )
    return [ravdess / f"{name}.flac" for name in names] + sorted((shared_data / "emodb").glob("*.flac"))[
        ::150
    ]


def probabilities(voice: Recognizer, sound: Array, folder: Path, through_source: bool = True) -> Array:
    """(windows, 7); through_source: as the command hears it, else straight from the samples."""
    if through_source:
        soundfile.write(folder / "sound.wav", sound, 16000, subtype="FLOAT")
        estimates = list(voice.file(folder / "sound.wav"))
    else:
        voice.reset()
        estimates = voice.push(sound) + voice.flush()
    assert {e.abstained for e in estimates} == {None}
    return np.array([e.probabilities for e in estimates])


def test_clean_clips_are_told_the_same(shared_data: Path, tmp_path: Path, voice: Recognizer) -> None:
    for clip in clips(shared_data):
        sound, _ = soundfile.read(clip, dtype="float32")
        plain, through = (probabilities(voice, sound, tmp_path, way) for way in (False, True))
        assert np.abs(plain - through).max() < 0.02, clip.name


@pytest.mark.parametrize("gain", [1.0, 0.1])
@pytest.mark.parametrize("offset", [0.01, -0.05])
def test_an_offset_changes_little(
    shared_data: Path, tmp_path: Path, voice: Recognizer, gain: float, offset: float
) -> None:
    for clip in clips(shared_data):
        sound = soundfile.read(clip, dtype="float32")[0] * np.float32(gain)
        clean, moved = (probabilities(voice, sound + np.float32(d), tmp_path) for d in (0, offset))
        assert np.abs(clean - moved).max() < 0.05, clip.name


def test_the_demo_at_a_tenth_with_an_offset_stays_anger(tmp_path: Path, voice: Recognizer) -> None:
    with resources.as_file(resources.files("edge_emotion") / "data" / "demo.flac") as path:
        sound, rate = soundfile.read(path, dtype="float32")
    assert rate == 16000
    clean, moved = (
        probabilities(voice, sound * np.float32(0.1) + np.float32(d), tmp_path) for d in (0, 0.01)
    )
    assert np.abs(clean - moved).max() < 0.05
    assert set(moved.argmax(1)) == set(clean.argmax(1))
