"""FaceMesh: regions worked by hand, and the same face however the picture is turned."""

import hashlib
import math
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")

from edge_emotion.features.face_detector import FaceDetector  # noqa: E402
from edge_emotion.features.face_mesh import FaceMesh, Region, region_of_mesh, sigmoid  # noqa: E402
from edge_emotion.features.landmarks68 import landmarks68, outer_eye_distance  # noqa: E402

NETWORKS = {
    "face_detection_short_range.tflite": "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    "face_landmark.tflite": "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
}


@pytest.fixture(scope="module")
def frame(shared_data: Path) -> np.ndarray:
    taken, picture = cv2.VideoCapture(str(shared_data / "clips" / "single_face.mp4")).read()
    assert taken
    return picture


@pytest.fixture(scope="module")
def finder() -> FaceMesh:
    return FaceMesh()


def mesh_in(finder: FaceMesh, picture: np.ndarray) -> tuple[np.ndarray, float]:
    (face,) = FaceDetector().find(picture)
    mesh, _ = finder.find(picture, face.region())
    return finder.find(picture, region_of_mesh(mesh))


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean distance of the landmarks, as a share of the outer-eye distance."""
    first, second = landmarks68(one)[:, :2], landmarks68(other)[:, :2]
    return float(np.linalg.norm(first - second, axis=1).mean() / outer_eye_distance(first))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_shipped_networks_are_mediapipes(name: str) -> None:
    network = (resources.files("edge_emotion") / "models" / name).read_bytes()
    assert hashlib.sha256(network).hexdigest() == NETWORKS[name]


def test_a_level_region_maps_its_corners() -> None:
    to_picture = Region(x=100, y=50, side=40, angle=0).to_picture(10)
    assert np.allclose(to_picture @ [0, 0, 1], [80, 30])
    assert np.allclose(to_picture @ [10, 10, 1], [120, 70])


def test_a_region_turned_by_a_quarter_maps_its_corners() -> None:
    to_picture = Region(x=100, y=50, side=40, angle=math.pi / 2).to_picture(10)
    assert np.allclose(to_picture @ [0, 0, 1], [120, 30])  # the crop's left top is the picture's right top
    assert np.allclose(to_picture @ [10, 0, 1], [120, 70])


def test_the_region_of_a_mesh_is_half_as_large_again_and_level_with_the_eyes() -> None:
    mesh = np.full((468, 3), 50, np.float32)
    mesh[0], mesh[1] = (40, 30, 0), (60, 70, 0)
    mesh[33], mesh[263] = (45, 45, 0), (55, 55, 0)
    region = region_of_mesh(mesh)
    assert (region.x, region.y, region.side) == (50, 50, 60)
    assert region.angle == pytest.approx(math.pi / 4)
    assert region_of_mesh(np.zeros((468, 3), np.float32)) == Region(0, 0, 1, 0)


def test_sigmoid_does_not_overflow() -> None:
    assert [sigmoid(x) for x in (-1e9, 0, 1e9)] == [0, 0.5, 1]


def test_a_nearly_level_region_reads_the_same_places(
    frame: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    finder, seen = FaceMesh(), []
    for level in (math.radians(3), -1.0):  # below it the crop is a plain resize; -1: never
        monkeypatch.setattr("edge_emotion.features.face_mesh.LEVEL", level)
        to_picture = finder._read(frame, Region(frame.shape[1] / 2 + 0.3, frame.shape[0] / 2, 150.4, 0.0))
        pixels = finder._network.input().copy()
        spot = to_picture @ [96, 96, 1]
        seen.append((pixels.reshape(192, 192, 3), spot))
    (resized, here), (turned, there) = seen
    assert (
        np.abs(here - there).max() < 1
    )  # whole pixels: up to half of one away, and half of one for the corner
    moved = np.round((here - there) * 192 / 150).astype(int)
    assert np.abs(moved).max() <= 1
    shifted = np.roll(turned, (-moved[1], -moved[0]), (0, 1))
    assert np.abs(resized - shifted)[4:-4, 4:-4].mean() < 0.01
    whole = finder._read(frame, Region(3.0, 3.0, 150.0, 0.0))  # beyond the border: not resized
    assert np.allclose(whole, Region(3.0, 3.0, 150.0, 0.0).to_picture(192))


def test_points_follow_a_turned_picture(finder: FaceMesh, frame: np.ndarray) -> None:
    mesh, presence = mesh_in(finder, frame)
    assert presence > 0.99
    height, width = frame.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 25, 1)
    turned, _ = mesh_in(finder, cv2.warpAffine(frame, turn, (width, height)))
    expected = mesh.copy()
    expected[:, :2] = mesh[:, :2] @ turn[:, :2].T + turn[:, 2]
    assert difference(expected, turned) < 0.02


def test_points_and_depth_grow_with_the_picture(finder: FaceMesh, frame: np.ndarray) -> None:
    mesh, _ = mesh_in(finder, frame)
    large, _ = mesh_in(finder, cv2.resize(frame, None, fx=2, fy=2))
    assert difference(mesh * 2, large) < 0.02
    depth = np.ptp(mesh[:, 2])
    assert np.ptp(large[:, 2]) == pytest.approx(2 * depth, rel=0.1)
    assert mesh[4, 2] < mesh[[234, 454], 2].min()  # the tip of the nose is nearer than the cheeks


def test_colours_are_read_in_the_right_order(finder: FaceMesh, frame: np.ndarray) -> None:
    region = region_of_mesh(mesh_in(finder, frame)[0])
    finder.find(frame, region)
    with_alpha = finder.find(cv2.cvtColor(frame, cv2.COLOR_BGR2BGRA), region)[0]
    assert np.array_equal(with_alpha, finder.find(frame, region)[0])
    blue = np.zeros((8, 8, 3), np.uint8)
    blue[..., 0] = 255
    finder._read(blue, Region(4, 4, 8, 0))
    assert np.allclose(finder._network.input()[96, 96], [0, 0, 1])


def test_a_still_that_a_face_fills_needs_no_detector(finder: FaceMesh, frame: np.ndarray) -> None:
    mesh, _ = mesh_in(finder, frame)
    left, top = mesh[:, :2].min(0).astype(int)
    right, bottom = mesh[:, :2].max(0).astype(int)
    still = cv2.resize(
        cv2.cvtColor(frame[top:bottom, left:right], cv2.COLOR_BGR2GRAY),
        (48, 48),
        interpolation=cv2.INTER_AREA,
    )
    found, presence = finder.mesh_of_still(still)
    assert presence > 0.5
    expected = (mesh - [left, top, 0]) * [48 / (right - left), 48 / (bottom - top), 1]
    assert difference(expected.astype(np.float32), found) < 0.08
