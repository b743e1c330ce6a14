"""Feature sets that training knows: the device's own, and those that only a workstation's tables have."""

from edge_emotion.features.feature_set import FeatureSet, feature_set
from edge_emotion_train.action_unit_features import ActionUnits

TRAINING_ONLY: tuple[FeatureSet, ...] = (ActionUnits(),)
"""Their nodes are read from a corpus' tables; no device computes them."""


def known_feature_set(name: str, version: int) -> FeatureSet:
    """Find a feature set by name and version; EdgeEmotionError names those of the device."""
    for known in TRAINING_ONLY:
        if (known.name, known.version) == (name, version):
            return known
    return feature_set(name, version)
