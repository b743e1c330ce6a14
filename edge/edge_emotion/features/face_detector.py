"""BlazeFace, short range: where faces are in a whole picture, each a box and six points.

Network: face_detection_short_range.tflite of MediaPipe 0.10.18 (Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond
Neural Face Detection on Mobile GPUs"). In: 128 x 128 R,G,B, -1..1, the picture letterboxed. Out: for each of 896
anchors the box and six keypoints, in pixels of the input from the anchor, and the logit of a face.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.face_mesh import MARGIN, Region
from edge_emotion.features.face_network import TO_RGB, FaceNetwork

NETWORK = "face_detection_short_range.tflite"
SIDE = 128  # pixels, of the network's input
LAYERS = ((8, 2), (16, 6))  # stride in pixels of the input, anchors at each place
KEYPOINTS = 6  # right eye, left eye, tip of the nose, mouth, right ear, left ear
OVERLAP = 0.3  # intersection over union from which two boxes are of one face
LARGEST = 640  # pixels: a larger picture is thinned out before it is averaged, which bounds the cost of 8K


@dataclass(frozen=True)
class Detection:
    """A face in pixels of the picture. box: left, top, right, bottom; keypoints: (6, 2) float32; score: 0..1."""

    box: tuple[float, float, float, float]
    keypoints: NDArray[np.float32]
    score: float

    def region(self) -> Region:
        """Square for FaceMesh: 1.5 times the longer side of the box, level with the eyes."""
        left, top, right, bottom = self.box
        across, down = (self.keypoints[1] - self.keypoints[0]).tolist()
        side = max(1.0, MARGIN * max(right - left, bottom - top))
        return Region((left + right) / 2, (top + bottom) / 2, side, math.atan2(down, across))


def anchors() -> NDArray[np.float32]:
    """Centres (896, 2) of the anchors, x, y in sides of the input: row by row, all those of a place together."""
    centres = []
    for stride, each in LAYERS:
        places = (np.arange(SIDE // stride) + 0.5) * stride / SIDE
        x, y = np.meshgrid(places, places)
        centres.append(np.repeat(np.column_stack([x.ravel(), y.ravel()]), each, axis=0))
    return np.asarray(np.concatenate(centres), np.float32)


def decode(raw: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes and keypoints of k anchors.

    raw: (k, 16) pixels of the input: x, y of the box's centre from the anchor, width, height, six keypoints x, y from
    the anchor. centres: (k, 2). Gives (k, 8, 2) in sides of the input: left top, right bottom, keypoints.
    """
    points = raw.reshape(-1, 2 + KEYPOINTS, 2) / np.float32(SIDE)
    size = points[:, 1].copy()
    points[:, 1] = points[:, 0] + size / 2
    points[:, 0] -= size / 2
    placed: NDArray[np.float32] = points + centres[:, None]
    return placed


def overlap(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of one box (4,) with others (k, 4): left, top, right, bottom; 0 where both are empty."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    common = np.maximum(high - low, 0).prod(-1)
    union = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(-1) - common
    shares: NDArray[np.float32] = common / np.maximum(union, np.float32(1e-9))
    return shares


def merge(
    points: NDArray[np.float32], scores: NDArray[np.float32]
) -> list[tuple[NDArray[np.float32], float]]:
    """Non-maximum suppression that averages: boxes of one face become their mean, weighted by score.

    points: (k, 8, 2) as decode gives; scores: (k,). Gives the faces, best first, each with its best score.
    """
    left = np.argsort(-scores, kind="stable")
    faces = []
    while left.size:
        alike = overlap(points[left[0], :2].ravel(), points[left, :2].reshape(-1, 4)) > OVERLAP
        alike[0] = True  # a box without area overlaps nothing, not even itself
        same, left = left[alike], left[~alike]
        faces.append((np.average(points[same], axis=0, weights=scores[same]), float(scores[same[0]])))
    return faces


class FaceDetector:
    """BlazeFace in LiteRT.

    score: 0..1, from which on a box counts; threads: CPU threads of the network.
    """

    def __init__(self, score: float = 0.5, threads: int = 1) -> None:
        self._network = FaceNetwork(NETWORK, threads)
        self._anchors = anchors()
        self._least = math.log(score / (1 - score))

    def find(self, image: NDArray[np.uint8]) -> list[Detection]:
        """Faces in (H, W) grey, (H, W, 3) B,G,R or (H, W, 4) B,G,R,A, best score first."""
        height, width = image.shape[:2]
        left, top, wide, high = self._read(image)
        raw, logits = self._network.run()
        logits = logits.reshape(-1)
        seen = np.flatnonzero(logits > self._least)
        if not seen.size:
            return []
        scores = (1 / (1 + np.exp(-np.minimum(logits[seen], np.float32(80))))).astype(np.float32)
        points = decode(raw[0, seen], self._anchors[seen])
        to_picture = np.array([width / wide, height / high], np.float32)
        corner = np.array([left, top], np.float32)
        detections = []
        for merged, score in merge(points, scores):
            placed = ((merged * np.float32(SIDE) - corner) * to_picture).astype(np.float32)
            x0, y0, x1, y1 = placed[:2].ravel().tolist()
            detections.append(Detection((x0, y0, x1, y1), placed[2:], score))
        return detections

    def _read(self, image: NDArray[np.uint8]) -> tuple[int, int, int, int]:
        """Letterbox the picture into the network's input; left, top, width and height of the picture there."""
        height, width = image.shape[:2]
        scale = SIDE / max(height, width)
        wide, high = max(1, round(width * scale)), max(1, round(height * scale))
        thin = max(1, max(height, width) // LARGEST)
        shrunk = cv2.resize(
            np.ascontiguousarray(image[::thin, ::thin]), (wide, high), interpolation=cv2.INTER_AREA
        )
        colours = cv2.cvtColor(shrunk, TO_RGB[1 if image.ndim == 2 else image.shape[2]])
        left, top = (SIDE - wide) // 2, (SIDE - high) // 2
        picture = self._network.input()
        picture[:] = -1  # black
        inside = picture[top : top + high, left : left + wide]
        np.multiply(colours, np.float32(2 / 255), out=inside)
        inside -= 1
        return left, top, wide, high
