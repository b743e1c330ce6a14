"""Bandai-Namco Research Motiondataset 1 and 2 (Kobayashi et al. 2023, CC BY-NC 4.0): actions in styles, as BVH.

Names: dataset-N_{action}_{style}_{number}.bvh. 1 has 20 actions in 15 styles, some of them emotions, once or twice
each; 2 has 10 actions in 7 styles, none of them an emotion but normal, in nearly 3,000 recordings. The files do not say
which of the three actors moves.
"""

import re
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora.motion_clip import MotionClip, MotionCorpus, motion_corpus

NAME = "bandai-namco"
LABELS = {
    1: (
        "normal", "happy", "sad", "angry", "proud", "not-confident", "masculinity", "feminine", "childish", "old",
        "tired", "active", "musical", "giant", "chimpira",
    ),
    2: ("active", "elderly", "exhausted", "feminine", "masculine", "normal", "youthful"),
}  # fmt: skip
"""Styles as the files call them (cfg/style_label.txt); the readme of 1 says children for childish."""
TREE = "DIR/data/dataset-{}_walk_normal_001.bvh, as unpacked from its data.zip"
_CLIP = re.compile(r"dataset-(\d)_([a-z-]+)_([a-z-]+)_\d{3}")


def clips(folder: Path, which: int = 1) -> MotionCorpus:
    """All recordings of data set 1 or 2 under a folder, files of the other one among those left out.

    EdgeEmotionError shows the expected tree.
    """
    if which not in LABELS:
        raise EdgeEmotionError(f"{NAME}: expected data set 1 or 2, got {which}")
    corpus = f"{NAME}-{which}"

    def named(file: Path) -> MotionClip | str:
        match = _CLIP.fullmatch(file.stem)
        if not match or match[1] != str(which):
            return f"not named dataset-{which}_ACTION_STYLE_NUMBER"
        if match[3] not in LABELS[which]:
            return f"{match[3]} is none of its styles"
        return MotionClip(file, corpus, match[3], action=match[2])

    return motion_corpus(folder, (".bvh",), corpus, TREE.format(which), named)
