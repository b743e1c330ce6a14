"""One labelled recording of a body's motion, the finding of its files, and emotion words of corpora as the seven."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora.labelled_folder import SYNONYMS

WORDS: dict[str, str] = {
    **{emotion: emotion for emotion in EMOTIONS},
    **SYNONYMS,
    "normal": "neutral",
}
"""Words of corpora that stand for one of the seven emotions; what is not here (pride, tired) stands for none."""
TWICE = "there twice"


@dataclass(frozen=True)
class MotionClip:
    """One labelled recording; its motion is read by edge_emotion.sources.motion_file.read_motion(path).

    path: its file. corpus: its corpus' name. label: the corpus' own word, of an emotion or a style. action: what the
    body does, None where the corpus does not say. actor: unique over corpora, "ebedb-AnBh", None likewise.
    """

    path: Path
    corpus: str
    label: str
    action: str | None = None
    actor: str | None = None

    @property
    def emotion(self) -> str | None:
        """The one of EMOTIONS that the label stands for, or None."""
        return WORDS.get(self.label)


@dataclass(frozen=True)
class LeftOut:
    """A file of motion that nothing is learned from, and why, in words that follow "left out"."""

    path: Path
    why: str


@dataclass(frozen=True)
class MotionCorpus:
    """What a folder holds.

    name: the corpus'. clips: in the order of their names. left_out: files of motion that are none of them.
    """

    name: str
    clips: tuple[MotionClip, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was left out, one line for each reason."""
        return left_out_lines(self.name, self.left_out)


def left_out_lines(corpus: str, left_out: Sequence[LeftOut]) -> tuple[str, ...]:
    """One line for each reason, in the order in which it first came: how many, why, and the first file."""
    first: dict[str, Path] = {}
    for each in left_out:
        first.setdefault(each.why, each.path)
    counts = Counter(each.why for each in left_out)
    return tuple(
        f"{corpus}: left out {counts[why]} file{'s' * (counts[why] > 1)}: {why} (the first: {path})"
        for why, path in first.items()
    )


def motion_files(folder: Path, suffixes: Sequence[str], corpus: str, tree: str) -> list[Path]:
    """Files of motion anywhere under a corpus folder in the order of their names; an error shows the expected tree.

    Hidden files, which some systems leave beside each file when they unpack, are none.
    """
    if not folder.is_dir():
        raise EdgeEmotionError(f"{corpus}: no folder {folder}; expected {tree}")
    files = [f for f in folder.rglob("[!.]*") if f.suffix.lower() in suffixes and f.is_file()]
    if not files:
        raise EdgeEmotionError(f"{corpus}: no motion ({' '.join(suffixes)}) in {folder}; expected {tree}")
    return sorted(files, key=lambda file: (file.name, file))


def motion_corpus(
    folder: Path,
    suffixes: Sequence[str],
    corpus: str,
    tree: str,
    named: Callable[[Path], MotionClip | str],
) -> MotionCorpus:
    """Find the files of a corpus under a folder and read their names; no file is opened.

    named: the clip of a file, or why its name says none: these are left out, as is a file of the name, the label and
    the size of another (archives unpacked twice). EdgeEmotionError shows the expected tree where there is no clip.
    """
    files = motion_files(folder, suffixes, corpus, tree)
    found: dict[object, MotionClip] = {}
    left_out = []
    for file in files:
        clip = named(file)
        if isinstance(clip, str):
            left_out.append(LeftOut(file, clip))
        elif found.setdefault((file.name, file.stat().st_size, clip.label, clip.actor), clip) is not clip:
            left_out.append(LeftOut(file, TWICE))
    if not found:
        raise EdgeEmotionError(
            f"{corpus}: none of {len(files)} files in {folder} is named as its files are "
            f"({files[0].name}: {left_out[0].why}); expected {tree}"
        )
    return MotionCorpus(corpus, tuple(found.values()), tuple(left_out))
