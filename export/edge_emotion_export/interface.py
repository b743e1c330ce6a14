"""What a written network takes and gives: the one thing its converter, its engine and its proof must agree on."""

from dataclasses import dataclass

from edge_emotion_export.trained_model import TrainedAppearance
from edge_emotion_train.models.lgrin import LGrINConfig


@dataclass(frozen=True)
class Interface:
    """One float32 input and one float32 output.

    input_shape, output_shape: sizes, the batch of one among them. input_name, output_name: in the ONNX file.
    """

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    input_name: str
    output_name: str

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Shapes of input and output, as edge_emotion.engine.open_network takes them."""
        return self.input_shape, self.output_shape


def window_interface(config: LGrINConfig) -> Interface:
    """L-GrIN: window (1, M, P) -> logits (1, C)."""
    return Interface((1, config.nodes, config.features), (1, config.classes), "window", "logits")


def crop_interface(trained: TrainedAppearance) -> Interface:
    """Appearance network: crop (1, H, W, 1) -> embedding (1, E)."""
    side, numbers = trained.crop, trained.model.config.embedding
    return Interface((1, side, side, 1), (1, numbers), "crop", "embedding")
