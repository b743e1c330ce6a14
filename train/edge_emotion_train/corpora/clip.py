"""One labelled recording of a corpus, and the finding of its files."""

from dataclasses import dataclass
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError

SOUND = (".wav", ".flac")


@dataclass(frozen=True)
class Clip:
    """One labelled recording.

    path: its file. corpus: its corpus' name. speaker: unique over corpora, "ravdess-07". label: the corpus' own word,
    as in the corpus' LABELS.
    """

    path: Path
    corpus: str
    speaker: str
    label: str


def sound_files(folder: Path, pattern: str, corpus: str, tree: str) -> list[Path]:
    """Sound files under a corpus folder in the order of their names; an error shows the expected tree."""
    if not folder.is_dir():
        raise EdgeEmotionError(f"{corpus}: no folder {folder}; expected {tree}")
    files = sorted((f for f in folder.glob(pattern) if f.suffix.lower() in SOUND), key=lambda f: f.name)
    if not files:
        raise EdgeEmotionError(f"{corpus}: no recordings in {folder}; expected {tree}")
    return files
