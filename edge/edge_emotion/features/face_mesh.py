"""FaceMesh: the 468 points of one face, out of a turned square of the picture that holds it.

Network: face_landmark.tflite of MediaPipe 0.10.18 (Kartynnik et al. 2019, "Real-time Facial Surface Geometry from
Monocular Video on Mobile GPUs"). In: 192 x 192 R,G,B, 0..1. Out: x, y, z in pixels of that input and the logit of
"a face is there". The square is MediaPipe's: 1.5 times the longer side of the face's box, turned until the eyes lie
level.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.face_network import TO_RGB, FaceNetwork
from edge_emotion.features.landmarks68 import MESH_POINTS

NETWORK = "face_landmark.tflite"
SIDE = 192  # pixels, of the network's input
MARGIN = 1.5  # side of the region over the longer side of the face's box
STILL_MARGIN = 1.3  # side of the first region over the longer side of a still that a face fills
LEVEL = math.radians(3)  # turns below it are left as they are: the crop is then a plain resize
RIGHT_EYE, LEFT_EYE = (
    33,
    263,
)  # outer eye corners of the person, in the mesh: they say how far the face is turned


@dataclass(frozen=True)
class Region:
    """A turned square of the picture: its centre and side in pixels, its turn in radians (clockwise as seen)."""

    x: float
    y: float
    side: float
    angle: float

    def to_picture(self, size: int) -> NDArray[np.float64]:
        """Similarity (2, 3) that takes pixels of a crop of size x size onto the picture.

        As MediaPipe's: pixel 0 of the crop lies on the square's corner.
        """
        scale = self.side / size
        a, b = scale * math.cos(self.angle), scale * math.sin(self.angle)
        middle = size / 2
        return np.array(
            [[a, -b, self.x - (a - b) * middle], [b, a, self.y - (b + a) * middle]], dtype=np.float64
        )


class FaceMesh:
    """FaceMesh in LiteRT; keeps its buffers, so one of them serves one thread at a time."""

    def __init__(self, threads: int = 1) -> None:
        self._network = FaceNetwork(NETWORK, threads)
        self._crop = np.empty((SIDE, SIDE, 3), np.uint8)
        self._colours = np.empty((SIDE, SIDE, 3), np.uint8)

    def find(self, image: NDArray[np.uint8], region: Region) -> tuple[NDArray[np.float32], float]:
        """Points of the face in a region.

        image: uint8, (H, W) grey, (H, W, 3) B,G,R or (H, W, 4) B,G,R,A. Gives the mesh, (468, 3) float32: x, y in
        pixels of the picture and z in the same scale, towards the camera negative; and the presence of a face, 0..1.
        """
        to_picture = self._read(image, region)
        points, logit = self._network.run()
        return _to_picture(points, to_picture), sigmoid(float(logit.flat[0]))

    def mesh_of_still(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
        """Points of a face that is known to fill the picture: two looks, no detector. As find."""
        height, width = image.shape[:2]
        whole = Region(width / 2, height / 2, STILL_MARGIN * max(height, width), 0.0)
        mesh, _ = self.find(image, whole)
        return self.find(image, region_of_mesh(mesh))

    def _read(self, image: NDArray[np.uint8], region: Region) -> NDArray[np.float64]:
        """Sample the region into the network's input; give the similarity (2, 3) from there onto the picture.

        What lies outside the picture repeats its border. A region that is nearly level and lies in the picture is
        taken level, in whole pixels: what that moves the points by is in docs/results/face-parity.md.
        """
        channels = 1 if image.ndim == 2 else image.shape[2]
        buffer = self._crop if channels == 3 else None
        side = max(1, round(region.side))
        left, top = round(region.x - side / 2), round(region.y - side / 2)
        inside = 0 <= left <= image.shape[1] - side and 0 <= top <= image.shape[0] - side
        if abs(region.angle) < LEVEL and inside:
            crop = cv2.resize(image[top : top + side, left : left + side], (SIDE, SIDE), dst=buffer)
            scale = side / SIDE
            edge = (scale - 1) / 2  # of pixel 0, whose middle lies half a pixel into the square
            to_picture = np.array([[scale, 0, left + edge], [0, scale, top + edge]])
        else:
            to_picture = region.to_picture(SIDE)
            crop = cv2.warpAffine(
                image,
                to_picture,
                (SIDE, SIDE),
                dst=buffer,
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
        colours = cv2.cvtColor(crop, TO_RGB[channels], dst=self._colours)
        np.multiply(colours, np.float32(1 / 255), out=self._network.input())
        return to_picture


def box_of_mesh(mesh: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the points (468, 2 or 3), in their unit."""
    low, high = cv2.reduce(mesh, 0, cv2.REDUCE_MIN)[0], cv2.reduce(mesh, 0, cv2.REDUCE_MAX)[0]
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def region_of_mesh(mesh: NDArray[np.float32], box: tuple[float, float, float, float] | None = None) -> Region:
    """Square around a mesh, level with its eye corners: where to look for the same face next.

    mesh: (468, 2 or 3) pixels of the picture; one that has shrunk to a point still gives a side of a pixel.
    box: of the mesh, where it is known already.
    """
    left, top, right, bottom = box or box_of_mesh(mesh)
    (x0, y0), (x1, y1) = mesh[RIGHT_EYE, :2].tolist(), mesh[LEFT_EYE, :2].tolist()
    side = max(1.0, MARGIN * max(right - left, bottom - top))
    return Region((left + right) / 2, (top + bottom) / 2, side, math.atan2(y1 - y0, x1 - x0))


def sigmoid(logit: float) -> float:
    """Logistic function that does not overflow."""
    return 0.5 * (1 + math.tanh(logit / 2))


def _to_picture(points: NDArray[np.float32], to_picture: NDArray[np.float64]) -> NDArray[np.float32]:
    """The network's (1, 1, 1, 1404) points -> (468, 3) in the picture; z is scaled, not turned."""
    (a, c, x), (b, d, y) = to_picture.tolist()
    placement = np.array([[a, c, 0, x], [b, d, 0, y], [0, 0, math.hypot(a, b), 0]])
    mesh = cv2.transform(points.reshape(MESH_POINTS, 1, 3), placement)
    return np.asarray(mesh, np.float32).reshape(MESH_POINTS, 3)
