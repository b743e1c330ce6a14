"""RML (Wang & Guan 2004/2008, for research): eight subjects, six languages, 720 clips of six emotions, no neutral.

The layout is the one that github albanie/mcnDatasets (rml/getRmlImdb.m) reads: two parts rml-1 (s1 ... s5) and rml-2
(s6 ... s8); a folder a subject; for those who speak several languages a folder a language inside; AVI files whose
names begin with the emotion's first two letters.
"""

import re
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.corpora.video_files import video_files

NAME = "rml-video"
LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
LICENCE = "RML (Wang & Guan 2008): free for research, by signed agreement"
TREE = "DIR/[rml-1/]s1/[LANGUAGE/]an1.avi, names beginning with an, di, fe, ha, sa or su"
_INITIALS = {label[:2]: label for label in LABELS}
_SUBJECT = re.compile(r"s(\d{1,2})")


def clips(folder: Path) -> list[Clip]:
    """All clips under a folder of the published layout; EdgeEmotionError shows the expected tree."""
    found = []
    for file in video_files(folder, ("**/*",), NAME, TREE):
        parts = file.relative_to(folder).parts[:-1]
        subject = next((m for part in parts if (m := _SUBJECT.fullmatch(part.lower()))), None)
        label = _INITIALS.get(file.stem[:2].lower())
        if subject is None or label is None:
            raise EdgeEmotionError(f"{NAME}: {file} is not named as RML is; expected {TREE}")
        found.append(Clip(file, NAME, f"rml-{int(subject[1]):02d}", label))
    return found
