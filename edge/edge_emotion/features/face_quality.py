"""How much a seen face can say: its size, how far it is turned away, how dark and how blurred it is."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.face_mesh import LEFT_EYE, RIGHT_EYE, Region

SIDE = 48  # pixels: the face as the appearance network sees it, so blur finer than that does not count
# Outer and inner eye corners, temples and cheeks: pairs that lie alike on both sides and move little with expression.
PERSON_LEFT, PERSON_RIGHT = (263, 362, 356, 454, 323), (33, 133, 127, 234, 93)
FOREHEAD, CHIN = 10, 152
_POINTS = [*PERSON_LEFT, *PERSON_RIGHT, FOREHEAD, CHIN]
_AXES = np.array(
    [[1] * 5 + [-1] * 5 + [0, 0], [0] * 10 + [-1, 1]], np.float32
)  # right to left, forehead to chin

# Each measure: no use at the first value, as good as can be at the second. Unit in the name.
EYE_DISTANCE_PIXELS = (12.0, 24.0)  # the aligned crop's own is 24.6
TURNED_DEGREES = (65.0, 25.0)
BRIGHTNESS = (12.0, 45.0)  # mean grey level, 0..255
SHARPNESS = (
    0.025,
    0.12,
)  # variance of the Laplacian over that of the picture; sharp faces lie from .15 to 1.2


@dataclass(frozen=True)
class Pose:
    """Turn of a head, radians, 0 to the camera. yaw: to the person's left; pitch: down; roll: clockwise as seen."""

    yaw: float
    pitch: float
    roll: float


def pose(mesh: NDArray[np.float32]) -> Pose:
    """Turn of a (468, 3) mesh: the directions of its two axes, right to left and forehead to chin, in space."""
    across, down = (_AXES @ mesh[_POINTS]).tolist()
    return Pose(
        yaw=math.atan2(across[2], math.hypot(across[0], across[1])),
        pitch=math.atan2(down[2], math.hypot(down[0], down[1])),
        roll=math.atan2(across[1], across[0]),
    )


def light_and_sharpness(
    image: NDArray[np.uint8], box: tuple[float, float, float, float]
) -> tuple[float, float]:
    """Mean grey level (0..255) of the face in a box, and the variance of its Laplacian as a share of its variance.

    The share does not change with contrast: a dim picture is not taken for a blurred one.
    """
    side = max(1.0, box[2] - box[0], box[3] - box[1])
    region = Region((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, side, 0.0)
    face = cv2.warpAffine(
        image,
        region.to_picture(SIDE),
        (SIDE, SIDE),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    channels = 1 if face.ndim == 2 else face.shape[2]
    if channels > 1:
        face = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY if channels == 3 else cv2.COLOR_BGRA2GRAY)
    mean, deviation = cv2.meanStdDev(face)
    _, edges = cv2.meanStdDev(cv2.Laplacian(face, cv2.CV_16S))
    contrast = max(float(deviation[0, 0]), 1.0)
    return float(mean[0, 0]), (float(edges[0, 0]) / contrast) ** 2


def grade(mesh: NDArray[np.float32], brightness: float, sharpness: float) -> tuple[float, str | None]:
    """Grade 0..1 of a face, and why it is of no use when one of its measures is at 0; None when it is of use.

    A face's quality is its presence times its grade. mesh: (468, 3) pixels; brightness and sharpness: as
    light_and_sharpness gives them.
    """
    head = pose(mesh)
    turned = math.degrees(math.acos(max(0.0, math.cos(head.yaw) * math.cos(head.pitch))))
    # The distance in space: a turned head is not a small one.
    eyes = math.dist(mesh[LEFT_EYE].tolist(), mesh[RIGHT_EYE].tolist())
    measures = {
        "face turned away": _between(turned, TURNED_DEGREES),
        "face too small": _between(eyes, EYE_DISTANCE_PIXELS),
        "too dark": _between(brightness, BRIGHTNESS),
        "too blurred": _between(sharpness, SHARPNESS),
    }
    problem = next((reason for reason, value in measures.items() if value <= 0), None)
    return math.prod(measures.values()), problem


def _between(value: float, limits: tuple[float, float]) -> float:
    """0 at the first limit and beyond, 1 at the second and beyond, straight between."""
    useless, good = limits
    return min(1.0, max(0.0, (value - useless) / (good - useless)))
