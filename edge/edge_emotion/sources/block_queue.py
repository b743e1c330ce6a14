"""A bounded queue between a device's callback and the computing: the oldest is dropped first, and counted."""

import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray


class BlockQueue:
    """Holds blocks of frames up to a number of frames; put() never waits, get() waits for a while."""

    def __init__(self, frames: int) -> None:
        """frames: how many may wait; one block always may."""
        self._limit = frames
        self._blocks: deque[NDArray[np.int16]] = deque()
        self._held = 0
        self._lost = 0
        self._ended = False
        self._changed = threading.Condition()
        self.dropped = 0  # frames, since the start

    def put(self, block: NDArray[np.int16]) -> None:
        """Add (n, channels) frames; drop the oldest blocks beyond the limit."""
        with self._changed:
            self._blocks.append(block)
            self._held += len(block)
            while self._held > self._limit and len(self._blocks) > 1:
                oldest = len(self._blocks.popleft())
                self._held -= oldest
                self._lost += oldest
                self.dropped += oldest
            self._changed.notify()

    def end(self) -> None:
        """Say that no block will come any more."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def get(self, timeout: float) -> tuple[NDArray[np.int16], int] | None:
        """Oldest block and the frames dropped just before it; None at the end or after timeout seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._blocks or self._ended, timeout)
            if not self._blocks:
                return None
            block = self._blocks.popleft()
            self._held -= len(block)
            lost, self._lost = self._lost, 0
            return block, lost
