"""docs/results/own-models.md: what so many own clips bring, measured on speakers whom the start never heard.

The shipped voice network heard every speaker of the corpora here, so nothing can be measured with it. The networks of
the folds of docs/results/voice.md did not hear the actors of their fold: each is the start for "own clips" of these.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.window import WindowContract
from edge_emotion_train.corpora import ravdess_speech
from edge_emotion_train.experiment import NETWORK
from edge_emotion_train.labels import TO_EMOTION
from edge_emotion_train.metrics import unweighted_average_recall as uar
from edge_emotion_train.models.lgrin import LGrIN, LGrINConfig
from edge_emotion_train.node_cache import ClipNodes
from edge_emotion_train.own_folds import own_folds
from edge_emotion_train.own_head import Head, clip_answers, emotion_groups, first_head
from edge_emotion_train.own_run import learned
from edge_emotion_train.own_start import Start, tuples
from edge_emotion_train.run_stamp import stamp
from edge_emotion_train.trainer import device_windows
from edge_emotion_train.voice import load_corpus
from edge_emotion_train.whole_file import write_text

THREE = ("happiness", "sadness", "anger")
HEARD = {f"fold{k:02d}-seed0": range(4 * k - 3, 4 * k + 1) for k in range(1, 6)}  # EmoBox's actors, held out


@dataclass(frozen=True)
class Case:
    """One row. emotions: to tell apart. clips: of each. own: whether of the speaker measured, or of others."""

    emotions: tuple[str, ...]
    clips: tuple[int, ...]
    own: bool


CASES = (
    Case(THREE, (3, 3, 4), True),
    Case(THREE, (5, 5, 5), True),
    Case(EMOTIONS, (2,) * 7, True),
    Case(EMOTIONS, (5,) * 7, True),
    Case(THREE, (8, 8, 8), False),
    Case(EMOTIONS, (15,) * 7, False),
)
MANY = (140, 700)  # clips of all seven emotions by other speakers, to a start of another language


@dataclass(frozen=True)
class _Speaker:
    """Clips of the speakers that a start never heard, ready for its last layer."""

    start: Start
    clips: list[ClipNodes]
    pooled: list[torch.Tensor]

    def emotion(self, i: int) -> str:
        return TO_EMOTION[ravdess_speech.NAME][self.clips[i].clip.label]


def make_own_tables(
    ravdess: Path, runs: Path, cache: Path, workers: int, out: Path, command: list[str]
) -> None:
    """Measure every case over all actors; write own-models.json and own-models.md into `out`.

    runs: folder of the runs of `edge-emotion-train voice-results`. EdgeEmotionError when one is missing.
    """
    clips = load_corpus(ravdess_speech.NAME, ravdess, cache, workers)
    rows = []
    heard = [_unheard(runs / "ravdess-emobox", job, clips, actors) for job, actors in HEARD.items()]
    for case in CASES:
        rows.append(_row(case, heard))
        print(_line(rows[-1]), flush=True)
    actors = range(1, 21)
    german = _unheard(runs / "emodb-to-ravdess", "fold01-seed0", clips, actors)
    for count in MANY:
        rows.append(_row(Case(EMOTIONS, (count // 7,) * 7, False), [german], every=4, language=True))
        print(_line(rows[-1]), flush=True)
    made = stamp(command)
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "own-models.json", json.dumps({"stamp": made, "rows": rows}, indent=1) + "\n")
    write_text(out / "own-models.md", _page(rows, made))


def _unheard(run: Path, job: str, clips: Sequence[ClipNodes], actors: range) -> _Speaker:
    """The network of a job as a start, and the clips of actors whom it did not hear, through it."""
    names = {f"ravdess-{actor:02d}" for actor in actors}
    mine = [clip for clip in clips if clip.clip.speaker in names]
    start = _start(run, job)
    features = _features(start)
    pooled = [
        start.pooled(torch.from_numpy(start.standard(features.window(
            device_windows(clip.copies[0], start.window.nodes, start.window.hop)
        ))))
        for clip in mine
    ]  # fmt: skip
    return _Speaker(start, mine, pooled)


def _features(start: Start) -> Any:
    from edge_emotion.features.feature_set import feature_set

    return feature_set(start.window.feature_set, start.window.feature_version)


def _start(run: Path, job: str) -> Start:
    try:
        recipe = json.loads((run / "recipe.json").read_text())
        state = torch.load(run / job / NETWORK, weights_only=True)
        jobs = json.loads((run / "metrics.json").read_text())["jobs"]
    except OSError as reason:
        raise EdgeEmotionError(
            f"no finished run {run}: make it with `edge-emotion-train voice-results`"
        ) from reason
    temperature = next(row["temperature"] for row in jobs if row["name"] == job)
    mean, scale = state.pop("mean").tolist(), state.pop("scale").tolist()
    network = LGrIN(LGrINConfig(**tuples(recipe["network"])))
    network.load_state_dict(state)
    from edge_emotion_train.known_features import known_feature_set

    features = known_feature_set(recipe["feature_set"], recipe["feature_version"])
    window = WindowContract(
        network.config.nodes, features.period, recipe["hop"], features.name, features.version, features.features,
        tuple(mean), tuple(scale),
    )  # fmt: skip
    emotions = {**TO_EMOTION[ravdess_speech.NAME], **{emotion: emotion for emotion in EMOTIONS}}
    labels = tuple(recipe["labels"])
    label_map = {label: emotions[label] for label in labels}
    return Start(
        f"{run.name}/{job}", network.eval(), None, labels, label_map, window, temperature, {}, {}, job
    )


def _row(case: Case, heard: Sequence[_Speaker], every: int = 1, language: bool = False) -> dict[str, Any]:
    """Mean over the actors of the start alone and of the start with the case's clips, on the actor's other clips."""
    rates: dict[str, list[float]] = {"start_alone": [], "tuned": []}
    for group in heard:
        for speaker in sorted({clip.clip.speaker for clip in group.clips})[::every]:
            for key, value in _measured(case, group, speaker).items():
                rates[key].append(value)
    return {
        "emotions": len(case.emotions), "clips": sum(case.clips), "own": case.own, "language": language,
        "actors": len(rates["tuned"]), **{f"{key}_uar": float(np.mean(found)) for key, found in rates.items()},
        "better": int(np.sum(np.array(rates["tuned"]) > np.array(rates["start_alone"]))),
        "worse": int(np.sum(np.array(rates["tuned"]) < np.array(rates["start_alone"]))),
    }  # fmt: skip


def _measured(case: Case, group: _Speaker, speaker: str) -> dict[str, float]:
    random = np.random.default_rng(int(speaker.rsplit("-", 1)[1]))
    mine = np.array([clip.clip.speaker == speaker for clip in group.clips])
    emotions = np.array([group.emotion(i) for i in range(len(group.clips))])
    learn: list[int] = []
    for emotion, count in zip(case.emotions, case.clips, strict=True):
        pool = np.flatnonzero((mine == case.own) & (emotions == emotion))
        learn += random.permutation(pool)[:count].tolist()
    measure = [i for i in np.flatnonzero(mine & np.isin(emotions, case.emotions)) if i not in set(learn)]
    kinds = {emotion: number for number, emotion in enumerate(case.emotions)}
    label_map = {emotion: emotion for emotion in case.emotions}
    first = first_head(group.start, case.emotions, label_map)
    folds = own_folds([group.clips[i].clip for i in learn], not case.own, 0)
    taught = np.array([kinds[emotions[i]] for i in learn], np.int64)
    made = learned(
        first, [group.pooled[i] for i in learn], taught, folds, emotion_groups(case.emotions, label_map)
    )
    truth = np.array([kinds[emotions[i]] for i in measure], np.int64)
    heads = {"start_alone": first, "tuned": made.head}
    return {key: _rate(head, [group.pooled[i] for i in measure], truth) for key, head in heads.items()}


def _rate(head: Head, pooled: list[torch.Tensor], truth: NDArray[np.int64]) -> float:
    return uar(truth, clip_answers(head.logits(pooled)).argmax(1), len(head.bias))


def _line(row: dict[str, Any]) -> str:
    whose = "the speaker measured" if row["own"] else "other speakers"
    start = "German to English" if row["language"] else "same language"
    return (
        f"| {row['clips']} | {row['emotions']} | {whose} | {start} | {100 * row['start_alone_uar']:.1f} "
        f"| {100 * row['tuned_uar']:.1f} | {row['better']} / {row['worse']} of {row['actors']} |"
    )


def _page(rows: Sequence[dict[str, Any]], made: dict[str, Any]) -> str:
    lines = [
        "# Own models: what so many clips bring", "",
        f"Written by `{made['command']}` on {made['date']}, commit {made['commit']}, {made['machine']}.", "",
        "RAVDESS actors play users whom the network they start from never heard. Their clips, drawn at random, teach",
        "the last layer as `edge-emotion-train own` does, with its own choice of the penalty; the rest of the actor's",
        "clips are measured. Mean over the actors, one draw each. \"Better / worse\": actors whose rate rose or fell.",
        "",
        "| clips learned | emotions | of whom | start | UAR % of the start alone | with the clips | better / worse |",
        "|---|---|---|---|---|---|---|", *(_line(row) for row in rows), "",
        "Clips of the people who will be listened to help much, those of other people hardly, unless the start heard",
        "another language. The penalty for clips of the same people was set once, on these actors. In RAVDESS an actor",
        "says the same two sentences in one room and means one emotion at a time: expect less of real talk.", "",
    ]  # fmt: skip
    return "\n".join(lines)
