"""Nodes of every clip and of its augmented copies, computed once by the device's own feature code and kept on disk."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from tqdm import tqdm

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.feature_set import FeatureSet, feature_set
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.waveform_augmentation import WaveformAugmentation, augmented

Nodes = NDArray[np.float32]


@dataclass(frozen=True)
class ClipNodes:
    """A clip with its nodes: copies[0] of the recording itself, the rest of augmented copies; each (k, width)."""

    clip: Clip
    copies: tuple[Nodes, ...]


def read_sound(path: Path, rate: int) -> NDArray[np.float32]:
    """A recording as mono float32 (n,) at a rate; one clear error if it is not sound."""
    try:
        sound, original = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise EdgeEmotionError(f"cannot read {path} as sound: {error}") from error
    mono = sound.mean(1)
    return mono if original == rate else soxr.resample(mono, original, rate)


def nodes_of(sound: NDArray[np.float32], features: FeatureSet) -> Nodes:
    """All nodes (k, width) of a recording, from the stream that runs on the device."""
    stream = features.stream()
    return np.concatenate([stream.push(sound), stream.flush()])


def _copies(path: Path, copies: int, how: WaveformAugmentation, name: str, version: int) -> list[Nodes]:
    features = feature_set(name, version)
    sound = read_sound(path, features.rate)
    found = [nodes_of(sound, features)]
    for number in range(1, copies + 1):
        seed = int.from_bytes(hashlib.sha256(f"{path.name}/{number}".encode()).digest()[:8], "little")
        found.append(nodes_of(augmented(sound, how, np.random.default_rng(seed), features.rate), features))
    return found


def _fingerprint(features: FeatureSet, how: WaveformAugmentation) -> bytes:
    """What the feature and augmentation code make of a gliding tone in noise: other code, other fingerprint."""
    random = np.random.default_rng(0)
    time = np.arange(features.rate) / features.rate
    tone = sum(np.sin(2 * np.pi * k * (100 * time + 50 * time**2)) / k for k in range(1, 20))
    sound = (0.05 * tone + 0.002 * random.standard_normal(len(time))).astype(np.float32)
    changed = augmented(sound, how, np.random.default_rng(1), features.rate)
    return b"".join(np.round(nodes_of(s, features), 2).tobytes() for s in (sound, changed))


def _key(clips: Sequence[Clip], copies: int, how: WaveformAugmentation, features: FeatureSet) -> str:
    """Name of a cache file: changes with the clips, the augmentation and what the feature code does."""
    digest = hashlib.sha256(_fingerprint(features, how))
    digest.update(repr((features.name, features.version, copies, sorted(asdict(how).items()))).encode())
    for clip in clips:
        digest.update(clip.path.name.encode() + hashlib.sha256(clip.path.read_bytes()).digest())
    return f"{clips[0].corpus}-{digest.hexdigest()[:16]}.npz"


def cached_nodes(
    clips: Sequence[Clip],
    features: FeatureSet,
    copies: int,
    how: WaveformAugmentation,
    cache: Path,
    workers: int,
) -> list[ClipNodes]:
    """Nodes of each clip and of `copies` augmented copies, read from `cache` or computed there; one corpus a call."""
    file = cache / _key(clips, copies, how, features)
    if not file.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        count, paths = len(clips), [clip.path for clip in clips]
        with ProcessPoolExecutor(workers) as pool:
            jobs = pool.map(
                _copies, paths, [copies] * count, [how] * count, [features.name] * count, [features.version] * count,
                chunksize=4,
            )  # fmt: skip
            every = list(tqdm(jobs, total=count, desc=f"features of {clips[0].corpus}", unit="clip"))
        flat = [nodes for found in every for nodes in found]
        unfinished = file.with_suffix(".part.npz")
        np.savez(unfinished, nodes=np.concatenate(flat), lengths=np.array([len(nodes) for nodes in flat]))
        unfinished.replace(file)
    with np.load(file) as stored:
        parts = np.split(stored["nodes"], np.cumsum(stored["lengths"])[:-1])
    each = copies + 1
    return [ClipNodes(clip, tuple(parts[i * each : (i + 1) * each])) for i, clip in enumerate(clips)]
