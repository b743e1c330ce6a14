"""Quantisation of an exported network: the same network in fewer bits, float32 at its ends whatever is inside."""

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_export.quantize_onnx import onnx_quantized
from edge_emotion_export.quantize_tflite import tflite_quantized

PRECISIONS = ("fp32", "fp16", "int8-dynamic", "int8")
"""fp16: weights kept in 16 bits. int8-dynamic: int8 weights, activations measured and quantised on each run.
int8: int8 weights and activations, with ranges from calibration windows."""

QUANTISERS = {"tflite": tflite_quantized, "onnx": onnx_quantized}


def quantized(content: bytes, kind: str, precision: str, windows: NDArray[np.float32]) -> bytes:
    """A network's file at another precision.

    content: the fp32 file. kind: "tflite" or "onnx". precision: of PRECISIONS; "fp32" gives the content back.
    windows: (n, *input shape without the batch) float32 as the network takes them, standardised windows (n, M, P)
    or crops (n, 48, 48, 1); read for "int8" alone.
    Raises EdgeEmotionError for a missing quantiser, an unknown kind or precision, calibration windows of another
    shape or that are not finite, and a file that is no such network.
    """
    if kind not in QUANTISERS:
        raise EdgeEmotionError(f"unknown format {kind!r}, expected one of: {', '.join(QUANTISERS)}")
    if precision not in PRECISIONS:
        raise EdgeEmotionError(f"unknown precision {precision!r}, expected one of: {', '.join(PRECISIONS)}")
    if precision == "fp32":
        return content
    return QUANTISERS[kind](content, precision, windows)
