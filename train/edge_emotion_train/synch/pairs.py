"""Clips with a face and a voice, made of two corpora: a FER2013 face beside a RAVDESS sentence of the same class.

Not the same person, and no true timing between the two: what such pairs can show is that a network joins what two
senses say, not that it hears lips. Speakers and faces stand on one side of a split each. The pairing follows from its
seed alone.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora import fer2013, ravdess_speech
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.corpora.fer2013 import BUCKETS, Stills, bucket, near_duplicates
from edge_emotion_train.still_faces import StillFaces, still_faces

CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")  # the paper's six
SIDES = ("train", "validation", "test")
SHARES = (0.6, 0.2, 0.2)  # of the speakers and of the faces (paper: of the clips)
RAVDESS_WORDS = dict(zip(("angry", "disgust", "fearful", "happy", "sad", "surprised"), CLASSES, strict=True))
MOST_FACES = 600  # of a class and side
FACES_EACH = {"train": 2, "validation": 1, "test": 1}  # pairs that a sentence is in
NAME = "FER2013 x RAVDESS"


@dataclass(frozen=True)
class Pair:
    """A sentence with a face. sentence: of the clip; face: index into the faces; label: of CLASSES; side: of SIDES."""

    sentence: Clip
    face: int
    label: int
    side: str


@dataclass(frozen=True)
class PairedClips:
    """All pairs of a seed, and the faces that they point to."""

    seed: int
    pairs: tuple[Pair, ...]
    stills: Stills
    faces: StillFaces

    def on(self, side: str) -> NDArray[np.int64]:
        """Indices of the pairs on a side."""
        return np.array([i for i, pair in enumerate(self.pairs) if pair.side == side], np.int64)

    @property
    def labels(self) -> NDArray[np.int64]:
        """(n,) index into CLASSES of each pair."""
        return np.array([pair.label for pair in self.pairs], np.int64)

    def described(self) -> str:
        """The pairing in a sentence, for tables and cards."""
        counts = ", ".join(f"{len(self.on(side))} {side}" for side in SIDES)
        return (
            f"{NAME}: a still face beside a sentence of the same class, not the same person, no true timing; "
            f"pairing seed {self.seed}, {counts}"
        )


def paired_clips(ravdess: Path, fer: Path, seed: int, cache: Path, workers: int = 1) -> PairedClips:
    """Pair each sentence of the six classes with faces of its class and side, as many as FACES_EACH says.

    EdgeEmotionError when a corpus is not there, or when it has too few speakers for three sides.
    """
    sentences = [clip for clip in ravdess_speech.clips(ravdess) if clip.label in RAVDESS_WORDS]
    side_of = dealt(sorted({clip.speaker for clip in sentences}), seed)
    stills, sides, faces = _faces(fer, seed, cache, workers)
    random = np.random.default_rng((seed, 1))
    kinds = np.array([CLASSES.index(EMOTIONS[e]) for e in stills.labels])
    pairs: list[Pair] = []
    for side in SIDES:
        for label, word in enumerate(RAVDESS_WORDS):
            said = [clip for clip in sentences if clip.label == word and side_of[clip.speaker] == side]
            pool = np.flatnonzero((sides == side) & (kinds == label) & faces.found)
            each = FACES_EACH[side]
            wanted = len(said) * each
            if not len(pool) or not said:
                raise EdgeEmotionError(f"no {CLASSES[label]} on the side {side}: the corpora are too small")
            drawn = np.concatenate([random.permutation(pool) for _ in range(-(-wanted // len(pool)))])
            pairs += [
                Pair(clip, int(drawn[k * each + i]), label, side)
                for k, clip in enumerate(said)
                for i in range(each)
            ]
    return PairedClips(seed, tuple(pairs), stills, faces)


def dealt(names: list[str], seed: int) -> dict[str, str]:
    """Name -> side, by the shares."""
    if len(names) < len(SIDES):
        raise EdgeEmotionError(
            f"pairs need speakers for {', '.join(SIDES)}, found {len(names)}: give more of the corpus"
        )
    order = np.random.default_rng((seed, 0)).permutation(len(names))
    held = max(1, round(SHARES[1] * len(names)))
    sides = ["test"] * held + ["validation"] * held + ["train"] * (len(names) - 2 * held)
    return {names[i]: side for i, side in zip(order, sides, strict=True)}


def _faces(fer: Path, seed: int, cache: Path, workers: int) -> tuple[Stills, NDArray[np.str_], StillFaces]:
    """Stills of the six classes, the side of each, and what the device's code sees in them."""
    images, labels, names = fer2013.read(fer)
    order = np.random.default_rng((seed, 2)).permutation(BUCKETS)
    first, second = round(SHARES[2] * BUCKETS), round((SHARES[1] + SHARES[2]) * BUCKETS)
    rank = {int(b): (2 if i < first else 1 if i < second else 0) for i, b in enumerate(order)}
    side = np.array([rank[bucket(str(name))] for name in names])
    random = np.random.default_rng((seed, 3))
    chosen: list[int] = []
    for number in range(len(SIDES)):
        for word in CLASSES:
            those = np.flatnonzero((side == number) & (labels == EMOTIONS.index(word)))
            chosen += sorted(random.permutation(those)[: round(MOST_FACES * SHARES[number] / SHARES[0])])
    keep = np.array(chosen)
    # A picture that occurs twice stays on the later side alone.
    single = np.ones(len(keep), bool)
    for number in range(len(SIDES) - 1):
        mine, later = np.flatnonzero(side[keep] == number), side[keep] > number
        single[mine] = ~near_duplicates(images[keep[mine]], images[keep[later]])
    keep = keep[single]
    stills = Stills(images[keep], labels[keep], names[keep])
    return stills, np.array(SIDES)[side[keep]], still_faces(stills, cache, workers)
