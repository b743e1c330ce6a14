"""What a camera's driver gives, whichever it is: pictures as they come, with the driver's stamps."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError


@dataclass(frozen=True)
class Picture:
    """One picture, before it has a place on the camera's clock.

    image: (H, W, 3) uint8 in the order B, G, R. arrived: time.monotonic() when the driver handed it over.
    stamp: when it was exposed by the driver's own clock, seconds; None without.
    """

    image: NDArray[np.uint8]
    arrived: float
    stamp: float | None = None


class Capture(Protocol):
    """An opened camera, used by one thread only."""

    name: str
    finished: bool  # a file played as a camera is at its end

    def read(self) -> Picture | None:
        """Wait for the next picture; None when the driver gave none this time."""
        ...

    def close(self) -> None:
        """Give back the device."""
        ...

    def silent(self, seconds: float) -> EdgeEmotionError:
        """Say why it may have given no picture at all for so many seconds."""
        ...

    def gone(self, after: float) -> EdgeEmotionError:
        """Say that it stopped sending pictures, so many seconds after the first."""
        ...


def bgr(image: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Bring grey (H, W) or (H, W, 1) and B, G, R, A (H, W, 4) to (H, W, 3); EdgeEmotionError for anything else."""
    if image.dtype == np.uint8 and image.ndim in (2, 3) and image.size:
        planes = image[:, :, np.newaxis] if image.ndim == 2 else image
        channels = planes.shape[2]
        if channels == 3:
            return np.ascontiguousarray(planes)
        if channels == 1:
            return np.repeat(planes, 3, axis=2)
        if channels == 4:
            return np.ascontiguousarray(planes[:, :, :3])
    raise EdgeEmotionError(
        f"camera {name} gives pictures of {image.dtype} and shape {image.shape}; expected 8 bits, "
        "grey, B,G,R or B,G,R,A: choose another size or pixel format"
    )
