"""What one bare IMU shows: how much its wearer moves, as evidence of arousal; never an emotion.

A single IMU on a wrist recognises emotions across people at chance (Quiroz, Geangu and Yong, JMIR Mental Health 2018).
"""

import math
from time import perf_counter

from edge_emotion.estimate import NO_MOTION, Estimate
from edge_emotion.features.movement import Movement
from edge_emotion.senses import BODY
from edge_emotion.sources.iio import ImuSample
from edge_emotion.sources.motion import Silence

ONE_IMU = "one IMU"  # why it abstains
HOP = 0.5  # seconds between two estimates


class MovementRecognizer:
    """Tells the movement of an IMU's wearer twice a second, in estimates that abstain on the seven emotions."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all movement so far."""
        self._movement = Movement()
        self._next: int | None = None  # number of the next hop

    def push(self, item: ImuSample | Silence) -> list[Estimate]:
        """Take the next sample; give the estimate of a hop that it completes, from one second of data on.

        At word that none has come it abstains.
        """
        began = perf_counter()
        if isinstance(item, ImuSample):
            self._movement.push(item.time, item.acceleration, item.rotation)
        number = math.floor(item.time / HOP)
        if self._next is None or number < self._next - 1:  # the first, or a sensor whose clock began anew
            self._next = number + 1
        if number < self._next:
            return []
        self._next = number + 1
        if isinstance(item, Silence):
            time = round(number * HOP, 6)
            return [Estimate(time, BODY, None, 0.0, max(0.0, item.time - time), NO_MOTION)]
        evidence = self._movement.evidence()
        if evidence is None:
            return []
        time = round(number * HOP, 6)
        now = perf_counter()
        latency = max(0.0, item.time - time) + now - began
        return [Estimate(time, BODY, None, 1.0, latency, ONE_IMU, now - began, movement=evidence)]

    def flush(self) -> list[Estimate]:
        """Nothing is due at the end."""
        return []
