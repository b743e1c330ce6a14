"""MPI Emotional Body Expressions Database (Volkova et al. 2014, PLoS ONE 9(12), for research): 8 actors, 11 emotions.

1447 recordings of seated people who tell a story, 23 joints at 120 Hz, as BVH. Names carry an actor's code and an
emotion's word, irregularly: both are looked for in the name, then in the folders above it, in any case. The label is
what the actor intended, as the name says; how observers saw it is in the database's tables, which are not read.
"""

from collections.abc import Iterator
from pathlib import Path

from edge_emotion_train.corpora.motion_clip import MotionClip, MotionCorpus, motion_corpus

NAME = "ebedb"
LABELS = (
    "amusement", "anger", "disgust", "fear", "joy", "neutral", "pride", "relief", "sadness", "shame", "surprise",
)  # fmt: skip
LICENCE = "MPI Emotional Body Expressions Database (Volkova et al. 2014): free for research"
ACTORS = ("AnBh", "DiMi", "HeGa", "LeSt", "MaMa", "NoVo", "PaPi", "SiGl")
TREE = f"DIR/....bvh, names with an actor ({' '.join(ACTORS)}) and an emotion (joy, sadness ...)"
_BEGINNINGS = {
    "amus": "amusement", "anger": "anger", "angry": "anger", "disg": "disgust", "fear": "fear", "joy": "joy",
    "happ": "joy", "neutr": "neutral", "pride": "pride", "proud": "pride", "relie": "relief", "sad": "sadness",
    "shame": "shame", "asham": "shame", "surp": "surprise",
}  # fmt: skip


def clips(folder: Path) -> MotionCorpus:
    """All recordings under a folder; a name with no actor or with no emotion or two is left out and told.

    EdgeEmotionError shows what is expected.
    """

    def named(file: Path) -> MotionClip | None:
        actor, label = None, None
        for part in _inwards(file, folder):
            actors = [code for code in ACTORS if code.lower() in part]
            for code in actors:
                part = part.replace(code.lower(), " ")
            labels = {label for word, label in _BEGINNINGS.items() if word in part}
            if len(actors) > 1 or len(labels) > 1:
                return None
            actor = actor or next(iter(actors), None)
            label = label or next(iter(labels), None)
        if actor is None or label is None:
            return None
        return MotionClip(file, NAME, label, actor=f"{NAME}-{actor}")

    return motion_corpus(folder, (".bvh",), NAME, TREE, named)


def _inwards(file: Path, folder: Path) -> Iterator[str]:
    """Give a file's name, then its folders' from the innermost, in small letters."""
    inside = file.relative_to(folder)
    yield inside.stem.lower()
    for parent in list(inside.parents)[:-1]:
        yield parent.name.lower()
