"""What the recogniser says about one window of one modality."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.emotions import EMOTIONS
from edge_emotion.features.movement import MovementEvidence

NO_MOTION = "no motion data"  # why a body abstains of which nothing comes


@dataclass(frozen=True)
class Estimate:
    """Expressed emotion in one window.

    time: end of the window, seconds on the source's clock (monotonic, 0 at its start): for voice the end of the last
        node, for a face and a body the instant of the last node, for face and voice as one the newest presentation to
        the spiking network.
    modality: "voice", "face", "face-voice" (one model for both), "body"; what joins them is an Event.
    probabilities: (7,) float32 in the order of EMOTIONS, summing to 1; None when the modality abstains.
    quality: 0..1, how far the input can be trusted. Voice: share of speech in the window. Face: mean quality of the
        window's frames, a frame in which the face was not seen or of no use counting as 0. Body: share of the joints
        that the source told of, over the window; of one IMU 1 while it measures. Face and voice: share of
        the window's presentations that saw a face of use, times the share of speech.
    latency: seconds from the window's end to this estimate: the sound or the frame that came in after it
        (descriptors look ahead, sound is pushed in chunks, frames lie between nodes; of face and voice together how
        far the one ahead has come, since it waits for the other) and the computing. What a
        device's driver and queue hold back before it is pushed is not counted.
    abstained: why there are no probabilities, or None.
        Voice: "silence", "non-speech", "dropped sound".
        Face: "no face"; "face just came", for the first second of a presence; or what keeps a face that is seen
        from being of use: "face turned away", "face too small", "too dark", "too blurred".
        Face and voice: "no face" or what keeps it from being of use, in more than half of the presentations; "face
        just came" while they saw two people; "no sound"; "silence"; "non-speech"; "dropped sound"; "no spikes", when
        the neurons of one sense stayed silent; "too short", for a clip without a presentation.
        Body: "no motion data"; "too few joints", when the source tells of too few; "one IMU", which shows how much
        its wearer moves and never an emotion.
    computing: seconds of computing alone, from the piece of sound or the frame that completed the window to this
        estimate; of several faces' estimates at once, each after the one before.
    identity: whose face, 1, 2, ... stable while it is tracked; None for voice and body, and when nobody is there.
    movement: of one IMU, what it shows of arousal; None for all else.
    """

    time: float
    modality: str
    probabilities: NDArray[np.float32] | None
    quality: float
    latency: float
    abstained: str | None = None
    computing: float = 0.0
    identity: int | None = None
    movement: MovementEvidence | None = None

    @property
    def emotion(self) -> str | None:
        """Most probable of the seven emotions, or None when the modality abstains."""
        return None if self.probabilities is None else EMOTIONS[int(np.argmax(self.probabilities))]

    @property
    def confidence(self) -> float:
        """Probability of the most probable emotion; 0 when the modality abstains."""
        return 0.0 if self.probabilities is None else float(np.max(self.probabilities))
