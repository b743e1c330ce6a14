"""A face's grade: measured anew every tenth of a second, and weighted by the presence of every picture."""

import numpy as np
import pytest

pytest.importorskip("cv2")

from edge_emotion.features import face_front_end
from edge_emotion.features.face_front_end import FaceFrontEnd
from edge_emotion.features.face_tracker import TrackedFace

PICTURE = np.zeros((100, 100, 3), np.uint8)


class OneFace:
    """A tracker that sees face 1, or 2, with a presence that the test sets."""

    presence, identity = 1.0, 1

    def update(self, image: np.ndarray, time: float) -> list[TrackedFace]:
        mesh = np.random.default_rng(0).uniform(20, 80, (468, 3)).astype(np.float32)
        return [TrackedFace(self.identity, mesh, (20.0, 20.0, 80.0, 80.0), self.presence, time=time)]

    def reset(self) -> None:
        """Nothing is kept."""


@pytest.fixture
def graded(monkeypatch: pytest.MonkeyPatch) -> tuple[FaceFrontEnd, OneFace, list[float]]:
    """A front end whose grades are .5, .25, .125 ..., and the list of those given."""
    given: list[float] = []

    def grade(*_: object) -> tuple[float, str | None]:
        given.append(0.5 ** (len(given) + 1))
        return given[-1], "too dark" if len(given) == 2 else None

    monkeypatch.setattr(face_front_end, "grade", grade)
    monkeypatch.setattr(face_front_end, "_tracker", lambda _: tracker)
    tracker = OneFace()
    return FaceFrontEnd(), tracker, given


def test_a_grade_holds_for_a_tenth_of_a_second(graded: tuple[FaceFrontEnd, OneFace, list[float]]) -> None:
    front_end, tracker, given = graded
    seen = []
    for time, presence in ((0.0, 1.0), (0.033, 0.8), (0.066, 0.4), (0.1, 1.0), (0.133, 1.0)):
        tracker.presence = presence
        (face,) = front_end.find(PICTURE, time)
        seen.append((face.quality, face.problem))
    assert len(given) == 2
    assert seen == [(0.5, None), (0.4, None), (0.2, None), (0.25, "too dark"), (0.25, "too dark")]


def test_another_face_another_time_and_a_reset_are_graded_anew(
    graded: tuple[FaceFrontEnd, OneFace, list[float]],
) -> None:
    front_end, tracker, given = graded
    front_end.find(PICTURE, 5.0)
    tracker.identity = 2
    front_end.find(PICTURE, 5.01)
    front_end.find(PICTURE, 4.0)  # another recording
    front_end.reset()
    front_end.find(PICTURE, 4.01)
    assert len(given) == 4
