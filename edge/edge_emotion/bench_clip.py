"""The pictures that the bench watches: the bundled clip, read as a camera's are, played to and fro."""

from collections.abc import Iterator
from importlib import resources

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError

CLIP = "demo.mp4"
CLIP_FPS = 25  # of the clip itself: its frames are shown a little faster than they were made


def clip_images(seconds: float) -> Iterator[NDArray[np.uint8]]:
    """(H, W, 3) B,G,R frames of the bundled clip's beginning; read by OpenCV, as those of a camera are."""
    with resources.as_file(resources.files("edge_emotion") / "data" / CLIP) as path:
        capture = cv2.VideoCapture(str(path))
        try:
            for _ in range(round(seconds * CLIP_FPS)):
                there, image = capture.read()
                if not there:
                    raise EdgeEmotionError(f"data/{CLIP} cannot be read: install edge-emotion again")
                yield np.asarray(image, np.uint8)
        finally:
            capture.release()


def to_and_fro(number: int, length: int) -> int:
    """Index of the number-th frame when the clip is played forwards and backwards in turn: the face never jumps."""
    place = number % (2 * length - 2)
    return min(place, 2 * length - 2 - place)
