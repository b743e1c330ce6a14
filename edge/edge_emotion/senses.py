"""What a run drives: who hears, sees and follows a body, and the source that feeds them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from edge_emotion.estimate import Estimate
from edge_emotion.skeleton import Pose
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.iio import ImuSample
from edge_emotion.sources.motion import Silence
from edge_emotion.sources.sound import SoundBlock
from edge_emotion.sources.source_change import Pulse, SourceChange
from edge_emotion.sources.timed_sound import Ended, TimedSound

if TYPE_CHECKING:
    from edge_emotion.features.face_front_end import Face

VOICE, FACE, BODY = "voice", "face", "body"


class Listener(Protocol):
    """What hears: the voice's recogniser."""

    def reset(self) -> None:
        """Start at time 0."""
        ...

    def push(self, samples: NDArray[np.float32]) -> list[Estimate]:
        """Take (n,) samples at 16 kHz; give the estimates they complete."""
        ...

    def flush(self) -> list[Estimate]:
        """End of the sound: give the estimates still due."""
        ...

    def lose(self, seconds: float) -> None:
        """Sound is missing here."""
        ...


@runtime_checkable
class JointListener(Listener, Protocol):
    """What hears for a recogniser that also sees: both sides give the estimates of one modality.

    Their times are those of the source's clock, which the sound is placed on.
    """

    modality: str

    def place(self, time: float) -> None:
        """Say at which second of the source's clock the next sample lies."""
        ...


class Watcher(Protocol):
    """What sees: the face's recogniser."""

    @property
    def faces(self) -> "list[Face]":
        """Faces of the newest frame, largest first."""
        ...

    def reset(self) -> None:
        """Start at time 0."""
        ...

    def push(self, frame: Frame) -> list[Estimate]:
        """Take a frame; give the estimates it completes."""
        ...

    def flush(self) -> list[Estimate]:
        """End of the pictures: give the estimates still due."""
        ...


@runtime_checkable
class Spreadable(Protocol):
    """A recogniser that can do less."""

    def spread(self, every: int) -> None:
        """From now on compute only each so-manieth estimate."""
        ...


Motion = Pose | Silence | ImuSample


class Mover(Protocol):
    """What follows a body: the recogniser of poses, or that of one IMU."""

    def reset(self) -> None:
        """Start at time 0."""
        ...

    def push(self, item: Any) -> list[Estimate]:
        """Take a Pose or Silence, or an ImuSample; give the estimates it completes."""
        ...

    def flush(self) -> list[Estimate]:
        """End of the motion: give the estimates still due."""
        ...


class Source(Protocol):
    """A source of sound, pictures or motion, or several in one: their items in order of time."""

    @property
    def name(self) -> str:
        """For a user."""
        ...

    def __iter__(self) -> Iterator[SoundBlock | TimedSound | Frame | Ended | Motion | SourceChange | Pulse]:
        """Give what comes."""
        ...

    def close(self) -> None:
        """Give back the device or the file."""
        ...

    @property
    def dropped(self) -> int:
        """Frames dropped because computing was too slow."""
        ...

    @property
    def warnings(self) -> list[str]:
        """What a user should know about the source so far, one line each."""
        ...
