"""Stills of faces seen by the device's own code: mesh, aligned shape and crop of each, computed once and kept."""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge_emotion.features.face_alignment import CROP, SHAPE, aligned_crop, aligned_shape, alignment, viewed
from edge_emotion.features.landmarks68 import MESH_POINTS, landmarks68
from edge_emotion_train.corpora.fer2013 import Stills

MARGIN = 8  # pixels kept around a crop for training to shift, turn and scale within
PRESENCE = 0.5  # from which on a still's face counts as found
SCALES = 0.4, 2.5  # of an alignment, crop pixels for one of the still: beyond these the landmarks have failed
PIECE = 500  # stills computed at a time


@dataclass(frozen=True)
class StillFaces:
    """What the device's code makes of n stills.

    found: (n,) whether FaceMesh found the face. mesh: (n, 468, 3) in pixels of the still. shapes: (n, 136), see
    face_alignment.py. crops: (n, 48 + 2 MARGIN, the same) uint8; of a face that was not found, the still itself.
    """

    found: NDArray[np.bool_]
    mesh: NDArray[np.float32]
    shapes: NDArray[np.float32]
    crops: NDArray[np.uint8]


def still_faces(stills: Stills, cache: Path, workers: int) -> StillFaces:
    """Faces of all stills, read from `cache` or computed there (a minute or two for FER2013)."""
    file = cache / _key(stills)
    if not file.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        pieces = [stills.images[i : i + PIECE] for i in range(0, len(stills), PIECE)]
        with ProcessPoolExecutor(workers) as pool:
            jobs = pool.map(_faces, pieces)
            done = list(tqdm(jobs, total=len(pieces), desc="faces of stills", unit=f"{PIECE} stills"))
        parts = {name: np.concatenate([piece[name] for piece in done]) for name in done[0]}
        unfinished = file.with_suffix(".part.npz")
        np.savez(unfinished, **parts)
        unfinished.replace(file)
    with np.load(file) as stored:
        return StillFaces(stored["found"], stored["mesh"], stored["shapes"], stored["crops"])


def view_crops(stills: Stills, faces: StillFaces, look: int) -> NDArray[np.uint8]:
    """Crops (n, CROP, CROP) as the device cuts them for the look of a number."""
    crops = np.zeros((len(stills.images), CROP, CROP), np.uint8)
    for i, image in enumerate(stills.images):
        to_crop = alignment(landmarks68(faces.mesh[i])) if faces.found[i] else np.eye(2, 3)
        crops[i] = aligned_crop(image, viewed(to_crop, look))
    return crops


def _faces(images: NDArray[np.uint8]) -> dict[str, NDArray[np.generic]]:
    from edge_emotion.features.face_mesh import FaceMesh

    network = FaceMesh()
    found = np.zeros(len(images), bool)
    mesh = np.zeros((len(images), MESH_POINTS, 3), np.float32)
    shapes = np.zeros((len(images), SHAPE), np.float32)
    side = CROP + 2 * MARGIN
    crops = np.zeros((len(images), side, side), np.uint8)
    for i, image in enumerate(images):
        mesh[i], presence = network.mesh_of_still(image)
        landmarks = landmarks68(mesh[i])
        to_crop = alignment(landmarks)
        scale = float(np.hypot(to_crop[0, 0], to_crop[1, 0]))
        found[i] = presence > PRESENCE and SCALES[0] < scale < SCALES[1]
        shapes[i] = aligned_shape(landmarks, to_crop)
        as_it_is = np.eye(2, 3) * (CROP / len(image))
        crops[i] = aligned_crop(image, to_crop if found[i] else as_it_is, MARGIN)
    return {"found": found, "mesh": mesh, "shapes": shapes, "crops": crops}


def _key(stills: Stills) -> str:
    """Name of a cache file: changes with the stills and with what the feature code makes of a few of them."""
    digest = hashlib.sha256(stills.images.tobytes())
    for name, values in _faces(stills.images[:4]).items():
        digest.update(name.encode() + np.round(values.astype(np.float64), 1).tobytes())
    return f"stills-{digest.hexdigest()[:16]}.npz"
