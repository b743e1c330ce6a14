"""What every source of sound gives: blocks of mono samples at the recogniser's rate."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

RATE = 16000  # samples per second that every source delivers


@dataclass(frozen=True)
class SoundBlock:
    """The next piece of sound.

    samples: (n,) float32, mono, 16 kHz, -1..1.
    lost: seconds of sound dropped between the block before and this one.
    """

    samples: NDArray[np.float32]
    lost: float = 0.0


class SoundSource(Protocol):
    """A microphone or a recording, iterated once; close() may be called at any time and more than once."""

    name: str

    def __iter__(self) -> Iterator[SoundBlock]:
        """Give the blocks in order until the sound ends; EdgeEmotionError when it breaks off."""
        ...

    def close(self) -> None:
        """Give back the device or the file."""
        ...

    @property
    def dropped(self) -> int:
        """Frames dropped because computing was too slow, at the source's own rate."""
        ...

    @property
    def warnings(self) -> list[str]:
        """What a listener should know about the sound so far, one line each."""
        ...
