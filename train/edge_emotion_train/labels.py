"""How the corpora's own words map onto one another: through the seven emotions."""

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora import bandai_namco, bandai_namco_motion, ebedb, emodb, ravdess_speech, xem
from edge_emotion_train.corpora.motion_clip import WORDS

TO_EMOTION: dict[str, dict[str, str]] = {
    ravdess_speech.NAME: {
        "neutral": "neutral", "calm": "neutral", "happy": "happiness", "sad": "sadness", "angry": "anger",
        "fearful": "fear", "disgust": "disgust", "surprised": "surprise",
    },
    emodb.NAME: {
        "neutral": "neutral", "anger": "anger", "disgust": "disgust", "fear": "fear", "happiness": "happiness",
        "sadness": "sadness",
    },
    bandai_namco.NAME: {"normal": "neutral", "happy": "happiness", "sad": "sadness", "angry": "anger"},
    f"{bandai_namco_motion.NAME}-2": {"normal": "neutral"},
    ebedb.NAME: {label: WORDS[label] for label in ebedb.LABELS if label in WORDS},
    xem.NAME: WORDS,  # its labels are the names of folders
}  # fmt: skip
"""A corpus' own labels as the seven emotions; a label that is none of them (boredom) is missing."""

OWN_LABELS: dict[str, tuple[str, ...]] = {
    ravdess_speech.NAME: ravdess_speech.LABELS,
    emodb.NAME: emodb.LABELS,
    bandai_namco.NAME: bandai_namco.LABELS,
}
"""The classes of each corpus, in its own order."""


def own_classes(main: str, beside: tuple[str, ...] = ()) -> dict[str, dict[str, str]]:
    """Targets over the main corpus' own classes; a corpus beside it takes the first of them with its emotion."""
    for name in (main, *beside):
        if name not in OWN_LABELS:
            raise EdgeEmotionError(f"unknown corpus {name!r}, expected one of: {', '.join(OWN_LABELS)}")
    targets = {main: {label: label for label in OWN_LABELS[main]}}
    by_emotion: dict[str, str] = {}
    for label in OWN_LABELS[main]:
        if label in TO_EMOTION[main]:
            by_emotion.setdefault(TO_EMOTION[main][label], label)
    for name in beside:
        targets[name] = {word: by_emotion[e] for word, e in TO_EMOTION[name].items() if e in by_emotion}
    return targets


def shared_classes(first: str, second: str) -> tuple[tuple[str, ...], dict[str, dict[str, str]]]:
    """Classes (of the seven emotions) that both corpora have, and each corpus' targets over them."""
    both = set(TO_EMOTION[first].values()) & set(TO_EMOTION[second].values())
    labels = tuple(emotion for emotion in EMOTIONS if emotion in both)
    targets = {
        name: {word: e for word, e in TO_EMOTION[name].items() if e in both} for name in (first, second)
    }
    return labels, targets
