"""The real-dynamics check: L-GrIN on RAVDESS' action units, leave one actor out, beside two simple baselines.

Nothing is chosen on the actor who tests. For each test actor the recipe (one of CHOICES) and the baseline's penalty
are those with the best UAR on the other actors, each of them held out once (inner validation, one seed); the
temperature comes from there too. The network that leaves out a pair of actors serves both of them: with five actors
ten networks a choice validate all five folds.
"""

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.action_unit_features import ActionUnits
from edge_emotion_train.class_baselines import frequency_logits, means_and_deviations, regression_logits
from edge_emotion_train.corpora import ravdess_face_au as corpus
from edge_emotion_train.experiment import Job, Outcome, Recipe, run_jobs
from edge_emotion_train.figures import draw_confusion
from edge_emotion_train.metrics import confusion_matrix, unweighted_average_recall
from edge_emotion_train.models.lgrin import preset
from edge_emotion_train.node_augmentation import NodeAugmentation
from edge_emotion_train.node_cache import ClipNodes
from edge_emotion_train.node_store import stored_nodes
from edge_emotion_train.protocols import speakers_of
from edge_emotion_train.run_folder import summary
from edge_emotion_train.run_stamp import stamp
from edge_emotion_train.trainer import TrainingSettings
from edge_emotion_train.whole_file import write_text

NODES = 90  # 3 s
HOP = 6  # nodes, .2 s: as the face networks that ship
PROTOCOL = "leave one actor out"
PENALTIES = (0.001, 0.01, 0.03, 0.1, 0.3, 1.0)
CHOICES: dict[str, dict[str, float]] = {
    "mixup-0.1": {"mixup": 0.1, "epochs": 60},
    "mixup-0.4": {"mixup": 0.4, "epochs": 60},
}
"""What inner validation chooses from."""
FILTERS = ((48, 24), (32, 16))
"""Widths of the network, less than half of the voice's: 240 clips teach it. Set once, by inner validations alone."""


@dataclass(frozen=True)
class Fold:
    """A test actor, everyone else's clips and the actor's own, as indices."""

    actor: str
    learn: tuple[int, ...]
    test: tuple[int, ...]


def load(folder: Path, cache: Path) -> list[ClipNodes]:
    """All takes with their nodes (k, 35)."""
    clips = corpus.clips(folder)
    code = repr((ActionUnits(), corpus.COLUMNS, corpus.CONFIDENCE)).encode()
    nodes = stored_nodes(clips, code, lambda paths: [corpus.action_units(path) for path in paths], cache)
    return [ClipNodes(clip, (found,)) for clip, found in zip(clips, nodes, strict=True)]


def recipe_for(choice: str, epochs: int | None = None) -> Recipe:
    """L-GrIN of P = 35 and M = 90, trained by one of CHOICES; epochs: instead of the choice's.

    The weight average is shorter than the voice's, since an epoch has few steps here; no bands to mask, no copies.
    """
    features, how = ActionUnits(), CHOICES[choice]
    augmentation = NodeAugmentation(copies=0.0, band_masks=0, mixup=how["mixup"])
    settings = TrainingSettings(epochs=epochs or int(how["epochs"]), average=0.97, augmentation=augmentation)
    network = replace(preset("edge", NODES, features.features, len(corpus.LABELS)), filters=FILTERS)
    targets = {corpus.NAME: {label: label for label in corpus.LABELS}}
    return Recipe(network, settings, features.name, features.version, corpus.LABELS, targets, HOP)


def folds_of(clips: Sequence[ClipNodes]) -> list[Fold]:
    """Each actor tests once; EdgeEmotionError with fewer than three, who cannot validate one another."""
    everyone = speakers_of([clip.clip for clip in clips])
    if len(everyone) < 3:
        raise EdgeEmotionError(f"{PROTOCOL} needs at least three actors, found {', '.join(everyone)}")
    return [
        Fold(actor, _clips_of(clips, set(everyone) - {actor}), _clips_of(clips, {actor}))
        for actor in everyone
    ]


def _clips_of(clips: Sequence[ClipNodes], actors: set[str]) -> tuple[int, ...]:
    return tuple(i for i, clip in enumerate(clips) if clip.clip.speaker in actors)


Measured = dict[tuple[str, str], NDArray[np.float64]]
"""(test actor, validation actor) -> logits of the validation actor's clips by a network that learned from neither."""


def inner_jobs(clips: Sequence[ClipNodes]) -> list[Job]:
    """One training for each pair of actors left out, measured on both."""
    everyone = speakers_of([clip.clip for clip in clips])
    return [
        Job(
            f"without-{a}-{b}", f"{a} {b}", 0, "validation",
            _clips_of(clips, set(everyone) - {a, b}), _clips_of(clips, {a}) + _clips_of(clips, {b}),
        )
        for a, b in itertools.combinations(everyone, 2)
    ]  # fmt: skip


def by_pair(
    clips: Sequence[ClipNodes], jobs: Sequence[Job], logits: Sequence[NDArray[np.float64]]
) -> Measured:
    """Logits of inner jobs, each pair both ways."""
    found: Measured = {}
    for job, values in zip(jobs, logits, strict=True):
        a, b = job.fold.split()
        who = np.array([clips[i].clip.speaker for i in job.measure])
        found[b, a], found[a, b] = values[who == a], values[who == b]
    return found


def validation(fold: Fold, measured: Measured, clips: Sequence[ClipNodes]) -> tuple[Any, Any]:
    """True classes (n,) and logits (n, C) of a fold's actors, each judged by a network that did not know them."""
    others = sorted({clips[i].clip.speaker for i in fold.learn})
    truth = [_truth(clips, _clips_of(clips, {other})) for other in others]
    return np.concatenate(truth), np.concatenate([measured[fold.actor, other] for other in others])


def _truth(clips: Sequence[ClipNodes], which: Sequence[int]) -> NDArray[np.int64]:
    return np.array([corpus.LABELS.index(clips[i].clip.label) for i in which], np.int64)


def _uar(truth: NDArray[np.int64], logits: NDArray[np.float64]) -> float:
    return unweighted_average_recall(truth, logits.argmax(1), len(corpus.LABELS))


def _validated(fold: Fold, measured: Measured, clips: Sequence[ClipNodes], parameters: int) -> Outcome:
    """A fold's inner validation as one outcome: the summary fits the fold's temperature on it."""
    job = Job(f"{fold.actor}-validation", fold.actor, 0, "validation", fold.learn, fold.learn)
    return Outcome(job, *validation(fold, measured, clips), parameters)


def chosen(
    folds: Sequence[Fold], measured: dict[Any, Measured], clips: Sequence[ClipNodes]
) -> dict[str, Any]:
    """For each test actor the choice with the best UAR in inner validation; of equal ones the first."""
    return {
        fold.actor: max(measured, key=lambda choice: _uar(*validation(fold, measured[choice], clips)))
        for fold in folds
    }


def network_outcomes(
    clips: Sequence[ClipNodes],
    runs: Path,
    seeds: Sequence[int],
    device: str,
    workers: int,
    epochs: int | None = None,
) -> tuple[list[Outcome], dict[str, str]]:
    """Inner validation and every test of the L-GrIN, and which choice each test actor's networks were trained by.

    runs: holds a run folder for each choice; what is done there is not done again.
    """
    folds, inner = folds_of(clips), inner_jobs(clips)
    recipes = {choice: recipe_for(choice, epochs) for choice in CHOICES}
    measured, parameters = {}, 0
    for choice, recipe in recipes.items():
        title = f"action units, choice {choice}"
        outcomes = run_jobs(inner, recipe, clips, runs / choice, device, workers, title)
        measured[choice] = by_pair(clips, inner, [outcome.logits for outcome in outcomes])
        parameters = outcomes[0].parameters
    choices = chosen(folds, measured, clips)
    found = [_validated(fold, measured[choices[fold.actor]], clips, parameters) for fold in folds]
    for choice, recipe in recipes.items():
        jobs = [
            Job(f"{fold.actor}-seed{seed}", fold.actor, seed, "test", fold.learn, fold.test)
            for fold in folds
            if choices[fold.actor] == choice
            for seed in seeds
        ]
        if jobs:
            title = f"action units, {PROTOCOL}"
            found += run_jobs(jobs, recipe, clips, runs / choice, device, workers, title)
    return found, choices


Fitted = Callable[[Sequence[int], Sequence[int]], NDArray[np.float64]]
"""Clips to learn from and to measure, as indices -> logits of the latter."""


def _baseline_outcomes(
    clips: Sequence[ClipNodes], fits: dict[Any, Fitted], parameters: int
) -> tuple[list[Outcome], dict[str, Any]]:
    """Inner validation and tests of a baseline that has no seed, and each test actor's choice among `fits`."""
    folds, inner = folds_of(clips), inner_jobs(clips)
    measured = {
        choice: by_pair(clips, inner, [fit(job.learn, job.measure) for job in inner])
        for choice, fit in fits.items()
    }
    choices = chosen(folds, measured, clips)
    found = []
    for fold in folds:
        choice = choices[fold.actor]
        found.append(_validated(fold, measured[choice], clips, parameters))
        job = Job(f"{fold.actor}-test", fold.actor, 0, "test", fold.learn, fold.test)
        truth, logits = _truth(clips, fold.test), fits[choice](fold.learn, fold.test)
        found.append(Outcome(job, truth, logits, parameters))
    return found, choices


def _regression(clips: Sequence[ClipNodes], penalty: float) -> Fitted:
    seen, classes = means_and_deviations(clips), len(corpus.LABELS)

    def fit(learn: Sequence[int], measure: Sequence[int]) -> NDArray[np.float64]:
        return regression_logits(
            seen[list(learn)], _truth(clips, learn), seen[list(measure)], classes, penalty
        )

    return fit


def _frequency(clips: Sequence[ClipNodes]) -> Fitted:
    def fit(learn: Sequence[int], measure: Sequence[int]) -> NDArray[np.float64]:
        return frequency_logits(_truth(clips, learn), len(measure), len(corpus.LABELS))

    return fit


def action_unit_rows(
    folder: Path,
    cache: Path,
    runs: Path,
    seeds: Sequence[int],
    device: str,
    workers: int,
    epochs: int | None = None,
    command: Sequence[str] = (),
) -> list[dict[str, object]]:
    """Rows of a results table: the L-GrIN first, then the regression and the guess by frequency.

    folder: the corpus. runs: run folder, which also gets metrics.json and confusion.png; a stopped call goes on there.
    epochs: instead of the recipe's, for tests. command: for the stamp of metrics.json.
    """
    clips = load(folder, cache)
    classes = len(corpus.LABELS)
    outcomes, choices = network_outcomes(clips, runs, seeds, device, workers, epochs)
    columns = 2 * ActionUnits().features
    regression, penalties = _baseline_outcomes(
        clips, {penalty: _regression(clips, penalty) for penalty in PENALTIES}, (columns + 1) * classes
    )
    frequency, _ = _baseline_outcomes(clips, {"": _frequency(clips)}, 0)
    begun = json.loads((runs / next(iter(CHOICES)) / "begun.json").read_text())
    models: list[tuple[str, list[Outcome], dict[str, Any]]] = [
        ("L-GrIN P=35", outcomes, {"chosen": choices, "trained": begun}),
        ("logistic regression on means and deviations", regression, {"chosen": penalties}),
        ("class frequency", frequency, {}),
    ]
    rows = []
    for model, found, more in models:
        measured: Any = summary(found)
        rows.append(
            {
                "corpus": corpus.NAME, "trained_on": corpus.NAME, "protocol": PROTOCOL, "leaky": False,
                "model": model, "precision": "fp32", "engine": "torch", "classes": classes,
                **measured["test"], "uar_inner_validation": measured["validation"]["uar_mean"],
                "parameters": measured["parameters"], **more,
            }
        )  # fmt: skip
    tests = [outcome for outcome in outcomes if outcome.job.role == "test"]
    counts = sum(confusion_matrix(o.truth, o.logits.argmax(1), classes) for o in tests)
    draw_confusion(np.asarray(counts), corpus.LABELS, f"action units, {PROTOCOL}", runs / "confusion.png")
    made = {"stamp": stamp(list(command)), "rows": rows, **summary(outcomes)}
    write_text(runs / "metrics.json", json.dumps(made, indent=1) + "\n")
    return rows
