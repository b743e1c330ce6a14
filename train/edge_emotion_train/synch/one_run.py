"""One Synch-Graph from corpus to a model that the export takes: `edge-emotion-train synch-graph`."""

import argparse
import json
import shutil
from dataclasses import asdict
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.figures import draw_confusion
from edge_emotion_train.metrics import confusion_matrix, fitted_temperature
from edge_emotion_train.models.synch_graph.gcn import GcnSettings
from edge_emotion_train.models.synch_graph.simulator import need_compiler
from edge_emotion_train.models.synch_graph.state import read_state
from edge_emotion_train.run_stamp import stamp
from edge_emotion_train.synch.experiment import (
    GcnJob,
    Plan,
    claim,
    count_answers,
    gcn_answers,
    gcn_job,
    spiking_job,
    stored_recording,
)
from edge_emotion_train.synch.graph_training import GraphTraining
from edge_emotion_train.synch.learning import STATE
from edge_emotion_train.synch.material import paired_material, read_material, write_material
from edge_emotion_train.synch.pairs import CLASSES
from edge_emotion_train.synch.presentations import KEPT
from edge_emotion_train.synch.results import row_of
from edge_emotion_train.whole_file import write_text

LICENCES = {
    "FER2013 x RAVDESS": "RAVDESS: CC BY-NC-SA 4.0 (not for commercial use); FER2013: web images, for research",
    "ravdess-video": "RAVDESS: CC BY-NC-SA 4.0 (not for commercial use)",
    "enterface-video": "eNTERFACE'05: free for research",
}


def train_one(options: argparse.Namespace, workers: int, command: list[str]) -> None:
    """Teach, record, join, train, measure; writes RUN/model for the export, RUN/metrics.json and pictures."""
    folder: Path = options.out or Path("runs") / f"synch-graph-{options.size}"
    if not (folder / options.size / "joined" / STATE).is_file():
        need_compiler(options.backend)
    plan = Plan(
        _material(options, folder, workers),
        folder,
        options.seed,
        options.presentations,
        options.backend,
        tuple(options.set),
    )
    job = GcnJob(options.size, options.protocol, options.permuted, GcnSettings(layers=options.layers))
    training = GraphTraining(**({"epochs": options.epochs} if options.epochs else {}))
    claim(plan, training)
    material, _ = read_material(plan.material)
    network = plan.network(options.size, "joined")
    print(
        f"{material.described}\n{network.neurons} excitatory neurons, {options.presentations} presentations"
    )
    spiking_job(plan, options.size, "joined", workers)
    print(
        f"graph network, protocol {job.protocol}{', leaky' if job.protocol == 'paper' else ''} ...",
        flush=True,
    )
    gcn_job(plan, job, training)
    answers = gcn_answers(plan, job)
    about = {
        "protocol": job.protocol, "leaky": job.protocol == "paper", "permuted": job.permuted, "size": job.size,
        "layers": job.settings.layers, "seed": plan.seed,
    }  # fmt: skip
    name = "Synch-Graph on permuted classes" if job.permuted else "Synch-Graph"
    rows = {name: row_of([answers], about)}
    if options.baselines:
        spiking_job(plan, options.size, "apart", workers)
        rows |= {name: row_of([found], {}) for name, found in count_answers(plan, options.size).items()}
    for row in rows.values():
        row["corpus"] = material.corpus
    temperature = fitted_temperature(answers.validation_truth, answers.validation)
    metrics = {
        "stamp": stamp(command),
        "described": material.described,
        "rows": rows,
        "temperature": temperature,
    }
    usual = job == GcnJob(job.size)  # what ships; another protocol's files stand beside it
    ending = "" if usual else f"-{job.name}"
    write_text(folder / f"metrics{ending}.json", json.dumps(metrics, indent=1) + "\n")
    _pictures(plan, job, folder, ending)
    for name, row in rows.items():
        print(f"{name}: test UAR {100 * row['uar_mean']:.1f} %, accuracy {100 * row['accuracy_mean']:.1f} %")
    if job.protocol == "inductive" and not job.permuted:
        write_model(plan, job, folder / "model", temperature, metrics)
        print(f"for the export: edge-emotion-export synch-graph {folder} --out mine.emo")
    print(f"see {folder / f'metrics{ending}.json'} and the pictures beside it")


def _material(options: argparse.Namespace, folder: Path, workers: int) -> Path:
    """File of the encoded clips."""
    if options.corpus:
        if options.data is None:
            raise EdgeEmotionError(f"--corpus {options.corpus} needs --data, the corpus' folder")
        from edge_emotion_train.synch.video_material import corpus_mark, video_material

        file = folder / "material.npz"
        mark = corpus_mark(options.corpus, options.data, options.seed)
        if not file.is_file() or read_material(file)[1] != mark:
            write_material(video_material(options.corpus, options.data, options.seed, workers), mark, file)
        return file
    if options.ravdess is None or options.fer2013 is None:
        raise EdgeEmotionError("give --ravdess DIR and --fer2013 FILE, or --corpus NAME and --data DIR")
    paired_material(options.ravdess, options.fer2013, options.seed, options.cache, workers)
    file = options.cache / f"synch-pairs-{options.seed}.npz"
    assert file.is_file()
    return Path(file)


def _pictures(plan: Plan, job: GcnJob, folder: Path, ending: str) -> None:
    from edge_emotion_train.synch.pictures import draw_cross, draw_fields, draw_raster

    answers = gcn_answers(plan, job)
    counts = confusion_matrix(answers.test_truth, answers.test.argmax(1), len(CLASSES))
    draw_confusion(
        counts, CLASSES, f"Synch-Graph {job.size}, {job.protocol}", folder / f"confusion{ending}.png"
    )
    state, _ = read_state(plan.folder / job.size / "joined" / "network.npz")
    material, _ = read_material(plan.material)
    recording = stored_recording(plan.folder / job.size / "joined" / "spikes.npz", material, state.settings)
    draw_fields(state, folder / "fields.png")
    draw_cross(state, folder / "cross.png")
    first = int(material.shown.of(material.split().test)[0])
    draw_raster(recording, first, state.settings, folder / "raster.png")


def write_model(
    plan: Plan, job: GcnJob, folder: Path, temperature: float, metrics: dict[str, object]
) -> None:
    """What the export reads: network.npz, gcn.pt, and model.json with all that its bundle says."""
    folder.mkdir(parents=True, exist_ok=True)
    material, _ = read_material(plan.material)
    shutil.copyfile(plan.folder / job.size / "joined" / "network.npz", folder / "network.npz")
    shutil.copyfile(plan.folder / job.size / "gcn" / f"{job.name}.pt", folder / "gcn.pt")
    table = {
        "size": job.size, "presentations": KEPT, "seed": plan.seed, "labels": CLASSES, "temperature": temperature,
        "gcn": asdict(job.settings), "sound": {
            "mean": [float(v) for v in material.scale.mean], "scale": [float(v) for v in material.scale.scale],
        },
        "licence": LICENCES[material.corpus], **metrics,
    }  # fmt: skip
    write_text(folder / "model.json", json.dumps(table, indent=1) + "\n")
