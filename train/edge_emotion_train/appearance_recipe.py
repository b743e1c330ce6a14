"""How the appearance network is trained: the first training, and the three that follow from its weights."""

from dataclasses import dataclass, replace

from edge_emotion.features.face_alignment import CROP


@dataclass(frozen=True)
class AppearanceTraining:
    """How the appearance network is trained; nothing but these numbers and a seed decides the result.

    epochs: passes over the stills. batch: crops a step. learning_rate: peak of the one-cycle schedule. weight_decay:
    AdamW's, of matrices and filters alone. label_smoothing: share of a target spread over the classes. average: decay
    of the running average of the weights, which is the trained network. mixup, mixup_share: parameter of the Beta
    distribution of the mixing weight, and share of the batches that are mixed. rarity: power of a class' rarity in
    its weight. small, middle: shares of the epochs that end the ones on crops of 32 and of 40 pixels, which are
    quicker; the rest sees 48.
    turn, zoom, stretch, shift: deviations of the random turn (degrees), logarithm of scale and of the sides' ratio,
    and shift (half crops). gamma: deviation of the logarithm of the brightness curve's exponent. erased: share of
    crops with a rectangle covered. noise: deviation added to standardised pixels.
    """

    epochs: int = 84
    batch: int = 96
    learning_rate: float = 4e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    average: float = 0.998
    mixup: float = 0.3
    mixup_share: float = 0.5
    rarity: float = 0.25
    small: float = 0.2
    middle: float = 0.5
    turn: float = 6.0
    zoom: float = 0.07
    stretch: float = 0.04
    shift: float = 0.045
    gamma: float = 0.2
    erased: float = 0.5
    noise: float = 0.05

    def side(self, epoch: int) -> int:
        """Pixels of the crops of an epoch, counted from 0."""
        share = epoch / self.epochs
        return 32 if share < self.small else 40 if share < self.middle else CROP


FINE = AppearanceTraining(
    epochs=16,
    learning_rate=1.5e-3,
    mixup_share=0.15,
    small=0.0,
    middle=0.0,
    erased=0.25,
    zoom=0.05,
    shift=0.035,
)
"""The second training, from the first one's weights: gentler crops, hardly mixed, full size, a lower rate."""


TAUGHT = AppearanceTraining(
    epochs=70,
    learning_rate=3e-3,
    mixup_share=0.3,
    label_smoothing=0.05,
    erased=0.4,
)
"""The third training, on targets that are half the labels and half what the second network says of each still."""


LAST = replace(FINE, epochs=24, learning_rate=2e-3, label_smoothing=0.0)
"""The fourth training, from the third one's weights, as gentle as the second, with all three before it as teachers."""
