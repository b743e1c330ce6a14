"""Our FaceMesh against MediaPipe's own: the comparison by hand, and on a clip where that wheel installs."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")

from face_parity import BAR, compare, our_points, reference_environment, reference_points

from edge_emotion.errors import EdgeEmotionError


def test_the_difference_is_a_share_of_the_outer_eye_distance() -> None:
    theirs = np.zeros((3, 468, 3), np.float32)
    theirs[:, 33], theirs[:, 263] = (0, 0, 0), (100, 0, 0)
    ours = theirs + np.array([3, 4, 50], np.float32)  # 5 pixels aside; depth does not count
    theirs[1], ours[2] = np.nan, np.nan
    row, shares = compare(Path("clip.mp4"), theirs, ours)
    assert shares == pytest.approx(np.full((1, 2), 0.05))
    assert (row.frames, row.both, row.mediapipe_alone, row.ours_alone) == (3, 1, 1, 1)
    with pytest.raises(EdgeEmotionError, match="reads 2 frames of it, ours 3"):
        compare(Path("clip.mp4"), theirs[:2], ours)


@pytest.fixture(scope="session")
def mediapipe_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.version_info >= (3, 13):
        pytest.skip("mediapipe 0.10.18 has no wheel for Python 3.13")
    try:
        return reference_environment(tmp_path_factory.mktemp("mediapipe") / "venv")
    except EdgeEmotionError as reason:
        pytest.skip(str(reason))


@pytest.mark.optional
def test_the_points_are_mediapipes(shared_data: Path, mediapipe_python: Path) -> None:
    clip = shared_data / "clips" / "single_face.mp4"
    row, _ = compare(clip, reference_points(mediapipe_python, clip), our_points(clip))
    assert row.both == row.frames == 72
    assert row.mesh is not None and row.mesh <= BAR
    assert row.landmarks is not None and row.landmarks <= BAR
