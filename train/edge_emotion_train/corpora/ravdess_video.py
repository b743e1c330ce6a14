"""RAVDESS video speech (Livingstone & Russo 2018, CC BY-NC-SA 4.0): 24 actors, 60 takes each, eight labels.

Published (Zenodo 1188976) as one zip an actor, Video_Speech_Actor_NN.zip, each with Actor_NN/ and every take twice:
01-01-... with sound, 02-01-... without. A take is read once, with sound where it is there. Song (channel 02), which
comes in zips of its own but unpacks into the same folders, is left out.
"""

import re
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.corpora.ravdess_speech import LABELS
from edge_emotion_train.corpora.video_files import video_files

NAME = "ravdess-video"
LICENCE = "RAVDESS (Livingstone & Russo 2018): CC BY-NC-SA 4.0"
TREE = "DIR/Actor_01/01-01-01-01-01-01-01.mp4, or the same under DIR/Video_Speech_Actor_01, as unpacked"
_TAKE = re.compile(r"(0[12])-(0[12])-(0[1-8])-(0[12]-0[12]-0[12])-(\d\d)")


def clips(folder: Path) -> list[Clip]:
    """All speech takes under a folder of the published layout; EdgeEmotionError shows the expected tree."""
    takes: dict[str, Clip] = {}
    for file in video_files(folder, ("Actor_*/*", "Video_Speech_Actor_*/Actor_*/*"), NAME, TREE):
        match = _TAKE.fullmatch(file.stem)
        if not match or file.parent.name != f"Actor_{match[5]}":
            raise EdgeEmotionError(f"{NAME}: {file} is not named as RAVDESS video is; expected {TREE}")
        if match[2] == "01":  # speech; names with 01, sound, come before those with 02
            take = file.stem.split("-", 1)[1]
            takes.setdefault(take, Clip(file, NAME, f"ravdess-{match[5]}", LABELS[int(match[3]) - 1]))
    if not takes:
        raise EdgeEmotionError(f"{NAME}: {folder} holds song alone, no speech; expected {TREE}")
    return list(takes.values())
