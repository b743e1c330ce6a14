"""Measures a face L-GrIN on stills held as steady windows and moved by the motion model."""

import numpy as np
import torch
from numpy.typing import NDArray

from edge_emotion.emotions import EMOTIONS
from edge_emotion_train.appearance_run import rates
from edge_emotion_train.face_motion import NEUTRAL, moving_windows, steady_windows
from edge_emotion_train.metrics import calibration_error, fitted_temperature, softmax
from edge_emotion_train.models.lgrin import LGrIN
from edge_emotion_train.still_nodes import NODES, FaceTraining, Floats, StillNodes
from edge_emotion_train.trainer import Standardisation


def logits_of(network: LGrIN, windows: Floats, standard: Standardisation) -> NDArray[np.float64]:
    """Logits (n, 7) of windows (n, M, P)."""
    with torch.no_grad():
        parts = [
            network(torch.from_numpy(standard(piece)))
            for piece in np.array_split(windows, max(1, len(windows) // 256))
        ]
    return torch.cat(parts).double().numpy()


def held_windows(nodes: StillNodes) -> Floats:
    """Windows of stills held, seen through the device's looks in turn."""
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


def choice_temperature(
    network: LGrIN, nodes: StillNodes, head: Floats, standard: Standardisation, how: FaceTraining
) -> float:
    """Temperature fitted on stills kept for choices, held and moved, whose face was found."""
    windows, labels, clear = _moved(nodes, head, how)
    usable = nodes.found & clear
    logits = [logits_of(network, w, standard) for w in (held_windows(nodes)[nodes.found], windows[usable])]
    truth = np.concatenate([nodes.labels[nodes.found], labels[usable]])
    return fitted_temperature(truth, np.concatenate(logits))


def measured(
    network: LGrIN,
    nodes: StillNodes,
    head: Floats,
    standard: Standardisation,
    how: FaceTraining,
    temperature: float,
) -> dict[str, object]:
    """Rates of a part's stills held (all, and those found), moved (found and clear), and calibration held."""
    held = logits_of(network, held_windows(nodes), standard)
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
