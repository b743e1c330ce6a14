"""What the recogniser says about one window of one modality."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.emotions import EMOTIONS


@dataclass(frozen=True)
class Estimate:
    """Expressed emotion in one window.

    time: end of the window, seconds on the source's clock (monotonic, 0 at the first sample).
    modality: "voice", later "face", "body" or "fused".
    probabilities: (7,) float32 in the order of EMOTIONS, summing to 1; None when the modality abstains.
    quality: 0..1, how far the input can be trusted (share of speech in the window for voice).
    latency: seconds from the window's last sample to this estimate: the sound that came in after that sample
        (descriptors look ahead, and sound is pushed in chunks) and the computing. What a device's driver and
        queue hold back before the sound is pushed is not counted.
    abstained: why there are no probabilities ("silence", "non-speech", "dropped sound"), or None.
    computing: seconds of computing alone, from the piece of sound that completed the window to this estimate.
    """

    time: float
    modality: str
    probabilities: NDArray[np.float32] | None
    quality: float
    latency: float
    abstained: str | None = None
    computing: float = 0.0

    @property
    def emotion(self) -> str | None:
        """Most probable of the seven emotions, or None when the modality abstains."""
        return None if self.probabilities is None else EMOTIONS[int(np.argmax(self.probabilities))]

    @property
    def confidence(self) -> float:
        """Probability of the most probable emotion; 0 when the modality abstains."""
        return 0.0 if self.probabilities is None else float(np.max(self.probabilities))
