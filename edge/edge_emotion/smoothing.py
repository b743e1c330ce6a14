"""Exponential smoothing of probabilities over time."""

import math

import numpy as np
from numpy.typing import NDArray


class ExponentialSmoothing:
    """First-order low pass with a time constant: s += (1 - exp(-dt / tau)) (p - s).

    The gap dt is the time since the last probabilities, so after an abstention of several tau the past
    counts for nothing. tau = 0 gives each p as it came.
    """

    def __init__(self, time_constant: float) -> None:
        """time_constant: tau in seconds, >= 0."""
        self._time_constant = time_constant
        self._state: NDArray[np.float32] | None = None
        self._time = 0.0

    def update(self, time: float, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the (7,) probabilities at a time in seconds; give the smoothed ones, which sum to the same.

        What is given is read-only and shares no memory with what was taken or with what is kept.
        """
        if self._state is None or self._time_constant == 0:
            self._state = probabilities.copy()
        else:
            weight = np.float32(-math.expm1(-(time - self._time) / self._time_constant))
            self._state = self._state + weight * (probabilities - self._state)
        self._time = time
        smoothed = self._state.copy()
        smoothed.flags.writeable = False
        return smoothed
