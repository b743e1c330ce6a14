"""Frames in, estimates out: front end, face nodes, rolling window, network, calibration, smoothing."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.calibrated_network import CalibratedNetwork
from edge_emotion.checked_time import checked_time
from edge_emotion.engine import Engine, open_appearance, open_engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import Estimate
from edge_emotion.features.face import (
    EMBEDDING,
    EMBEDDING_PERIOD,
    FEATURE_SETS,
    HOLD,
    LONGEST_GAP,
    NODE_RATE,
    TOLERANCE,
    FaceFeatures,
    node_at,
)
from edge_emotion.features.face_alignment import CROP
from edge_emotion.features.face_front_end import Face, FaceFrontEnd
from edge_emotion.features.face_track import FaceTrack
from edge_emotion.settings import FaceRecognizerSettings
from edge_emotion.smoothing import ExponentialSmoothing
from edge_emotion.sources.frame import Frame
from edge_emotion.spiking_contract import FACE_VOICE
from edge_emotion.window import cyclic_padding

NO_FACE = "no face"
JUST_CAME = "face just came"
FIRST_ESTIMATE = (
    1.0  # seconds of presence before the first estimate; a window of less says more of one instant
)
MOST_DUE = 15  # hops given at once after a stall: the newest 3 s of them, the older ones are left out


class FrontEnd(Protocol):
    """What finds the faces of a frame."""

    def find(self, image: NDArray[np.uint8], time: float) -> list[Face]:
        """Faces of a frame, largest first."""
        ...

    def reset(self) -> None:
        """Forget the faces tracked so far."""
        ...


@dataclass
class _Person:
    """An identity: its track and its smoothed probabilities.

    began: seconds, when it was first found. place: 0 for the largest face of the newest frame that it was in.
    smoothed: seconds, the newest time that went into the smoothing.
    """

    identity: int
    track: FaceTrack
    smoothing: ExponentialSmoothing
    began: float
    place: int = 0
    smoothed: float = -math.inf


class FaceRecognizer:
    """Recognises expressed emotion in a stream of frames.

    A hop ends at every sixth node of the source's clock (0.2, 0.4, 0.6 ... s), whatever the rate of the frames. At each
    one every face that is there gives an estimate over its presence, at most three seconds of it; when there is none,
    one abstaining estimate says so. Not safe for use by several threads at once.
    """

    def __init__(
        self,
        bundle: Bundle,
        engine: Engine,
        front_end: FrontEnd,
        appearance: Engine | None = None,
        settings: FaceRecognizerSettings | None = None,
    ) -> None:
        """appearance: the bundle's network over face crops, for a bundle that has one. EdgeEmotionError on a misfit."""
        self.settings = settings or FaceRecognizerSettings()
        self.bundle = bundle
        self.engine = engine
        self.features = _features(bundle)
        if bool(self.features.embedding) != (appearance is not None):
            raise EdgeEmotionError(
                f"model {bundle.name!r} with features {self.features.name!r} needs "
                + ("its appearance network" if self.features.embedding else "no appearance network")
            )
        self._network = CalibratedNetwork(bundle, engine, self.features)
        self._appearance = appearance
        if appearance is not None:
            appearance.run(np.zeros((1, CROP, CROP, 1), np.float32))  # first runs are slow
        self._front_end = front_end
        self._every = 1
        self.reset()

    @classmethod
    def from_settings(cls, settings: FaceRecognizerSettings) -> "FaceRecognizer":
        """Open the model that the settings name, on the engine they name."""
        bundle = read_bundle(settings.model)
        how = (bundle.engine_taken(settings.engine), settings.precision, settings.threads)
        appearance = open_appearance(bundle, *how) if _features(bundle).embedding else None
        return cls(bundle, open_engine(bundle, *how), FaceFrontEnd(settings.front_end), appearance, settings)

    def reset(self) -> None:
        """Forget all faces seen so far; the next frame may have any time."""
        self._front_end.reset()
        self.faces: list[Face] = []  # of the newest frame, largest first
        self._people: dict[int, _Person] = {}
        self._frames: deque[tuple[int, int]] = deque()  # node, how many frames came from it on
        self._first: float | None = None  # seconds, first frame
        self._newest = -math.inf  # seconds, newest frame
        self._next = 0  # number of the next hop; hop j ends with node j * window.hop
        self._given: int | None = None  # node with which the newest estimates ended
        self._done = 0.0  # performance counter, when the newest estimate was given
        self._estimated = False  # whether there was any estimate that did not abstain

    def spread(self, every: int) -> None:
        """From now on compute only each so-manieth estimate."""
        self._every = every

    def push(self, frame: Frame) -> list[Estimate]:
        """Take the next frame; give the estimates of the hops that it completes, none for most frames.

        EdgeEmotionError for a time that goes back or is not finite, and for a picture that the front end refuses.
        """
        began = perf_counter()
        time, hop = checked_time(frame.time, self._newest), self.bundle.window.hop
        self.faces = self._front_end.find(frame.image, time)
        if self._first is None:
            self._first, self._next = time, node_at(time) // hop + 1
        self._newest = time
        self._count(node_at(time))
        for place, face in enumerate(self.faces):
            self._see(frame.image, face, time, place)
        last = node_at(time) // hop
        estimates: list[Estimate] = []
        for number in range(max(self._next, last - MOST_DUE + 1), last + 1):
            if number % self._every == 0:
                estimates += self._estimates(number * hop, self._there(number * hop), began)
        self._next = max(self._next, last + 1)
        self._forget()
        return estimates

    def flush(self) -> list[Estimate]:
        """End of the frames: give the estimates still due, at the last node.

        A recording shorter than FIRST_ESTIMATE gives one all the same, over a window padded cyclically, of each face
        that was seen in more than half of its frames.
        """
        began = perf_counter()
        if self._first is None:
            return []
        end = node_at(self._newest)
        if self._newest - self._first < FIRST_ESTIMATE - TOLERANCE and not self._estimated:
            frames = self._frames_until(end)
            most = [p for p in self._people.values() if 2 * p.track.quality(end)[0] > frames]
            if most:
                return self._estimates(end, most[: self.settings.front_end.faces], began, short=True)
        return [] if end == self._given else self._estimates(end, self._there(end), began)

    def _see(self, image: NDArray[np.uint8], face: Face, time: float, place: int) -> None:
        """Take a face that the front end found in a frame."""
        person = self._people.get(face.identity)
        if person is None:
            appearance = self._appearance.run if self._appearance else None
            contract = self.bundle.appearance
            period = contract.period if contract else EMBEDDING_PERIOD
            track = FaceTrack(self.bundle.window.nodes, appearance, period)
            person = _Person(face.identity, track, ExponentialSmoothing(self.settings.smoothing), time)
            self._people[face.identity] = person
        person.place = place
        person.track.see(image, face, time)

    def _there(self, end: int) -> list[_Person | None]:
        """Those whom the hop that ends with a node is about, the most recently found first; [None] for nobody.

        One who left is spoken of for LONGEST_GAP, so that whoever follows an identity is told that it is gone.
        """
        time = end / NODE_RATE
        known = [
            person
            for person in self._people.values()
            if person.began <= time + TOLERANCE and time - person.track.found <= LONGEST_GAP + TOLERANCE
        ]
        known.sort(key=lambda person: (-person.track.found, person.place))
        return [*known[: self.settings.front_end.faces]] or [None]

    def _estimates(
        self, end: int, people: Sequence[_Person | None], began: float, short: bool = False
    ) -> list[Estimate]:
        estimates = []
        for person in people:
            estimates.append(self._estimate(end, person, began, short))
            self._estimated = self._estimated or estimates[-1].abstained is None
        self._given = end
        return estimates

    def _estimate(self, end: int, person: _Person | None, began: float, short: bool) -> Estimate:
        """Estimate at a node; short: of all that there is, however little."""
        started = max(began, self._done)
        time = round(end / NODE_RATE, 6)
        abstained = None if short else _abstention(person, time)
        probabilities = None
        quality = 0.0
        if person is not None and abstained != NO_FACE:
            quality = person.track.quality(end)[1] / max(1, self._frames_until(end))
            if abstained is None:
                probabilities = self._probabilities(person, end, time)
        self._done = now = perf_counter()
        return Estimate(
            time=time,
            modality=self.bundle.modality,
            probabilities=probabilities,
            quality=min(1.0, max(0.0, quality)),
            latency=max(0.0, self._newest - time) + now - began,
            abstained=abstained,
            computing=now - started,
            identity=None if person is None else person.identity,
        )

    def _probabilities(self, person: _Person, end: int, time: float) -> NDArray[np.float32]:
        nodes = person.track.nodes
        if nodes.since > person.smoothed:  # another presence: what was before it counts for nothing
            person.smoothing = ExponentialSmoothing(self.settings.smoothing)
        person.smoothed = time
        window = cyclic_padding(nodes.window(min(end, node_at(nodes.last + HOLD))), self.bundle.window.nodes)
        return person.smoothing.update(time, self._network.probabilities(window))

    def _count(self, node: int) -> None:
        """Count a frame; as many nodes are kept as the windows of the oldest hop still given may hold."""
        count = self._frames.pop()[1] if self._frames and self._frames[-1][0] == node else 0
        self._frames.append((node, count + 1))
        window = self.bundle.window
        while self._frames[0][0] <= node - window.nodes - MOST_DUE * window.hop:
            self._frames.popleft()

    def _frames_until(self, end: int) -> int:
        """Frames in the window that ends with a node."""
        return sum(count for node, count in self._frames if end - self.bundle.window.nodes < node <= end)

    def _forget(self) -> None:
        """Drop the identities that left: one who comes back begins another presence."""
        self._people = {
            identity: person
            for identity, person in self._people.items()
            if self._newest - person.track.found <= LONGEST_GAP + TOLERANCE
        }


def _abstention(person: _Person | None, time: float) -> str | None:
    """Why nothing can be said of a person at a time, None when something can."""
    if person is None:
        return NO_FACE
    if not person.track.nodes.present(time):
        return person.track.problem(time) or NO_FACE
    return JUST_CAME if time - person.track.nodes.since < FIRST_ESTIMATE - TOLERANCE else None


def _features(bundle: Bundle) -> FaceFeatures:
    """The feature set of a bundle for faces; EdgeEmotionError when it is for something else."""
    if bundle.modality != "face":
        hint = ": recognize() takes it as face_voice" if bundle.modality == FACE_VOICE else ""
        raise EdgeEmotionError(f"model {bundle.name!r} is for {bundle.modality}; expected one for face{hint}")
    wanted = (bundle.window.feature_set, bundle.window.feature_version)
    found = [known for known in FEATURE_SETS if (known.name, known.version) == wanted]
    if not found:
        names = ", ".join(f"{known.name} {known.version}" for known in FEATURE_SETS)
        raise EdgeEmotionError(
            f"model {bundle.name!r} needs the features {wanted[0]!r} version {wanted[1]} "
            f"(known for faces: {names}); update edge-emotion"
        )
    appearance = bundle.appearance
    if found[0].embedding and appearance is not None:
        given = (appearance.crop, appearance.embedding)
        if given != (CROP, EMBEDDING):
            raise EdgeEmotionError(
                f"model {bundle.name!r} expects crops of {given[0]} and embeddings of {given[1]}; "
                f"{found[0].name!r} has {CROP} and {EMBEDDING}; update edge-emotion"
            )
    return found[0]
