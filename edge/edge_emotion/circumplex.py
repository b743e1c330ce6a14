"""Valence and arousal, derived: the seven emotions placed on the circumplex of affect."""

import numpy as np
from numpy.typing import NDArray

from edge_emotion.emotions import EMOTIONS

# Mean ratings of the terms on pleasure and arousal, -1..1: J. A. Russell and A. Mehrabian, "Evidence for a
# three-factor theory of emotions", Journal of Research in Personality 11 (1977). Neutral is the origin by definition.
PLACES = {
    "neutral": (0.0, 0.0),
    "happiness": (0.81, 0.51),
    "sadness": (-0.63, -0.27),
    "anger": (-0.51, 0.59),
    "fear": (-0.64, 0.60),
    "disgust": (-0.60, 0.35),
    "surprise": (0.40, 0.67),
}
_PLACES = np.array([PLACES[emotion] for emotion in EMOTIONS], np.float32)  # (7, 2)


def valence_arousal(probabilities: NDArray[np.float32]) -> tuple[float, float]:
    """(7,) probabilities in the order of EMOTIONS -> expected (valence, arousal), each -1..1.

    Derived from the seven probabilities, not measured: sum over emotions of p times the emotion's place.
    """
    valence, arousal = probabilities @ _PLACES
    return float(valence), float(arousal)
