"""Measures what Synch-Graph costs on this machine: the stages of a presentation, and the decision over K of them."""

import math
from dataclasses import dataclass
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.bench_clip import CLIP_FPS, clip_images
from edge_emotion.bench_process import peak_memory
from edge_emotion.bench_sound import speech_blocks, speech_like
from edge_emotion.bench_stage import PathCost, Spent, stage_cost, timed
from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.calibrated_network import Calibration
from edge_emotion.engine import Engine, open_engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_alignment import alignment, viewed
from edge_emotion.features.face_front_end import FaceFrontEnd
from edge_emotion.features.spikes import PERIOD, SOUND, face_rates, sound_rates, spike_crop
from edge_emotion.settings import BenchSettings, FaceFrontEndSettings, SynchGraphSettings
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.sound import RATE
from edge_emotion.spiking_contract import SpikingContract
from edge_emotion.spiking_network import SpikingNetwork, open_spiking, presentation_events, windows_of
from edge_emotion.synch_graph import SynchGraphRecognizer

KEPT = 4.0  # seconds of the clip that the pictures are taken from, at each PERIOD
MEMORY_RUN = 11.0  # seconds of face and voice for the peak memory: the clip's length
CROP, CEPSTRA, TRAINS = "face crop and LoG", "MFCC image", "Poisson trains"
SPIKING, DECISION = "spiking network", "decision network"
STAGES = (CROP, CEPSTRA, TRAINS, SPIKING, DECISION)


@dataclass(frozen=True)
class SynchGraphCost(PathCost):
    """What Synch-Graph costs from a followed face and sound to probabilities; finding the face comes on top.

    stages: those of one presentation, and the decision. hops: presentations that were timed, a decision with each.
    cpu_share: of one presentation and one decision each PERIOD, as a live run has them.
    presentations: K of a decision. neurons: excitatory ones. events: of a presentation, the median.
    ratio: K presentations and their decision over the K * PERIOD seconds that they cover, in CPU seconds: the median
    over the runs. ratio_p95: the 95th percentile. size: bytes of the bundle.
    peak_memory: of another process of its own, which watches and listens as a live run does.
    """

    presentations: int
    neurons: int
    events: int
    ratio: float
    ratio_p95: float
    size: int


class PresentationPath:
    """The chain from a picture of a followed face and its sound to probabilities, each stage by itself."""

    def __init__(self, bundle: Bundle, spiking: SpikingNetwork, decision: Engine) -> None:
        contract = bundle.spiking
        assert contract is not None  # open_spiking has refused a bundle without
        self._contract: SpikingContract = contract
        self._spiking, self._decision = spiking, decision
        self._calibration = Calibration(bundle)
        self._looking, self._listening = windows_of(contract)
        self._mean, self._scale = np.array(contract.mean, np.float32), np.array(contract.scale, np.float32)
        self._presentations = bundle.window.nodes
        self.events = 0

    def run(
        self, number: int, image: NDArray[np.uint8], to_crop: NDArray[np.float64], sound: NDArray[np.float32]
    ) -> dict[str, Spent]:
        """Take presentation `number` through every stage; give what each took."""
        spent: dict[str, Spent] = {}
        spent[CROP], face = timed(self._look, number, image, to_crop)
        spent[CEPSTRA], heard = timed(self._listen, sound)
        spent[TRAINS], events = timed(presentation_events, self._contract, number, face, heard)
        spent[SPIKING], spikes = timed(self._spiking.run, events)
        spent[DECISION], _ = timed(self._decide, np.stack([spikes] * self._presentations))
        self.events = len(events[0])
        return spent

    def _look(
        self, number: int, image: NDArray[np.uint8], to_crop: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        return self._looking.cut(face_rates(spike_crop(image, viewed(to_crop, number))))

    def _listen(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._listening.cut(sound_rates(sound, self._mean, self._scale))

    def _decide(self, spikes: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._calibration.probabilities(self._decision.run(spikes)[0])


def measure_synch_graph(settings: BenchSettings, engine: str) -> SynchGraphCost:
    """Measure in this process, one presentation after the other; its memory is left 0."""
    assert settings.model is not None  # bench() measures it only with a model
    cv2.setNumThreads(settings.threads)
    started = perf_counter()
    bundle = read_bundle(settings.model)
    decision = open_engine(bundle, engine, settings.precision, settings.threads)
    path = PresentationPath(bundle, open_spiking(bundle, engine, settings.threads), decision)
    start = perf_counter() - started
    pictures = _pictures(settings.threads)
    runs = math.ceil(settings.seconds / PERIOD)
    sound = speech_like((runs + settings.warm_up) * PERIOD + SOUND / RATE)
    spent, events = [], []
    for number in range(1, settings.warm_up + runs + 1):
        until = SOUND + round(number * PERIOD * RATE)
        measured = path.run(number, *pictures[number % len(pictures)], sound[until - SOUND : until])
        if number > settings.warm_up:
            spent.append(measured)
            events.append(path.events)
    stages = tuple(stage_cost(stage, [run[stage] for run in spent], PERIOD) for stage in STAGES)
    cpu = np.array([[run[stage][1] for stage in STAGES] for run in spent])  # (runs, stages)
    nodes = bundle.window.nodes
    ratios = (nodes * cpu[:, :-1].sum(1) + cpu[:, -1]) / (nodes * PERIOD)
    return SynchGraphCost(
        engine=decision.name,
        version=decision.version,
        precision=next(n.precision for n in bundle.networks if settings.precision in ("auto", n.precision)),
        hops=len(spent),
        stages=stages,
        cpu_share=sum(stage.share or 0.0 for stage in stages),
        peak_memory=0,
        start=start,
        presentations=nodes,
        neurons=bundle.window.features,
        events=round(float(np.median(events))),
        ratio=float(np.median(ratios)),
        ratio_p95=float(np.percentile(ratios, 95)),
        size=bundle.size,
    )


def measure_memory(settings: BenchSettings, engine: str) -> int:
    """Peak memory in bytes of this process after it watched and listened for MEMORY_RUN, as a live run does."""
    how = SynchGraphSettings(
        str(settings.model), engine, settings.precision, settings.threads,
        front_end=FaceFrontEndSettings(threads=settings.threads),
    )  # fmt: skip
    recognizer = SynchGraphRecognizer.from_settings(how)
    sound, heard = speech_blocks(MEMORY_RUN), 0.0
    for number, image in enumerate(clip_images(MEMORY_RUN)):
        recognizer.see(Frame(image, number / CLIP_FPS))
        while heard <= number / CLIP_FPS and (block := next(sound, None)) is not None:
            heard += len(block) / RATE
            recognizer.hear(block)
    return peak_memory()


def _pictures(threads: int) -> list[tuple[NDArray[np.uint8], NDArray[np.float64]]]:
    """Frames of the bundled clip, one each PERIOD, with the alignment of the face in each."""
    front_end = FaceFrontEnd(FaceFrontEndSettings(threads=threads))
    pictures = []
    step = round(PERIOD * CLIP_FPS)
    for number, image in enumerate(clip_images(KEPT)):
        faces = front_end.find(image, number / CLIP_FPS)
        if faces and number % step == 0:
            pictures.append((image, alignment(faces[0].landmarks)))
    if not pictures:
        raise EdgeEmotionError("expected a face in the bundled clip, found none: install edge-emotion again")
    return pictures
