"""Clips as series of presentations: the rates that a network is shown, by the device's own encoders."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_alignment import alignment, viewed
from edge_emotion.features.landmarks68 import landmarks68
from edge_emotion.features.speech import RATE
from edge_emotion.features.spikes import (
    CEPSTRA,
    PERIOD,
    RATE_UNIT,
    Windows,
    cepstra,
    face_rates,
    face_windows,
    sound_rates,
    sound_windows,
    spike_crop,
)
from edge_emotion_train.node_cache import read_sound
from edge_emotion_train.synch.pairs import PairedClips

KEPT = 4  # presentations of a decision: 2 s of them, in which the sound's windows have passed over the last 3.1 s

Array = NDArray[np.float32]


@dataclass(frozen=True)
class SoundScale:
    """mean, scale: (40,) of the loud frames of the training speakers' sentences."""

    mean: Array
    scale: Array


def fitted_scale(sounds: Sequence[Array]) -> SoundScale:
    """Fit the sound's scale on the training speakers' sentences.

    One scale for all cepstra but the first, which is the level: high ones vary less and say less, and with a scale of
    their own their noise would spike as much as what matters.
    """
    frames = []
    for sound in sounds:
        image, loud = cepstra(sound)
        frames.append(image[loud])
    everything = np.concatenate(frames)
    mean = everything.mean(0, dtype=np.float64).astype(np.float32)
    variance = everything[:, 1:].var(0, dtype=np.float64).mean()
    return SoundScale(mean, np.full(CEPSTRA, max(np.sqrt(variance), 1e-3), np.float32))


def ends(samples: int) -> list[int]:
    """Numbers k of the presentations of a clip, at k * PERIOD seconds: its last KEPT."""
    last = int(samples / RATE / PERIOD + 1e-9)
    return list(range(max(1, last - KEPT + 1), last + 1))


@dataclass(frozen=True)
class Shown:
    """What networks are shown of all clips of a pairing, as numbers of RATE_UNIT.

    face, voice: (presentations, inputs) uint8, windows one after the other. clip: (presentations,) index of the pair.
    number: (presentations,) k, its time over PERIOD.
    """

    face: NDArray[np.uint8]
    voice: NDArray[np.uint8]
    clip: NDArray[np.int64]
    number: NDArray[np.int64]

    def rates(self, which: NDArray[np.int64], modality: str) -> Array:
        """(n, inputs) Hz of some presentations."""
        rates: Array = getattr(self, modality)[which] * np.float32(RATE_UNIT)
        return rates

    def of(self, clips: NDArray[np.int64]) -> NDArray[np.int64]:
        """Indices of the presentations of some clips."""
        return np.flatnonzero(np.isin(self.clip, clips))


def shown(
    paired: PairedClips, face: Windows | None = None, voice: Windows | None = None
) -> tuple[Shown, SoundScale]:
    """Encode all clips of a pairing; the sound's scale is fitted on the training speakers."""
    face, voice = face or face_windows(), voice or sound_windows()
    paths = sorted({pair.sentence.path for pair in paired.pairs})
    sounds = {path: read_sound(path, RATE) for path in paths}
    learned = {paired.pairs[i].sentence.path for i in paired.on("train")}
    scale = fitted_scale([sounds[path] for path in paths if path in learned])
    windows: dict[tuple[Path, int], NDArray[np.uint8]] = {}
    parts: list[tuple[NDArray[np.uint8], NDArray[np.uint8], int, int]] = []
    for index, pair in enumerate(tqdm(paired.pairs, desc=f"spike rates, seed {paired.seed}", unit="clip")):
        path, sound = pair.sentence.path, sounds[pair.sentence.path]
        if not ends(len(sound)):
            raise EdgeEmotionError(
                f"{path} is shorter than a presentation, {PERIOD} s: take it out of the corpus"
            )
        for number in ends(len(sound)):
            if (path, number) not in windows:
                newest = sound[: round(number * PERIOD * RATE)]
                windows[path, number] = _stored(voice.cut(sound_rates(newest, scale.mean, scale.scale)))
            seen = _stored(face.cut(face_rates(crop_of(paired, pair.face, number))))
            parts.append((seen, windows[path, number], index, number))
    faces, voices, clips, numbers = zip(*parts, strict=True)
    return Shown(np.stack(faces), np.stack(voices), np.array(clips), np.array(numbers)), scale


def crop_of(paired: PairedClips, face: int, number: int) -> NDArray[np.uint8]:
    """Crop of a still as presentation `number` shows it: looks take turns, as on the device."""
    to_crop = alignment(landmarks68(paired.faces.mesh[face]))
    return spike_crop(paired.stills.images[face], viewed(to_crop, number))


def _stored(rates: Array) -> NDArray[np.uint8]:
    return np.rint(rates / np.float32(RATE_UNIT)).astype(np.uint8).reshape(-1)
