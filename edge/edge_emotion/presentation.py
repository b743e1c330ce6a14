"""What the presentations of a window have shown: whether they can be judged, and how far they can be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.face_recognizer import JUST_CAME, NO_FACE
from edge_emotion.presented_face import Sight
from edge_emotion.presented_sound import Hearing
from edge_emotion.recognizer import DROPPED

NO_SOUND = "no sound"
NO_SPIKES = "no spikes"
TOO_SHORT = "too short"


@dataclass(frozen=True)
class Presentation:
    """One presentation to the spiking network, at number * PERIOD seconds of the source's clock.

    sight: what it saw. hearing: what it heard, None where sound was absent. spikes: (STEPS, N) of 0 and 1.
    """

    number: int
    sight: Sight
    hearing: Hearing | None
    spikes: NDArray[np.float32]


def identity_of(window: Sequence[Presentation]) -> int | None:
    """Whose face was seen last, None for nobody's."""
    known = (p.sight.identity for p in reversed(window) if p.sight.identity is not None)
    return next(known, None)


def abstention(window: Sequence[Presentation], face_neurons: int) -> str | None:
    """Why a window of presentations, the oldest first, cannot be judged; None when it can.

    face_neurons: how many of the neurons look at the face, the first ones. A sense has to be there in half of the
    presentations; faces of two people are not judged as one.
    """
    if any(p.hearing is not None and p.hearing.dropped for p in window):
        return DROPPED
    faces = [p.sight for p in window if p.sight.rates is not None]
    if 2 * len(faces) < len(window):
        return next(p.sight for p in reversed(window) if p.sight.rates is None).problem or NO_FACE
    if len({sight.identity for sight in faces}) > 1:
        return JUST_CAME
    heard = [p.hearing for p in window if p.hearing is not None]
    if 2 * len(heard) < len(window):
        return NO_SOUND
    if heard[-1].activity.abstain is not None:
        return heard[-1].activity.abstain
    fired = np.any([p.spikes.any(0) for p in window], axis=0)
    return None if fired[:face_neurons].any() and fired[face_neurons:].any() else NO_SPIKES


def quality(window: Sequence[Presentation]) -> float:
    """0..1: the share of presentations that saw a face, times the share of speech in the window's sound."""
    faces = np.mean([p.sight.rates is not None for p in window])
    speech = next((p.hearing.activity.speech for p in reversed(window) if p.hearing is not None), 0.0)
    return float(faces * speech)
