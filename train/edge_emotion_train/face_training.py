"""Trains a face L-GrIN on moving windows made from stills."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.appearance_run import SeenStills, answers, load_appearance, weights_mark
from edge_emotion_train.appearance_training import unmoved
from edge_emotion_train.calibration_data import CalibrationData, no_crops
from edge_emotion_train.corpora.fer2013 import PARTS
from edge_emotion_train.experiment import Recipe
from edge_emotion_train.face_measuring import choice_temperature, held_windows, measured
from edge_emotion_train.face_motion import (
    NEUTRAL,
    head_directions,
    moving_windows,
    steady_windows,
)
from edge_emotion_train.models.appearance import Appearance
from edge_emotion_train.models.lgrin import LGrIN, LGrINConfig, preset
from edge_emotion_train.still_nodes import (
    LOOKS,
    NODES,
    FaceTraining,
    Floats,
    StillNodes,
    standardisation,
    still_nodes,
)
from edge_emotion_train.trainer import Standardisation, train_on
from edge_emotion_train.whole_file import write_text

HOP = 6  # nodes between two estimates: .2 s
FEATURE_SETS = ("face", "face-landmarks")
CALIBRATION_STILLS = 128
SHORT = 8  # nodes of the windows of a first, quick training


def epoch_batches(
    nodes: StillNodes, head: Floats, standard: Standardisation, how: FaceTraining, length: int = NODES
) -> Callable[[np.random.Generator], Iterator[tuple[Tensor, Tensor]]]:
    """Batches of moving windows over all stills whose face was found, each plain or mirrored at random."""
    usable, size = np.flatnonzero(nodes.found), how.training.batch
    resting = np.flatnonzero(nodes.found & (nodes.labels == NEUTRAL))

    def batches(random: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        order = random.permutation(usable)
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            side = random.integers(2, size=size)
            neutral = nodes.looks(random.choice(resting, size), side)
            windows, targets = moving_windows(
                nodes.looks(chosen, side),
                nodes.labels[chosen],
                neutral,
                head,
                how.motion,
                length,
                random,
                nodes.goals[chosen],
            )
            inputs = standard(windows)
            inputs += random.normal(0, how.jitter, (size, 1, inputs.shape[2])).astype(np.float32)
            if how.mixup:
                share = random.beta(how.mixup, how.mixup, (size, 1)).astype(np.float32)
                other = random.permutation(size)
                inputs = inputs * share[:, :, None] + inputs[other] * (1 - share[:, :, None])
                targets = targets * share + targets[other] * (1 - share)
            yield torch.from_numpy(inputs), torch.from_numpy(targets)

    return batches


@dataclass(frozen=True)
class FaceNetwork:
    """A trained face network and what belongs to it."""

    recipe: Recipe
    network: LGrIN
    standard: Standardisation
    appearance: Appearance | None
    temperature: float
    numbers: dict[str, object]
    calibration: CalibrationData


def train_face(
    seen: SeenStills,
    feature_set: str,
    appearance_folder: Path,
    how: FaceTraining,
    seed: int,
    folder: Path,
    report: Callable[[int, float], None],
) -> FaceNetwork:
    """Train (or resume) and measure. The temperature is fitted on the stills kept for choices, held and moved."""
    if feature_set not in FEATURE_SETS:
        raise EdgeEmotionError(f"unknown face features {feature_set!r}, expected: {', '.join(FEATURE_SETS)}")
    appearance = load_appearance(appearance_folder) if feature_set == "face" else None
    looks = {"train": LOOKS}
    nodes = {part: still_nodes(seen, part, appearance, how, looks.get(part, 1)) for part in PARTS}
    learned = nodes["train"]
    if how.taught:
        goals = (1 - how.taught) * learned.goals + how.taught * answers(appearance_folder, seen)
        learned = replace(learned, goals=goals)
    standard = standardisation(learned)
    found = learned.found
    head = head_directions(centred(seen.faces["train"].mesh[found]).mean(0))
    features = learned.shapes.shape[2] + learned.embeddings.shape[3]
    config = replace(
        preset("edge", NODES, features, len(EMOTIONS)),
        filters=how.filters,
        dropout=how.dropout,
        input_dropout=how.input_dropout,
    )
    labels = {"fer2013": {emotion: emotion for emotion in EMOTIONS}}
    recipe = Recipe(config, how.training, feature_set, 1, EMOTIONS, labels, HOP)
    folder.mkdir(parents=True, exist_ok=True)
    stored = folder / "recipe.json"
    made = {"recipe": asdict(recipe), "how": asdict(how), "seed": seed}
    if appearance is not None or how.taught:
        made["appearance"] = weights_mark(appearance_folder)
    text = json.dumps(made, indent=1, sort_keys=True)
    if stored.is_file() and stored.read_text() != text:
        raise EdgeEmotionError(f"{folder} holds a run of another recipe; choose another --out or delete it")
    write_text(stored, text)
    steps = int(found.sum()) // how.training.batch
    start = _short(config, how, learned, head, standard, seed, folder)
    long = replace(how.training, learning_rate=how.training.learning_rate * how.long_rate)
    batches = epoch_batches(learned, head, standard, how)
    checkpoint = folder / "checkpoint.pt"
    network = train_on(
        config, long, batches, steps, seed, "cpu", checkpoint, 1, report, start, how.graph_rate
    )
    temperature = choice_temperature(network, nodes["choice"], head, standard, how)
    numbers = {
        "parameters": network.parameter_count(),
        "temperature": temperature,
        "part": {
            part: measured(network, nodes[part], head, standard, how, temperature) for part in PARTS[1:]
        },
    }
    calibration = _calibration(seen, nodes, head, how, feature_set)
    return FaceNetwork(recipe, network, standard, appearance, temperature, numbers, calibration)


def _calibration(
    seen: SeenStills, nodes: dict[str, StillNodes], head: Floats, how: FaceTraining, feature_set: str
) -> CalibrationData:
    """Windows of training stills, held and moved, and of the validation stills, held; and their crops."""
    random = np.random.default_rng(2)
    learned, held = nodes["train"], nodes["validation"]
    usable = random.permutation(np.flatnonzero(learned.found))[:CALIBRATION_STILLS]
    resting = random.choice(np.flatnonzero(learned.found & (learned.labels == NEUTRAL)), len(usable))
    plain = np.zeros(len(usable), int)
    moving, _ = moving_windows(
        learned.looks(usable, plain), learned.labels[usable], learned.looks(resting, plain), head, how.motion, NODES,
        random,
    )  # fmt: skip
    steady = steady_windows(learned.shapes[usable, 0], learned.embeddings[usable, 0], NODES)
    crops = {part: unmoved(seen.faces[part].crops) for part in ("train", "validation")}
    looking = feature_set == "face"
    return CalibrationData(
        feature_set, 1, np.concatenate([moving, steady]), held_windows(held)[held.found], held.labels[held.found],
        crops["train"][usable] if looking else no_crops(),
        crops["validation"][held.found] if looking else no_crops(),
    )  # fmt: skip


def _short(
    config: LGrINConfig,
    how: FaceTraining,
    nodes: StillNodes,
    head: Floats,
    standard: Standardisation,
    seed: int,
    folder: Path,
) -> dict[str, torch.Tensor]:
    """Weights after a first training on windows of SHORT nodes: all but the pooling's p is the same for any length."""
    quick = replace(how, motion=replace(how.motion, young=0.0))
    settings = replace(how.training, epochs=how.short_epochs)
    steps = int(nodes.found.sum()) // settings.batch
    batches = epoch_batches(nodes, head, standard, quick, SHORT)
    with tqdm(total=settings.epochs, desc=f"windows of {SHORT} nodes", unit="epoch") as bar:

        def report(epoch: int, loss: float) -> None:
            bar.update(epoch - bar.n)
            bar.set_postfix_str(f"loss {loss:.3f}")

        checkpoint = folder / "short.pt"
        size = replace(config, nodes=SHORT)
        network = train_on(
            size, settings, batches, steps, seed, "cpu", checkpoint, 1, report, graph_rate=how.graph_rate
        )
    weights = network.state_dict()
    weights["pool.p"] = weights["pool.p"].mean().expand(config.nodes) * (SHORT / config.nodes)
    return weights


def centred(mesh: Floats) -> Floats:
    """(n, 468, 3) meshes with their middles at 0 and the outer eye corners 1 apart."""
    middle = mesh - mesh.mean(1, keepdims=True)
    return middle / np.linalg.norm(mesh[:, 263] - mesh[:, 33], axis=1)[:, None, None]
