"""One protocol as a list of jobs, each one training; several at once, each resumable, all written to a run folder."""

import hashlib
import json
import multiprocessing
import os
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Queue

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.feature_set import FeatureSet
from edge_emotion.machine import commit, now
from edge_emotion_train.known_features import known_feature_set
from edge_emotion_train.metrics import accuracy, calibration_error, fitted_temperature, softmax
from edge_emotion_train.metrics import unweighted_average_recall as uar
from edge_emotion_train.models.lgrin import LGrIN, LGrINConfig
from edge_emotion_train.node_cache import ClipNodes
from edge_emotion_train.trainer import (
    Sample,
    Standardisation,
    TrainingSettings,
    clip_logits,
    fitted_standardisation,
    train,
)
from edge_emotion_train.whole_file import write_text

NETWORK = "network.pt"  # in a finished job's folder: weights and standardisation


@dataclass(frozen=True)
class Job:
    """One training and what it is measured on.

    name: unique in a run; also its folder. learn, measure: indices into the run's clips. fold, seed: for the table.
    role: "validation" (measured on validation speakers; its temperature serves the fold) or "test".
    """

    name: str
    fold: str
    seed: int
    role: str
    learn: tuple[int, ...]
    measure: tuple[int, ...]


@dataclass(frozen=True)
class Recipe:
    """What all jobs of a run share.

    network: sizes with features of the feature set. settings: of training. labels: the classes. targets: for each
    corpus, its own label -> one of labels; a label that is missing there is left out. hop: nodes between windows.
    """

    network: LGrINConfig
    settings: TrainingSettings
    feature_set: str
    feature_version: int
    labels: tuple[str, ...]
    targets: dict[str, dict[str, str]]
    hop: int = 16

    def features(self) -> FeatureSet:
        """The feature set of the recipe."""
        return known_feature_set(self.feature_set, self.feature_version)

    def label(self, clip: ClipNodes) -> int | None:
        """Class index of a clip, None when its label is none of the classes."""
        word = self.targets[clip.clip.corpus].get(clip.clip.label)
        return None if word is None else self.labels.index(word)

    def samples(self, clips: Sequence[ClipNodes]) -> list[Sample]:
        """Clips to learn from, without those whose label is none of the classes."""
        kinds = np.eye(len(self.labels), dtype=np.float32)
        labelled = [(clip, self.label(clip)) for clip in clips]
        return [Sample(clip.copies, kinds[kind]) for clip, kind in labelled if kind is not None]


@dataclass(frozen=True)
class Outcome:
    """What a job measured: true classes (n,), mean log-probabilities of each clip (n, C), and who and how."""

    job: Job
    truth: NDArray[np.int64]
    logits: NDArray[np.float64]
    parameters: int

    def metrics(self, temperature: float) -> dict[str, float]:
        """UAR, accuracy and calibration error at a temperature fitted elsewhere."""
        said = self.logits.argmax(1)
        probabilities = softmax(self.logits, temperature)
        return {
            "uar": uar(self.truth, said, self.logits.shape[1]),
            "accuracy": accuracy(self.truth, said),
            "calibration_error": calibration_error(self.truth, probabilities),
            "temperature": temperature,
        }


def run_job(
    job: Job,
    recipe: Recipe,
    clips: Sequence[ClipNodes],
    folder: Path,
    device: str,
    report: Callable[[int, float], None],
) -> tuple[Outcome, LGrIN, Standardisation]:
    """Train a job (or resume it) and measure it; raises EdgeEmotionError on a checkpoint of another recipe."""
    features = recipe.features()
    folder.mkdir(parents=True, exist_ok=True)
    samples = recipe.samples([clips[i] for i in job.learn])
    standard = fitted_standardisation(samples, features, recipe.network.nodes, recipe.hop)
    checkpoint = folder / "checkpoint.pt"
    network = train(
        recipe.network,
        recipe.settings,
        samples,
        features,
        standard,
        job.seed,
        device,
        checkpoint,
        report=report,
    )
    measured = [(clips[i], recipe.label(clips[i])) for i in job.measure]
    known = [(clip, kind) for clip, kind in measured if kind is not None]
    truth = np.array([kind for _, kind in known], np.int64)
    logits = clip_logits(network, [clip.copies[0] for clip, _ in known], features, standard, recipe.hop)
    return Outcome(job, truth, logits, network.parameter_count()["total"]), network, standard


def _recipe_file(recipe: Recipe) -> str:
    return json.dumps(asdict(recipe), indent=1, sort_keys=True)


_worker: dict[str, object] = {}


def _start_worker(
    recipe: Recipe, clips: Sequence[ClipNodes], folder: Path, device: str, news: "Queue[str]"
) -> None:
    torch.set_num_threads(1)
    _worker.update(recipe=recipe, clips=clips, folder=folder, device=device, news=news)


def _work(job: Job) -> str:
    folder = _worker["folder"] / job.name  # type: ignore[operator]
    with (folder.parent / f"{job.name}.log").open("a") as log:

        def report(epoch: int, loss: float) -> None:
            log.write(json.dumps({"epoch": epoch, "loss": round(loss, 5)}) + "\n")
            log.flush()
            _worker["news"].put(job.name)  # type: ignore[attr-defined]

        outcome, network, standard = run_job(
            job, _worker["recipe"], _worker["clips"], folder, _worker["device"], report
        )  # type: ignore[arg-type]
    weights = {name: value.cpu() for name, value in network.state_dict().items()}
    torch.save(
        {**weights, "mean": torch.from_numpy(standard.mean), "scale": torch.from_numpy(standard.scale)},
        folder / NETWORK,
    )
    unfinished = folder / "outcome.part.npz"
    np.savez(unfinished, truth=outcome.truth, logits=outcome.logits, parameters=outcome.parameters)
    unfinished.replace(folder / "outcome.npz")
    (folder / "checkpoint.pt").unlink()
    return job.name


def run_jobs(
    jobs: Sequence[Job],
    recipe: Recipe,
    clips: Sequence[ClipNodes],
    folder: Path,
    device: str,
    workers: int,
    title: str,
) -> list[Outcome]:
    """Run jobs not yet done, `workers` at a time, with one progress bar over all epochs; give all outcomes.

    Ctrl-C leaves checkpoints; the same call goes on from them. A folder of another recipe is refused.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stored = folder / "recipe.json"
    if stored.is_file() and stored.read_text() != _recipe_file(recipe):
        raise EdgeEmotionError(f"{folder} holds a run of another recipe; choose another --out or delete it")
    if not stored.is_file():
        write_text(stored, _recipe_file(recipe))
    begun = folder / "begun.json"  # a run may go on under a later commit: its networks are named by the first
    if not begun.is_file():
        write_text(begun, json.dumps({"commit": commit(), "date": now()}) + "\n")
    claim(jobs, clips, folder)
    waiting = [job for job in jobs if not (folder / job.name / "outcome.npz").is_file()]
    if waiting:
        context = multiprocessing.get_context("fork" if device == "cpu" and os.name == "posix" else "spawn")
        with context.Manager() as manager:
            news = manager.Queue()
            start = (recipe, clips, folder, device, news)
            with (
                ProcessPoolExecutor(min(workers, len(waiting)), context, _start_worker, start) as pool,
                tqdm(total=len(waiting) * recipe.settings.epochs, desc=title, unit="epoch") as bar,
            ):
                running = [pool.submit(_work, job) for job in waiting]
                try:
                    _watch(running, news, bar)
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    for process in multiprocessing.active_children():
                        process.terminate()
                    raise
    return [_stored_outcome(job, folder) for job in jobs]


def claim(jobs: Sequence[Job], clips: Sequence[ClipNodes], folder: Path) -> None:
    """Mark each job's folder with what it learns from and measures; refuse one that was marked otherwise.

    Without the mark, another protocol or other data in the same folder would be given the outcomes found there.
    """
    marks = [_clip_mark(clip) for clip in clips]
    for job in jobs:
        text = [
            job.role,
            str(job.seed),
            *(marks[i] for i in job.learn),
            "measured",
            *(marks[i] for i in job.measure),
        ]
        mark = hashlib.sha256("\n".join(text).encode()).hexdigest()
        file = folder / job.name / "job.sha256"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, mark)
        elif file.read_text() != mark:
            raise EdgeEmotionError(
                f"{file.parent} is of another protocol, split or data; choose another --out or delete {folder}"
            )


def _clip_mark(clip: ClipNodes) -> str:
    lengths = ",".join(str(len(copy)) for copy in clip.copies)
    return f"{clip.clip.speaker} {clip.clip.path.name} {lengths} {zlib.crc32(clip.copies[0].tobytes()):08x}"


def _watch(running: "Sequence[Future[str]]", news: "Queue[str]", bar: tqdm) -> None:
    """Advance the bar as epochs end; raise what a job raised."""
    left = set(running)
    while left:
        done, left = wait(left, timeout=1.0, return_when=FIRST_EXCEPTION)
        _drain(news, bar)
        for future in done:
            future.result()


def _drain(news: "Queue[str]", bar: tqdm) -> None:
    while not news.empty():
        bar.set_postfix_str(news.get(), refresh=False)
        bar.update()


def _stored_outcome(job: Job, folder: Path) -> Outcome:
    with np.load(folder / job.name / "outcome.npz") as stored:
        return Outcome(job, stored["truth"], stored["logits"], int(stored["parameters"]))


def trained_network(job: Job, recipe: Recipe, folder: Path) -> tuple[LGrIN, Standardisation]:
    """The network of a finished job, in evaluation mode, and the standardisation of its inputs."""
    state = torch.load(folder / job.name / NETWORK, weights_only=True)
    standard = Standardisation(state.pop("mean").numpy(), state.pop("scale").numpy())
    network = LGrIN(recipe.network)
    network.load_state_dict(state)
    return network.eval(), standard


def temperature_of(outcomes: Sequence[Outcome]) -> float:
    """Temperature fitted on the validation speakers' outcomes."""
    truth = np.concatenate([outcome.truth for outcome in outcomes])
    return fitted_temperature(truth, np.concatenate([outcome.logits for outcome in outcomes]))
