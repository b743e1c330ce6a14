"""EmoDB, the Berlin database of emotional speech (Burkhardt 2005, free for research): 10 speakers, seven labels.

Names: speaker (2), text (3), emotion (1, the German initial), version (1).
"""

import re
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora.clip import Clip, sound_files

NAME = "emodb"
LABELS = ("neutral", "anger", "boredom", "disgust", "fear", "happiness", "sadness")
LICENCE = "EmoDB (Burkhardt et al. 2005): free for research"
TREE = "DIR/03a01Fa.wav (or .flac), or the same under DIR/wav, as published"
_INITIAL = {
    "N": "neutral", "W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness",
}  # fmt: skip
_CLIP = re.compile(r"(\d\d)[ab]\d\d([NWLEAFT])[a-z]")


def clips(folder: Path) -> list[Clip]:
    """All clips in a folder of the published layout; EdgeEmotionError shows the expected tree."""
    inner = folder / "wav"
    found = []
    for file in sound_files(inner if inner.is_dir() else folder, "*", NAME, TREE):
        match = _CLIP.fullmatch(file.stem)
        if not match:
            raise EdgeEmotionError(f"{NAME}: {file} is not named as EmoDB is; expected {TREE}")
        found.append(Clip(file, NAME, f"emodb-{match[1]}", _INITIAL[match[2]]))
    return found
