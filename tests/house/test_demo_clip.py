"""The bundled clip: what deploy/make_demo_clip.py says it is."""

import zipfile
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import make_demo_clip
import numpy as np
import pytest

CLIP = resources.files("edge_emotion") / "data" / "demo.mp4"
PHOTOGRAPH = 512  # pixels, its side


def test_the_clip_is_small_and_as_long_as_the_voice() -> None:
    with resources.as_file(CLIP) as path:
        assert path.stat().st_size < 500_000
        with av.open(str(path)) as container:
            (video,), (sound,) = container.streams.video, container.streams.audio
            assert (video.codec_context.name, sound.codec_context.name) == ("h264", "aac")
            shape = (video.frames, video.width, video.height, video.average_rate)
            assert shape == (275, make_demo_clip.WIDTH, make_demo_clip.HEIGHT, make_demo_clip.FPS)
            assert float(sound.duration * sound.time_base) == pytest.approx(11.0, abs=0.1)
            assert float(sound.start_time * sound.time_base) == 0


def test_the_camera_stays_on_the_photograph_and_moves_slowly() -> None:
    width, height = make_demo_clip.WIDTH, make_demo_clip.HEIGHT
    places = np.array(
        [(0, 0, 1), (width, 0, 1), (0, height, 1), (width, height, 1), (width / 2, height / 2, 1)]
    )
    seen = np.stack([make_demo_clip.view(index / make_demo_clip.FPS) @ places.T for index in range(275)])
    points = seen[:, :2] / seen[:, 2:]  # (frame, x or y, place)
    assert points.min() > 0 and points.max() < PHOTOGRAPH
    assert np.abs(points[:, :, 4] - np.array(make_demo_clip.FACE)).max() < 15
    assert np.ptp(points[:, :, 0], axis=0).min() > 5, "it does not move"
    assert np.abs(np.diff(points, axis=0)).max() < 3, "it jumps"


def test_the_photograph_is_checked_by_its_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(command: list[str], **options: Any) -> SimpleNamespace:
        folder = Path(command[command.index("-d") + 1])
        with zipfile.ZipFile(folder / "scikit_image-0-py3-none-any.whl", "w") as archive:
            archive.writestr(make_demo_clip.PHOTOGRAPH, b"another picture")
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(make_demo_clip.subprocess, "run", fetch)
    with pytest.raises(make_demo_clip.DemoClipError, match=r"astronaut\.png .* expected sha256 88431cd9"):
        make_demo_clip.photograph()
