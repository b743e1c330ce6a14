"""Bandai-Namco Research Motiondataset 1 (CC BY-NC 4.0): 174 BVH takes of actions in styles, three actors, unnamed.

Names: dataset-1_{action}_{style}_{number}.bvh. Since nobody says whose take is whose, an action takes the place of a
speaker: a split keeps actions apart, the same three actors stand on both sides.
"""

from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora import bandai_namco_motion
from edge_emotion_train.corpora.clip import Clip

NAME = "bandai-namco-1"
LABELS = bandai_namco_motion.LABELS[1]
LICENCE = "Bandai-Namco Research Motiondataset 1: CC BY-NC 4.0 (not for commercial use)"


def clips(folder: Path) -> list[Clip]:
    """All takes of the published layout; `speaker` is the action. EdgeEmotionError shows the expected tree."""
    found = bandai_namco_motion.clips(folder, 1)
    for warning in found.warnings:
        raise EdgeEmotionError(warning)
    return [Clip(take.path, NAME, take.action or "", take.label) for take in found.clips]
