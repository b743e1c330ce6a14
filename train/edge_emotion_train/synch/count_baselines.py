"""The paper's ablation rows: classes from the spike counts of a network alone, without a graph.

face only, voice only   each sense's neurons, of networks without cross-modal synapses
both, counts            both senses' neurons of the joined network, as Synch-Graph has them, without a graph
early enhancement       each sense's rates scaled by the other sense's activity (the authors' earlier approach)
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_emotion_train.class_baselines import regression_logits
from edge_emotion_train.metrics import unweighted_average_recall as uar
from edge_emotion_train.synch.graph_training import Sides
from edge_emotion_train.synch.presentations import Shown
from edge_emotion_train.synch.recording import Gains, Recording

PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # of which the validation clips choose
ENHANCEMENT = 0.5  # change of the rates for each deviation of the other sense's activity from its mean
LEAST_GAIN, MOST_GAIN = 0.5, 2.0

Rates = NDArray[np.float64]


def clip_counts(recording: Recording, clip: NDArray[np.int64], clips: int) -> Rates:
    """(clips, neurons): log(1 + spikes a presentation) of each clip."""
    total = np.zeros((clips, recording.neurons))
    np.add.at(total, clip, recording.counts())
    shows = np.bincount(clip, minlength=clips)
    return np.log1p(total / np.maximum(shows, 1)[:, None])


def count_logits(counts: Rates, labels: NDArray[np.int64], sides: Sides, classes: int) -> tuple[Rates, Rates]:
    """Logits of validation and test clips by logistic regression on counts; validation clips choose its penalty."""
    train, truth = counts[sides.train], labels[sides.train]
    best, kept = -1.0, 0.0
    for penalty in PENALTIES:
        said = regression_logits(train, truth, counts[sides.validation], classes, penalty)
        score = uar(labels[sides.validation], said.argmax(1), classes)
        if score > best:
            best, kept = score, penalty
    both = np.concatenate([counts[sides.validation], counts[sides.test]])
    logits = regression_logits(train, truth, both, classes, kept)
    return logits[: len(sides.validation)], logits[len(sides.validation) :]


def enhancement_gains(
    recording: Recording, shown: Shown, learned: NDArray[np.int64], senses: Sequence[slice]
) -> Gains:
    """Factors of the rates of each presentation: 1 + ENHANCEMENT * the other sense's activity, standardised.

    recording: of networks without cross-modal synapses; senses: their neurons, the face's and the voice's; learned: the
    training presentations, whose mean and deviation of the activity are the scale. Source: Mansouri-Benssassi and Ye,
    "Speech emotion recognition with early visual cross-modal enhancement using spiking neural networks" (2019), which
    gives the idea, not the function. Deviation: the rates are enhanced for networks that learned without.
    """
    counts = recording.counts()
    activity = [np.log1p(counts[:, sense].sum(1)) for sense in senses]
    gains = []
    for values in activity:
        known = values[learned]
        standard = (values - known.mean()) / max(float(known.std()), 1e-6)
        gains.append(np.clip(1 + ENHANCEMENT * standard, LEAST_GAIN, MOST_GAIN).astype(np.float32))
    assert len(shown.clip) == len(gains[0])
    return {"face": gains[1], "voice": gains[0]}
