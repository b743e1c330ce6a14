from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_emotion.features.speech import SpeechStream
from edge_emotion.features.voice_activity import F0, VoiceActivity, level_dbfs, pitch_motion
from fakes import Array, loud_is_speech

SECONDS = 4.0
NODE = 0.03  # seconds
TIME = np.arange(round(SECONDS * 16000)) / 16000
RNG = np.random.default_rng(3)


def heard(sound: Array, start: float = 0.39, end: float = 3.99) -> tuple[float, str | None]:
    """What the recogniser would hear from start to end, with the pitch of the real features."""
    activity, stream = VoiceActivity(), SpeechStream()
    sound = sound.astype(np.float32)
    activity.push(sound)
    nodes = np.concatenate([stream.push(sound), stream.flush()])
    begin, last = round(start / NODE), min(round(end / NODE), len(nodes))
    said = activity.window(begin * NODE, last * NODE, nodes[begin:last, F0])
    return said.speech, said.abstain


def buzz(pitch: Array, harmonics: int = 12, roll_off: float = 1.0) -> Array:
    """A buzz that follows a pitch in Hz; harmonic h has the amplitude h ** -roll_off."""
    phase = 2 * np.pi * np.cumsum(pitch) / 16000
    return sum(np.sin(h * phase) / h**roll_off for h in range(1, harmonics + 1))


def vibrato() -> Array:
    return 0.1 * buzz(300 * 2 ** (0.5 * np.sin(2 * np.pi * 5.5 * TIME) / 12))


def siren(harmonics: int, middle: float = 300.0) -> Array:
    return 0.15 * buzz(middle * (1 + 0.5 * np.sin(2 * np.pi * 0.5 * TIME)), harmonics)


def brass() -> Array:
    """A trombone that slides between notes while its mute opens and closes: "wah", "wah"."""
    notes = np.interp(TIME, np.arange(9) / 2, (200, 300, 220, 330, 180, 260, 240, 350, 200))
    source = buzz(notes, 20, 0.3)
    mute = 500 + 700 * np.sin(np.pi * 2 * TIME) ** 2  # Hz of one resonance, 90 Hz wide
    radius = np.exp(-np.pi * 90 / 16000)
    sound, before, last = np.zeros_like(TIME), 0.0, 0.0
    for index, (drive, angle) in enumerate(zip(source, 2 * np.pi * mute / 16000, strict=True)):
        before, last = last, drive + 2 * radius * np.cos(angle) * last - radius**2 * before
        sound[index] = last
    return 0.3 * sound / np.abs(sound).max()


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
        (vibrato(), "non-speech"),
        (siren(1), "non-speech"),
        (siren(1, 600.0), "non-speech"),
        (siren(12), "non-speech"),
        (0.1 * buzz(100 * 2 ** (TIME / 2)), "non-speech"),
        (brass(), "non-speech"),
    ],
    ids=[
        "digital silence", "faint noise", "noise", "tone", "chord", "melody", "drums", "band", "vibrato",
        "pure siren", "high siren", "buzzing siren", "glide", "brass",
    ],
)  # fmt: skip
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


def test_shouting_and_crying_do_not_abstain(shared_data: Path) -> None:
    # The detector alone hears no speech in these; two others of actors 06, 14, 18 and 20 abstain, of 32.
    for name in ("05-02-02-01-06", "06-02-02-01-06", "05-02-02-01-14", "05-02-01-02-18", "05-02-02-02-18"):
        (clip,) = (shared_data / "ravdess_speech").rglob(f"03-01-{name}.flac")
        sound, rate = soundfile.read(clip, dtype="float32")
        seconds = len(sound) / rate
        assert heard(sound, max(0.0, seconds - 3.6), seconds)[1] is None, name


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
@pytest.mark.parametrize("breaks", [True, False])
def test_gliding_pitch_with_breaks_counts_as_speech(
    hint: float, steps: float, abstain: str | None, breaks: bool
) -> None:
    activity = VoiceActivity(detector=lambda chunk: hint)
    activity.push(np.full(57600, 0.1, np.float32))
    f0 = (200 * 2 ** (steps * (np.arange(120) % 2) / 12)).astype(np.float32)
    if breaks:
        f0[60:] = 0.0
    assert activity.window(0.0, 3.6, f0).abstain == (abstain if breaks else "non-speech")
