"""Who trains, who validates, who tests. Except under the name leaky, no speaker stands on two sides."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora.clip import Clip

EMOBOX_ACTORS = 4  # EmoBox's RAVDESS folds: actors 1-4, 5-8, ... (facts of the benchmark's own split files)


@dataclass(frozen=True)
class Split:
    """Indices of one fold's clips, in the list of clips that it was made from.

    train learns, validation chooses and calibrates, test is measured once. leaky: speakers (and clips) may stand on
    both sides; numbers of such a split are named leaky wherever they are shown.
    """

    name: str
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    leaky: bool = False


def speakers_of(clips: Sequence[Clip]) -> list[str]:
    """Speakers in the order of their names."""
    return sorted({clip.speaker for clip in clips})


def check_speakers(clips: Sequence[Clip], split: Split) -> None:
    """Raise when a speaker stands on two sides of a split that is not named leaky."""
    if split.leaky:
        return
    sides = [{clips[i].speaker for i in side} for side in (split.train, split.validation, split.test)]
    shared = (sides[0] & sides[1]) | (sides[0] & sides[2]) | (sides[1] & sides[2])
    if shared:
        raise EdgeEmotionError(f"split {split.name}: speakers on two sides: {', '.join(sorted(shared))}")


def _by_speakers(clips: Sequence[Clip], name: str, test: Sequence[str], validation: Sequence[str]) -> Split:
    def having(wanted: set[str]) -> tuple[int, ...]:
        return tuple(i for i, clip in enumerate(clips) if clip.speaker in wanted)

    train = set(speakers_of(clips)) - set(test) - set(validation)
    split = Split(name, having(train), having(set(validation)), having(set(test)))
    check_speakers(clips, split)
    return split


def emobox_folds(clips: Sequence[Clip]) -> list[Split]:
    """RAVDESS in EmoBox's folds of four actors; the next fold's actors validate."""
    numbers = sorted({int(speaker.rsplit("-", 1)[1]) for speaker in speakers_of(clips)})
    groups: dict[int, list[str]] = {}
    for number in numbers:
        groups.setdefault((number - 1) // EMOBOX_ACTORS, []).append(f"ravdess-{number:02d}")
    order = sorted(groups)
    if len(order) < 3:
        raise EdgeEmotionError(
            f"EmoBox folds need actors of at least three folds of four, found actors {numbers}"
        )
    return [
        _by_speakers(
            clips,
            f"actors {min(groups[g])[-2:]}-{max(groups[g])[-2:]}",
            groups[g],
            groups[order[(k + 1) % len(order)]],
        )
        for k, g in enumerate(order)
    ]


def leave_one_speaker_out(clips: Sequence[Clip]) -> list[Split]:
    """Each speaker tests once; the next two in order validate."""
    everyone = speakers_of(clips)
    if len(everyone) < 4:
        raise EdgeEmotionError(f"leave-one-speaker-out needs at least four speakers, found {len(everyone)}")
    count = len(everyone)
    return [
        _by_speakers(clips, speaker, [speaker], [everyone[(k + 1) % count], everyone[(k + 2) % count]])
        for k, speaker in enumerate(everyone)
    ]


def speaker_folds(clips: Sequence[Clip], folds: int = 5) -> list[Split]:
    """Speakers, in the order of their names, dealt to groups; each group tests once, the next one validates."""
    everyone = speakers_of(clips)
    if len(everyone) < 3:
        raise EdgeEmotionError(f"folds of speakers need at least three speakers, found {len(everyone)}")
    groups = [everyone[k :: min(folds, len(everyone))] for k in range(min(folds, len(everyone)))]
    return [
        _by_speakers(clips, f"group {k + 1}", group, groups[(k + 1) % len(groups)])
        for k, group in enumerate(groups)
    ]


def cross_corpus(clips: Sequence[Clip], trained_on: str, tested_on: str) -> list[Split]:
    """All of one corpus trains (its last fifth of speakers validates), all of another tests."""
    source = speakers_of([clip for clip in clips if clip.corpus == trained_on])
    target = speakers_of([clip for clip in clips if clip.corpus == tested_on])
    if len(source) < 2 or not target:
        raise EdgeEmotionError(f"cross-corpus needs clips of both {trained_on} and {tested_on}")
    chosen = [clip for clip in clips if clip.corpus in (trained_on, tested_on)]
    if len(chosen) != len(clips):
        raise EdgeEmotionError("cross-corpus takes the clips of its two corpora alone")
    return [_by_speakers(clips, f"{trained_on} to {tested_on}", target, source[-max(1, len(source) // 5) :])]


def leaky_folds(clips: Sequence[Clip], windows: Sequence[int], folds: int = 5, seed: int = 0) -> list[Split]:
    """The paper's protocol, reproduced to be shown: windows dealt to folds by label, whoever speaks in them.

    windows: for each window the index of its clip. The splits index windows, not clips. Windows of one clip and
    one speaker stand on both sides. Not reproduced: the test fold picks the checkpoint, scaling sees all data.
    """
    random = np.random.default_rng(seed)
    fold_of = np.zeros(len(windows), int)
    labels = np.array([clips[i].label for i in windows])
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        fold_of[members] = np.arange(len(members)) % folds
    splits = []
    for fold in range(folds):
        test = tuple(np.flatnonzero(fold_of == fold).tolist())
        train = tuple(np.flatnonzero(fold_of != fold).tolist())
        splits.append(Split(f"leaky {fold + 1}", train, test, test, leaky=True))
    return splits
