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
MOST_SAMPLES = 6  # supersampling of a crop, each way: faces larger than this many crops are sampled coarser

_CENTRE = TEMPLATE.mean(0)
_TEMPLATE = (TEMPLATE - _CENTRE) @ np.array([1, 1j])


def alignment(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Similarity (2, 3) that takes the anchors of (68, 2) landmarks onto the template, in the least squares sense.

    Points in the plane as complex numbers z: the best turn and scale is sum(conj(z) w) / sum |z|^2 (Umeyama 1991 in
    two dimensions, without mirroring). Anchors that all fall together give scale 0: the template's centre.
    """
    anchors = landmarks[list(ANCHORS), :2].astype(np.float64)
    centre = anchors.mean(0)
    z = (anchors - centre) @ np.array([1, 1j])
    length = float(np.vdot(z, z).real)
    turn = complex(np.vdot(z, _TEMPLATE)) / length if length > 0 else 0j
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, _CENTRE - linear @ centre])


def aligned_shape(landmarks: NDArray[np.float32], to_crop: NDArray[np.float64]) -> NDArray[np.float32]:
    """(68, 2) landmarks -> (136,) x, y, x, y ... in crops from the crop's middle, by the alignment `to_crop`."""
    points = landmarks[:, :2] @ to_crop[:, :2].T + to_crop[:, 2]
    shape: NDArray[np.float32] = ((points - (CROP - 1) / 2) / CROP).astype(np.float32).reshape(-1)
    return shape


def aligned_crop(
    image: NDArray[np.uint8], to_crop: NDArray[np.float64], margin: int = 0
) -> NDArray[np.uint8]:
    """(H, W) grey or (H, W, 3) B,G,R picture -> (CROP + 2 margin, the same) grey crop, by the alignment `to_crop`.

    A face larger than the crop is sampled several times a pixel and averaged, so that a sharp camera and a coarse one
    give alike crops. What lies outside the picture repeats its border.
    """
    side = CROP + 2 * margin
    scale = math.hypot(to_crop[0, 0], to_crop[1, 0])
    samples = 1 if scale <= 0 else min(MOST_SAMPLES, max(1, round(1 / scale)))
    # Centre of crop pixel i is at samples * (i + .5) - .5 of the finer crop.
    finer = to_crop * samples
    finer[:, 2] += samples * (margin + 0.5) - 0.5
    if scale <= 0:
        return np.zeros((side, side), np.uint8)
    size = (side * samples, side * samples)
    crop = cv2.warpAffine(image, finer, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if samples > 1:
        crop = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    return np.asarray(grey, np.uint8)


def network_crop(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(..., CROP, CROP) grey crops -> float32 of mean 0 and deviation 1 each, as the appearance network takes them."""
    pixels = crop.astype(np.float32)
    centred = pixels - pixels.mean((-2, -1), keepdims=True)
    deviation = np.sqrt(np.square(centred).mean((-2, -1), keepdims=True))
    standard: NDArray[np.float32] = centred / np.maximum(deviation, np.float32(4.0))
    return standard
