"""A random forest on simple statistics of whole takes: what the body network has to be better than."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.feature_set import FeatureSet
from edge_emotion_train.node_cache import ClipNodes
from edge_emotion_train.protocols import Split

TREES = 500


def statistics(nodes: NDArray[np.float32], features: FeatureSet) -> NDArray[np.float64]:
    """(4 P,) mean, deviation, least and greatest of each feature over a take's nodes (k, width)."""
    seen = features.window(nodes).astype(np.float64)
    return np.concatenate([seen.mean(0), seen.std(0), seen.min(0), seen.max(0)])


def forest_logits(
    clips: Sequence[ClipNodes],
    kinds: NDArray[np.int64],
    splits: Sequence[Split],
    features: FeatureSet,
    classes: int,
    seed: int,
) -> NDArray[np.float64]:
    """(n, classes) log-probabilities of each take by the forest of the fold that tests it.

    kinds: (n,) class of each take, -1 for one that nothing is learned from. Validation takes are learned from too:
    nothing is chosen.
    """
    from sklearn.ensemble import RandomForestClassifier

    table = np.stack([statistics(clip.copies[0], features) for clip in clips])
    logits = np.full((len(clips), classes), -np.inf)
    for split in splits:
        learn = np.array([i for i in (*split.train, *split.validation) if kinds[i] >= 0])
        forest = RandomForestClassifier(TREES, random_state=seed).fit(table[learn], kinds[learn])
        said = np.log(forest.predict_proba(table[list(split.test)]) + 1e-12)
        logits[np.ix_(split.test, forest.classes_)] = said
    return logits
