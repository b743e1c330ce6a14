"""Filmed corpora with both senses, RAVDESS and eNTERFACE'05 video, seen and heard by the device's own code."""

import os
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_front_end import FaceFrontEnd
from edge_emotion.features.speech import RATE
from edge_emotion.features.spikes import CEPSTRA, PERIOD, RATE_UNIT, sound_rates, sound_windows
from edge_emotion.presented_face import PresentedFace
from edge_emotion.settings import FaceFrontEndSettings, VideoFileSettings
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.timed_sound import TimedSound
from edge_emotion.sources.video_file import VideoFile
from edge_emotion.spiking_contract import SpikingContract
from edge_emotion_train.corpora import enterface_video, ravdess_video
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.synch.material import Material
from edge_emotion_train.synch.pairs import CLASSES, RAVDESS_WORDS, dealt
from edge_emotion_train.synch.presentations import Shown, ends, fitted_scale

CORPORA = {corpus.NAME: corpus for corpus in (ravdess_video, enterface_video)}
LONGEST = 60.0  # s of a clip that is kept

Seen = dict[
    int, NDArray[np.uint8]
]  # number of a presentation -> its rates, in RATE_UNIT, where a face was of use


def video_material(name: str, folder: Path, seed: int, workers: int | None = None) -> Material:
    """All clips of the six classes in which a face is seen and a voice heard; speakers on one side each.

    EdgeEmotionError for an unknown corpus, another layout, or when too few clips are left.
    """
    if name not in CORPORA:
        raise EdgeEmotionError(f"unknown corpus {name!r}, expected one of: {', '.join(CORPORA)}")
    clips = [clip for clip in CORPORA[name].clips(folder) if _class(clip) is not None]
    paths = [clip.path for clip in clips]
    with ProcessPoolExecutor(workers or os.cpu_count() or 1) as pool:
        looked = list(
            tqdm(pool.map(look, paths), total=len(paths), desc=f"faces and voices of {name}", unit="clip")
        )
    kept = [
        (clip, seen, sound) for clip, (seen, sound) in zip(clips, looked, strict=True) if usable(seen, sound)
    ]
    if not kept:
        raise EdgeEmotionError(f"{name}: no clip of {len(clips)} has a face and a voice for half a second")
    side_of = dealt(sorted({clip.speaker for clip, _, _ in kept}), seed)
    sides = np.array([side_of[clip.speaker] for clip, _, _ in kept])
    scale = fitted_scale([sound for (_, _, sound), side in zip(kept, sides, strict=True) if side == "train"])
    faces, voices, index, numbers = [], [], [], []
    windows = sound_windows()
    nothing = np.zeros_like(next(iter(kept[0][1].values())))
    for place, (_, seen, sound) in enumerate(kept):
        for number in ends(len(sound)):
            newest = sound[: round(number * PERIOD * RATE)]
            rates = windows.cut(sound_rates(newest, scale.mean, scale.scale))
            faces.append(
                seen.get(number, nothing)
            )  # without a face the voice is heard alone, as on the device
            voices.append(np.rint(rates.reshape(-1) / np.float32(RATE_UNIT)).astype(np.uint8))
            index.append(place)
            numbers.append(number)
    labels = np.array([_class(clip) for clip, _, _ in kept], np.int64)
    shown = Shown(np.stack(faces), np.stack(voices), np.array(index), np.array(numbers))
    left_out = len(clips) - len(kept)
    counts = ", ".join(f"{int((sides == side).sum())} {side}" for side in ("train", "validation", "test"))
    described = f"{name}: one person's face and voice; seed {seed}, {counts}, {left_out} without one left out"
    return Material(shown, scale, labels, sides, seed, name, described)


def _class(clip: Clip) -> int | None:
    word = RAVDESS_WORDS.get(clip.label, clip.label)
    return CLASSES.index(word) if word in CLASSES else None


def usable(seen: Seen, sound: NDArray[np.float32]) -> bool:
    """Whether there is sound, and a face in half of the clip's last presentations, without which a device abstains."""
    numbers = ends(len(sound))
    with_face = sum(number in seen for number in numbers)
    return bool(np.any(sound)) and bool(numbers) and 2 * with_face >= len(numbers)


def corpus_mark(name: str, folder: Path, seed: int) -> str:
    """What a material is made from: the corpus' files and their sizes, and the seed."""
    if name not in CORPORA:
        raise EdgeEmotionError(f"unknown corpus {name!r}, expected one of: {', '.join(CORPORA)}")
    files = [
        f"{clip.path.name} {clip.label} {clip.path.stat().st_size}" for clip in CORPORA[name].clips(folder)
    ]
    return f"{name} {seed} {zlib.crc32(' '.join(files).encode()):08x}"


def look(path: Path) -> tuple[Seen, NDArray[np.float32]]:
    """What the presentations of a video see, as on the device, and its sound (n,) at 16 kHz."""
    unscaled = (0.0,) * CEPSTRA, (1.0,) * CEPSTRA  # PresentedFace looks at the windows alone
    contract = SpikingContract(0, 40, 2, 40, 4, *unscaled, ())
    face = PresentedFace(contract, FaceFrontEnd(FaceFrontEndSettings()), round(LONGEST / PERIOD))
    sound = np.zeros(0, np.float32)
    source = VideoFile(VideoFileSettings(path))
    try:
        for item in source:
            if isinstance(item, Frame):
                face.push(item)
            elif isinstance(item, TimedSound):
                begin = max(0, round(item.time * RATE))
                sound = np.concatenate(
                    [sound[:begin], np.zeros(max(0, begin - len(sound)), np.float32), item.block.samples]
                )
    finally:
        source.close()
    face.finish()
    seen: Seen = {}
    for number in ends(len(sound)):
        rates = face.take(number).rates
        if rates is not None:
            seen[number] = np.rint(rates.reshape(-1) / np.float32(RATE_UNIT)).astype(np.uint8)
    return seen, sound
