"""BlazeFace: anchors, decoding and merging worked by hand, and real pictures."""

from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")

from edge_emotion.features.face_detector import FaceDetector, anchors, decode, merge, overlap  # noqa: E402


def first_frame(clip: Path) -> np.ndarray:
    taken, frame = cv2.VideoCapture(str(clip)).read()
    assert taken
    return frame


def test_anchors_lie_in_the_middle_of_each_place() -> None:
    centres = anchors()
    assert centres.shape == (896, 2)
    # Stride 8: 16 x 16 places, two anchors each, the first place's middle at 4 of 128 pixels.
    assert np.allclose(centres[:4], [[4 / 128, 4 / 128]] * 2 + [[12 / 128, 4 / 128]] * 2)
    assert np.allclose(centres[32], [4 / 128, 12 / 128])  # the second row
    # Stride 16: 8 x 8 places, six each, from anchor 16 * 16 * 2 on.
    assert np.allclose(centres[512:518], 8 / 128)
    assert np.allclose(centres[-1], 120 / 128)


def test_decode_places_box_and_keypoints_about_the_anchor() -> None:
    raw = np.zeros((1, 16), np.float32)
    raw[0, :6] = [12.8, 0, 25.6, 12.8, -12.8, 6.4]  # pixels of 128
    points = decode(raw, np.array([[0.5, 0.5]], np.float32))
    assert np.allclose(points[0, 0], [0.5, 0.45])  # left, top: middle (0.6, 0.5), size (0.2, 0.1)
    assert np.allclose(points[0, 1], [0.7, 0.55])
    assert np.allclose(points[0, 2], [0.4, 0.55])
    assert np.allclose(points[0, 3:], 0.5)


def test_overlap_is_intersection_over_union() -> None:
    box = np.array([0, 0, 2, 2], np.float32)
    others = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [2, 2, 3, 3], [1, 1, 1, 1]], np.float32)
    assert np.allclose(overlap(box, others), [1, 2 / 6, 0, 0])


def test_boxes_of_one_face_become_their_mean_by_score() -> None:
    near = np.tile(np.array([[0, 0], [2, 2]] + [[1, 1]] * 6, np.float32), (3, 1, 1))
    near[1] += 0.4  # overlaps the first by 1.6^2 / (8 - 1.6^2) = .47
    near[2] += 10
    faces = merge(near, np.array([0.75, 0.25, 0.9], np.float32))
    assert [score for _, score in faces] == pytest.approx([0.9, 0.75])
    assert np.allclose(faces[0][0][0], 10)
    assert np.allclose(faces[1][0][0], 0.1)  # (.75 * 0 + .25 * .4) / 1


def test_a_box_without_area_is_a_face_of_its_own() -> None:
    assert len(merge(np.zeros((2, 8, 2), np.float32), np.array([0.9, 0.8], np.float32))) == 2


def test_a_face_is_found_where_it_is_at_any_size_and_kind_of_picture(shared_data: Path) -> None:
    frame = first_frame(shared_data / "clips" / "single_face.mp4")
    detector = FaceDetector()
    (face,) = detector.find(frame)
    middle = (np.array(face.box[:2]) + face.box[2:]) / 2
    side = face.box[2] - face.box[0]
    right_eye, left_eye = face.keypoints[:2]
    assert right_eye[0] < middle[0] < left_eye[0]
    assert face.box[1] < right_eye[1] < middle[1]
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    assert np.abs(np.subtract(detector.find(grey)[0].box, face.box)).max() < 0.1 * side
    with_alpha = cv2.cvtColor(frame, cv2.COLOR_BGR2BGRA)
    assert detector.find(with_alpha)[0].box == face.box
    large = cv2.resize(frame, None, fx=8, fy=8)
    assert np.abs(np.subtract(detector.find(large)[0].box, np.multiply(face.box, 8))).max() < 0.05 * 8 * side


def test_a_tall_picture_is_letterboxed(shared_data: Path) -> None:
    frame = first_frame(shared_data / "clips" / "single_face.mp4")
    (face,) = FaceDetector().find(frame)
    above = 200
    tall = np.pad(frame, ((above, 100), (0, 0), (0, 0)))
    (lower,) = FaceDetector().find(tall)
    moved = np.subtract(lower.box, face.box)
    assert np.abs(moved - [0, above, 0, above]).max() < 0.1 * (face.box[2] - face.box[0])


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 7), (48, 48)])
def test_pictures_without_a_face_give_none(size: tuple[int, int]) -> None:
    detector = FaceDetector()
    assert detector.find(np.zeros((*size, 3), np.uint8)) == []
    assert detector.find(np.full(size, 255, np.uint8)) == []
