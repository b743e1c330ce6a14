"""Faces followed from picture to picture: the detector finds them, then each mesh says where to look for the next.

The detector runs only while a face is missing. One picture costs at most one FaceMesh a followed face, two looks of the
detector and two FaceMeshes a face that they find: it must look like a face from its own mesh's region too, which tells
it from things that only the detector takes for one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.face_detector import Detection, FaceDetector
from edge_emotion.features.face_identity import Box, Identities, Sighting, area, centre, overlap
from edge_emotion.features.face_mesh import FaceMesh, box_of_mesh, region_of_mesh

ONE_FACE = 0.5  # intersection over union of two meshes' boxes from which they lie on one face
INSIDE = 0.4  # share of a face's box that must lie in the picture
JUMP, JUMP_A_SECOND = 0.5, 2.0  # sides of the face that it may move off its course between pictures
FORGET = 1.0  # s without a picture, after which nothing is followed on
SEARCH_LOST = 0.1  # s between looks of the detector while a face that was just lost may come back
SMALLEST_TILED = 192  # pixels: in a smaller picture the second look shows nothing more
# Second looks, one a picture in turn: left, top and size as shares of the picture. A short-range detector misses faces
# under about a ninth of the picture; any face up to a fifth lies whole in one of the four corners.
TILES = ((0.3, 0.3, 0.4), (0, 0, 0.6), (0.4, 0, 0.6), (0, 0.4, 0.6), (0.4, 0.4, 0.6))


@dataclass(frozen=True)
class TrackedFace:
    """A face in one picture. identity: 1 and up; mesh: (468, 3) pixels; box: of the mesh; presence: 0..1."""

    identity: int
    mesh: NDArray[np.float32]
    box: Box
    presence: float
    velocity: tuple[float, float] = (0.0, 0.0)  # of the box's centre, pixels/s
    time: float = 0.0

    def sighting(self) -> Sighting:
        """What is remembered of it."""
        return Sighting(self.identity, self.box, self.velocity, self.time)

    def moved(self, mesh: NDArray[np.float32], presence: float, time: float) -> "TrackedFace":
        """Give the same face in the next picture."""
        box, passed = box_of_mesh(mesh), time - self.time
        (x0, y0), (x1, y1) = centre(self.box), centre(box)
        velocity = ((x1 - x0) / passed, (y1 - y0) / passed) if passed > 0 else self.velocity
        return replace(self, mesh=mesh, box=box, presence=presence, velocity=velocity, time=time)


class FaceTracker:
    """BlazeFace and FaceMesh together.

    faces: the most to follow; enter, stay: presence from which a face is taken up and kept, 0..1; period: s between
    looks for more faces while some are followed; memory: s that a lost face keeps its identity; threads: CPU threads.
    """

    def __init__(
        self,
        faces: int = 1,
        enter: float = 0.9,
        stay: float = 0.3,
        period: float = 0.5,
        memory: float = 1.0,
        threads: int = 1,
    ) -> None:
        self._faces, self._enter, self._stay = faces, enter, stay
        self._period, self._memory = period, memory
        self._detector, self._mesh = FaceDetector(threads=threads), FaceMesh(threads)
        self.reset()

    def reset(self) -> None:
        """Forget all faces and begin to number them from 1."""
        self._tracked: list[TrackedFace] = []
        self._identities = Identities(self._memory)
        self._tile = 0
        self._time = self._searched = -np.inf

    def update(self, image: NDArray[np.uint8], time: float) -> list[TrackedFace]:
        """Faces in the next picture, the largest first.

        image: uint8, (H, W) grey, (H, W, 3) B,G,R or (H, W, 4) B,G,R,A; time: s, of the picture.
        """
        if not 0 <= time - self._time <= FORGET:  # another recording, or a camera that hung
            self._lose(self._tracked)
            self._tracked = []
            self._searched = -np.inf
        self._time = time
        self._tracked = self._one_each(list(self._follow(image, time)), time)
        if len(self._tracked) < self._faces and time - self._searched >= self._pause(time):
            self._searched = time
            self._tracked += self._search(image, time)
        self._tracked.sort(key=lambda face: -area(face.box))
        return list(self._tracked)

    def _pause(self, time: float) -> float:
        """Seconds between looks of the detector."""
        if not self._tracked:
            return 0.0
        return min(SEARCH_LOST, self._period) if self._identities.waiting(time) else self._period

    def _lose(self, faces: list[TrackedFace]) -> None:
        for face in faces:
            self._identities.lose(face.sighting())

    def _follow(self, image: NDArray[np.uint8], time: float) -> Iterator[TrackedFace]:
        """Look for each face where it was; those that are gone, or that became another face, are lost."""
        for face in self._tracked:
            mesh, presence = self._mesh.find(image, region_of_mesh(face.mesh, face.box))
            moved = face.moved(mesh, presence, time)
            allowed = JUMP + JUMP_A_SECOND * (time - face.time)
            if (
                presence >= self._stay
                and inside(moved.box, image)
                and face.sighting().surprise(moved.box, time) <= allowed
            ):
                yield moved
            else:
                self._lose([face])

    def _one_each(self, faces: list[TrackedFace], time: float) -> list[TrackedFace]:
        """Of faces that fell on one place, as when one passes behind another, keep the one that was expected there."""
        if len(faces) < 2:
            return faces
        before = {face.identity: face.sighting() for face in self._tracked}
        expected = sorted(faces, key=lambda face: before[face.identity].surprise(face.box, time))
        kept: list[TrackedFace] = []
        for face in expected:
            if any(overlap(face.box, other.box) > ONE_FACE for other in kept):
                self._identities.lose(before[face.identity])
            else:
                kept.append(face)
        return kept

    def _search(self, image: NDArray[np.uint8], time: float) -> list[TrackedFace]:
        """Look for faces that are not followed yet: in the whole picture, and in a part of it when that gives none."""
        detections = self._new(self._detector.find(image))
        if not detections and max(image.shape[:2]) >= SMALLEST_TILED:
            detections = self._new(self._second_look(image))
        free = self._faces - len(self._tracked)
        detections.sort(key=lambda detection: -area(detection.box))
        found: list[TrackedFace] = []
        for detection in detections[: free + 2]:  # two more, for those that turn out to be none
            mesh, presence = self._mesh.find(image, detection.region())
            if presence >= self._enter and len(found) < free:
                mesh, presence = self._mesh.find(image, region_of_mesh(mesh))
                box = box_of_mesh(mesh)
                known = any(overlap(box, face.box) > ONE_FACE for face in (*self._tracked, *found))
                if presence >= self._enter and inside(box, image) and not known:
                    identity = self._identities.of_new(box, time)
                    found.append(TrackedFace(identity, mesh, box, presence, time=time))
        return found

    def _second_look(self, image: NDArray[np.uint8]) -> list[Detection]:
        """Run the detector on the next part of the picture."""
        height, width = image.shape[:2]
        left, top, size = TILES[self._tile]
        self._tile = (self._tile + 1) % len(TILES)
        x, y = round(left * width), round(top * height)
        wide, high = max(1, round(size * width)), max(1, round(size * height))
        return [
            replace(
                detection,
                box=(
                    detection.box[0] + x,
                    detection.box[1] + y,
                    detection.box[2] + x,
                    detection.box[3] + y,
                ),
                keypoints=detection.keypoints + np.array([x, y], np.float32),
            )
            for detection in self._detector.find(image[y : y + high, x : x + wide])
        ]

    def _new(self, detections: list[Detection]) -> list[Detection]:
        """Leave out detections of faces that are followed: their centre lies in the face's box."""
        return [
            detection
            for detection in detections
            if not any(_contains(face.box, centre(detection.box)) for face in self._tracked)
        ]


def inside(box: Box, image: NDArray[np.uint8]) -> bool:
    """Whether enough of a face's box lies in the picture."""
    height, width = image.shape[:2]
    shown = max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(width)), min(box[3], float(height))
    across, down = shown[2] - shown[0], shown[3] - shown[1]
    return across > 0 and down > 0 and across * down >= INSIDE * area(box)


def _contains(box: Box, point: tuple[float, float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]
