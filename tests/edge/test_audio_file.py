import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.settings import AudioFileSettings
from edge_emotion.sources.audio_file import AudioFile
from fakes import Array


def tone(rate: int, seconds: float = 1.5) -> Array:
    """400 Hz: whole periods in 10 ms, so that the removal of an offset finds none."""
    return (0.5 * np.sin(2 * np.pi * 400 * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def read(path: Path, chunk: float = 0.08) -> tuple[Array, list[str]]:
    source = AudioFile(AudioFileSettings(path, chunk))
    samples = np.concatenate([block.samples for block in source])
    source.close()
    return samples, source.warnings


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 96000])
@pytest.mark.parametrize("form", ["wav", "flac"])
def test_any_rate_becomes_16_khz(tmp_path: Path, rate: int, form: str) -> None:
    path = tmp_path / f"tone.{form}"
    soundfile.write(path, tone(rate), rate, subtype="PCM_24")
    samples, warnings = read(path)
    assert abs(len(samples) - 24000) <= 1
    middle = slice(2000, -2000)
    assert np.abs(samples - tone(16000)[: len(samples)])[middle].max() < 1e-3
    assert len(warnings) == (rate == 8000)


@pytest.mark.parametrize("form", ["ogg", "mp3"])
def test_compressed_files_are_read(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"tone.{form}"
    soundfile.write(path, tone(44100), 44100)
    samples, _ = read(path)
    assert abs(len(samples) - 24000) < 2000
    spectrum = np.abs(np.fft.rfft(samples[4000:20000]))
    assert np.argmax(spectrum) == 400


def test_channels_are_averaged(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(
        path, np.stack([tone(16000), np.zeros(24000, np.float32)], axis=1), 16000, subtype="FLOAT"
    )
    assert np.allclose(read(path)[0], tone(16000) / 2, atol=1e-3)


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize("chunk", [0.001, 0.01, 1.0, 10.0])
def test_chunks_have_the_length_asked_for(tmp_path: Path, rate: int, chunk: float) -> None:
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(rate), rate)
    source = AudioFile(AudioFileSettings(path, chunk))
    lengths = [len(block.samples) for block in source]
    assert set(lengths[:-1]) <= {round(chunk * 16000)}
    assert np.array_equal(read(path, chunk)[0], read(path)[0])


def test_clipped_sound_is_warned_about(tmp_path: Path) -> None:
    path = tmp_path / "clipped.wav"
    soundfile.write(path, np.clip(4 * tone(16000), -1, 1), 16000)
    samples, warnings = read(path)
    assert len(samples) == 24000
    assert ["clipped" in line for line in warnings] == [True]


def test_a_truncated_file_is_warned_about_or_refused(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.flac", tmp_path / "cut.flac"
    soundfile.write(whole, np.random.default_rng(0).normal(0, 0.1, 160000), 16000)
    path.write_bytes(whole.read_bytes()[:100000])
    try:
        assert "ends early" in read(path)[1][0]
    except EdgeEmotionError as refused:
        assert "is damaged" in str(refused)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.wav", None, "no such file"),
        ("empty.wav", b"", "is empty"),
        ("text.wav", b"this is not sound at all\n" * 100, "is not audio"),
        ("text.mp3", b"this is not sound at all\n" * 100, "is not audio"),
        ("sound.raw", b"\0" * 64000, "no header"),
    ],
)
def test_no_recording_is_refused(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert said in refusal(path)


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert "is not a regular file" in refusal(tmp_path / "pipe.wav")


@pytest.mark.parametrize(
    ("name", "said"),
    [("a" * 300 + ".wav", "cannot be read: file name too long"), ("loop.wav", "cannot be read: too many levels"),
     ("nul\0.wav", "no such file"), ("file.wav/x.wav", "no such file")],
)  # fmt: skip
def test_a_path_that_cannot_be_looked_up_is_refused(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    (tmp_path / "file.wav").write_bytes(b"x")
    assert said in refusal(tmp_path / name)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.wav"
    soundfile.write(path, tone(16000), 16000)

    def denied(*given: object) -> None:  # a test run by root may read everything
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("soundfile.SoundFile", denied)
    assert refusal(path).endswith("cannot be read: permission denied")


def test_channels_of_opposite_phase_are_warned_about(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([tone(16000), -tone(16000)], axis=1), 16000)
    (warning,) = read(path)[1]
    assert "cancel each other" in warning
    soundfile.write(path, np.stack([tone(16000), np.zeros(24000, np.float32)], axis=1), 16000)
    assert read(path)[1] == []


def test_a_name_that_a_terminal_would_obey_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J.wav"
    soundfile.write(path, tone(16000), 16000)
    assert AudioFile(AudioFileSettings(path)).name.isprintable()


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("sound", "said"),
    [
        (np.zeros(0, np.float32), "holds no sound"),
        (tone(16000, 0.2), "too short: 0.20 s, expected 0.5 s"),
        (np.where(np.arange(48000) == 40000, np.nan, 0.1), "not finite"),
        (np.where(np.arange(48000) == 40000, np.inf, 0.1), "not finite"),
        (32768 * tone(16000), "not scaled to -1..1: it holds 1.638e+04"),
    ],
)
def test_sound_that_cannot_be_used_is_refused(tmp_path: Path, sound: Array, said: str) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, sound, 16000, subtype="FLOAT")
    assert said in refusal(path)


def refusal(path: Path) -> str:
    with pytest.raises(EdgeEmotionError) as refused:
        AudioFile(AudioFileSettings(path))
    assert "\n" not in str(refused.value)
    return str(refused.value)
