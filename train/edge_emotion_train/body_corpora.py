"""Corpora of motion by name, as takes to learn from: whom or what a fold leaves out, and the labels in order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora import bandai_namco, bandai_namco_motion, ebedb, xem
from edge_emotion_train.corpora.clip import Clip
from edge_emotion_train.corpora.motion_clip import LeftOut, MotionClip, MotionCorpus, left_out_lines

_BANDAI = bandai_namco_motion.NAME
LOADERS: Mapping[str, Callable[[Path], MotionCorpus]] = {
    f"{_BANDAI}-1": partial(bandai_namco_motion.clips, which=1),
    f"{_BANDAI}-2": partial(bandai_namco_motion.clips, which=2),
    ebedb.NAME: ebedb.clips,
    xem.NAME: xem.clips,
}
_LABELS: Mapping[str, tuple[str, ...]] = {
    f"{_BANDAI}-1": bandai_namco.LABELS,
    f"{_BANDAI}-2": bandai_namco_motion.LABELS[2],
    ebedb.NAME: ebedb.LABELS,
}
"""Labels in a corpus' own order; of another one they are in that of the alphabet."""


@dataclass(frozen=True)
class BodyCorpus:
    """A corpus of motion.

    name: of LOADERS. takes: in the order of their names. unit: what a fold leaves out, "actor" where the corpus names
    actors, else "action"; None where it names neither. left_out: files of motion that are no takes.
    """

    name: str
    takes: tuple[MotionClip, ...]
    unit: str | None
    left_out: tuple[LeftOut, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Those that takes have, in the corpus' own order."""
        found = {take.label for take in self.takes}
        return tuple(label for label in _LABELS.get(self.name, sorted(found)) if label in found)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was left out, one line for each reason."""
        return left_out_lines(self.name, self.left_out)

    def clips(self) -> list[Clip]:
        """The takes to split: `speaker` is the actor, or the action; EdgeEmotionError where neither is named."""
        if self.unit is None:
            raise EdgeEmotionError(
                f"{self.name}: its takes name neither actors nor actions, so that no fold can leave one out; "
                f"put them into folders of the people: {xem.TREE}"
            )
        return [Clip(take.path, self.name, getattr(take, self.unit), take.label) for take in self.takes]


def body_corpus(name: str, folder: Path) -> BodyCorpus:
    """Find a corpus' takes under a folder; no file is opened.

    Where some takes name an actor, those that name none are left out: they may be of anyone. EdgeEmotionError: an
    unknown corpus, or a folder that is none of it.
    """
    if name not in LOADERS:
        raise EdgeEmotionError(f"unknown corpus {name!r}, expected one of: {', '.join(LOADERS)}")
    found = LOADERS[name](folder)
    for unit in ("actor", "action"):
        takes = tuple(clip for clip in found.clips if getattr(clip, unit) is not None)
        if takes:
            unnamed = [
                LeftOut(clip.path, f"it names no {unit}, as others do")
                for clip in found.clips
                if clip not in takes
            ]
            return BodyCorpus(name, takes, unit, (*found.left_out, *unnamed))
    return BodyCorpus(name, found.clips, None, found.left_out)
