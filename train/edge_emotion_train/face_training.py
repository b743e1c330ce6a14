"""Trains a face L-GrIN on moving windows made from stills, and measures it on stills held and moved."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_alignment import VIEWS, network_crop
from edge_emotion_train.appearance_run import SeenStills, answers, load_appearance, rates
from edge_emotion_train.appearance_training import (
    AppearanceTraining,
    embeddings,
    moved,
)
from edge_emotion_train.corpora.fer2013 import PARTS
from edge_emotion_train.experiment import Recipe
from edge_emotion_train.face_motion import (
    NEUTRAL,
    FaceMotion,
    Looks,
    head_directions,
    mirrored_shapes,
    moving_windows,
    steady_windows,
)
from edge_emotion_train.metrics import calibration_error, fitted_temperature, softmax
from edge_emotion_train.models.appearance import Appearance
from edge_emotion_train.models.lgrin import LGrIN, LGrINConfig, preset
from edge_emotion_train.node_augmentation import NodeAugmentation
from edge_emotion_train.still_faces import view_crops
from edge_emotion_train.trainer import Standardisation, TrainingSettings, train_on
from edge_emotion_train.whole_file import write_text

Floats = NDArray[np.float32]
NODES, HOP = 90, 6  # of 1/30 s: windows of 3 s, an estimate each .2 s
FEATURE_SETS = ("face", "face-landmarks")
LOOKS = 4  # embeddings of each training still and of its mirror image, each of a crop moved a little
SHORT = 8  # nodes of the windows of a first, quick training


@dataclass(frozen=True)
class FaceTraining:
    """How a face network is trained.

    training: of the graph network. motion: of the windows. looks: how crops differ between two looks at a still.
    short_epochs: passes over windows of SHORT nodes first, ten times as quick. long_rate: learning rate of the training
    on whole windows after it, as a share. graph_rate: that of the adjacency, see train_on. taught: share of the targets
    that the appearance network says of a still, see appearance_run.answers; dropout, input_dropout: see LGrINConfig.
    jitter: deviation added to standardised features, held over a window. mixup: see NodeAugmentation.
    """

    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=2, batch=64, learning_rate=3e-3, weight_decay=0.05, label_smoothing=0.1, average=0.998,
            augmentation=NodeAugmentation(band_masks=0), structure=0.0,
        )
    )  # fmt: skip
    motion: FaceMotion = field(default_factory=FaceMotion)
    looks: AppearanceTraining = field(
        default_factory=lambda: AppearanceTraining(turn=3, zoom=0.04, stretch=0.02, shift=0.025, gamma=0.15)
    )
    jitter: float = 0.1
    short_epochs: int = 12
    long_rate: float = 0.1
    graph_rate: float = 0.05
    taught: float = 0.5
    dropout: float = 0.3
    input_dropout: float = 0.1
    mixup: float = 0.4


@dataclass(frozen=True)
class StillNodes:
    """What nodes of n stills are made of.

    found, labels: (n,). shapes: (n, 2, 136), plain and mirrored. embeddings: (n, 2, K, E), K looks plain and K
    mirrored, at crops moved a little. views: (n, V, E), the device's own looks in turn, for stills that are measured.
    goals: (n, 7), what is to be learned of each.
    """

    found: NDArray[np.bool_]
    labels: NDArray[np.int64]
    shapes: Floats
    embeddings: Floats
    views: Floats
    goals: Floats

    def looks(self, chosen: NDArray[np.int64], side: NDArray[np.int64]) -> Looks:
        """Chosen stills, each plain (side 0) or mirrored (1)."""
        both = np.stack([side, 1 - side], 1)
        return Looks(self.shapes[chosen, side], self.embeddings[chosen[:, None], both])


def still_nodes(
    seen: SeenStills, part: str, appearance: Appearance | None, how: FaceTraining, looks: int
) -> StillNodes:
    """Nodes of a part; looks: K, how many crops moved at random each embedding is taken of, each way."""
    faces, labels = seen.faces[part], seen.stills[part].labels
    shapes = np.stack([faces.shapes, mirrored_shapes(faces.shapes)], 1)
    goals = np.eye(len(EMOTIONS), dtype=np.float32)[labels]
    if appearance is None:
        nothing = np.zeros((len(labels), 2, 1, 0), np.float32)
        return StillNodes(faces.found, labels, shapes, nothing, nothing[:, 0], goals)
    both = []
    for mirrored in (False, True):
        random = np.random.default_rng([LOOKS, mirrored])
        side = how.looks.side(how.looks.epochs)
        crops = (moved(faces.crops, how.looks, side, random, mirrored) for _ in range(looks))
        both.append(np.stack([embeddings(appearance, crop) for crop in crops], 1))
    if part == "train":  # nothing is measured on these
        return StillNodes(faces.found, labels, shapes, np.stack(both, 1), both[0], goals)
    views = [
        embeddings(
            appearance,
            torch.from_numpy(network_crop(view_crops(seen.stills[part], seen.faces[part], look)))[:, None],
        )
        for look in range(len(VIEWS))
    ]
    return StillNodes(faces.found, labels, shapes, np.stack(both, 1), np.stack(views, 1), goals)


def standardisation(nodes: StillNodes) -> Standardisation:
    """Mean and scale of the features over training stills that were found."""
    known = np.concatenate([nodes.shapes[:, 0], nodes.embeddings[:, 0, 0]], 1)[nodes.found]
    return Standardisation(known.mean(0), np.maximum(known.std(0), 1e-4))


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


def logits_of(network: LGrIN, windows: Floats, standard: Standardisation) -> NDArray[np.float64]:
    """Logits (n, 7) of windows (n, M, P)."""
    with torch.no_grad():
        parts = [
            network(torch.from_numpy(standard(piece)))
            for piece in np.array_split(windows, max(1, len(windows) // 256))
        ]
    return torch.cat(parts).double().numpy()


@dataclass(frozen=True)
class FaceNetwork:
    """A trained face network and what belongs to it."""

    recipe: Recipe
    network: LGrIN
    standard: Standardisation
    appearance: Appearance | None
    temperature: float
    numbers: dict[str, object]


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
        dropout=how.dropout,
        input_dropout=how.input_dropout,
    )
    labels = {"fer2013": {emotion: emotion for emotion in EMOTIONS}}
    recipe = Recipe(config, how.training, feature_set, 1, EMOTIONS, labels, HOP)
    folder.mkdir(parents=True, exist_ok=True)
    stored = folder / "recipe.json"
    text = json.dumps({"recipe": asdict(recipe), "how": asdict(how), "seed": seed}, indent=1, sort_keys=True)
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
    temperature = _temperature(network, nodes["choice"], head, standard, how)
    numbers = {
        "parameters": network.parameter_count(),
        "temperature": temperature,
        "part": {
            part: _measured(network, nodes[part], head, standard, how, temperature) for part in PARTS[1:]
        },
    }
    return FaceNetwork(recipe, network, standard, appearance, temperature, numbers)


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


def _held(nodes: StillNodes) -> Floats:
    return steady_windows(nodes.shapes[:, 0], nodes.views, NODES)


def _moved(
    nodes: StillNodes, head: Floats, how: FaceTraining
) -> tuple[Floats, NDArray[np.int64], NDArray[np.bool_]]:
    """Moving windows of stills, their labels and which of them show their label clearly."""
    random = np.random.default_rng(1)
    every, plain = np.arange(len(nodes.labels)), np.zeros(len(nodes.labels), int)
    resting = random.choice(np.flatnonzero(nodes.found & (nodes.labels == NEUTRAL)), len(every))
    windows, targets = moving_windows(
        nodes.looks(every, plain), nodes.labels, nodes.looks(resting, plain), head, how.motion, NODES, random
    )
    return windows, targets.argmax(1), targets.max(1) > 0.99


def _temperature(
    network: LGrIN, nodes: StillNodes, head: Floats, standard: Standardisation, how: FaceTraining
) -> float:
    windows, labels, clear = _moved(nodes, head, how)
    usable = nodes.found & clear
    logits = [logits_of(network, w, standard) for w in (_held(nodes)[nodes.found], windows[usable])]
    truth = np.concatenate([nodes.labels[nodes.found], labels[usable]])
    return fitted_temperature(truth, np.concatenate(logits))


def _measured(
    network: LGrIN,
    nodes: StillNodes,
    head: Floats,
    standard: Standardisation,
    how: FaceTraining,
    temperature: float,
) -> dict[str, object]:
    """Rates of a part's stills held (all, and those found), moved (found and clear), and calibration held."""
    held = logits_of(network, _held(nodes), standard)
    said, truth = held.argmax(1), nodes.labels
    windows, labels, clear = _moved(nodes, head, how)
    usable = nodes.found & clear
    moving = logits_of(network, windows[usable], standard).argmax(1)
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)), int)
    np.add.at(counts, (truth, said), 1)
    return {
        "stills": len(truth),
        "found": float(nodes.found.mean()),
        "held": rates(truth, said),
        "held_found": rates(truth[nodes.found], said[nodes.found]),
        "moving": rates(labels[usable], moving),
        "calibration_error": calibration_error(truth[nodes.found], softmax(held[nodes.found], temperature)),
        "calibration_error_uncalibrated": calibration_error(truth[nodes.found], softmax(held[nodes.found])),
        "confusion": counts.tolist(),
    }
