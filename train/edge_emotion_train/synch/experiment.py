"""Everything that is computed of one material: spiking networks, recordings, graphs, and what classifiers make of them.

Each step is kept in the run folder and read from there when it is done; a stopped run goes on.

    RUN/seed0/run.json         what all of it is made from
    RUN/seed0/full/joined/     network.npz, spikes.npz, graphs.npz of the network with cross-modal synapses
    RUN/seed0/full/apart/      network.npz, spikes.npz of both senses without them; enhanced.npz, their rates enhanced
    RUN/seed0/full/gcn/        one .npz a GCN: logits of validation and test clips
"""

import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from functools import partialmethod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.models.synch_graph.gcn import GcnSettings
from edge_emotion_train.models.synch_graph.settings import PRESETS, NetworkSettings, changed
from edge_emotion_train.models.synch_graph.synchrony import (
    WINDOW,
    SynchronyGraphs,
    read_graphs,
    synchrony_graphs,
    write_graphs,
)
from edge_emotion_train.synch.count_baselines import clip_counts, count_logits, enhancement_gains
from edge_emotion_train.synch.graph_training import GraphTraining, train_gcn
from edge_emotion_train.synch.learning import learn
from edge_emotion_train.synch.material import Material, read_material
from edge_emotion_train.synch.pairs import CLASSES
from edge_emotion_train.synch.presentations import KEPT
from edge_emotion_train.synch.recording import Recording, record
from edge_emotion_train.whole_file import write_text

PRESENTATIONS = 800  # that a network learns from
KINDS = ("joined", "apart")


@dataclass(frozen=True)
class Plan:
    """A run. material: its file. folder: of this seed. backend: of Brian2. changes: of presets, ("features=10",)."""

    material: Path
    folder: Path
    seed: int
    presentations: int = PRESENTATIONS
    backend: str = "cpp_standalone"
    changes: tuple[str, ...] = ()

    def network(self, size: str, kind: str) -> NetworkSettings:
        """Settings of a network: "joined", or "apart", without cross-modal synapses."""
        settings = changed(size, self.changes)
        return settings if kind == "joined" else replace(settings, cross_sum=0.0)


@dataclass(frozen=True)
class GcnJob:
    """One GCN to train. permuted: on classes dealt at random to the clips, the control. window: s, of synchrony."""

    size: str
    protocol: str = "inductive"
    permuted: bool = False
    settings: GcnSettings = field(default_factory=GcnSettings)
    window: float = WINDOW

    @property
    def name(self) -> str:
        """Of its file."""
        parts = [self.protocol, f"{self.settings.layers}l", "permuted" if self.permuted else "real"]
        default = GcnSettings(layers=self.settings.layers)
        parts += [
            f"{key}={'+'.join(value) if isinstance(value, tuple) else value}"
            for key, value in asdict(self.settings).items()
            if value != asdict(default)[key]
        ]
        return "-".join(parts) + ("" if self.window == WINDOW else f"-{1000 * self.window:g}ms")


@dataclass(frozen=True)
class Answers:
    """Logits of validation and test clips, and the classes that were true (or dealt) there."""

    validation: NDArray[np.float64]
    test: NDArray[np.float64]
    validation_truth: NDArray[np.int64]
    test_truth: NDArray[np.int64]
    parameters: int = 0


def claim(plan: Plan, training: GraphTraining) -> None:
    """Mark a run folder with what its files are made from; refuse one that was marked otherwise.

    Recordings, graphs and answers are read back as they are found: without the mark, other data or settings in the same
    folder would be given them.
    """
    _, material = read_material(plan.material)
    made = {
        "material": material,
        "seed": plan.seed,
        "presentations": plan.presentations,
        "networks": {size: asdict(plan.network(size, "joined")) for size in PRESETS},
        "training": asdict(training),
    }
    text, file = json.dumps(made, indent=1, sort_keys=True), plan.folder / "run.json"
    if not file.is_file():
        if any(plan.folder.glob("*/joined/*.npz")):
            raise EdgeEmotionError(f"{plan.folder} holds networks but no {file.name}; choose another folder")
        plan.folder.mkdir(parents=True, exist_ok=True)
        write_text(file, text)
    elif file.read_text() != text:
        raise EdgeEmotionError(
            f"{plan.folder} holds a run of other data or settings; choose another folder or delete it"
        )


def spiking_job(plan: Plan, size: str, kind: str, workers: int = 1) -> str:
    """Teach a network and record all clips; of "apart" also with enhanced rates, of "joined" also the graphs."""
    material, _ = read_material(plan.material)
    folder = plan.folder / size / kind
    settings = plan.network(size, kind)
    state = learn(
        material.shown, material.learned(), settings, plan.seed, plan.presentations, folder, plan.backend
    )
    recording = record(state, material.shown, plan.seed, folder / "spikes.npz", workers)
    if kind == "joined":
        graphs_of(plan, size, WINDOW, material, recording)
    else:
        senses = [slice(0, settings.count("face")), slice(settings.count("face"), settings.neurons)]
        gains = enhancement_gains(recording, material.shown, material.learned(), senses)
        record(state, material.shown, plan.seed, folder / "enhanced.npz", workers, gains)
    return f"seed {plan.seed} {size} {kind}"


def graphs_of(
    plan: Plan, size: str, window: float, material: Material, recording: Recording | None = None
) -> SynchronyGraphs:
    """Graphs of the joined network, computed once."""
    folder = plan.folder / size / "joined"
    file = folder / ("graphs.npz" if window == WINDOW else f"graphs-{1000 * window:g}ms.npz")
    if not file.is_file():
        recording = recording or stored_recording(
            folder / "spikes.npz", material, plan.network(size, "joined")
        )
        write_graphs(
            synchrony_graphs(recording, material.shown.clip, len(material.labels), window, KEPT), file
        )
    return read_graphs(file)


def stored_recording(file: Path, material: Material, settings: NetworkSettings) -> Recording:
    """A recording that was made."""
    with np.load(file, allow_pickle=False) as stored:
        return Recording(
            stored["presentation"],
            stored["step"],
            stored["neuron"],
            len(material.shown.clip),
            settings.neurons,
        )


def gcn_job(plan: Plan, job: GcnJob, training: GraphTraining) -> str:
    """Train a GCN unless it is there."""
    folder = plan.folder / job.size / "gcn"
    file = folder / f"{job.name}.npz"
    if not file.is_file():
        torch.set_num_threads(1)
        folder.mkdir(parents=True, exist_ok=True)
        material, _ = read_material(plan.material)
        graphs = graphs_of(plan, job.size, job.window, material)
        labels = material.labels
        if job.permuted:
            labels = np.random.default_rng((plan.seed, 9)).permutation(labels)
        sides, network = material.split(), plan.network(job.size, "joined")
        outcome = train_gcn(graphs, labels, sides, job.protocol, network, job.settings, plan.seed, training)
        torch.save(outcome.network.state_dict(), file.with_suffix(".pt"))
        part = file.with_suffix(".part.npz")
        np.savez(
            part,
            validation=outcome.validation,
            test=outcome.test,
            validation_truth=labels[sides.validation],
            test_truth=labels[sides.test],
            parameters=outcome.network.parameter_count(),
        )
        part.replace(file)
    return f"seed {plan.seed} {job.size} {job.name}"


def has_answers(plan: Plan, job: GcnJob) -> bool:
    """Whether a GCN was trained."""
    return (plan.folder / job.size / "gcn" / f"{job.name}.npz").is_file()


def gcn_answers(plan: Plan, job: GcnJob) -> Answers:
    """What a trained GCN said."""
    with np.load(plan.folder / job.size / "gcn" / f"{job.name}.npz", allow_pickle=False) as stored:
        names = ("validation", "test", "validation_truth", "test_truth")
        return Answers(*(stored[name] for name in names), int(stored["parameters"]))


def count_answers(plan: Plan, size: str) -> dict[str, Answers]:
    """The rows from spike counts alone: name -> what logistic regression said."""
    material, _ = read_material(plan.material)
    sides, found = material.split(), {}
    recordings = {
        "face only": ("apart", "spikes.npz", "face"),
        "voice only": ("apart", "spikes.npz", "voice"),
        "early enhancement": ("apart", "enhanced.npz", None),
        "both, counts": ("joined", "spikes.npz", None),
    }
    for name, (kind, file, sense) in recordings.items():
        settings = plan.network(size, kind)
        recording = stored_recording(plan.folder / size / kind / file, material, settings)
        counts = clip_counts(recording, material.shown.clip, len(material.labels))
        if sense:
            first = settings.count("face")
            counts = counts[:, :first] if sense == "face" else counts[:, first:]
        validation, test = count_logits(counts, material.labels, sides, len(CLASSES))
        truth = material.labels[sides.validation], material.labels[sides.test]
        found[name] = Answers(validation, test, *truth, (counts.shape[1] + 1) * len(CLASSES))
    return found


def _one_bar() -> None:
    """A worker's own bars would be drawn across the one of all jobs."""
    tqdm.__init__ = partialmethod(tqdm.__init__, disable=True)  # type: ignore[method-assign]


def run_all(work: Sequence[tuple[Callable[..., str], tuple[object, ...]]], workers: int, title: str) -> None:
    """Run functions `workers` at a time with one progress bar; what one raises is raised, the others are cancelled."""
    with (
        ProcessPoolExecutor(workers, initializer=_one_bar) as pool,
        tqdm(total=len(work), desc=title, unit="job") as bar,
    ):
        running = [pool.submit(function, *arguments) for function, arguments in work]
        try:
            for future in as_completed(running):
                bar.set_postfix_str(future.result())
                bar.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise
