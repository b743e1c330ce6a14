"""Pictures in, faces out: who is there, the points of each face, and whether it can be read."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_identity import Box
from edge_emotion.features.face_quality import grade, light_and_sharpness
from edge_emotion.features.face_tracker import FaceTracker, TrackedFace
from edge_emotion.features.landmarks68 import landmarks68
from edge_emotion.settings import FaceFrontEndSettings

LONGEST = 16384  # pixels, of a picture's side: OpenCV samples no further than 32767
CHANNELS = (1, 3, 4)
GRADE_PERIOD = 0.1  # s between measurements of a face's size, turn, light and sharpness, which change slowly


@dataclass(frozen=True)
class Face:
    """One face in one picture, in pixels of the picture.

    identity: 1 and up, the same while it is followed. mesh: (468, 3) float32, z in the scale of x and y. landmarks:
    (68, 2) float32. box: left, top, right, bottom of the mesh. presence, quality: 0..1. problem: why the face is of no
    use although it is seen, None when it is of use.
    """

    identity: int
    mesh: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    box: Box
    presence: float
    quality: float
    problem: str | None


class Tracker(Protocol):
    """What finds and follows faces: FaceTracker, or MediaPipe's."""

    def update(self, image: NDArray[np.uint8], time: float) -> list[TrackedFace]:
        """Faces in the next picture, the largest first."""
        ...

    def reset(self) -> None:
        """Forget all faces and begin to number them from 1."""
        ...


class FaceFrontEnd:
    """Finds and follows faces from picture to picture.

    With one face asked for, the largest is taken up and followed until it is lost.
    EdgeEmotionError when the backend that the settings name is not installed.
    """

    def __init__(self, settings: FaceFrontEndSettings | None = None) -> None:
        self.settings = settings or FaceFrontEndSettings()
        self._tracker = _tracker(self.settings)
        self._grades: dict[int, tuple[float, float, str | None]] = {}  # identity: time, grade, problem

    def reset(self) -> None:
        """Forget all faces: before another recording."""
        self._tracker.reset()
        self._grades.clear()

    def find(self, image: NDArray[np.uint8], time: float) -> list[Face]:
        """Faces in the next picture, the largest first, at most settings.faces.

        image: uint8, (H, W) or (H, W, 1) grey, (H, W, 3) B,G,R or (H, W, 4) B,G,R,A; time: s, rising from picture to
        picture. EdgeEmotionError for any other array.
        """
        picture = checked(image)
        tracked = self._tracker.update(picture, time)
        self._grades = {face.identity: self._graded(picture, face, time) for face in tracked}
        return [_face(face, *self._grades[face.identity][1:]) for face in tracked]

    def _graded(
        self, image: NDArray[np.uint8], face: TrackedFace, time: float
    ) -> tuple[float, float, str | None]:
        """Give when a face was graded, its grade and its problem: anew every GRADE_PERIOD."""
        known = self._grades.get(face.identity)
        if known and 0 <= time - known[0] < GRADE_PERIOD:
            return known
        return (time, *grade(face.mesh, *light_and_sharpness(image, face.box)))


def checked(image: object) -> NDArray[np.uint8]:
    """Give the picture as the trackers take it: contiguous, grey ones (H, W); EdgeEmotionError when it is none."""
    if not (
        isinstance(image, np.ndarray)
        and image.dtype == np.uint8
        and (image.ndim == 2 or (image.ndim == 3 and image.shape[2] in CHANNELS))
        and min(image.shape[:2]) >= 1
        and max(image.shape[:2]) <= LONGEST
    ):
        came = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise EdgeEmotionError(
            f"picture: expected uint8 (height, width) grey, or with 1, 3 (B,G,R) or 4 (B,G,R,A) channels, "
            f"sides of 1 to {LONGEST} pixels, got {came}"
        )
    return np.ascontiguousarray(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image)


def _face(tracked: TrackedFace, worth: float, problem: str | None) -> Face:
    return Face(
        identity=tracked.identity,
        mesh=tracked.mesh,
        landmarks=landmarks68(tracked.mesh[:, :2]),
        box=tracked.box,
        presence=tracked.presence,
        quality=tracked.presence * worth,
        problem=problem,
    )


def _tracker(settings: FaceFrontEndSettings) -> Tracker:
    if settings.landmarks == "mediapipe":
        from edge_emotion.features.mediapipe_landmarks import MediaPipeTracker

        return MediaPipeTracker(settings.faces, settings.memory)
    return FaceTracker(
        settings.faces,
        settings.presence,
        settings.presence_to_stay,
        settings.search_period,
        settings.memory,
        settings.threads,
    )
