"""The files of a recording, read back by what a user would read them with, whole and broken off."""

import shutil
from datetime import datetime

import cv2
import numpy as np
import pytest
import soundfile

from edge_emotion import recording_pictures
from edge_emotion.recording_folder import RecordingFolder, RecordingFull
from edge_emotion.recording_motion import MotionWriter
from edge_emotion.recording_pictures import PictureWriter
from edge_emotion.recording_sound import HELD, SoundWriter
from edge_emotion.settings import AudioFileSettings, VideoFileSettings
from edge_emotion.sources.audio_file import AudioFile
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.motion_file import read_motion
from edge_emotion.sources.sound import RATE, SoundBlock
from edge_emotion.sources.video_file import VideoFile
from walking import walk, walking

BLOCK = 1280  # samples


class Begun:
    """A folder of a run, and where it is."""

    def __init__(self, top, most=1 << 30):
        self.folder = RecordingFolder(top, most, 0)
        self.path = self.folder.begin(datetime(2030, 1, 2, 3, 4, 5))

    def rows(self, name):
        return (self.path / name).read_text().splitlines()


@pytest.fixture
def run(tmp_path):
    begun = Begun(tmp_path / "kept")
    yield begun
    begun.folder.close()


def grey(level, time, shape=(48, 64, 3)):
    return Frame(np.full(shape, level, np.uint8), time)


def seen(path):
    """Grey and time of each picture, as OpenCV reads them."""
    capture, pictures = cv2.VideoCapture(str(path)), []
    while True:
        good, image = capture.read()
        if not good:
            return pictures
        pictures.append((round(image.mean()), capture.get(cv2.CAP_PROP_POS_MSEC) / 1000))


def tone(seconds):
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def sound_written(writer, samples, begin, size=BLOCK):
    for start in range(0, len(samples), size):
        writer.write(SoundBlock(samples[start : start + size]), begin + start / RATE)


UNEVEN = (7.013, 7.047, 7.08, 7.11, 7.5, 7.52, 10.0, 10.012, 10.2)


def test_pictures_come_back_at_their_own_times(run):
    writer = PictureWriter(run.folder)
    for number, time in enumerate(UNEVEN):
        writer.write(grey(20 * number + 20, time))
    writer.close()
    pytest.importorskip("av")
    video = VideoFile(VideoFileSettings(run.path / "pictures-000.avi"))
    frames = list(video)
    assert video.warnings == []
    assert [round(frame.image.mean()) for frame in frames] == [20 * number + 20 for number in range(9)]
    assert [frame.time for frame in frames] == pytest.approx(
        [time - UNEVEN[0] for time in UNEVEN], abs=0.0051
    )
    assert run.rows("pictures-000.csv") == [
        "picture,seconds", *(f"{number},{time:.4f}" for number, time in enumerate(UNEVEN))
    ]  # fmt: skip
    assert (run.path / "pictures-000.avi").stat().st_size == run.folder._held - sum(
        path.stat().st_size for path in run.path.iterdir() if path.suffix != ".avi"
    )


def test_pictures_that_come_too_close_follow_one_another(run):
    writer = PictureWriter(run.folder)
    for number, time in enumerate((0.0, 0.002, 0.004, 0.1)):
        writer.write(grey(20 * number + 20, time))
    writer.close()
    assert seen(run.path / "pictures-000.avi") == [(20, 0.0), (40, 0.01), (60, 0.02), (80, 0.1)]


def test_an_avi_that_breaks_off_opens_up_to_its_last_whole_picture(run, tmp_path):
    writer = PictureWriter(run.folder)
    for number, time in enumerate(UNEVEN):
        writer.write(grey(20 * number + 20, time))
    early = shutil.copy(run.path / "pictures-000.avi", tmp_path / "early.avi")
    content = early.read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[:-300])
    assert [level for level, _ in seen(early)] == [20 * number + 20 for number in range(9)]
    assert [level for level, _ in seen(tmp_path / "cut.avi")] == [20 * number + 20 for number in range(8)]
    writer.close()
    assert [time for _, time in seen(run.path / "pictures-000.avi")] == pytest.approx(
        [time for _, time in seen(early)]
    )


def test_pictures_of_another_size_or_after_ten_minutes_begin_a_new_file(run):
    writer = PictureWriter(run.folder)
    writer.write(grey(50, 0.0))
    writer.write(grey(60, 599.9))
    writer.write(grey(70, 600.0))
    writer.write(grey(80, 600.1, (24, 32, 3)))
    writer.close()
    assert [level for level, _ in seen(run.path / "pictures-000.avi")] == [50, 60]
    assert seen(run.path / "pictures-000.avi")[1][1] == pytest.approx(599.9, abs=0.006)
    assert [level for level, _ in seen(run.path / "pictures-001.avi")] == [70]
    assert [level for level, _ in seen(run.path / "pictures-002.avi")] == [80]
    assert run.rows("pictures-002.csv") == ["picture,seconds", "0,600.1000"]


def test_an_avi_does_not_grow_beyond_what_readers_can_follow(run, monkeypatch):
    monkeypatch.setattr(recording_pictures, "LARGEST", 3000)
    writer = PictureWriter(run.folder)
    noise = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
    for number in range(4):
        writer.write(Frame(noise, number / 30))
    writer.close()
    counts = [len(seen(path)) for path in sorted(run.path.glob("*.avi"))]
    assert sum(counts) == 4
    assert len(counts) > 1


def test_sound_comes_back_and_tells_when_it_began(run):
    samples = np.concatenate([tone(2.5), np.array([1.5, -1.5], np.float32)])  # beyond full scale: clipped
    writer = SoundWriter(run.folder)
    sound_written(writer, samples, 3.25)
    writer.close()
    back, rate = soundfile.read(run.path / "sound-000.flac", dtype="float32")
    assert rate == RATE
    assert back == pytest.approx(samples.clip(-1, 1), abs=1 / 32000)
    assert run.rows("sound-000.csv") == ["sample,seconds,lost", "0,3.2500,0.0000"]


def test_lost_sound_is_silence_of_the_same_length_and_is_noted(run):
    samples = tone(1.0)
    writer = SoundWriter(run.folder)
    sound_written(writer, samples, 0.0)
    sound_written(writer, samples, 3.5)  # 2.5 s are lost
    sound_written(writer, samples, 4.52)  # 20 ms off: a card's clock that drifts
    sound_written(writer, samples, 5.4)  # so early that only a wrong clock can be
    writer.close()
    back, _ = soundfile.read(run.path / "sound-000.flac", dtype="float32")
    gap = np.zeros(round(2.5 * RATE), np.float32)
    assert back == pytest.approx(np.concatenate([samples, gap, samples, samples, samples]), abs=1 / 32000)
    assert run.rows("sound-000.csv") == [
        "sample,seconds,lost", "0,0.0000,0.0000", f"{round(3.5 * RATE)},3.5000,2.5000",
        f"{round(5.5 * RATE)},5.4000,-0.1000",
    ]  # fmt: skip


def test_sound_that_breaks_off_opens_and_holds_all_but_its_end(run, tmp_path):
    noise = np.random.default_rng(2).normal(0, 0.1, 20 * BLOCK).astype(np.float32)
    writer = SoundWriter(run.folder)
    sound_written(writer, noise, 0.0)
    early = AudioFile(AudioFileSettings(shutil.copy(run.path / "sound-000.flac", tmp_path / "early.flac")))
    heard = sum(len(block.samples) for block in early)
    assert heard == 20 * BLOCK - HELD
    assert early.warnings == []
    writer.close()
    assert soundfile.info(run.path / "sound-000.flac").frames == 20 * BLOCK


def test_sound_after_ten_minutes_begins_a_new_file_without_silence_between(run):
    writer = SoundWriter(run.folder)
    sound_written(writer, tone(0.5), 0.0)
    sound_written(writer, tone(0.5), 700.0)
    writer.close()
    assert [soundfile.info(run.path / f"sound-00{number}.flac").frames for number in (0, 1)] == [8000, 8000]
    assert run.rows("sound-001.csv")[1] == "0,700.0000,0.0000"


def test_poses_come_back_at_their_milliseconds(run):
    poses = walk(3.0, 100 / 3, begin=12.0)
    writer = MotionWriter(run.folder)
    for pose in poses:
        writer.write(pose)
    writer.close()
    motion = read_motion(run.path / "motion-000.mvnx")
    assert motion.warnings == ()
    assert [pose.time for pose in motion.poses] == pytest.approx(
        [pose.time - 12 for pose in poses], abs=0.001
    )
    for given, back in zip(poses, motion.poses, strict=True):
        assert np.abs((given.rotations * back.rotations).sum(-1)) == pytest.approx(np.ones(23), abs=1e-5)
        assert back.position == pytest.approx(given.position, abs=1e-3)
    assert '<frame time="12000"' in (run.path / "motion-000.mvnx").read_text()


def test_what_a_pose_does_not_know_stays_unknown_but_for_the_pelvis(run):
    missing = walking(0.1, ("L3", "RightHand"))
    lost = walking(0.2, ("Pelvis", "Head"))
    lost.position[:] = np.nan
    writer = MotionWriter(run.folder)
    for pose in (missing, lost):
        writer.write(pose)
    writer.close()
    back = read_motion(run.path / "motion-000.mvnx").poses
    assert back[0].known.tolist() == missing.known.tolist()
    assert back[1].known.tolist() == [number not in (6,) for number in range(23)]
    assert np.isnan(back[1].position).all()
    turned = np.abs((missing.rotations * back[0].rotations).sum(-1))
    assert turned[missing.known] == pytest.approx(np.ones(21), abs=1e-5)


def test_motion_that_breaks_off_gives_the_poses_before_and_new_files_follow(run, tmp_path):
    writer = MotionWriter(run.folder)
    for pose in walk(2.0, 30.0):  # 61 poses, of which 60 are written
        writer.write(pose)
    early = read_motion(shutil.copy(run.path / "motion-000.mvnx", tmp_path / "early.mvnx"))
    assert len(early.poses) == 60
    assert "damaged" in early.warnings[0]
    writer.write(walking(601.0))
    writer.close()
    assert len(read_motion(run.path / "motion-000.mvnx").poses) == 61
    assert len(read_motion(run.path / "motion-001.mvnx").poses) == 1


def test_every_writer_keeps_to_the_cap_also_as_it_ends(tmp_path):
    noise = np.random.default_rng(3)
    steps = {
        PictureWriter: lambda writer, time: writer.write(
            Frame(noise.integers(0, 255, (48, 64, 3), np.uint8), time)
        ),
        SoundWriter: lambda writer, time: writer.write(
            SoundBlock(noise.normal(0, 0.3, BLOCK).astype(np.float32)), time
        ),
        MotionWriter: lambda writer, time: writer.write(walking(time)),
    }
    for kind, step in steps.items():
        run = Begun(tmp_path / kind.__name__, most=300_000)
        writer = kind(run.folder)
        with pytest.raises(RecordingFull, match="holds all that it may, 0 MB"):
            for number in range(100_000):
                step(writer, number * BLOCK / RATE)
        writer.close()
        run.folder.close()
        size = sum(path.stat().st_size for path in run.path.iterdir())
        assert 200_000 < size <= 300_000, kind
