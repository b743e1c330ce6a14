"""Limits that fuzzing asked for: how much a card, a protobuf and a second of sound may hold."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_emotion.archive import MAX_CARD
from edge_emotion.bundle import read_bundle
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.protobuf import MOST_FIELDS
from edge_emotion.settings import AudioFileSettings
from edge_emotion.sources.audio_file import MOST_CHANNELS, AudioFile
from handmade_bundle import good_files, good_manifest, raw_bundle, refusal, signed


def test_a_card_is_as_long_as_the_limit_and_no_longer(tmp_path: Path) -> None:
    for size in (MAX_CARD, MAX_CARD + 1):
        files = {**good_files(), "card.md": b"a" * size}
        path = raw_bundle(tmp_path / f"{size}.emo", signed(good_manifest(), files), files)
        if size <= MAX_CARD:
            assert len(read_bundle(path).card) == size
        else:
            assert f"refused, card.md has {size} bytes, at most {MAX_CARD}" in refusal(path)


def test_a_network_of_nothing_but_fields_is_refused_as_the_bundle_is_read(tmp_path: Path) -> None:
    # 16 MiB of them would take seconds to walk, and 16 kB in the zip.
    files = {**good_files(), "net.onnx": b"\x08\x01" * (8 << 20)}
    path = raw_bundle(tmp_path / "fields.emo", signed(good_manifest(), files), files)
    assert path.stat().st_size < 100_000
    assert f"net.onnx is not an ONNX network (more than {MOST_FIELDS} fields)" in refusal(path)


def test_a_recording_has_as_many_channels_as_the_limit_and_no_more(tmp_path: Path) -> None:
    for channels in (MOST_CHANNELS, MOST_CHANNELS + 1):
        path = tmp_path / f"{channels}.wav"
        soundfile.write(path, np.zeros((8000, channels), np.float32), 8000)
        if channels <= MOST_CHANNELS:
            source = AudioFile(AudioFileSettings(path))
            assert sum(len(block.samples) for block in source) == 16000
            source.close()
        else:
            with pytest.raises(
                EdgeEmotionError, match=f"expected 1 to {MOST_CHANNELS} channels, got {channels}"
            ):
                AudioFile(AudioFileSettings(path))
