"""A whole recording: what is kept, who may read it, and that it ends without the run."""

import json
import os
import resource
import stat
import threading
from datetime import datetime

import cv2
import numpy as np
import pytest
import soundfile

from edge_emotion import recording, recording_folder
from edge_emotion.estimate import Estimate
from edge_emotion.fusion import Event
from edge_emotion.notice import Notice
from edge_emotion.recording import Recording, RecordingSettings
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.sound import SoundBlock
from walking import walking

NOW = datetime(2030, 1, 2, 3, 4, 5)
FREE = 10_000_000  # bytes left free; a test machine has them
NOISE = np.random.default_rng(1).integers(0, 255, (200, 300, 3), np.uint8)  # some 65 kB as a JPEG


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A busy test machine may need longer than a user is made to wait."""
    monkeypatch.setattr(recording, "LEAVING", 60.0)


class Kept:
    """A recording into a folder, and what it told."""

    def __init__(self, folder, **settings):
        self.folder = folder
        self.told = []
        self.recording = Recording(
            RecordingSettings(folder, **{"minimum_free": FREE, **settings}), self.tell, lambda: NOW
        )

    def tell(self, said):
        assert threading.current_thread() is threading.main_thread()
        self.told.append(said)

    def size(self):
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def event(time):
    estimate = Estimate(time, "voice", None, 0.2, 0.01, "silence")
    return Event(time, None, None, None, {"voice": estimate})


def pictures_in(path):
    capture, count = cv2.VideoCapture(str(path)), 0
    while capture.read()[0]:
        count += 1
    return count


def test_a_run_is_kept_for_its_owner_alone(tmp_path):
    kept = Kept(tmp_path / "kept")
    assert kept.recording.on
    for number in range(5):
        kept.recording.picture(Frame(NOISE, number / 10))
        kept.recording.sound(SoundBlock(np.zeros(1600, np.float32)), number / 10)
        kept.recording.motion(walking(number / 10))
    kept.recording.notice(Notice("source lost", "camera: unplugged", 0.4, "face"))
    kept.recording.event(event(0.5))
    kept.recording.close()
    kept.recording.close()
    kept.recording.picture(Frame(NOISE, 9.0))
    assert not kept.recording.on
    assert kept.told == []
    assert kept.recording.dropped == {}
    run = tmp_path / "kept" / "2030-01-02_03-04-05"
    assert kept.recording.path == run
    assert sorted(path.name for path in run.iterdir()) == [
        "README.txt", "events.jsonl", "motion-000.mvnx", "pictures-000.avi", "pictures-000.csv", "sound-000.csv",
        "sound-000.flac",
    ]  # fmt: skip
    for folder in (run, run.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in run.iterdir()} == {0o600}
    assert pictures_in(run / "pictures-000.avi") == 5
    assert soundfile.info(run / "sound-000.flac").frames == 8000
    lines = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    assert [(line.get("notice"), line["t"]) for line in lines] == [("source lost", 0.4), (None, 0.5)]
    assert all("T" in line["at"] for line in lines)
    about = (run / "README.txt").read_text().splitlines()
    assert len(about) == 3
    assert "People are in it" in about[1]


def test_recordings_that_are_there_stay_as_they_are(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "kept").mkdir(0o755)
    (tmp_path / "kept" / "2030-01-02_03-04-05").symlink_to(tmp_path / "elsewhere")
    first = Kept(tmp_path / "kept")
    first.recording.event(event(1.0))
    first.recording.close()
    second = Kept(tmp_path / "kept")
    second.recording.close()
    assert first.recording.path.name == "2030-01-02_03-04-05_2"
    assert second.recording.path.name == "2030-01-02_03-04-05_3"
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (first.recording.path / "events.jsonl").read_text().count("\n") == 1
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o755  # the owner's own


def test_at_the_cap_it_ends_with_whole_files_and_one_line(tmp_path):
    kept = Kept(tmp_path / "kept", most=1_000_000)
    for number in range(30):
        kept.recording.picture(Frame(NOISE, number / 10))
    kept.recording.close()
    assert len(kept.told) == 1
    assert "the recording ends, the run goes on" in kept.told[0]
    assert "holds all that it may, 1 MB" in kept.told[0]
    assert 800_000 < kept.size() <= 1_000_000
    run = kept.recording.path
    rows = (run / "pictures-000.csv").read_text().splitlines()
    assert pictures_in(run / "pictures-000.avi") == len(rows) - 1 > 5


def test_it_counts_older_recordings_and_deletes_none(tmp_path):
    old = tmp_path / "kept" / "2029-01-01_00-00-00" / "pictures-000.avi"
    old.parent.mkdir(parents=True)
    old.write_bytes(bytes(1_000_000))
    kept = Kept(tmp_path / "kept", most=1_000_000)
    assert not kept.recording.on
    assert kept.recording.path is None
    kept.recording.picture(Frame(NOISE, 0.0))
    kept.recording.close()
    assert len(kept.told) == 1
    assert "nothing is recorded" in kept.told[0]
    assert [path for path in (tmp_path / "kept").rglob("*") if path.is_file()] == [old]


def test_a_disk_that_fills_ends_it(tmp_path, monkeypatch):
    left = iter([FREE * 2] * 5)

    def filling(descriptor):
        found = os.statvfs(tmp_path)
        free = next(left, FREE)
        return os.statvfs_result((1, 1, found.f_blocks, free, free, *list(found)[5:]))

    monkeypatch.setattr(recording_folder.os, "fstatvfs", filling)
    kept = Kept(tmp_path / "kept")
    for number in range(10):
        kept.recording.event(event(float(number)))
    kept.recording.close()
    assert len(kept.told) == 1
    assert "has 10 MB left, 10 MB stay free" in kept.told[0]
    assert 1 <= (kept.recording.path / "events.jsonl").read_text().count("\n") < 10


@pytest.fixture
def small_files():
    """Real writes that fail: the system lets no file of this process grow beyond 200 kB (EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_picture_that_cannot_be_written_ends_it_and_the_file_opens(tmp_path, small_files):
    kept = Kept(tmp_path / "kept")
    for number in range(10):
        kept.recording.picture(Frame(NOISE, number / 10))
    kept.recording.close()
    assert len(kept.told) == 1
    assert "cannot be written to (file too large)" in kept.told[0]
    assert pictures_in(kept.recording.path / "pictures-000.avi") >= 2
    kept.recording.event(event(1.0))  # the run goes on
    assert not (kept.recording.path / "events.jsonl").exists()


def test_sound_that_cannot_be_written_ends_it_and_the_file_opens(tmp_path, small_files):
    kept = Kept(tmp_path / "kept")
    noise = np.random.default_rng(2).normal(0, 0.3, 16000).astype(np.float32)
    for number in range(15):
        kept.recording.sound(SoundBlock(noise), float(number))
    kept.recording.close()
    assert len(kept.told) == 1
    assert "the sound cannot be written" in kept.told[0]
    samples, _ = soundfile.read(kept.recording.path / "sound-000.flac")
    assert len(samples) > 48000


def test_a_picture_that_is_none_ends_it(tmp_path):
    kept = Kept(tmp_path / "kept")
    kept.recording.picture(Frame(np.zeros((0, 0, 3), np.uint8), 0.0))
    kept.recording.close()
    assert len(kept.told) == 1
    assert "cannot be written to" in kept.told[0]


class Gate:
    """OpenCV's JPEG encoder, which waits until a test lets it go on."""

    def __init__(self, monkeypatch):
        self.entered, self.open = threading.Event(), threading.Event()
        real = cv2.imencode

        def encode(*arguments):
            self.entered.set()
            assert self.open.wait(60)
            return real(*arguments)

        monkeypatch.setattr(cv2, "imencode", encode)


@pytest.fixture
def gate(monkeypatch):
    made = Gate(monkeypatch)
    yield made
    made.open.set()


def test_what_a_slow_disk_cannot_take_is_left_out_counted_and_told_once(tmp_path, gate):
    kept = Kept(tmp_path / "kept")
    image = np.zeros((512, 682, 3), np.uint8)  # nearly 1 MiB: 16 may wait
    kept.recording.picture(Frame(image, 0.0))
    assert gate.entered.wait(60)
    for number in range(1, 21):
        kept.recording.picture(Frame(image, number / 10))
        kept.recording.event(event(number / 10))
    assert kept.recording.dropped == {"pictures": 4}
    assert kept.told == ["the recording cannot keep up: some pictures are left out of it"]
    assert kept.recording.on
    gate.open.set()
    kept.recording.close()
    assert len(kept.told) == 1
    rows = (kept.recording.path / "pictures-000.csv").read_text().splitlines()
    assert [float(row.split(",")[1]) for row in rows[1:]] == pytest.approx(np.arange(17) / 10)
    assert (kept.recording.path / "events.jsonl").read_text().count("\n") == 20


def test_a_picture_larger_than_what_may_wait_is_kept_where_nothing_waits(tmp_path):
    kept = Kept(tmp_path / "kept")
    kept.recording.picture(Frame(np.zeros((2400, 2400, 3), np.uint8), 0.0))
    kept.recording.close()
    assert kept.told == []
    assert pictures_in(kept.recording.path / "pictures-000.avi") == 1


def test_closing_does_not_wait_for_a_disk_that_stands_still(tmp_path, gate, monkeypatch):
    monkeypatch.setattr(recording, "LEAVING", 0.01)
    kept = Kept(tmp_path / "kept")
    kept.recording.picture(Frame(NOISE, 0.0))
    kept.recording.picture(Frame(NOISE, 0.1))
    assert gate.entered.wait(60)
    kept.recording.close()
    assert len(kept.told) == 1
    assert "the last seconds may be missing" in kept.told[0]
    gate.open.set()
    kept.recording._thread.join(60)
    assert pictures_in(kept.recording.path / "pictures-000.avi") == 1  # it ended its file all the same
