"""One tracked face from frame to frame: alignment, shape, appearance, and what is to be told of it."""

import math
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face import (
    EMBEDDING,
    EMBEDDING_PERIOD,
    HOLD,
    LONGEST_GAP,
    NODE_RATE,
    TOLERANCE,
    FaceNodes,
    embedding_slot,
    node_at,
)
from edge_emotion.features.face_alignment import aligned_crop, aligned_shape, alignment, network_crop, viewed
from edge_emotion.features.face_front_end import Face

Array = NDArray[np.float32]
Appearance = Callable[[Array], Array]
"""(1, 48, 48, 1) crop of network_crop -> (1, EMBEDDING) embedding."""


class FaceTrack:
    """What is known of one identity: its nodes, how good the newest frames of it were, why it was of no use.

    The same class describes faces live and for training, there with a `length` that holds a whole recording.
    """

    def __init__(
        self, length: int, appearance: Appearance | None = None, period: float = EMBEDDING_PERIOD
    ) -> None:
        """Describe a face that was not seen yet.

        length: the most nodes that a window may ask for. appearance: None gives nodes of the shape alone. period:
        seconds between two embeddings.
        """
        self.nodes = FaceNodes(length)
        self.found = -math.inf  # seconds, when the front end last found the face, usable or not
        self._problem: tuple[float, str] = (-math.inf, "")
        self._length = length
        self._appearance = appearance
        self._period = period
        self._embedding = np.zeros(0, np.float32)
        self._slot: int | None = (
            None  # of the embedding; a presence that follows another lies in another slot
        )
        self._quality: deque[tuple[int, int, float]] = (
            deque()
        )  # node, usable frames from it on, sum of quality

    def see(self, image: NDArray[np.uint8], face: Face, time: float) -> None:
        """Take what the front end found in a frame at a time in seconds, not before the last one.

        image: as the front end takes it, grey, B,G,R or B,G,R,A.
        A face with a problem, or with numbers that are not finite, is found but not used.
        EdgeEmotionError when the appearance network gives values that are not finite.
        """
        self.found = time
        if face.problem is not None:
            self._problem = (time, face.problem)
            return
        if not (np.isfinite(face.landmarks).all() and math.isfinite(face.quality)):
            return
        to_crop = alignment(face.landmarks)
        if not to_crop[:, :2].any():  # all anchors in one place: nothing to align
            return
        shape = aligned_shape(face.landmarks, to_crop)
        slot = embedding_slot(time, self._period)
        if self._appearance and slot != self._slot:
            picture = (
                np.ascontiguousarray(image[..., :3]) if image.ndim == 3 else image
            )  # without transparency
            crop = network_crop(aligned_crop(picture, viewed(to_crop, slot)))
            self._embedding = self._appearance(crop[None, :, :, None])[0].copy()
            if self._embedding.shape != (EMBEDDING,) or not np.isfinite(self._embedding).all():
                raise EdgeEmotionError(
                    f"expected {EMBEDDING} finite numbers from the appearance network, "
                    f"got shape {self._embedding.shape} or values that are not finite; replace the model"
                )
            self._slot = slot
        self.nodes.add(time, np.concatenate([shape, self._embedding]))
        self._count(node_at(time), face.quality)

    def problem(self, time: float) -> str | None:
        """Why the face was found but of no use in the last HOLD seconds before a time, None when it was not so."""
        at, problem = self._problem
        return problem if at >= time - HOLD - TOLERANCE else None

    def quality(self, end: int) -> tuple[int, float]:
        """Usable frames in the window that ends with node `end`, and the sum of their quality."""
        within = [(count, total) for node, count, total in self._quality if end - self._length < node <= end]
        return sum(count for count, _ in within), math.fsum(total for _, total in within)

    def _count(self, node: int, quality: float) -> None:
        count, total = 0, 0.0
        if self._quality and self._quality[-1][0] == node:
            _, count, total = self._quality.pop()
        self._quality.append((node, count + 1, total + quality))
        kept = self._length + math.ceil(LONGEST_GAP * NODE_RATE)
        while self._quality[0][0] <= node - kept:
            self._quality.popleft()
