"""The picture's side of the presentations to a spiking network: the newest usable picture of the face before each."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.face_recognizer import FrontEnd
from edge_emotion.features.face import TOLERANCE
from edge_emotion.features.face_alignment import alignment, viewed
from edge_emotion.features.face_front_end import Face
from edge_emotion.features.spikes import PERIOD, face_rates, spike_crop
from edge_emotion.presented_sound import HELD
from edge_emotion.sources.frame import Frame
from edge_emotion.spiking_contract import SpikingContract
from edge_emotion.spiking_network import windows_of

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Sight:
    """What one presentation sees.

    rates: (windows, inputs) Hz, None without a face that is of use. identity: whose face it is, or would be. problem:
    why a face that is seen is of no use.
    """

    rates: Array | None
    identity: int | None
    problem: str | None


@dataclass(frozen=True)
class _Seen:
    """A face in a frame. to_crop: its alignment, None where the face is of no use."""

    frame: Frame
    face: Face
    to_crop: NDArray[np.float64] | None


@dataclass(frozen=True)
class _Shown:
    """What a presentation will see: a crop takes less room than its rates."""

    crop: NDArray[np.uint8] | None
    identity: int | None
    problem: str | None


class PresentedFace:
    """Takes frames and tells what each presentation sees, once the frames have come up to it.

    Presentation k is at k * PERIOD seconds; the looks of face_alignment.viewed take turns. Keeps one frame and the
    presentations that nobody has taken yet, `most` of them at most.
    """

    def __init__(self, contract: SpikingContract, front_end: FrontEnd, most: int) -> None:
        self._windows = windows_of(contract)[0]
        self._front_end = front_end
        self._most = most
        self._newest: _Seen | None = None  # face, in the newest frame that has one
        self._usable: _Seen | None = None  # face, in the newest frame that has one that is of use
        self._shown: dict[int, _Shown] = {}
        self.faces: list[Face] = []  # of the newest frame
        self.end = -math.inf  # seconds, newest frame
        self.up_to = 0  # number of the newest presentation that frames have come up to
        self.over = False

    def push(self, frame: Frame) -> None:
        """Take a frame, not before the last one."""
        faces = self._front_end.find(frame.image, frame.time)
        up_to = math.floor((frame.time + TOLERANCE) / PERIOD)
        exact = abs(frame.time - up_to * PERIOD) <= TOLERANCE
        self._show(up_to - exact)
        self.faces, self.end = faces, frame.time
        if faces:
            self._newest = _seen(frame, faces[0])
            self._usable = self._newest if self._newest.to_crop is not None else self._usable
        else:
            self._newest = None
        self._show(up_to)

    def finish(self) -> None:
        """End of the frames: the last one is still seen for HELD."""
        self.over = True

    def take(self, number: int) -> Sight:
        """What a presentation sees, of what came in time; earlier ones are forgotten."""
        shown = self._shown.get(number) or self._look(number)
        self._shown = {later: kept for later, kept in self._shown.items() if later > number}
        rates = None if shown.crop is None else self._windows.cut(face_rates(shown.crop))
        return Sight(rates, shown.identity, shown.problem)

    def _show(self, last: int) -> None:
        """Settle what the presentations up to a number see."""
        for number in range(max(self.up_to + 1, last - self._most + 1), last + 1):
            self._shown[number] = self._look(number)
        self.up_to = max(self.up_to, last)

    def _look(self, number: int) -> _Shown:
        time = number * PERIOD
        usable = self._usable
        if usable is not None and usable.to_crop is not None and _held(usable, time):
            crop = spike_crop(_opaque(usable.frame.image), viewed(usable.to_crop, number))
            return _Shown(crop, usable.face.identity, None)
        newest = self._newest
        if newest is not None and _held(newest, time):
            return _Shown(None, newest.face.identity, newest.face.problem)
        return _Shown(None, None, None)


def _seen(frame: Frame, face: Face) -> _Seen:
    """A face with its alignment, where it has no problem and its numbers are fit for one."""
    if face.problem is None and np.isfinite(face.landmarks).all():
        to_crop = alignment(face.landmarks)
        if to_crop[:, :2].any():  # else all anchors lie in one place
            return _Seen(frame, face, to_crop)
    return _Seen(frame, face, None)


def _held(seen: _Seen, time: float) -> bool:
    return -TOLERANCE <= time - seen.frame.time <= HELD + TOLERANCE


def _opaque(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Without transparency."""
    return np.ascontiguousarray(image[..., :3]) if image.ndim == 3 else image
