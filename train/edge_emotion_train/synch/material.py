"""What an experiment on Synch-Graph works on: presentations, classes and sides of all clips, and words on them."""

import json
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.speech import RATE
from edge_emotion.features.spikes import cepstra, face_rates
from edge_emotion_train.node_cache import read_sound
from edge_emotion_train.synch.graph_training import Sides
from edge_emotion_train.synch.pairs import SIDES, PairedClips, paired_clips
from edge_emotion_train.synch.presentations import Shown, SoundScale, crop_of, shown


@dataclass(frozen=True)
class Material:
    """Clips of one split, encoded.

    labels: (n,) index into CLASSES. sides: (n,) of SIDES. scale: of the sound, fitted on the training speakers. seed:
    of the split. corpus: its name. described: data, split and pairing in a sentence.
    """

    shown: Shown
    scale: SoundScale
    labels: NDArray[np.int64]
    sides: NDArray[np.str_]
    seed: int
    corpus: str
    described: str

    def split(self) -> Sides:
        """Clips of each side."""
        return Sides(*(np.flatnonzero(self.sides == side) for side in SIDES))

    def learned(self) -> NDArray[np.int64]:
        """Presentations that a spiking network may learn from."""
        return self.shown.of(self.split().train)


def paired_material(ravdess: Path, fer: Path, seed: int, cache: Path, workers: int = 1) -> Material:
    """The pairs of a seed, encoded; kept in `cache`."""
    file = cache / f"synch-pairs-{seed}.npz"
    paired = paired_clips(ravdess, fer, seed, cache, workers=workers)
    mark = _mark(paired)
    if file.is_file():
        found = read_material(file)
        if found[1] == mark:
            return found[0]
    made, scale = shown(paired)
    sides = np.array([pair.side for pair in paired.pairs])
    corpus = "FER2013 x RAVDESS"
    material = Material(made, scale, paired.labels, sides, seed, corpus, paired.described())
    write_material(material, mark, file)
    return material


def _mark(paired: PairedClips) -> str:
    """What the pairs are, and what the encoders make of one of them."""
    words = [f"{p.sentence.path.name} {paired.stills.names[p.face]} {p.side}" for p in paired.pairs]
    first = paired.pairs[0]
    code = crc32(face_rates(crop_of(paired, first.face, 1)).tobytes())
    code = crc32(cepstra(read_sound(first.sentence.path, RATE))[0].tobytes(), code)
    return f"{crc32(' '.join(words).encode()):08x}{code:08x}"


def write_material(material: Material, mark: str, file: Path) -> None:
    """Store it, whole or not at all; mark: what it was made from."""
    words = {"seed": material.seed, "corpus": material.corpus, "described": material.described, "mark": mark}
    part = file.with_suffix(".part.npz")
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        part,
        face=material.shown.face,
        voice=material.shown.voice,
        clip=material.shown.clip,
        number=material.shown.number,
        mean=material.scale.mean,
        scale=material.scale.scale,
        labels=material.labels,
        sides=material.sides,
        words=json.dumps(words),
    )
    part.replace(file)


def read_material(file: Path) -> tuple[Material, str]:
    """Read what write_material stored, and its mark."""
    with np.load(file, allow_pickle=False) as stored:
        words = json.loads(str(stored["words"]))
        made = Shown(stored["face"], stored["voice"], stored["clip"], stored["number"])
        scale = SoundScale(stored["mean"], stored["scale"])
        material = Material(
            made, scale, stored["labels"], stored["sides"], words["seed"], words["corpus"], words["described"]
        )
    return material, words["mark"]
