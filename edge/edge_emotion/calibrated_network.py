"""A bundle's network from a window of nodes to calibrated probabilities of the seven emotions."""

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bundle import Bundle
from edge_emotion.engine import Engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.feature_set import FeatureSet


class Calibration:
    """A bundle's temperature and the map of its labels onto the emotions."""

    def __init__(self, bundle: Bundle) -> None:
        self._name = bundle.name
        self._temperature = np.float32(bundle.temperature)
        self._emotion_matrix = bundle.emotion_matrix()

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """(C,) logits -> (7,) over EMOTIONS: softmax(logits / temperature), summed over labels.

        EdgeEmotionError when the logits are not finite.
        """
        if not np.isfinite(logits).all():
            raise EdgeEmotionError(f"model {self._name!r} gave values that are not finite; replace it")
        scaled = logits / self._temperature
        exponents = np.exp(scaled - scaled.max())
        probabilities: NDArray[np.float32] = (exponents / exponents.sum()) @ self._emotion_matrix
        return probabilities


class CalibratedNetwork:
    """Standardisation, network, temperature and the map of its labels onto the emotions, for any modality."""

    def __init__(self, bundle: Bundle, engine: Engine, features: FeatureSet) -> None:
        """Run the network once, since first runs are slow; EdgeEmotionError when bundle and features do not fit."""
        window = bundle.window
        if (features.features, features.period) != (window.features, window.period):
            raise EdgeEmotionError(
                f"model {bundle.name!r} expects {window.features} features each {window.period} s, "
                f"{window.feature_set!r} gives {features.features} each {features.period} s, "
                "update edge-emotion or the model"
            )
        self._engine = engine
        self._features = features
        self._mean = np.array(window.mean, np.float32)
        self._scale = np.array(window.scale, np.float32)
        self._calibration = Calibration(bundle)
        self._logits(np.zeros((window.nodes, features.width), np.float32))

    def probabilities(self, nodes: NDArray[np.float32]) -> NDArray[np.float32]:
        """(7,) over EMOTIONS from a window's nodes (M, width), calibrated.

        EdgeEmotionError when the network gives values that are not finite.
        """
        return self._calibration.probabilities(self._logits(nodes))

    def _logits(self, nodes: NDArray[np.float32]) -> NDArray[np.float32]:
        standard = (self._features.window(nodes) - self._mean) / self._scale
        logits: NDArray[np.float32] = self._engine.run(standard[None])
        row: NDArray[np.float32] = logits[0]
        return row
