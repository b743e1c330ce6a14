"""A face brought to one place, size and upright: what its landmarks and its picture have in common before any network.

One similarity (turn, scale, shift) takes seven points that hardly move with the expression, the corners of the eyes
and the underside of the nose, onto a template. The template is the mean of those points over FER2013's stills, so that
an aligned crop shows about what such a still shows. Unit: pixels of a crop of CROP x CROP.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.landmarks68 import LANDMARKS

CROP = 48  # pixels, side of an aligned crop
SHAPE = 2 * LANDMARKS  # numbers of an aligned shape: the P = 136 of L-GrIN, section IV-B
ANCHORS = (36, 39, 42, 45, 31, 33, 35)  # eye corners and underside of the nose, of the 68
TEMPLATE = np.array(
    [(11.2, 17.6), (18.7, 18.2), (28.3, 18.2), (35.8, 17.6), (19.9, 29.5), (23.5, 30.6), (27.1, 29.5)]
)
VIEWS = (
    (1.0, False),
    (1.0, True),
    (1.06, False),
    (1.06, True),
    (0.94, False),
    (0.94, True),
)  # width shown, mirrored
MOST_SAMPLES = 3  # a crop pixel is the mean of up to so many samples each way; larger faces are halved before

_ANCHORS = np.array(ANCHORS)
_CENTRE = TEMPLATE.mean(0)
# Rows that give, of the anchors x0, y0, x1, y1 ..., the real and imaginary part of sum(conj(z) w), and the centre.
_ALIGNING = np.zeros((4, 2 * len(ANCHORS)))
_ALIGNING[0] = (TEMPLATE - _CENTRE).ravel()
_ALIGNING[1, 0::2], _ALIGNING[1, 1::2] = (TEMPLATE - _CENTRE)[:, 1], -(TEMPLATE - _CENTRE)[:, 0]
_ALIGNING[2, 0::2] = _ALIGNING[3, 1::2] = 1 / len(ANCHORS)


def alignment(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Similarity (2, 3) that takes the anchors of (68, 2) landmarks onto the template, in the least squares sense.

    Points in the plane as complex numbers, z the anchors and w the template, each about its centre: the best turn and
    scale is sum(conj(z) w) / sum |z|^2 (Umeyama 1991 in two dimensions, without mirroring); sum(w) = 0, so the first
    sum is the same of anchors that are not centred. Anchors that all fall together give scale 0: the template's centre.
    """
    anchors = landmarks[_ANCHORS, :2].astype(np.float64)
    real, imaginary, x, y = (_ALIGNING @ anchors.ravel()).tolist()
    centred = anchors - (x, y)
    length = float(np.vdot(centred, centred))
    a, b = (real / length, imaginary / length) if length > 0 else (0.0, 0.0)
    cx, cy = _CENTRE.tolist()
    return np.array([[a, -b, cx - (a * x - b * y)], [b, a, cy - (b * x + a * y)]])


def aligned_shape(landmarks: NDArray[np.float32], to_crop: NDArray[np.float64]) -> NDArray[np.float32]:
    """(68, 2) landmarks -> (136,) x, y, x, y ... in crops from the crop's middle, by the alignment `to_crop`."""
    points = landmarks[:, :2] @ to_crop[:, :2].T + to_crop[:, 2]
    shape: NDArray[np.float32] = ((points - (CROP - 1) / 2) / CROP).astype(np.float32).reshape(-1)
    return shape


def viewed(to_crop: NDArray[np.float64], look: int) -> NDArray[np.float64]:
    """Alignment of the look of a number: looks take turns in mirroring a face and in showing a little more or less.

    A window of looks at one face then holds several views of it, and pooling over the window averages them at no cost.
    """
    width, mirrored = VIEWS[look % len(VIEWS)]
    change = np.diag([-1 / width if mirrored else 1 / width, 1 / width])
    middle = np.full(2, (CROP - 1) / 2)
    return np.column_stack([change @ to_crop[:, :2], change @ (to_crop[:, 2] - middle) + middle])


def aligned_crop(
    image: NDArray[np.uint8], to_crop: NDArray[np.float64], margin: int = 0
) -> NDArray[np.uint8]:
    """(H, W) grey or (H, W, 3) B,G,R picture -> (CROP + 2 margin, the same) grey crop, by the alignment `to_crop`.

    A face larger than the crop is sampled several times a pixel and averaged, so that a sharp camera and a coarse one
    give alike crops. What lies outside the picture repeats its border.
    """
    side = CROP + 2 * margin
    scale = math.hypot(to_crop[0, 0], to_crop[1, 0])
    if scale <= 0:
        return np.zeros((side, side), np.uint8)
    part, to_crop = _grey_part(image, to_crop, side, margin)
    while 1 / scale > MOST_SAMPLES and min(part.shape) >= 2:
        even = part[: part.shape[0] // 2 * 2, : part.shape[1] // 2 * 2]
        half = even.shape[1] // 2, even.shape[0] // 2
        part = np.asarray(cv2.resize(even, half, interpolation=cv2.INTER_AREA), np.uint8)
        to_crop = np.column_stack([2 * to_crop[:, :2], to_crop[:, 2] + to_crop[:, :2] @ (0.5, 0.5)])
        scale *= 2
    samples = min(MOST_SAMPLES, max(1, round(1 / scale)))
    # Centre of crop pixel i is at samples * (i + .5) - .5 of the finer crop.
    finer = to_crop * samples
    finer[:, 2] += samples * (margin + 0.5) - 0.5
    size = (side * samples, side * samples)
    crop = cv2.warpAffine(part, finer, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if samples > 1:
        crop = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(crop, np.uint8)


def _grey_part(
    image: NDArray[np.uint8], to_crop: NDArray[np.float64], side: int, margin: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Give the part of a picture that a crop shows, grey, and the alignment from there."""
    if image.ndim == 2 or image.shape[2] == 1:
        return image.reshape(image.shape[:2]), to_crop
    corners = np.array([[0, 0], [side, 0], [0, side], [side, side]]) - 0.5 - margin
    shown = (corners - to_crop[:, 2]) @ np.linalg.inv(to_crop[:, :2]).T
    ends = np.array([image.shape[1], image.shape[0]])
    first = np.clip(np.floor(shown.min(0)) - 1, 0, ends - 1).astype(int)
    last = np.clip(np.ceil(shown.max(0)) + 2, first + 1, ends).astype(int)
    part = image[first[1] : last[1], first[0] : last[0]]
    moved = np.column_stack([to_crop[:, :2], to_crop[:, 2] + to_crop[:, :2] @ first])
    return np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), np.uint8), moved


def network_crop(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(..., CROP, CROP) grey crops -> float32 of mean 0 and deviation 1 each, as the appearance network takes them."""
    pixels = crop.astype(np.float32)
    centred = pixels - pixels.mean((-2, -1), keepdims=True)
    deviation = np.sqrt(np.square(centred).mean((-2, -1), keepdims=True))
    standard: NDArray[np.float32] = centred / np.maximum(deviation, np.float32(4.0))
    return standard
