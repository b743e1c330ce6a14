"""The feature set "action-units": known to training alone, since no device computes OpenFace's action units."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion_train.corpora.ravdess_face_au import COLUMNS, RATE

Nodes = NDArray[np.float32]


@dataclass(frozen=True)
class ActionUnits:
    """P = 35: 17 intensities and 18 presences a node of 1/30 s, as they are."""

    name: str = "action-units"
    version: int = 1
    period: float = 1 / RATE
    width: int = len(COLUMNS)
    features: int = len(COLUMNS)
    bands: tuple[int, int] = (0, 0)

    def window(self, nodes: Nodes) -> Nodes:
        """(..., 35) -> (..., 35), unchanged."""
        return nodes
