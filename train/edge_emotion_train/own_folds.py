"""Own clips dealt to folds: by speakers where that is possible, else by clips, and says which and why."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.protocols import speakers_of

MOST = 5


@dataclass(frozen=True)
class Folds:
    """folds: indices of clips, each clip in one. by: "speakers" or "clips". why: how they were dealt, a sentence."""

    folds: tuple[tuple[int, ...], ...]
    by: str
    why: str


def own_folds(clips: Sequence[Clip], speakers_known: bool, seed: int) -> Folds:
    """Up to MOST folds so that each label is learned in each; every label has at least two clips."""
    people = speakers_of(clips)
    if not speakers_known:
        return _by_clips(clips, seed, "nobody can tell who speaks in which clip")
    if len(people) < 2:
        return _by_clips(clips, seed, f"there is one speaker, {people[0].rsplit('-', 1)[1]}")
    groups = [people[k :: min(MOST, len(people))] for k in range(min(MOST, len(people)))]
    folds = tuple(tuple(i for i, clip in enumerate(clips) if clip.speaker in group) for group in groups)
    labels = {clip.label for clip in clips}
    for fold, group in zip(folds, groups, strict=True):
        missing = labels - {clip.label for i, clip in enumerate(clips) if i not in set(fold)}
        if missing:
            names = ", ".join(person.rsplit("-", 1)[1] for person in group)
            return _by_clips(clips, seed, f"nobody but {names} has clips of {', '.join(sorted(missing))}")
    why = f"Measured on speakers that were not learned from: {len(people)} speakers in {len(folds)} folds."
    return Folds(folds, "speakers", why)


def _by_clips(clips: Sequence[Clip], seed: int, because: str) -> Folds:
    """Each label's clips, in random order, dealt to folds; every fold's others hold each label."""
    random = np.random.default_rng(seed)
    labels = sorted({clip.label for clip in clips})
    members = [
        random.permutation([i for i, clip in enumerate(clips) if clip.label == label]) for label in labels
    ]
    count = min(MOST, max(2, max(len(group) for group in members)))
    folds: list[list[int]] = [[] for _ in range(count)]
    for offset, group in enumerate(members):
        for number, index in enumerate(group):
            folds[(number + offset) % count].append(int(index))
    kept = tuple(tuple(sorted(fold)) for fold in folds if fold)
    why = (
        f"Measured on other clips of the same people ({because}), in {len(kept)} folds: the numbers say nothing of "
        "people that were not recorded."
    )
    return Folds(kept, "clips", why)
