"""FER2013 (Goodfellow et al. 2013): 48x48 grey stills of faces from the web, seven labels, as one .npz file.

Its labels are noisy (people agree with them in about two of three stills), and many pictures occur twice, cropped or
printed a little differently: near-duplicates are found here, so that none stands on both sides of a split.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError

NAME = "fer2013"
LICENCE = "FER2013 (Goodfellow et al. 2013): web images, for research; no licence for other use is stated"
LAYOUT = "a .npz file with images (n, 48, 48) uint8, labels (n,), label_names (7,), names (n,)"
SIDE = 48  # pixels
PARTS = ("train", "choice", "validation")
TO_EMOTION = {
    "angry": "anger", "disgust": "disgust", "fear": "fear", "happy": "happiness", "neutral": "neutral",
    "sad": "sadness", "surprise": "surprise",
}  # fmt: skip
BUCKETS = 20  # of the hash of a name: two validate, one serves choices (temperature, recipe), the rest train
ALIKE = 0.985  # correlation of two thumbnails from which on two stills are one picture
THUMBNAIL = 12  # pixels


@dataclass(frozen=True)
class Stills:
    """Stills of one part.

    images: (n, 48, 48) uint8. labels: (n,) index into EMOTIONS. names: (n,) as published.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: NDArray[np.str_]

    def __len__(self) -> int:
        """Count the stills."""
        return len(self.labels)


def bucket(name: str) -> int:
    """Number 0 .. BUCKETS - 1 of a still, by the hash of its name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % BUCKETS


def part(name: str) -> str:
    """Part of a still: "validation" (a tenth), "choice" (a twentieth) or "train"."""
    number = bucket(name)
    return "validation" if number < 2 else "choice" if number == 2 else "train"


def stills(path: Path) -> dict[str, Stills]:
    """Read the file and give its parts, in order; a still that looks like one of a later part is left out.

    EdgeEmotionError when the file is not of that layout.
    """
    images, labels, names = read(path)
    rank = np.array([PARTS.index(part(str(name))) for name in names])
    keep = np.ones(len(names), bool)
    for number in range(len(PARTS) - 1):
        mine = np.flatnonzero(rank == number)
        keep[mine] = ~near_duplicates(images[mine], images[rank > number])
    chosen = {name: keep & (rank == number) for number, name in enumerate(PARTS)}
    return {name: Stills(images[who], labels[who], names[who]) for name, who in chosen.items()}


def near_duplicates(
    candidates: NDArray[np.uint8], others: NDArray[np.uint8], block: int = 2000
) -> NDArray[np.bool_]:
    """Say for each of (n, H, W) candidates whether one of (m, H, W) others is almost the same picture."""
    known = _thumbnails(others)
    found = np.zeros(len(candidates), bool)
    for start in range(0, len(candidates), block):
        seen = _thumbnails(candidates[start : start + block]) @ known.T
        found[start : start + block] = (seen > ALIKE).any(1)
    return found


def _thumbnails(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, THUMBNAIL^2) of mean 0 and length 1, so that products are correlations; a blank picture gives zeros."""
    size = (THUMBNAIL, THUMBNAIL)
    small = [cv2.resize(image, size, interpolation=cv2.INTER_AREA).ravel() for image in images]
    flat = np.array(small, np.float32).reshape(-1, THUMBNAIL**2)
    flat -= flat.mean(1, keepdims=True)
    unit: NDArray[np.float32] = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-3)
    return unit


def read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.str_]]:
    """Images (n, 48, 48) uint8, labels (n,) index into EMOTIONS and names (n,) of the whole file.

    EdgeEmotionError when the file is not of that layout.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            images, kinds, words, names = (
                stored[key] for key in ("images", "labels", "label_names", "names")
            )
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise EdgeEmotionError(f"{NAME}: cannot read {path} ({error}); expected {LAYOUT}") from error
    fits = images.ndim == 3 and images.shape[1:] == (SIDE, SIDE) and images.dtype == np.uint8
    if not fits or len(kinds) != len(images) or len(names) != len(images):
        raise EdgeEmotionError(f"{NAME}: {path} holds images of shape {images.shape}; expected {LAYOUT}")
    unknown = sorted(set(map(str, words)) - set(TO_EMOTION))
    if unknown or not ((kinds >= 0) & (kinds < len(words))).all():
        raise EdgeEmotionError(f"{NAME}: {path} has labels that are not FER2013's ({', '.join(unknown)})")
    emotion_of = np.array([EMOTIONS.index(TO_EMOTION[str(word)]) for word in words])
    return images, emotion_of[kinds], names.astype(str)
