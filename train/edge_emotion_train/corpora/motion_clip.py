"""One labelled recording of a body's motion, the finding of its files, and emotion words of corpora as the seven."""

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
class MotionCorpus:
    """What a folder holds.

    clips: in the order of their names. warnings: what was left out, one line each.
    """

    clips: tuple[MotionClip, ...]
    warnings: tuple[str, ...] = ()


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
    named: Callable[[Path], MotionClip | None],
) -> MotionCorpus:
    """Find the files of a corpus under a folder and read their names; no file is opened.

    named: the clip of a file, None where its name says none: these are left out and told in a warning, as is a file
    of the name, the label and the size of another (archives unpacked twice). EdgeEmotionError shows the expected tree
    where there is no clip.
    """
    files = motion_files(folder, suffixes, corpus, tree)
    clips = [(file, named(file)) for file in files]
    unknown = [file for file, clip in clips if clip is None]
    found: dict[object, MotionClip] = {}
    for file, clip in clips:
        if clip is not None:
            found.setdefault((file.name, file.stat().st_size, clip.label, clip.actor), clip)
    if not found:
        raise EdgeEmotionError(
            f"{corpus}: none of {len(files)} files in {folder} is named as its files are ({files[0].name}); "
            f"expected {tree}"
        )
    twice = len(files) - len(unknown) - len(found)
    warnings = []
    if unknown:
        warnings.append(
            f"{corpus}: left out {len(unknown)} files that are not named as its files are, the first {unknown[0]}"
        )
    if twice:
        warnings.append(f"{corpus}: left out {twice} files that are there twice")
    return MotionCorpus(tuple(found.values()), tuple(warnings))
