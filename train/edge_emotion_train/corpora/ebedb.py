"""MPI Emotional Body Expressions Database (Volkova et al. 2014, PLoS ONE 9(12), for research): 8 actors, 11 emotions.

1447 recordings of seated people who tell a story, 23 joints at 120 Hz, as BVH. Names carry an actor's code and an
emotion's word, irregularly: both are looked for in the name, then in the folders above it, in any case, as whole words
or one straight after the other ("HeGaangry3"). The label is what the actor intended, as the name says; how observers
saw it is in the database's tables, which are not read.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from edge_emotion_train.corpora.motion_clip import MotionClip, MotionCorpus, motion_corpus

NAME = "ebedb"
LICENCE = "MPI Emotional Body Expressions Database (Volkova et al. 2014): free for research"
ACTORS = ("AnBh", "DiMi", "HeGa", "LeSt", "MaMa", "NoVo", "PaPi", "SiGl")
TREE = f"DIR/....bvh, names with an actor ({' '.join(ACTORS)}) and an emotion (joy, sadness ...)"
_WORDS = {
    "amusement": "amusement amused", "anger": "anger angry", "disgust": "disgust disgusted",
    "fear": "fear fearful afraid", "joy": "joy joyful happy happiness", "neutral": "neutral", "pride": "pride proud",
    "relief": "relief relieved", "sadness": "sadness sad", "shame": "shame ashamed",
    "surprise": "surprise surprised",
}  # fmt: skip
LABELS = tuple(_WORDS)
_LABEL_OF = {word: label for label, words in _WORDS.items() for word in words.split()}
_ACTOR_OF = {actor.lower(): actor for actor in ACTORS}
_CODE = re.compile(f"({'|'.join(ACTORS)})(?![a-z])")  # as the database spells it, at the end of a word
_CAPITALISED = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def clips(folder: Path) -> MotionCorpus:
    """All recordings under a folder; a name with no actor or emotion, or with two, is left out and told.

    EdgeEmotionError shows what is expected.
    """

    def named(file: Path) -> MotionClip | str:
        actor, label = None, None
        for part in _inwards(file, folder):
            words = set(_words(part))
            actors = {_ACTOR_OF[word] for word in words if word in _ACTOR_OF}
            labels = {_LABEL_OF[word] for word in words if word in _LABEL_OF}
            if len(actors) > 1 or len(labels) > 1:
                return f"its name says two {'actors' if len(actors) > 1 else 'emotions'}"
            actor = actor or next(iter(actors), None)
            label = label or next(iter(labels), None)
        if actor is None or label is None:
            return f"its name says no {'actor' if actor is None else 'emotion'}"
        return MotionClip(file, NAME, label, actor=f"{NAME}-{actor}")

    return motion_corpus(folder, (".bvh",), NAME, TREE, named)


def _inwards(file: Path, folder: Path) -> Iterator[str]:
    """Give a file's name, then its folders' from the innermost."""
    inside = file.relative_to(folder)
    yield inside.stem
    for parent in list(inside.parents)[:-1]:
        yield parent.name


def _words(name: str) -> Iterator[str]:
    """Give the words of a name in small letters: what anything but a letter, or a capital, parts."""
    for letters in re.findall("[A-Za-z]+", _CODE.sub(r" \1 ", name)):
        small = letters.lower()
        if small in _ACTOR_OF or small in _LABEL_OF:
            yield small
            continue
        joined = [
            (code, word)
            for code in _ACTOR_OF
            for word in (small.removeprefix(code), small.removesuffix(code))
            if word in _LABEL_OF and word != small
        ]
        if joined:
            yield from joined[0]
        else:
            yield from map(str.lower, _CAPITALISED.findall(letters))
