from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_emotion.features.voice_activity import VoiceActivity, level_dbfs, pitch_motion
from fakes import Array, loud_is_speech

SECONDS = 4.0
TIME = np.arange(round(SECONDS * 16000)) / 16000
RNG = np.random.default_rng(3)


def heard(sound: Array, start: float = 0.0, end: float = SECONDS) -> tuple[float, str | None]:
    activity = VoiceActivity()
    activity.push(sound.astype(np.float32))
    said = activity.window(start, end)
    return said.speech, said.abstain


def chord() -> Array:
    return sum(0.1 * np.sin(2 * np.pi * f * TIME) for f in (261.6, 329.6, 392.0))


def melody() -> Array:
    sound = np.zeros_like(TIME)
    for index, pitch in enumerate((220, 247, 262, 294, 330, 392, 440, 330)):
        note = TIME[: len(TIME) // 8]
        tone = sum(np.sin(2 * np.pi * pitch * h * note) / h for h in range(1, 10))
        envelope = np.exp(-3 * note) * (1 - np.exp(-100 * note))
        sound[index * len(note) : (index + 1) * len(note)] = 0.15 * tone * envelope
    return sound


def drums() -> Array:
    sound = np.zeros_like(TIME)
    for begin in range(0, len(TIME), 8000):
        hit = TIME[:4000]
        sound[begin : begin + 4000] += 0.6 * np.sin(2 * np.pi * 60 * hit) * np.exp(-12 * hit)
        sound[begin + 4000 : begin + 6000] += 0.3 * RNG.normal(size=2000) * np.exp(-40 * TIME[:2000])
    return sound


@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        (np.zeros_like(TIME), "silence"),
        (RNG.normal(0, 0.0003, len(TIME)), "silence"),
        (RNG.normal(0, 0.1, len(TIME)), "non-speech"),
        (0.3 * np.sin(2 * np.pi * 150 * TIME), "non-speech"),
        (chord(), "non-speech"),
        (melody(), "non-speech"),
        (drums(), "non-speech"),
        (melody() + 0.5 * drums() + 0.5 * chord(), "non-speech"),
    ],
    ids=["digital silence", "faint noise", "noise", "tone", "chord", "melody", "drums", "band"],
)
def test_what_is_not_speech_abstains(sound: Array, reason: str) -> None:
    assert heard(sound)[1] == reason


def test_speech_does_not_abstain(shared_data: Path) -> None:
    clips = sorted((shared_data / "emodb").glob("*.*"))[::60]
    clips += sorted((shared_data / "ravdess_speech").rglob("*.flac"))[::150]
    clips = [clip for clip in clips if clip.suffix in (".flac", ".wav")]
    assert len(clips) > 10
    for clip in clips:
        sound, rate = soundfile.read(clip, dtype="float32")
        assert rate == 16000
        seconds = len(sound) / rate
        speech, abstain = heard(sound, max(0.0, seconds - 3.6), seconds)
        assert abstain is None, clip.name
        assert speech > 0.2, clip.name


def test_quality_is_the_share_of_speech_in_the_window() -> None:
    # 100 chunks of 32 ms: 25 loud ones first. The window from 0.64 s to 1.28 s holds chunks 20..39, 5 loud.
    activity = VoiceActivity(detector=loud_is_speech)
    sound = np.full(51200, 0.01, np.float32)
    sound[: 25 * 512] = 0.5
    activity.push(sound)
    assert activity.window(0.0, 3.2).speech == 0.25
    assert activity.window(0.64, 1.28).speech == 0.25
    assert activity.window(2.0, 3.2).abstain == "non-speech"


@pytest.mark.parametrize("chunk", [1, 160, 5000])
def test_chunk_sizes_change_nothing(chunk: int) -> None:
    sound = np.concatenate([melody(), 0.2 * RNG.normal(size=8000)])[:40000].astype(np.float32)
    whole, cut = VoiceActivity(), VoiceActivity()
    whole.push(sound)
    for begin in range(0, len(sound), chunk):
        cut.push(sound[begin : begin + chunk])
    for end in (0.5, 1.0, 2.0, 2.5):
        assert cut.window(end - 0.4, end) == whole.window(end - 0.4, end)


def test_sound_below_the_gate_is_not_computed() -> None:
    asked = []
    activity = VoiceActivity(detector=lambda chunk: float(asked.append(1) or 0.0))
    activity.push(np.full(5120, 1e-4, np.float32))  # -80 dBFS
    assert asked == []
    activity.push(np.full(5120, 1e-2, np.float32))
    assert len(asked) == 10


def test_memory_is_bounded() -> None:
    activity = VoiceActivity(detector=loud_is_speech)
    for second in range(1, 40):
        activity.push(np.zeros(16000, np.float32))
        activity.window(max(0.0, second - 3.6), float(second))
    assert len(activity._chunks) < 4.6 * 16000 / 512


def test_level_of_a_full_scale_square_wave_is_0_dbfs() -> None:
    assert level_dbfs(np.array([1.0, -1.0], np.float32)) == 0.0
    assert level_dbfs(np.zeros(0, np.float32)) == -120.0


def test_pitch_motion_by_hand() -> None:
    # Seven nodes, semitone steps: 0 (held), 1 (glide), unvoiced twice, 12 (a leap), 0.05 (held).
    semitones = np.array([0.0, 0.0, 1.0, np.nan, 13.0, 25.0, 25.05])
    f0 = np.nan_to_num(100 * 2 ** (semitones / 12)).astype(np.float32)
    assert pitch_motion(f0) == (1 / 7, 2 / 7)


@pytest.mark.parametrize(
    ("hint", "steps", "abstain"),
    [
        (0.05, 0.5, None),  # shouting: the detector doubts, the pitch glides
        (0.0, 0.5, "non-speech"),  # a siren: the pitch glides, the detector hears nothing of speech
        (0.05, 0.0, "non-speech"),  # held notes
    ],
)
def test_gliding_pitch_counts_as_speech(hint: float, steps: float, abstain: str | None) -> None:
    activity = VoiceActivity(detector=lambda chunk: hint)
    activity.push(np.full(57600, 0.1, np.float32))
    f0 = (200 * 2 ** (steps * (np.arange(120) % 2) / 12)).astype(np.float32)
    assert activity.window(0.0, 3.6, f0).abstain == abstain
