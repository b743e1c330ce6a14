"""L-GrIN on corpora of filmed faces: videos through the device's own front end to nodes, then folds of speakers."""

import hashlib
import math
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import edge_emotion
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face import (
    FACE,
    FACE_LANDMARKS,
    LONGEST_GAP,
    NODE_RATE,
    TOLERANCE,
    FaceFeatures,
    node_at,
)
from edge_emotion.features.face_track import Appearance, FaceTrack
from edge_emotion.sources.frame import Frame
from edge_emotion_train.corpora import enterface_video, ravdess_video, rml_video
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.experiment import Recipe
from edge_emotion_train.models.lgrin import preset
from edge_emotion_train.node_augmentation import NodeAugmentation
from edge_emotion_train.node_cache import ClipNodes
from edge_emotion_train.node_store import stored_nodes
from edge_emotion_train.protocols import Split, leave_one_speaker_out, speaker_folds
from edge_emotion_train.trainer import TrainingSettings
from edge_emotion_train.voice import Plan, jobs_of

Nodes = NDArray[np.float32]

NODES = 90  # 3 s
HOP = 6  # nodes, .2 s
LONGEST = 1800  # nodes, 60 s: of a longer presence the last minute is kept
SHORTEST = 30  # nodes, 1 s: the device says nothing over less; a clip with less is left out
CORPORA = {corpus.NAME: corpus for corpus in (ravdess_video, rml_video, enterface_video)}
FEATURES = {features.name: features for features in (FACE, FACE_LANDMARKS)}
PROTOCOLS = ("loso", "folds")


class FrontEnd(Protocol):
    """What finds the faces of a frame: FaceFrontEnd, or a stand-in of a test."""

    def find(self, image: NDArray[np.uint8], time: float) -> list[Any]:
        """Faces of a frame, largest first."""
        ...

    def reset(self) -> None:
        """Forget the faces tracked so far."""
        ...


@dataclass(frozen=True)
class Eyes:
    """What a worker opens: the front end, and the appearance network of a bundle for nodes with an embedding."""

    bundle: str | None = None

    def open(self) -> tuple[FrontEnd, Appearance | None]:
        """Open both; EdgeEmotionError when the bundle has no appearance network."""
        from edge_emotion.bundle import read_bundle
        from edge_emotion.engine import open_appearance
        from edge_emotion.features.face_front_end import FaceFrontEnd
        from edge_emotion.settings import FaceFrontEndSettings

        front_end = FaceFrontEnd(FaceFrontEndSettings())
        if self.bundle is None:
            return front_end, None
        return front_end, open_appearance(read_bundle(self.bundle), "litert", "fp32", 1).run


def presence_nodes(
    frames: Iterable[Frame], front_end: FrontEnd, appearance: Appearance | None, width: int
) -> Nodes:
    """Nodes (k, width) of the longest presence of one face in a recording, k = 0 when there is none.

    The front end starts afresh. What the face was between its frames is the device's own FaceTrack's.
    """
    front_end.reset()
    tracks: dict[int, FaceTrack] = {}
    longest = np.zeros((0, width), np.float32)

    def longer(track: FaceTrack) -> Nodes:
        if not math.isfinite(track.nodes.last):
            return longest
        nodes = track.nodes.window(node_at(track.nodes.last))
        return nodes if len(nodes) > len(longest) else longest

    for frame in frames:
        for face in front_end.find(frame.image, frame.time):
            track = tracks.setdefault(face.identity, FaceTrack(LONGEST, appearance))
            if frame.time - track.nodes.last > LONGEST_GAP + TOLERANCE:  # what comes now is another presence
                longest = longer(track)
            track.see(frame.image, face, frame.time)
    for track in tracks.values():
        longest = longer(track)
    return longest


def _frames(path: Path) -> Iterable[Frame]:
    from edge_emotion.settings import VideoFileSettings
    from edge_emotion.sources.video_file import VideoFile

    video = VideoFile(VideoFileSettings(path))
    try:
        if not video.has_picture:
            raise EdgeEmotionError(f"{path} has no picture; expected a video of a face")
        yield from (item for item in video if isinstance(item, Frame))
    finally:
        video.close()


_worker: dict[str, Any] = {}


def _open_worker(open_eyes: Callable[[], tuple[FrontEnd, Appearance | None]], width: int) -> None:
    _worker["eyes"], _worker["width"] = open_eyes(), width


def _work(path: Path) -> Nodes:
    front_end, appearance = _worker["eyes"]
    return presence_nodes(_frames(path), front_end, appearance, _worker["width"])


def _code(features: FaceFeatures, eyes: Eyes) -> bytes:
    """A hash of all that makes nodes: the code of the features and of the reader, the networks, the bundle."""
    device = Path(edge_emotion.__file__).parent
    files = [
        *sorted((device / "features").glob("face*.py")), device / "features" / "landmarks68.py",
        device / "sources" / "video_file.py", device / "sources" / "picture_track.py",
        *sorted((device / "models").glob("face_*.tflite")),
    ]  # fmt: skip
    digest = hashlib.sha256(repr(features).encode())
    for file in files:
        digest.update(file.read_bytes())
    if eyes.bundle is not None:
        from edge_emotion.bundle import read_bundle

        digest.update(read_bundle(eyes.bundle).appearance_network("litert", "fp32"))
    return digest.digest()


def load_corpus(
    name: str,
    folder: Path,
    features: FaceFeatures,
    eyes: Eyes,
    cache: Path,
    workers: int,
) -> list[ClipNodes]:
    """Clips of a corpus in which a face was present for at least SHORTEST nodes, with its nodes, cached.

    EdgeEmotionError on another layout, a video that cannot be read, or no such clip at all.
    """
    if name not in CORPORA:
        raise EdgeEmotionError(f"unknown corpus {name!r}, expected one of: {', '.join(CORPORA)}")
    if bool(features.embedding) != (eyes.bundle is not None):
        needed = "a bundle with an appearance network (--bundle)" if features.embedding else "no --bundle"
        raise EdgeEmotionError(f"features {features.name!r} need {needed}")
    clips = CORPORA[name].clips(folder)

    def compute(paths: Sequence[Path]) -> list[Nodes]:
        bar = {"total": len(paths), "desc": f"faces of {name}", "unit": "clip"}
        if workers == 1:
            _open_worker(eyes.open, features.width)
            return list(tqdm(map(_work, paths), **bar))
        with ProcessPoolExecutor(
            workers, initializer=_open_worker, initargs=(eyes.open, features.width)
        ) as pool:
            return list(tqdm(pool.map(_work, paths), **bar))

    nodes = stored_nodes(clips, _code(features, eyes), compute, cache)
    found = [
        ClipNodes(clip, (seen,)) for clip, seen in zip(clips, nodes, strict=True) if len(seen) >= SHORTEST
    ]
    if not found:
        raise EdgeEmotionError(
            f"{name}: no face for {SHORTEST / NODE_RATE:.0f} s in any of {len(clips)} videos; "
            f"expected filmed faces, {CORPORA[name].TREE}"
        )
    return found


def left_out(name: str, folder: Path, found: Sequence[ClipNodes]) -> list[Clip]:
    """Clips of the corpus that gave too few nodes."""
    kept = {clip.clip.path for clip in found}
    return [clip for clip in CORPORA[name].clips(folder) if clip.path not in kept]


def recipe_for(name: str, features: FaceFeatures, epochs: int | None = None) -> Recipe:
    """L-GrIN over a corpus' own classes; trained as on the action units: no bands, a short weight average."""
    labels = CORPORA[name].LABELS
    settings = TrainingSettings(
        **({"epochs": epochs} if epochs else {}),
        average=0.97,
        augmentation=NodeAugmentation(copies=0.0, band_masks=0),
    )
    network = preset("edge", NODES, features.features, len(labels))
    targets = {name: {label: label for label in labels}}
    return Recipe(network, settings, features.name, features.version, labels, targets, HOP)


def splits_of(protocol: str, clips: Sequence[ClipNodes]) -> list[Split]:
    """Splits of a protocol: "loso" leave one speaker out, "folds" five groups of speakers."""
    words = [clip.clip for clip in clips]
    if protocol == "loso":
        return leave_one_speaker_out(words)
    if protocol == "folds":
        return speaker_folds(words)
    raise EdgeEmotionError(f"unknown protocol {protocol!r}, expected one of: {', '.join(PROTOCOLS)}")


def plan(
    protocol: str,
    name: str,
    clips: list[ClipNodes],
    features: FaceFeatures,
    seeds: Sequence[int],
    epochs: int | None = None,
) -> Plan:
    """Make a protocol ready: recipe, clips, jobs."""
    return Plan(recipe_for(name, features, epochs), clips, jobs_of(splits_of(protocol, clips), (), seeds))


def default_workers(asked: int | None) -> int:
    """Videos at a time: what was asked, else one a core."""
    return asked or os.cpu_count() or 1
