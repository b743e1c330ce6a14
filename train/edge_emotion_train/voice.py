"""The voice network's recipe and its protocols as lists of jobs: RAVDESS, EmoDB, one to the other, leaky."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.speech import FEATURE_SETS
from edge_emotion_train.corpora import emodb, ravdess_speech
from edge_emotion_train.experiment import Job, Recipe
from edge_emotion_train.labels import OWN_LABELS, TO_EMOTION, own_classes, shared_classes
from edge_emotion_train.models.lgrin import preset
from edge_emotion_train.node_cache import ClipNodes, cached_nodes
from edge_emotion_train.protocols import (
    Split,
    cross_corpus,
    emobox_folds,
    leaky_folds,
    leave_one_speaker_out,
    speakers_of,
)
from edge_emotion_train.trainer import TrainingSettings, device_windows
from edge_emotion_train.waveform_augmentation import WaveformAugmentation

NODES = 120
HOP = 16  # nodes, .48 s
COPIES = 10  # augmented copies of each recording
LOADERS = {ravdess_speech.NAME: ravdess_speech.clips, emodb.NAME: emodb.clips}
PROTOCOLS = ("emobox", "loso", "leaky", "cross", "all")


@dataclass(frozen=True)
class Plan:
    """A protocol made ready: recipe, clips and jobs."""

    recipe: Recipe
    clips: list[ClipNodes]
    jobs: list[Job]
    leaky: bool = False


def load_corpus(name: str, folder: Path, cache: Path, workers: int, copies: int = COPIES) -> list[ClipNodes]:
    """A corpus' clips with their nodes and those of augmented copies, cached."""
    if name not in LOADERS:
        raise EdgeEmotionError(f"unknown corpus {name!r}, expected one of: {', '.join(LOADERS)}")
    return cached_nodes(
        LOADERS[name](folder), FEATURE_SETS[0], copies, WaveformAugmentation(), cache, workers
    )


def recipe_for(
    labels: tuple[str, ...],
    targets: dict[str, dict[str, str]],
    settings: TrainingSettings,
    size: str = "edge",
) -> Recipe:
    """The voice network over some classes; size: a preset of lgrin.py."""
    features = FEATURE_SETS[0]
    network = preset(size, NODES, features.features, len(labels))
    return Recipe(network, settings, features.name, features.version, labels, targets, HOP)


def jobs_of(splits: Sequence[Split], beside: Sequence[int], seeds: Sequence[int]) -> list[Job]:
    """Jobs of a protocol: one on validation speakers for each fold, then each seed on the test speakers.

    The test networks learn from the validation speakers too: nothing is chosen while they train (a fixed schedule),
    and their temperature is the one fitted in the fold's validation job.
    """
    jobs = []
    for number, split in enumerate(splits, 1):
        extra = tuple(beside)
        if not split.leaky:
            name = f"fold{number:02d}-validation"
            jobs.append(Job(name, split.name, seeds[0], "validation", split.train + extra, split.validation))
        learn = split.train if split.leaky else split.train + split.validation
        jobs += [
            Job(f"fold{number:02d}-seed{seed}", split.name, seed, "test", learn + extra, split.test)
            for seed in seeds
        ]
    return jobs


def hold_out_split(clips: Sequence[ClipNodes]) -> Split:
    """Every fifth speaker validates, all learn in the end: for the network that ships."""
    everyone = speakers_of([clip.clip for clip in clips])
    held = set(everyone[::5])
    train = tuple(i for i, clip in enumerate(clips) if clip.clip.speaker not in held)
    validation = tuple(i for i, clip in enumerate(clips) if clip.clip.speaker in held)
    if not train:
        raise EdgeEmotionError(f"training needs at least two speakers, found {', '.join(everyone)}")
    return Split("all speakers", train, validation, ())


def window_clips(clips: Sequence[ClipNodes]) -> tuple[list[ClipNodes], list[int]]:
    """Every window as a clip of its own, and its clip's index: the unit of the leaky protocol."""
    windows, owners = [], []
    for owner, clip in enumerate(clips):
        for window in device_windows(clip.copies[0], NODES, HOP):
            windows.append(replace(clip, copies=(window,)))
            owners.append(owner)
    return windows, owners


def plan(
    protocol: str,
    corpora: Sequence[tuple[str, list[ClipNodes]]],
    settings: TrainingSettings,
    seeds: Sequence[int],
    size: str = "edge",
) -> Plan:
    """Make a protocol ready.

    corpora: (name, clips); the first is measured, the others learn beside it ("cross": the second is measured).
    protocol: "emobox" folds of four actors, "loso" leave one speaker out, "cross" first to second corpus, "leaky"
    the paper's, "all" every speaker learns (for shipping). Raises EdgeEmotionError on one that does not fit.
    """
    main, clips = corpora[0]
    others = corpora[1:]
    labels, targets = OWN_LABELS[main], own_classes(main, tuple(name for name, _ in others))
    every = [clip for _, more in corpora for clip in more]
    beside = range(len(clips), len(every))
    words = [clip.clip for clip in clips]
    if protocol == "emobox":
        if main != ravdess_speech.NAME:
            raise EdgeEmotionError(f"EmoBox's folds are of RAVDESS, not of {main}: use --protocol loso")
        return Plan(
            recipe_for(labels, targets, settings, size), every, jobs_of(emobox_folds(words), beside, seeds)
        )
    if protocol == "loso":
        splits = leave_one_speaker_out(words)
        return Plan(recipe_for(labels, targets, settings, size), every, jobs_of(splits, beside, seeds))
    if (
        protocol == "all"
    ):  # what ships says one of the seven emotions: a label that is none of them is left out
        labels = tuple(label for label in labels if label in TO_EMOTION[main])
        targets[main] = {label: label for label in labels}
        return Plan(
            recipe_for(labels, targets, settings, size), every, jobs_of([hold_out_split(every)], (), seeds)
        )
    if protocol == "leaky":
        windows, owners = window_clips(clips)
        splits = leaky_folds(words, owners)
        return Plan(
            recipe_for(labels, targets, settings, size), windows, jobs_of(splits, (), seeds), leaky=True
        )
    if protocol == "cross":
        if len(others) != 1:
            raise EdgeEmotionError(
                "--protocol cross takes two corpora: the first learns, the second is measured"
            )
        labels, targets = shared_classes(main, others[0][0])
        splits = cross_corpus([clip.clip for clip in every], main, others[0][0])
        return Plan(recipe_for(labels, targets, settings, size), every, jobs_of(splits, (), seeds))
    raise EdgeEmotionError(f"unknown protocol {protocol!r}, expected one of: {', '.join(PROTOCOLS)}")
