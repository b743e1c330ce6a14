"""The two shipped face networks, opened in LiteRT so that pictures are written straight into their input."""

from importlib import resources
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.native_talk import held_back

TO_RGB = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}  # by a picture's channels


class FaceNetwork:
    """A TFLite file of edge_emotion/models: one float32 picture in, float32 arrays out.

    name: the file's; threads: CPU threads of a run.
    EdgeEmotionError when ai-edge-litert or the file is missing.
    """

    def __init__(self, name: str, threads: int = 1) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as reason:
            raise EdgeEmotionError(
                "ai-edge-litert is not installed or does not load here: pip install ai-edge-litert"
            ) from reason
        try:
            network = (resources.files("edge_emotion") / "models" / name).read_bytes()
        except OSError as reason:
            raise EdgeEmotionError(f"models/{name} is missing: install edge-emotion again") from reason
        with held_back(show_on_failure=False):  # it announces its delegate each time; what fails is raised
            self._interpreter: Any = Interpreter(model_content=network, num_threads=threads)
            self._interpreter.allocate_tensors()
        self._view = self._interpreter.tensor(self._interpreter.get_input_details()[0]["index"])
        # In the order of their sizes, the largest first: a converter may list them either way.
        details = sorted(
            self._interpreter.get_output_details(), key=lambda detail: -int(np.prod(detail["shape"]))
        )
        self._outputs = [detail["index"] for detail in details]

    def input(self) -> NDArray[np.float32]:
        """Give the input's own memory, (side, side, 3) R,G,B, to write all of it.

        Let go of it before run(), which refuses otherwise.
        """
        picture: NDArray[np.float32] = self._view()[0]
        return picture

    def run(self) -> tuple[NDArray[np.float32], ...]:
        """Compute on what lies in the input; give copies of the outputs, the largest first."""
        self._interpreter.invoke()
        return tuple(self._interpreter.get_tensor(index) for index in self._outputs)
