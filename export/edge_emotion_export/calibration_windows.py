"""Calibration windows: what a static quantisation measures its ranges on, checked against the network's input."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError


def checked_windows(windows: NDArray[np.float32], input_shape: Sequence[int]) -> NDArray[np.float32]:
    """Windows (n, *input_shape[1:]) as float32; EdgeEmotionError for none, another shape or values not finite."""
    expected = tuple(int(size) for size in input_shape[1:])
    if windows.ndim != len(expected) + 1 or tuple(windows.shape[1:]) != expected or not len(windows):
        raise EdgeEmotionError(
            f"expected calibration windows of shape (n, {', '.join(map(str, expected))}), got {windows.shape}: "
            "calibrate with the feature set that the network was trained on"
        )
    # A row at a time: the windows may be mapped from a file larger than memory.
    if not all(np.isfinite(window).all() for window in windows):
        raise EdgeEmotionError(
            "the calibration windows hold values that are not finite; leave those windows out"
        )
    return windows.astype(np.float32, copy=False)
