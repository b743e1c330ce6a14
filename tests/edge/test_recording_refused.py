"""Where nothing can be recorded: refused at the start, in one line."""

from datetime import datetime
from pathlib import Path

import pytest

from edge_emotion import recording_folder
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.recording import Recording, RecordingSettings
from edge_emotion.recording_folder import RecordingFolder

NOW = datetime(2030, 1, 2, 3, 4, 5)


def refused(folder):
    told = []
    with pytest.raises(EdgeEmotionError) as error:
        Recording(RecordingSettings(folder, minimum_free=0), told.append, lambda: NOW)
    assert "\n" not in str(error.value)
    assert told == []
    return str(error.value)


def test_what_cannot_be_recorded_to_is_refused_at_once(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    assert "it is a link" in refused(tmp_path / "link")
    assert "it is a link" in refused(tmp_path / "dangling")
    assert "it is no folder" in refused(tmp_path / "file")
    assert "it is no folder" in refused(tmp_path / "file" / "below")
    assert "there is no folder" in refused(tmp_path / "missing" / "below")
    assert "null byte" in refused(tmp_path / "a\0b")
    assert list((tmp_path / "real").iterdir()) == []
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_cannot_be_written_to_is_refused(monkeypatch):
    monkeypatch.setattr(
        RecordingFolder, "require", lambda self, count: None
    )  # there is no room in /proc either
    assert "give --record a folder that may be written to" in refused(Path("/proc/self/fdinfo"))


def test_a_folder_of_very_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(recording_folder, "MOST_ENTRIES", 3)
    for number in range(4):
        (tmp_path / f"{number}").touch()
    assert "more than 3 files" in refused(tmp_path)


def test_a_failed_start_leaves_no_descriptor_open(tmp_path, monkeypatch):
    monkeypatch.setattr(recording_folder, "MOST_ALIKE", 1)
    (tmp_path / "2030-01-02_03-04-05").mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert "are there" in refused(tmp_path)
    told = []
    full = Recording(RecordingSettings(tmp_path, minimum_free=10**18), told.append, lambda: NOW)
    full.close()
    assert "nothing is recorded" in told[0]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(
    "wrong", [{"most": 999_999}, {"most": 2.5e9}, {"minimum_free": -1}, {"minimum_free": True}]
)
def test_settings_out_of_range_are_named(tmp_path, wrong):
    with pytest.raises(EdgeEmotionError, match=f"record, {next(iter(wrong))}: expected"):
        RecordingSettings(tmp_path, **wrong)
