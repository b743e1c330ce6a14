"""The mediapipe package's own FaceMesh in place of ours: `--landmarks mediapipe`.

Its 1.x releases have no `mp.solutions` and bring no networks; 0.10.18 is the newest with both and with wheels for
64-bit ARM, for Python 3.11 and 3.12. Installed whole it brings jax and a second OpenCV, hence --no-deps.
"""

import importlib
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_identity import Identities, area, overlap
from edge_emotion.features.face_mesh import box_of_mesh
from edge_emotion.features.face_tracker import TrackedFace
from edge_emotion.features.landmarks68 import MESH_POINTS

INSTALL = (
    "pip install --no-deps mediapipe==0.10.18 && pip install 'numpy<2' 'protobuf<5' flatbuffers attrs absl-py "
    "matplotlib opencv-python-headless==4.11.0.86 (Python 3.11 or 3.12)"
)
SAME_FACE = 0.3  # intersection over union of a face's boxes in two pictures


class MediaPipeTracker:
    """MediaPipe's FaceMesh, following up to `faces` faces; a lost one is remembered for `memory` s.

    It tells no presence: a face that it gives has 1. EdgeEmotionError without a mediapipe that has `mp.solutions`.
    """

    def __init__(self, faces: int = 1, memory: float = 1.0) -> None:
        self._solution = _face_mesh()
        self._faces, self._memory = faces, memory
        self._mesh: Any = None
        self.reset()

    def reset(self) -> None:
        """Forget all faces and begin to number them from 1."""
        if self._mesh is not None:
            self._mesh.close()
        self._mesh = self._solution(
            static_image_mode=False, max_num_faces=self._faces, refine_landmarks=False
        )
        self._identities = Identities(self._memory)
        self._tracked: list[TrackedFace] = []

    def update(self, image: NDArray[np.uint8], time: float) -> list[TrackedFace]:
        """Faces in the next picture, the largest first; as FaceTracker.update."""
        channels = 1 if image.ndim == 2 else image.shape[2]
        code = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}[channels]
        found = self._mesh.process(cv2.cvtColor(image, code)).multi_face_landmarks or []
        height, width = image.shape[:2]
        scale = np.array([width, height, width], np.float32)
        meshes = [
            np.array([(p.x, p.y, p.z) for p in face.landmark[:MESH_POINTS]], np.float32) * scale
            for face in found
        ]
        meshes.sort(key=lambda mesh: -area(box_of_mesh(mesh)))
        before, now = list(self._tracked), []
        for mesh in meshes:
            box = box_of_mesh(mesh)
            same = max(before, key=lambda face: overlap(face.box, box), default=None)
            if same is not None and overlap(same.box, box) >= SAME_FACE:
                before.remove(same)
                now.append(same.moved(mesh, 1.0, time))
            else:
                now.append(TrackedFace(0, mesh, box, 1.0, time=time))
        for lost in before:
            self._identities.lose(lost.sighting())
        self._tracked = [
            face
            if face.identity
            else TrackedFace(self._identities.of_new(face.box, time), face.mesh, face.box, 1.0, time=time)
            for face in now
        ]
        return list(self._tracked)


def _face_mesh() -> Any:
    """Find mediapipe's FaceMesh; EdgeEmotionError with the command that installs one."""
    try:
        mediapipe = importlib.import_module("mediapipe")
    except ImportError as reason:
        raise EdgeEmotionError(f"--landmarks mediapipe needs the package mediapipe: {INSTALL}") from reason
    solutions = getattr(mediapipe, "solutions", None)
    if solutions is None:
        version = getattr(mediapipe, "__version__", "this version")
        raise EdgeEmotionError(f"mediapipe {version} has no mp.solutions (needs 0.10.18): {INSTALL}")
    return solutions.face_mesh.FaceMesh
