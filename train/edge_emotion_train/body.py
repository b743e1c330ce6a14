"""The body network's recipe and its protocols as lists of jobs: leave one action out, and all of them to ship."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.body import BODY, FEATURE_SETS
from edge_emotion_train.corpora import bandai_namco
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.experiment import NETWORK, Recipe
from edge_emotion_train.labels import TO_EMOTION
from edge_emotion_train.models.lgrin import preset
from edge_emotion_train.node_augmentation import NodeAugmentation
from edge_emotion_train.node_cache import ClipNodes
from edge_emotion_train.protocols import Split
from edge_emotion_train.shipping import ship
from edge_emotion_train.trainer import TrainingSettings
from edge_emotion_train.voice import Plan, hold_out_split, jobs_of

NODES = 120  # 4 s, as in the paper
HOP = 15  # nodes, .5 s
FEATURES = {features.name: features for features in FEATURE_SETS}
STYLES = {"four": tuple(TO_EMOTION[bandai_namco.NAME]), "all": bandai_namco.LABELS}
PROTOCOLS = ("loao", "all")
EPOCHS = 90


def settings_of(epochs: int | None = None) -> TrainingSettings:
    """The recipe's settings of training: the voice's, with mirror images as copies and without a spectrum's bands."""
    return TrainingSettings(epochs=epochs or EPOCHS, augmentation=NodeAugmentation(copies=0.5, band_masks=0))


def recipe_for(labels: tuple[str, ...], settings: TrainingSettings, feature_set: str = BODY.name) -> Recipe:
    """The body network over some styles."""
    features = FEATURES[feature_set]
    network = preset("edge", NODES, features.features, len(labels))
    targets = {bandai_namco.NAME: {label: label for label in labels}}
    return Recipe(network, settings, features.name, features.version, labels, targets, HOP)


def leave_one_action_out(clips: Sequence[Clip]) -> list[Split]:
    """Each action tests once; the next one that is there in several styles validates.

    The name of a clip's action is its `speaker`.
    """
    styles: dict[str, set[str]] = {}
    for clip in clips:
        styles.setdefault(clip.speaker, set()).add(clip.label)
    several = sorted(action for action in styles if len(styles[action]) > 1)
    if len(several) < 3:
        raise EdgeEmotionError(
            f"leave-one-action-out needs three actions in several styles, found {len(several)}"
        )

    def of(action: str) -> tuple[int, ...]:
        return tuple(i for i, clip in enumerate(clips) if clip.speaker == action)

    splits = []
    for action in sorted(styles):
        others = [other for other in several if other != action]
        beside = next((other for other in others if other > action), others[0])
        train = tuple(i for i in range(len(clips)) if i not in {*of(action), *of(beside)})
        splits.append(Split(action, train, of(beside), of(action)))
    return splits


def plan(
    protocol: str,
    clips: Sequence[ClipNodes],
    styles: str,
    settings: TrainingSettings,
    seeds: Sequence[int],
    feature_set: str = BODY.name,
) -> Plan:
    """Make a protocol ready: "loao", or "all" for shipping. styles: "four", the emotions, or "all" fifteen."""
    labels = STYLES[styles]
    kept = [clip for clip in clips if clip.clip.label in labels]
    if protocol == "loao":
        splits = leave_one_action_out([clip.clip for clip in kept])
    elif protocol == "all":
        splits = [hold_out_split(kept)]
    else:
        raise EdgeEmotionError(f"unknown protocol {protocol!r}, expected one of: {', '.join(PROTOCOLS)}")
    return Plan(recipe_for(labels, settings, feature_set), kept, jobs_of(splits, (), seeds))


def ship_body(folder: Path, made: Plan, metrics: dict[str, Any]) -> Path:
    """Write RUN/model of a finished "all" run: the network of fifteen styles, asked for the four that are emotions.

    Of its last layer the rows of the four are kept: their softmax is that of the fifteen, given that it is one of them.
    """
    labels = STYLES["four"]
    rows = torch.tensor([made.recipe.labels.index(label) for label in labels])
    asked = folder / "four"
    for job in made.jobs[:2]:
        state = torch.load(folder / job.name / NETWORK, weights_only=True)
        last = max(
            name
            for name in state
            if name.startswith("head.") and name.endswith(".weight") and state[name].ndim == 2
        )
        for name in (last, last.replace(".weight", ".bias")):
            state[name] = state[name][rows]
        (asked / job.name).mkdir(parents=True, exist_ok=True)
        torch.save(state, asked / job.name / NETWORK)
    recipe = recipe_for(labels, made.recipe.settings, made.recipe.feature_set)
    recipe = replace(recipe, network=replace(made.recipe.network, classes=len(labels)))
    held = sorted({made.clips[i].clip.speaker for i in made.jobs[0].measure})
    actions = sorted({clip.clip.speaker for clip in made.clips})
    split = (
        f"The network inside learned from all {len(actions)} actions ({', '.join(actions)}) of three actors, in "
        f"fifteen styles, of which it is asked for four. A twin that learned without {', '.join(held)} was measured on "
        "these; its logits there gave the temperature. The actors are not named: **the same three stand on both "
        "sides**, so that nothing here says how well it does on another body."
    )
    asked_made = Plan(recipe, made.clips, made.jobs)
    return ship(folder, asked_made, [bandai_namco.NAME], metrics, asked, split)
