"""Poses in, estimates out: even grid, rolling graph, network, calibration, smoothing."""

import math
from collections import deque
from time import perf_counter

from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.calibrated_network import CalibratedNetwork
from edge_emotion.checked_time import checked_time
from edge_emotion.engine import Engine, open_engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import NO_MOTION, Estimate
from edge_emotion.features.body import FEATURE_SETS, NODE_RATE, BodyFeatures, Nodes, RawBodyFeatures
from edge_emotion.features.body_track import LONGEST_GAP, TOLERANCE, BodyTrack
from edge_emotion.senses import BODY
from edge_emotion.settings import BodyRecognizerSettings
from edge_emotion.skeleton import Pose
from edge_emotion.smoothing import ExponentialSmoothing
from edge_emotion.sources.motion import Silence
from edge_emotion.window import RollingGraph

FEW_JOINTS = "too few joints"
ENOUGH = 0.6  # of the joints that a network sees, on average over a window; with fewer the body abstains
MOST_DUE = 15  # hops of silence told at once; after a longer one the newest of them


class BodyRecognizer:
    """Recognises expressed emotion in the motion of a body.

        recognizer = BodyRecognizer.from_settings(BodyRecognizerSettings())
        for pose in MotionFile(MotionFileSettings(Path("walk.bvh"))):
            for estimate in recognizer.push(pose):
                print(estimate.time, estimate.emotion)

    A window begins with the first pose and anew after a gap of more than LONGEST_GAP; while nothing comes, every hop
    gives an estimate that abstains. Not safe for use by several threads at once.
    """

    def __init__(
        self, bundle: Bundle, engine: Engine, settings: BodyRecognizerSettings | None = None
    ) -> None:
        """EdgeEmotionError for a bundle that is for something else."""
        self.settings = settings or BodyRecognizerSettings()
        self.bundle = bundle
        self.engine = engine
        self._network = CalibratedNetwork(bundle, engine, _features(bundle))
        self._every = 1
        self.reset()

    @classmethod
    def from_settings(cls, settings: BodyRecognizerSettings) -> "BodyRecognizer":
        """Open the model that the settings name, on the engine they name."""
        bundle = read_bundle(settings.model)
        _features(bundle)
        engine = open_engine(bundle, settings.engine, settings.precision, settings.threads)
        return cls(bundle, engine, settings)

    def reset(self) -> None:
        """Forget all motion so far; the next pose may have any time."""
        self._track = BodyTrack()
        self._smoothing = ExponentialSmoothing(self.settings.smoothing)
        self._newest = -math.inf  # seconds, newest pose or word of silence
        self._last_pose = -math.inf
        self._told = -math.inf  # seconds, newest estimate
        self._begin()

    def spread(self, every: int) -> None:
        """From now on compute only each so-manieth estimate."""
        self._every = self._graph.every = every

    def push(self, item: Pose | Silence) -> list[Estimate]:
        """Take the next pose, or word that none has come; give the estimates that this completes.

        EdgeEmotionError for a time that goes back or is not finite.
        """
        began = perf_counter()
        time = checked_time(item.time, self._newest)
        self._newest = time
        if isinstance(item, Silence):
            return self._silent(time, began)
        estimates = []
        if LONGEST_GAP + TOLERANCE < time - self._last_pose < math.inf:
            estimates = self._silent(time, began)
        nodes = self._track.add(item)
        if nodes and self._since != self._track.since:
            self._begin()
        self._last_pose = time
        for node in nodes:
            self._known.append(node.known)
            for _, window in self._graph.push(node.values[None]):
                estimates.append(self._estimate(window, node.number / NODE_RATE, began))
                self._told = estimates[-1].time
            self._last = node.number
        return estimates

    def flush(self) -> list[Estimate]:
        """End of the motion: give the estimate still due; less than a window is padded cyclically."""
        began = perf_counter()
        estimates = []
        for _, window in self._graph.flush():
            time = self._last / NODE_RATE
            if time > self._told + TOLERANCE:
                estimates.append(self._estimate(window, time, began))
        return estimates

    def _begin(self) -> None:
        window = self.bundle.window
        self._graph = RollingGraph(window.nodes, window.hop)
        self._graph.every = self._every
        self._known: deque[float] = deque(maxlen=window.nodes)
        self._since = self._track.since
        self._last = 0
        self._smoothing = ExponentialSmoothing(self.settings.smoothing)

    def _silent(self, until: float, began: float) -> list[Estimate]:
        """Abstain at each hop of the grid that has passed without a pose."""
        hop = self.bundle.window.hop / NODE_RATE
        begin = (
            self._last_pose + LONGEST_GAP if math.isfinite(self._last_pose) else until - hop + 2 * TOLERANCE
        )
        number = math.ceil((begin - TOLERANCE) / hop)
        if math.isfinite(self._told):
            number = max(number, math.floor((self._told + TOLERANCE) / hop) + 1)
        last = math.floor((until + TOLERANCE) / hop)
        estimates = []
        for k in range(max(number, last - MOST_DUE + 1), last + 1):
            self._told = round(k * hop, 6)
            estimates.append(Estimate(self._told, BODY, None, 0.0, until - self._told + perf_counter() - began,
                                      NO_MOTION))  # fmt: skip
        return estimates

    def _estimate(self, window: Nodes, time: float, began: float) -> Estimate:
        """Estimate of a window whose last node lies at a time."""
        started = perf_counter()
        quality = sum(self._known) / len(self._known)
        abstained = None if quality >= ENOUGH else FEW_JOINTS
        probabilities = None
        if abstained is None:
            probabilities = self._smoothing.update(time, self._network.probabilities(window))
        now = perf_counter()
        return Estimate(
            time=round(time, 6),
            modality=BODY,
            probabilities=probabilities,
            quality=quality,
            latency=max(0.0, self._newest - time) + now - began,
            abstained=abstained,
            computing=now - started,
        )


def _features(bundle: Bundle) -> BodyFeatures | RawBodyFeatures:
    """The feature set of a bundle for the body; EdgeEmotionError when it is for something else."""
    if bundle.modality != BODY:
        raise EdgeEmotionError(f"model {bundle.name!r} is for {bundle.modality}; expected one for the body")
    wanted = (bundle.window.feature_set, bundle.window.feature_version)
    for known in FEATURE_SETS:
        if (known.name, known.version) == wanted:
            return known
    names = ", ".join(f"{known.name} {known.version}" for known in FEATURE_SETS)
    raise EdgeEmotionError(
        f"model {bundle.name!r} needs the features {wanted[0]!r} version {wanted[1]} "
        f"(known for the body: {names}); update edge-emotion"
    )
