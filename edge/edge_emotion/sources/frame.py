"""What every source of pictures gives: frames with the time they were taken."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """One picture.

    image: (H, W, 3) uint8 in the order B, G, R, upright.
    time: when it was taken, seconds on the source's clock (monotonic, 0 at the source's start).
    """

    image: NDArray[np.uint8]
    time: float


class FrameSource(Protocol):
    """A camera, iterated once; close() may be called at any time, from any thread and more than once."""

    name: str

    def __iter__(self) -> Iterator[Frame]:
        """Give the newest frame each time, in order of time, until closed; EdgeEmotionError when it breaks off."""
        ...

    def close(self) -> None:
        """Give back the device."""
        ...

    @property
    def dropped(self) -> int:
        """Frames replaced by a newer one before they were taken out, because computing was too slow."""
        ...

    @property
    def warnings(self) -> list[str]:
        """What a user should know about the pictures so far, one line each."""
        ...
