"""The face path from picture to estimate on real clips: with made-up networks, and with the shipped ones."""

from pathlib import Path

import numpy as np
import pytest

from edge_emotion.bundle import shipped_bundles
from edge_emotion.estimate import Estimate
from edge_emotion.face_recognizer import FaceRecognizer
from edge_emotion.features.face import FACE
from edge_emotion.features.face_front_end import FaceFrontEnd
from edge_emotion.manifest import AppearanceContract
from edge_emotion.settings import FaceRecognizerSettings, VideoFileSettings
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.video_file import VideoFile
from fake_faces import CountingAppearance, MotionEngine, face_bundle, reasons


def clip(shared_data: Path, name: str) -> list[Frame]:
    pytest.importorskip("av")
    path = shared_data / "clips" / name
    if not path.is_file():
        pytest.skip(f"needs {path}")
    return [item for item in VideoFile(VideoFileSettings(path)) if isinstance(item, Frame)]


def watched(watcher: FaceRecognizer, frames: list[Frame]) -> list[Estimate]:
    estimates = []
    for frame in frames:
        estimates += watcher.push(frame)
    return estimates + watcher.flush()


def made_up() -> FaceRecognizer:
    bundle = face_bundle(FACE, appearance=AppearanceContract(48, 64, 0.2, ()))
    return FaceRecognizer(bundle, MotionEngine(), FaceFrontEnd(), CountingAppearance())


def test_a_face_is_followed_through_its_clip(shared_data: Path) -> None:
    estimates = watched(made_up(), clip(shared_data, "single_face.mp4"))
    assert reasons(estimates) == ["face just came"] * 4 + [None] * (len(estimates) - 4)
    assert {estimate.identity for estimate in estimates} == {1}
    assert min(estimate.quality for estimate in estimates) > 0.5


def test_a_clip_without_a_face_abstains_on_every_event(shared_data: Path) -> None:
    estimates = watched(made_up(), clip(shared_data, "no_face.mp4"))
    assert len(estimates) > 15
    assert set(reasons(estimates)) == {"no face"}


def test_the_face_that_leaves_its_clip_is_gone_within_half_a_second(shared_data: Path) -> None:
    watcher = made_up()
    seen, told = (
        [],
        [],
    )  # times of frames with a face; time of the frame that brought an estimate, and the estimate
    for frame in clip(shared_data, "face_noface.mov"):
        told += [(frame.time, estimate) for estimate in watcher.push(frame)]
        seen += [frame.time] if watcher.faces else []
    left = max(seen)
    assert 2.0 < left < 3.0
    first = next(now for now, estimate in told if estimate.abstained == "no face")
    assert left < first <= left + 0.5
    assert all(estimate.abstained == "no face" for now, estimate in told if now >= first)


def shipped(name: str) -> FaceRecognizer:
    if name not in shipped_bundles():
        pytest.skip(f"needs the shipped bundle {name!r}")
    return FaceRecognizer.from_settings(FaceRecognizerSettings(model=name, smoothing=0.0))


@pytest.mark.parametrize("name", ["face-landmarks", "face"])
def test_the_shipped_networks_say_much_the_same_at_half_the_rate(shared_data: Path, name: str) -> None:
    watcher = shipped(name)
    frames = clip(shared_data, "single_face.mp4")
    every = {estimate.time: estimate for estimate in watched(watcher, frames)}
    watcher.reset()
    half = {estimate.time: estimate for estimate in watched(watcher, frames[::2])}
    both = [(every[time], half[time]) for time in every if time in half and not every[time].abstained]
    assert len(both) >= 5
    for one, other in both:
        assert one.probabilities is not None and other.probabilities is not None
        assert np.abs(one.probabilities - other.probabilities).max() < 0.15


@pytest.mark.parametrize("name", ["face-landmarks", "face"])
def test_the_shipped_networks_abstain_without_a_face(shared_data: Path, name: str) -> None:
    estimates = watched(shipped(name), clip(shared_data, "no_face.mp4"))
    assert set(reasons(estimates)) == {"no face"}
