"""A folded network as the bytes of a TFLite file, for LiteRT."""

import tempfile
from pathlib import Path

import torch
from torch import nn

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.native_talk import held_back
from edge_emotion_export.interface import Interface


def tflite_bytes(network: nn.Module, interface: Interface) -> bytes:
    """fp32 TFLite with the input and the output of an interface."""
    try:
        with held_back():
            import litert_torch
    except ImportError as reason:
        raise EdgeEmotionError(
            f"{reason.name} is not installed: pip install '.[export]' in the clone"
        ) from reason
    with held_back(), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.tflite"
        litert_torch.convert(network, (torch.zeros(interface.input_shape),)).export(str(file))
        return file.read_bytes()
