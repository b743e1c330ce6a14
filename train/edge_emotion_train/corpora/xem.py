"""XEM, emotional motion recorded with Xsens suits: 66 joint angles and the centre of mass; user-supplied.

Its published layout could not be looked at. Read are therefore MVNX files, Xsens' own, or BVH files, both exported
from MVN, in folders that are named for the emotion, with folders of the people inside where there are any. A table of
joint angles alone is not read: it does not say how the joints' axes lie.
"""

from pathlib import Path

from edge_emotion_train.corpora.motion_clip import MotionClip, MotionCorpus, motion_corpus

NAME = "xem"
TREE = "DIR/EMOTION/[SUBJECT/]take.mvnx (or .bvh, both exported from Xsens MVN), EMOTION as happiness, sadness ..."


def clips(folder: Path) -> MotionCorpus:
    """All recordings under a folder of that layout, in order of their names; EdgeEmotionError shows it.

    The label is the folder's name in small letters. Files that lie elsewhere are left out and told.
    """

    def named(file: Path) -> MotionClip | str:
        parts = file.relative_to(folder).parts
        if len(parts) == 1:
            return "in no folder of an emotion"
        if len(parts) > 3:
            return "deeper than EMOTION/SUBJECT/"
        actor = f"{NAME}-{parts[1]}" if len(parts) == 3 else None
        return MotionClip(file, NAME, parts[0].lower(), actor=actor)

    return motion_corpus(folder, (".mvnx", ".bvh"), NAME, TREE, named)
