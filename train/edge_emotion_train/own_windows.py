"""Own clips as windows: what the device would make of each clip, and only where it would not abstain; kept on disk."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

import edge_emotion
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.feature_set import feature_set, sound_feature_set
from edge_emotion.features.voice_activity import F0, VoiceActivity
from edge_emotion.settings import AudioFileSettings, VideoFileSettings
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.timed_sound import TimedSound
from edge_emotion.window import RollingGraph, WindowContract
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.corpora.labelled_folder import VIDEO
from edge_emotion_train.face_video import SHORTEST, Eyes, Nodes, presence_nodes
from edge_emotion_train.models.appearance import Appearance
from edge_emotion_train.node_store import content
from edge_emotion_train.own_start import Start
from edge_emotion_train.trainer import device_windows

Sound = NDArray[np.float32]
THROUGH_VIDEO = (".m4a", *VIDEO)  # read with PyAV: libsndfile knows none of them


@dataclass(frozen=True)
class ClipWindows:
    """A clip and its windows (k, M, P), k >= 0, as the feature set gives them, not standardised."""

    clip: Clip
    windows: NDArray[np.float32]


@dataclass(frozen=True)
class _Reading:
    """What came of a file: windows (k, M, P), or why it cannot be read."""

    windows: NDArray[np.float32] | None
    reason: str = ""


def read_sound(path: Path) -> Sound:
    """A clip's sound (n,) at 16 kHz, as the device reads it; EdgeEmotionError when it is not sound."""
    if path.suffix.lower() not in THROUGH_VIDEO:
        from edge_emotion.sources.audio_file import AudioFile

        source = AudioFile(AudioFileSettings(path))
        try:
            return np.concatenate([block.samples for block in source])
        finally:
            source.close()
    blocks = [item.block.samples for item in _items(path) if isinstance(item, TimedSound)]
    if not blocks:
        raise EdgeEmotionError(f"{path} has no sound")
    return np.concatenate(blocks)


def _items(path: Path) -> Iterator[Frame | TimedSound]:
    from edge_emotion.sources.video_file import VideoFile

    video = VideoFile(VideoFileSettings(path))
    try:
        yield from video
    finally:
        video.close()


def speech_windows(sound: Sound, contract: WindowContract) -> Nodes:
    """Windows (k, M, P) of a recording in which the device hears speech."""
    features = sound_feature_set(contract.feature_set, contract.feature_version)
    stream, graph, activity = features.stream(), RollingGraph(contract.nodes, contract.hop), VoiceActivity()
    activity.push(sound)
    nodes = np.concatenate([stream.push(sound), stream.flush()])
    kept = []
    for last, window in (*graph.push(nodes), *graph.flush()):
        end = last * contract.period
        start = max(0.0, end - contract.nodes * contract.period)
        if activity.window(start, end, window[:, F0]).abstain is None:
            kept.append(features.window(window))
    return np.stack(kept) if kept else np.zeros((0, contract.nodes, features.features), np.float32)


def face_windows(path: Path, contract: WindowContract, appearance: Appearance | None) -> Nodes:
    """Windows (k, M, P) of the longest presence of a face in a video; none of one shorter than SHORTEST nodes."""
    features = feature_set(contract.feature_set, contract.feature_version)
    front_end, _ = Eyes().open()

    def embedding(crop: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            return appearance.embedding(torch.from_numpy(crop).permute(0, 3, 1, 2)).numpy()  # type: ignore[union-attr]

    frames = (item for item in _items(path) if isinstance(item, Frame))
    nodes = presence_nodes(frames, front_end, embedding if appearance else None, features.width)
    if len(nodes) < SHORTEST:
        return np.zeros((0, contract.nodes, features.features), np.float32)
    return np.stack([features.window(w) for w in device_windows(nodes, contract.nodes, contract.hop)])


@dataclass(frozen=True)
class _Reader:
    """Computes a clip's windows in a worker and keeps them in a file of the cache."""

    contract: WindowContract
    appearance: Appearance | None
    cache: Path
    code: bytes

    def __call__(self, path: Path) -> _Reading:
        torch.set_num_threads(1)
        try:
            file = self.cache / f"own-{hashlib.sha256(self.code + content(path)).hexdigest()[:24]}.npy"
            if file.is_file():
                return _Reading(np.load(file))
            if self.contract.feature_set == "speech":
                windows = speech_windows(read_sound(path), self.contract)
            else:
                windows = face_windows(path, self.contract, self.appearance)
        except (EdgeEmotionError, OSError) as reason:
            return _Reading(None, str(reason))
        self.cache.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part.npy")
        np.save(unfinished, windows)
        unfinished.replace(file)
        return _Reading(windows)


def _code(start: Start) -> bytes:
    """A hash of all that makes windows: the code of features and readers, the contract, the appearance network."""
    device = Path(edge_emotion.__file__).parent
    digest = hashlib.sha256(repr(start.window).encode())
    places = [device / "features", device / "sources", Path(__file__)]
    for place in places:
        for file in sorted(place.glob("*.py")) if place.is_dir() else [place]:
            digest.update(file.read_bytes())
    if start.appearance is not None:
        for value in start.appearance.state_dict().values():
            digest.update(value.numpy().tobytes())
    return digest.digest()


def own_windows(
    clips: Sequence[Clip], start: Start, cache: Path, workers: int, report: Callable[[str], None]
) -> list[ClipWindows]:
    """Windows of each clip that has any, read from `cache` or computed there; a stopped reading goes on.

    report: is told which clips are left out because the device would say nothing over them.
    EdgeEmotionError names and counts the files that cannot be read.
    """
    reader = _Reader(start.window, start.appearance, cache, _code(start))
    paths = [clip.path for clip in clips]
    bar = {"total": len(paths), "desc": "reading clips", "unit": "clip"}
    if workers == 1 or len(paths) == 1:
        readings = list(tqdm(map(reader, paths), **bar))
    else:
        with ProcessPoolExecutor(min(workers, len(paths))) as pool:
            readings = list(tqdm(pool.map(reader, paths), **bar))
    broken = [
        (clip, reading.reason)
        for clip, reading in zip(clips, readings, strict=True)
        if reading.windows is None
    ]
    if broken:
        names = ", ".join(clip.path.name for clip, _ in broken[1:4]) + ", ..." * (len(broken) > 4)
        more = f"; also {names}" if len(broken) > 1 else ""
        raise EdgeEmotionError(
            f"{len(broken)} of {len(clips)} clips cannot be read: {broken[0][1]}{more}; mend them or take them out"
        )
    made = [ClipWindows(clip, r.windows) for clip, r in zip(clips, readings, strict=True)]  # type: ignore[arg-type]
    silent = [clip.clip.path.name for clip in made if not len(clip.windows)]
    if silent:
        missing = (
            "no speech in them" if start.window.feature_set == "speech" else "no face for a second in them"
        )
        more = f" and {len(silent) - 5} more" if len(silent) > 5 else ""
        report(f"left out, {missing}: {len(silent)} of {len(clips)} clips: {', '.join(silent[:5])}{more}")
    return [clip for clip in made if len(clip.windows)]
