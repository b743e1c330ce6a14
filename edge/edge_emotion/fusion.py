"""Joins the senses: the newest estimate of each, pooled into one event."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edge_emotion.circumplex import valence_arousal
from edge_emotion.emotions import EMOTIONS
from edge_emotion.estimate import Estimate
from edge_emotion.senses import FACE
from edge_emotion.settings import FusionSettings
from edge_emotion.spiking_contract import FACE_VOICE

SEEN = (FACE, FACE_VOICE)  # modalities whose estimates carry an identity
LEAST = 1e-6  # a probability of 0 would let one sense forbid what all others see


@dataclass(frozen=True)
class Event:
    """Expressed emotion of one person, from all senses that know something.

    time: seconds on the source's clock; an event is never earlier than the one before it.
    probabilities: (7,) float32 in the order of EMOTIONS, summing to 1; None when every sense abstains.
    valence, arousal: -1..1, derived from the probabilities (circumplex.py); None with them.
    modalities: newest estimate of each sense, without stale ones; some may abstain.
    identity: the tracked face that the event is about; None where there is no face.
    """

    time: float
    probabilities: NDArray[np.float32] | None
    valence: float | None
    arousal: float | None
    modalities: Mapping[str, Estimate]
    identity: int | None = None

    @property
    def emotion(self) -> str | None:
        """Most probable of the seven emotions, or None when every sense abstains."""
        return None if self.probabilities is None else EMOTIONS[int(np.argmax(self.probabilities))]

    @property
    def confidence(self) -> float:
        """Probability of the most probable emotion; 0 when every sense abstains."""
        return 0.0 if self.probabilities is None else float(np.max(self.probabilities))


def pool(probabilities: Sequence[NDArray[np.float32]], weights: Sequence[float]) -> NDArray[np.float32]:
    """Logarithmic opinion pool: (7,) probabilities of each sense and its weight -> (7,) probabilities.

    p is proportional to prod_m p_m ^ w_m, the weights scaled to sum 1, so that one sense alone keeps its own
    probabilities. A class that a sense gives 0 is none of its classes: it has no say in how likely that one is.
    Source: C. Genest and J. V. Zidek, Statistical Science 1 (1986), section 3.
    """
    if len(probabilities) == 1:
        return probabilities[0]
    largest = max(weights)  # first of all: sums of huge weights overflow
    scaled = np.asarray(weights, np.float64) / largest
    told = np.stack(probabilities).astype(np.float64)
    # A class that a sense gives exactly 0 it does not know: a softmax never does.
    known = told > 0
    shares = np.where(known, scaled[:, None], 0.0)
    shares /= np.maximum(shares.sum(0), 1e-300)
    logs = np.log(np.maximum(told, LEAST))
    possible = np.asarray(known.any(0))
    if not known.all():
        others = _normalised((shares * logs).sum(0), possible)
        # Deviation: what a sense does not know it leaves to the others; among the rest it shares out their mass.
        told = np.where(known, told * (others * known).sum(1, keepdims=True), others)
        logs = np.log(np.maximum(told, LEAST))
        shares = np.broadcast_to((scaled / scaled.sum())[:, None], told.shape)
    # log p = sum_m w_m log p_m + constant
    return _normalised((shares * logs).sum(0), possible).astype(np.float32)


def _normalised(logs: NDArray[np.float64], possible: NDArray[np.bool_]) -> NDArray[np.float64]:
    exponents = np.where(possible, np.exp(logs - logs[possible].max()), 0.0)
    normal: NDArray[np.float64] = exponents / exponents.sum()
    return normal


class Fusion:
    """Keeps the newest estimate of each sense and tells the events that they make.

    Senses come at hops of their own. An abstaining or stale one carries no weight. Each tracked face has events of
    its own; the voice joins those of the leading face (`lead`), else of the face estimated last, else stands alone.
    """

    def __init__(
        self, settings: FusionSettings | None = None, hops: Mapping[str, float] | None = None
    ) -> None:
        """hops: seconds between two estimates of each modality; a sense is stale after two of its hops (and 1 s)."""
        self._settings = settings or FusionSettings()
        self._hops = dict(hops or {})
        self._time = -math.inf
        self._newest: dict[tuple[str, int | None], Estimate] = {}
        self._leader: int | None = None

    def lead(self, identity: int | None) -> None:
        """Say which face the voice belongs to: the only one, or the largest."""
        self._leader = identity

    def not_before(self, time: float) -> None:
        """Give the events to come no earlier time than this, seconds: something else was told of it already."""
        self._time = max(self._time, time)

    def update(self, estimate: Estimate) -> Event:
        """Take one estimate; give the event of the person it is about."""
        return self.together([estimate])[0]

    def together(self, estimates: Iterable[Estimate]) -> list[Event]:
        """Take estimates of the same instant; give one event for each person that they are about."""
        about: list[Estimate] = list(estimates)
        for estimate in about:
            self._time = max(self._time, estimate.time)
            self._keep(estimate)
        self._newest = {key: e for key, e in self._newest.items() if not self._stale(e)}
        # A face's own estimates first, so that a voice of the same instant finds the face it belongs to.
        persons = [e.identity for e in about if e.modality in SEEN]
        if any(e.modality not in SEEN for e in about):
            persons.append(self._owner())
        return [self._event(person) for person in dict.fromkeys(persons)]

    def _keep(self, estimate: Estimate) -> None:
        if estimate.modality not in SEEN:
            self._newest[estimate.modality, None] = estimate
            return
        if estimate.identity is None:  # nobody is seen
            self._newest = {key: e for key, e in self._newest.items() if key[0] != estimate.modality}
        else:
            self._newest.pop((estimate.modality, None), None)
        self._newest[estimate.modality, estimate.identity] = estimate

    def _stale(self, estimate: Estimate) -> bool:
        hop = self._hops.get(estimate.modality, 0.0)
        age = self._time - estimate.time
        return age > max(self._settings.stale, self._settings.stale_hops * hop) + 1e-6

    def _owner(self) -> int | None:
        """The face that the voice belongs to, None without one."""
        faces = [(e.time, person) for (name, person), e in self._newest.items() if name in SEEN]
        known = [person for _, person in faces]
        if self._leader in known or not known:
            return self._leader if self._leader in known else None
        return max(faces, key=lambda face: face[0])[1]

    def _event(self, person: int | None) -> Event:
        own = {name: e for (name, whose), e in self._newest.items() if name in SEEN and whose == person}
        if person == self._owner():
            own |= {name: e for (name, _), e in self._newest.items() if name not in SEEN}
        given = {
            name: e.probabilities
            for name, e in own.items()
            if e.probabilities is not None and self._weight(name)
        }
        if not given:
            return Event(self._time, None, None, None, MappingProxyType(own), person)
        probabilities = pool(list(given.values()), [self._weight(name) for name in given])
        valence, arousal = valence_arousal(probabilities)
        return Event(self._time, probabilities, valence, arousal, MappingProxyType(own), person)

    def _weight(self, modality: str) -> float:
        return self._settings.weights.get(modality, 1.0)
