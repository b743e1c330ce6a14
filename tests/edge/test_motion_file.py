"""A recording of motion as a source: both formats, its pace, and closing it from another thread."""

import threading
import time

import numpy as np
import pytest

from bvh_body import body
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.skeleton import SEGMENTS
from edge_emotion.skeleton_names import MVN_BVH
from edge_emotion.sources.motion_file import MotionFile, MotionFileSettings, read_motion

LISTED = "".join(f'<segment id="{n}" label="{name}"/>' for n, name in enumerate(SEGMENTS, 1))
FRAMES = "".join(
    f'<frame index="{n}" type="normal"><orientation>{"1 0 0 0 " * 23}</orientation></frame>'
    for n in (0, 1, 5)
)
SUBJECT = f'<subject frameRate="50"><segments>{LISTED}</segments><frames>{FRAMES}</frames></subject>'
MVNX = f'<mvnx version="4">{SUBJECT}</mvnx>'


def bvh(folder, frames=3, name="take.bvh", **told):
    path = folder / name
    path.write_text(body(MVN_BVH, [{}] * frames, **told))
    return path


@pytest.mark.parametrize("name", ["take.bvh", "TAKE.BVH"])
def test_a_bvh_file_gives_its_poses_in_order(name, tmp_path):
    source = MotionFile(MotionFileSettings(bvh(tmp_path, name=name, period=0.02, count=9)))
    assert [pose.time for pose in source] == pytest.approx([0, 0.02, 0.04])
    assert (source.name, source.dropped) == (name, 0)
    assert (source.period, source.duration) == pytest.approx((0.02, 0.06))
    assert source.warnings == [f"{name} says 9 frames and holds 3: these are read"]
    assert [pose.time for pose in source] == pytest.approx([0, 0.02, 0.04])  # anew


def test_an_mvnx_file_gives_its_poses_with_their_gap(tmp_path):
    path = tmp_path / "take.mvnx"
    path.write_text(MVNX)
    source = MotionFile(MotionFileSettings(path))
    assert [pose.time for pose in source] == pytest.approx([0, 0.02, 0.1])
    assert (source.period, source.duration) == pytest.approx((0.02, 0.12))
    assert source.warnings == []
    assert all(pose.known.all() for pose in source)
    assert all(np.isnan(pose.position).all() for pose in source)


def test_its_motion_can_be_read_whole(tmp_path):
    motion = read_motion(bvh(tmp_path, frames=4, count=1))
    assert len(motion.poses) == 4
    assert motion.period == pytest.approx(0.04)
    assert len(motion.warnings) == 1


@pytest.mark.parametrize("name", ["take.fbx", "take", "take.bvh.gz", ".bvh"])
def test_another_kind_of_file_is_refused_with_both_named(name, tmp_path):
    path = tmp_path / name
    path.write_text("x")
    with pytest.raises(EdgeEmotionError, match=r"\.bvh or \.mvnx") as caught:
        MotionFile(MotionFileSettings(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["no.bvh", "no.mvnx"])
def test_a_missing_file_is_refused_when_the_source_is_made(name, tmp_path):
    with pytest.raises(EdgeEmotionError, match="no such file"):
        MotionFile(MotionFileSettings(tmp_path / name))


def test_a_name_that_a_terminal_cannot_show_is_written_out(tmp_path):
    source = MotionFile(MotionFileSettings(bvh(tmp_path, name="a\x1bb.bvh")))
    assert source.name == "'a\\x1bb.bvh'"


def test_close_ends_the_iteration(tmp_path):
    source = MotionFile(MotionFileSettings(bvh(tmp_path, frames=10)))
    given = []
    for pose in source:
        given.append(pose)
        if len(given) == 2:
            source.close()
    assert len(given) == 2
    assert list(source) == []
    source.close()  # again


def test_close_from_another_thread_ends_a_wait_at_once(tmp_path):
    source = MotionFile(MotionFileSettings(bvh(tmp_path, period=1.0, frames=1000), realtime=True))
    given = []
    first = threading.Event()

    def read() -> None:
        for pose in source:
            given.append(pose)
            first.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert first.wait(20)
    source.close()
    reader.join(20)
    assert not reader.is_alive()
    assert len(given) < 50


def test_realtime_waits_until_each_pose_is_due(tmp_path, monkeypatch):
    source = MotionFile(MotionFileSettings(bvh(tmp_path, period=0.5), realtime=True))
    now = [100.0]
    waits = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        now[0] += seconds
        return False

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(source._closed, "wait", wait)
    for pose in source:
        now[0] += 0.2 if pose.time < 0.5 else 0.7  # the second one takes longer than its time
    assert waits == pytest.approx([0, 0.3, 0])
