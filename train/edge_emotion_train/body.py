"""The body network's recipe and its protocols as lists of jobs: leave one action, or actor, out, and all to ship."""

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
from edge_emotion_train.shipping import named_speakers, ship
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


def recipe_for(
    labels: tuple[str, ...],
    settings: TrainingSettings,
    feature_set: str = BODY.name,
    corpus: str = bandai_namco.NAME,
) -> Recipe:
    """The body network over some labels of a corpus."""
    features = FEATURES[feature_set]
    network = preset("edge", NODES, features.features, len(labels))
    targets = {corpus: {label: label for label in labels}}
    return Recipe(network, settings, features.name, features.version, labels, targets, HOP)


def leave_one_action_out(clips: Sequence[Clip]) -> list[Split]:
    """Each action tests once; the next one that is there in several styles validates.

    The name of a clip's action is its `speaker`.
    """
    return leave_one_out(clips, "action")


def leave_one_out(clips: Sequence[Clip], unit: str) -> list[Split]:
    """Each speaker of the clips, which is an "actor" or an "action" as `unit` says, tests once.

    The next one that is there with several labels validates. EdgeEmotionError where fewer than three are.
    """
    labels: dict[str, set[str]] = {}
    for clip in clips:
        labels.setdefault(clip.speaker, set()).add(clip.label)
    several = sorted(one for one in labels if len(labels[one]) > 1)
    if len(several) < 3:
        raise EdgeEmotionError(
            f"leave-one-{unit}-out needs three {unit}s with several labels each, found {len(several)}"
        )

    def of(one: str) -> tuple[int, ...]:
        return tuple(i for i, clip in enumerate(clips) if clip.speaker == one)

    splits = []
    for one in sorted(labels):
        others = [other for other in several if other != one]
        beside = next((other for other in others if other > one), others[0])
        train = tuple(i for i in range(len(clips)) if i not in {*of(one), *of(beside)})
        splits.append(Split(one, train, of(beside), of(one)))
    return splits


def plan(
    protocol: str,
    clips: Sequence[ClipNodes],
    styles: str,
    settings: TrainingSettings,
    seeds: Sequence[int],
    feature_set: str = BODY.name,
) -> Plan:
    """Make a protocol of Bandai-Namco 1 ready: "loao", or "all" for shipping.

    styles: "four", the emotions, or "all" fifteen.
    """
    return plan_labels(protocol, clips, STYLES[styles], settings, seeds, feature_set, "action")


def plan_labels(
    protocol: str,
    clips: Sequence[ClipNodes],
    labels: tuple[str, ...],
    settings: TrainingSettings,
    seeds: Sequence[int],
    feature_set: str,
    unit: str,
) -> Plan:
    """Make a protocol ready for some labels of one corpus; unit: what "loao" leaves out, "actor" or "action"."""
    kept = [clip for clip in clips if clip.clip.label in labels]
    found = sorted({clip.clip.label for clip in kept})
    if len(found) < 2:
        raise EdgeEmotionError(
            f"expected takes of two labels or more to tell apart, got {len(found)}: {found}"
        )
    if protocol == "loao":
        splits = leave_one_out([clip.clip for clip in kept], unit)
    elif protocol == "all":
        splits = [hold_out_split(kept)]
    else:
        raise EdgeEmotionError(f"unknown protocol {protocol!r}, expected one of: {', '.join(PROTOCOLS)}")
    recipe = recipe_for(labels, settings, feature_set, kept[0].clip.corpus)
    return Plan(recipe, kept, jobs_of(splits, (), seeds))


def emotional_labels(corpus: str, labels: Sequence[str]) -> tuple[str, ...]:
    """Those of a corpus' labels that stand for one of the seven emotions, which is what ships.

    EdgeEmotionError where these are fewer than two emotions.
    """
    words = TO_EMOTION[corpus]
    kept = tuple(label for label in labels if label in words)
    if len({words[label] for label in kept}) < 2:
        raise EdgeEmotionError(
            f"{corpus}: fewer than two of the seven emotions are among its labels ({', '.join(labels)}): no model "
            "to ship; --protocol loao measures all labels"
        )
    return kept


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


def ship_actors(folder: Path, made: Plan, metrics: dict[str, Any]) -> Path:
    """Write RUN/model of a finished "all" run on a corpus whose actors are named."""
    held = sorted({made.clips[i].clip.speaker for i in made.jobs[0].measure})
    actors = sorted({clip.clip.speaker for clip in made.clips})
    split = (
        f"The network inside learned from all {len(actors)} actors ({named_speakers(actors)}). A twin that learned "
        f"without {named_speakers(held)} was measured on these; its logits there gave the temperature."
    )
    return ship(folder, made, [made.clips[0].clip.corpus], metrics, split=split)
