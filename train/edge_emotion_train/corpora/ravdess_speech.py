"""RAVDESS speech (Livingstone & Russo 2018, CC BY-NC-SA 4.0): 24 actors, 60 clips each, eight labels.

Names: modality-channel-emotion-intensity-statement-repetition-actor; odd actors are male.
"""

import re
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora.clip import Clip, sound_files

NAME = "ravdess-speech"
LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
LICENCE = "RAVDESS (Livingstone & Russo 2018): CC BY-NC-SA 4.0"
TREE = "DIR/Actor_01/03-01-01-01-01-01-01.wav (or .flac), one folder an actor, as published"
_CLIP = re.compile(r"03-01-(0[1-8])-0[12]-0[12]-0[12]-(\d\d)")


def clips(folder: Path) -> list[Clip]:
    """All speech clips under a folder of the published layout; EdgeEmotionError shows the expected tree."""
    found = []
    for file in sound_files(folder, "Actor_*/*", NAME, TREE):
        match = _CLIP.fullmatch(file.stem)
        if not match or file.parent.name != f"Actor_{match[2]}":
            raise EdgeEmotionError(f"{NAME}: {file} is not named as RAVDESS speech is; expected {TREE}")
        found.append(Clip(file, NAME, f"ravdess-{match[2]}", LABELS[int(match[1]) - 1]))
    return found
