"""The front end on real clips and bad pictures: who is found, followed, lost and found again."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")

from edge_emotion.errors import EdgeEmotionError  # noqa: E402
from edge_emotion.features import mediapipe_landmarks  # noqa: E402
from edge_emotion.features.face_front_end import Face, FaceFrontEnd  # noqa: E402
from edge_emotion.features.face_identity import Identities, Sighting, overlap  # noqa: E402
from edge_emotion.features.face_quality import grade, light_and_sharpness, pose  # noqa: E402
from edge_emotion.settings import FaceFrontEndSettings  # noqa: E402

RATE = 25.0


def frames(clip: Path, most: int = 400) -> Iterator[np.ndarray]:
    reader = cv2.VideoCapture(str(clip))
    for _ in range(most):
        taken, frame = reader.read()
        if not taken:
            return
        yield frame


def found(front_end: FaceFrontEnd, pictures: Iterator[np.ndarray], start: float = 0.0) -> list[list[Face]]:
    return [front_end.find(picture, start + k / RATE) for k, picture in enumerate(pictures)]


@pytest.fixture(scope="module")
def frame(shared_data: Path) -> np.ndarray:
    return next(frames(shared_data / "clips" / "single_face.mp4"))


@pytest.mark.parametrize("clip", ["brbk7n.mpg", "lbax4n.mpg", "pwij3p.mpg", "sbwe5n.mpg", "single_face.mp4"])
def test_a_face_is_seen_in_every_frame_under_one_identity(shared_data: Path, clip: str) -> None:
    seen = found(FaceFrontEnd(), frames(shared_data / "clips" / clip))
    assert [[face.identity for face in faces] for faces in seen] == [[1]] * len(seen)
    assert len(seen) >= 70
    face = seen[-1][0]
    assert face.mesh.shape == (468, 3) and face.mesh.dtype == np.float32
    assert face.landmarks.shape == (68, 2) and face.landmarks.dtype == np.float32
    assert face.problem is None and face.quality > 0.9 and face.presence > 0.99


def test_no_face_is_seen_where_none_is(shared_data: Path) -> None:
    seen = found(FaceFrontEnd(), frames(shared_data / "clips" / "no_face.mp4"))
    assert len(seen) > 90
    assert not any(seen)


def test_a_face_that_leaves_is_lost_at_once(shared_data: Path) -> None:
    """It is last there, half covered, at frame 72 of 169; a tenth of a second is allowed."""
    seen = [bool(faces) for faces in found(FaceFrontEnd(), frames(shared_data / "clips" / "face_noface.mov"))]
    assert all(seen[:70])
    assert not any(seen[75:])


def test_reset_numbers_from_one_again(frame: np.ndarray) -> None:
    front_end = FaceFrontEnd()
    first = front_end.find(frame, 0.0)
    assert front_end.find(frame, 10.0)[0].identity == 2  # nothing for ten seconds: somebody else
    front_end.reset()
    again = front_end.find(frame, 0.0)
    assert again[0].identity == 1
    assert np.array_equal(again[0].mesh, first[0].mesh)


def test_a_face_that_comes_back_soon_is_the_same(frame: np.ndarray) -> None:
    front_end = FaceFrontEnd()
    empty = np.full_like(frame, 90)
    times = np.arange(0, 3, 1 / RATE)
    shown = {
        float(t): front_end.find(frame if t < 0.5 or 1 <= t < 1.5 or t >= 2.7 else empty, float(t))
        for t in times
    }
    identities = [faces[0].identity for faces in shown.values() if faces]
    assert [faces == [] for t, faces in shown.items() if 0.5 <= t < 1] == [True] * 12
    assert identities == [1] * 26 + [2] * 7  # half a second away, then more than one


def two_faces(frame: np.ndarray, other: np.ndarray, x: int, x_other: int) -> np.ndarray:
    """Two faces beside each other on grey, `frame` in front."""
    picture = np.full((320, 960, 3), 100, np.uint8)
    for image, left in ((other, x_other), (frame, x)):
        ellipse = np.zeros(image.shape[:2], np.uint8)
        height, width = image.shape[:2]
        cv2.ellipse(ellipse, (width // 2, height // 2), (width // 2, height // 2), 0, 0, 360, 255, -1)
        place = picture[10 : 10 + height, left : left + width]
        place[ellipse > 0] = image[ellipse > 0]
    return picture


@pytest.fixture(scope="module")
def heads(shared_data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Two heads of about one size, 200 pixels wide and 280 high."""
    clips = shared_data / "clips"
    heads = []
    for name in ("single_face.mp4", "pwij3p.mpg"):
        picture = next(frames(clips / name))
        (face,) = FaceFrontEnd().find(picture, 0.0)
        x, y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
        side = max(face.box[2] - face.box[0], face.box[3] - face.box[1])
        cut = np.array([[side / 130, 0, x - side / 130 * 100], [0, side / 130, y - side / 130 * 145]])
        heads.append(
            cv2.warpAffine(
                picture,
                cut,
                (200, 280),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
        )
    return heads[0], heads[1]


@pytest.mark.parametrize("seconds", [1.5, 3.0])
def test_crossing_faces_do_not_swap(heads: tuple[np.ndarray, np.ndarray], seconds: float) -> None:
    front_end = FaceFrontEnd(FaceFrontEndSettings(faces=2))
    steps = round(seconds * RATE)
    path = np.linspace(60, 680, steps).round().astype(int)
    seen = [
        front_end.find(two_faces(*heads, x=int(x), x_other=int(740 - x)), k / RATE)
        for k, x in enumerate(path)
    ]
    start = {face.identity: face.box[0] for face in seen[0]}
    end = {face.identity: face.box[0] for face in seen[-1]}
    assert set(start) == {1, 2}
    assert set(end) == {1, 2}
    assert (start[1] < start[2]) != (end[1] < end[2])  # each went its own way
    for faces in seen:  # and never two on one face
        assert len(faces) < 2 or overlap(faces[0].box, faces[1].box) <= 0.5


def test_faces_come_largest_first_and_only_as_many_as_asked(heads: tuple[np.ndarray, np.ndarray]) -> None:
    small = cv2.resize(heads[1], None, fx=0.85, fy=0.85, interpolation=cv2.INTER_AREA)
    picture = two_faces(heads[0], small, 600, 100)
    both = FaceFrontEnd(FaceFrontEndSettings(faces=2)).find(picture, 0.0)
    assert [face.box[0] > 480 for face in both] == [True, False]
    (largest,) = FaceFrontEnd().find(picture, 0.0)
    assert largest.box[0] > 480


def test_a_second_face_is_found_while_the_first_is_followed(heads: tuple[np.ndarray, np.ndarray]) -> None:
    front_end = FaceFrontEnd(FaceFrontEndSettings(faces=2))
    alone = two_faces(heads[0], np.full_like(heads[1], 100), 600, 100)
    assert [f.identity for f in front_end.find(alone, 0.0)] == [1]
    both = two_faces(*heads, 600, 100)
    counts = [len(front_end.find(both, k / RATE)) for k in range(1, 15)]
    assert counts[0] == 1 and counts[-1] == 2  # the detector looks every half second


def test_a_far_face_is_found_by_the_second_look(frame: np.ndarray) -> None:
    small = cv2.resize(frame, None, fx=0.42, fy=0.42, interpolation=cv2.INTER_AREA)
    far = np.full((720, 960, 3), 110, np.uint8)
    far[40 : 40 + small.shape[0], 600 : 600 + small.shape[1]] = small
    front_end = FaceFrontEnd()
    seen = [front_end.find(far, k / RATE) for k in range(8)]
    assert not seen[0]
    (face,) = seen[-1]
    assert 600 < face.box[0] < face.box[2] < 600 + small.shape[1]


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 1, 1), (1, 1, 3), (3, 2, 4), (1, 500, 3), (500, 1), (4320, 7680, 3), (48, 48, 1)]
)
def test_pictures_of_any_size_without_a_face_give_none(shape: tuple[int, ...]) -> None:
    front_end = FaceFrontEnd(FaceFrontEndSettings(faces=3))
    noise = np.random.default_rng(5).integers(0, 256, shape, np.uint8)
    for k, picture in enumerate((np.zeros(shape, np.uint8), noise, np.full(shape, 255, np.uint8))):
        assert front_end.find(picture, k / RATE) == []


def test_a_face_survives_a_change_of_kind_and_of_layout(frame: np.ndarray) -> None:
    front_end = FaceFrontEnd()
    (face,) = front_end.find(frame, 0.0)
    kinds = [
        cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY),
        cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)[..., None],
        cv2.cvtColor(frame, cv2.COLOR_BGR2BGRA),
        np.asfortranarray(frame),
        np.ascontiguousarray(frame[:, ::-1])[:, ::-1],
    ]
    for k, picture in enumerate(kinds):
        (same,) = front_end.find(picture, (k + 1) / RATE)
        assert same.identity == face.identity
        assert overlap(same.box, face.box) > 0.9


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((1, 20000), np.uint8),
        None,
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(picture: object) -> None:
    with pytest.raises(EdgeEmotionError, match=r"^picture: expected uint8 [^\n]*, got [^\n]+$"):
        FaceFrontEnd().find(picture, 0.0)  # type: ignore[arg-type]


def flat_head() -> np.ndarray:
    """A mesh that looks into the camera: eyes, temples and cheeks level, chin under forehead."""
    mesh = np.zeros((468, 3), np.float32)
    for right, left, x, y in (
        (33, 263, 30, -20),
        (133, 362, 12, -20),
        (127, 356, 45, -20),
        (234, 454, 46, 0),
    ):
        mesh[right], mesh[left] = (-x, y, 0), (x, y, 0)
    mesh[93], mesh[323] = (-45, 15, 0), (45, 15, 0)
    mesh[10], mesh[152] = (0, -60, 0), (0, 60, 0)
    return mesh


def test_the_pose_of_a_turned_mesh() -> None:
    c, s = np.cos(0.5), np.sin(0.5)
    head = flat_head()
    # Turned to the person's left: that side (x > 0) goes away from the camera (z > 0).
    left = head @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
    assert (pose(left).yaw, pose(left).pitch, pose(left).roll) == pytest.approx((0.5, 0, 0), abs=1e-5)
    down = head @ np.array([[1, 0, 0], [0, c, s], [0, -s, c]], np.float32)  # the chin goes away
    assert (pose(down).yaw, pose(down).pitch, pose(down).roll) == pytest.approx((0, 0.5, 0), abs=1e-5)
    rolled = head @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], np.float32)
    assert (pose(rolled).yaw, pose(rolled).pitch, pose(rolled).roll) == pytest.approx((0, 0, 0.5), abs=1e-5)


def test_quality_names_what_is_wrong() -> None:
    head = flat_head()
    assert grade(head, 120.0, 0.5) == (1.0, None)
    c, s = np.cos(1.2), np.sin(1.2)
    turned = head @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
    assert grade(turned, 120.0, 0.5) == (0.0, "face turned away")
    assert grade(head / 10, 120.0, 0.5) == (0.0, "face too small")
    assert grade(head, 5.0, 0.5) == (0.0, "too dark")
    assert grade(head, 120.0, 0.01) == (0.0, "too blurred")


def test_darkness_and_blur_of_a_real_face(frame: np.ndarray) -> None:
    (face,) = FaceFrontEnd().find(frame, 0.0)
    light, sharp = light_and_sharpness(frame, face.box)
    dim, dim_sharp = light_and_sharpness(frame // 4, face.box)
    assert dim == pytest.approx(light / 4, rel=0.05)
    assert dim_sharp == pytest.approx(sharp, rel=0.3)  # dim is not blurred
    (blurred,) = FaceFrontEnd().find(cv2.GaussianBlur(frame, (0, 0), 7), 0.0)
    assert blurred.quality < 0.5 < face.quality
    (dark,) = FaceFrontEnd().find((frame * 0.08).astype(np.uint8), 0.0)
    assert dark.problem == "too dark" and dark.quality == 0


def test_identities_go_to_the_face_that_is_expected_there() -> None:
    identities = Identities(memory=1.0)
    box = (0.0, 0.0, 10.0, 10.0)
    assert [identities.of_new(box, 0.0) for _ in range(2)] == [1, 2]
    identities.lose(Sighting(1, box, (100.0, 0.0), 0.0))  # on its way to the right
    identities.lose(Sighting(2, (20.0, 0.0, 30.0, 10.0), (-100.0, 0.0), 0.0))  # and to the left
    assert identities.of_new((20.0, 0.0, 30.0, 10.0), 0.2) == 1  # expected at 20, the other at 0
    assert identities.of_new((20.0, 0.0, 30.0, 10.0), 0.2) == 3
    assert identities.of_new((0.0, 0.0, 10.0, 10.0), 1.5) == 4  # forgotten


@pytest.mark.parametrize(
    ("wrong", "name"),
    [({"faces": 0}, "faces"), ({"landmarks": "dlib"}, "landmarks"), ({"presence": 2}, "presence")],
)
def test_settings_name_what_is_wrong(wrong: dict[str, object], name: str) -> None:
    with pytest.raises(EdgeEmotionError, match=f"^{name}: "):
        FaceFrontEndSettings(**wrong)  # type: ignore[arg-type]


def test_a_missing_mediapipe_names_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(mediapipe_landmarks.importlib, "import_module", missing)
    with pytest.raises(EdgeEmotionError, match=r"pip install --no-deps mediapipe==0\.10\.18"):
        FaceFrontEnd(FaceFrontEndSettings(landmarks="mediapipe"))
    monkeypatch.setattr(mediapipe_landmarks.importlib, "import_module", lambda name: np)  # without solutions
    with pytest.raises(EdgeEmotionError, match=r"no mp\.solutions"):
        FaceFrontEnd(FaceFrontEndSettings(landmarks="mediapipe"))
