"""Face nodes of stills, as the device makes them, and the recipe that says how training varies them."""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from edge_emotion.emotions import EMOTIONS
from edge_emotion.features.face_alignment import VIEWS, network_crop
from edge_emotion_train.appearance_recipe import AppearanceTraining
from edge_emotion_train.appearance_run import SeenStills
from edge_emotion_train.appearance_training import embeddings, moved
from edge_emotion_train.face_motion import FaceMotion, Looks, mirrored_shapes
from edge_emotion_train.models.appearance import Appearance
from edge_emotion_train.node_augmentation import NodeAugmentation
from edge_emotion_train.still_faces import view_crops
from edge_emotion_train.trainer import Standardisation, TrainingSettings

Floats = NDArray[np.float32]
NODES = 90  # of a window: 3 s
LOOKS = 4  # embeddings of each training still and of its mirror image, each of a crop moved a little


@dataclass(frozen=True)
class FaceTraining:
    """How a face network is trained.

    training: of the graph network. motion: of the windows. looks: how crops differ between two looks at a still.
    short_epochs: passes over windows of SHORT nodes first, ten times as quick. long_rate: learning rate of the training
    on whole windows after it, as a share. graph_rate: that of the adjacency, see train_on. taught: share of the targets
    that the appearance network says of a still, see appearance_run.answers. filters, dropout, input_dropout: see
    LGrINConfig. jitter: deviation added to standardised features, held over a window. mixup: see NodeAugmentation.
    """

    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(
            epochs=2, batch=64, learning_rate=3e-3, weight_decay=0.02, label_smoothing=0.05, average=0.998,
            augmentation=NodeAugmentation(band_masks=0), structure=0.0,
        )
    )  # fmt: skip
    motion: FaceMotion = field(default_factory=FaceMotion)
    looks: AppearanceTraining = field(
        default_factory=lambda: AppearanceTraining(turn=3, zoom=0.04, stretch=0.02, shift=0.025, gamma=0.15)
    )
    filters: tuple[tuple[int, ...], ...] = ((80, 40), (72, 36))
    jitter: float = 0.05
    short_epochs: int = 12
    long_rate: float = 0.1
    graph_rate: float = 0.05
    taught: float = 0.9
    dropout: float = 0.3
    input_dropout: float = 0.1
    mixup: float = 0.0


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
