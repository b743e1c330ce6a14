"""The finding of a video corpus' files."""

from collections.abc import Sequence
from pathlib import Path

from edge_emotion.errors import EdgeEmotionError

VIDEO = (".avi", ".mp4", ".mov", ".mkv", ".mpg")


def video_files(folder: Path, patterns: Sequence[str], corpus: str, tree: str) -> list[Path]:
    """Videos under a corpus folder in the order of their names, then paths; an error shows the expected tree.

    Hidden files, which some systems leave beside each file when they unpack, are none.
    """
    if not folder.is_dir():
        raise EdgeEmotionError(f"{corpus}: no folder {folder}; expected {tree}")
    found = {
        file
        for pattern in patterns
        for file in folder.glob(pattern)
        if file.suffix.lower() in VIDEO and not file.name.startswith(".")
    }
    if not found:
        raise EdgeEmotionError(f"{corpus}: no videos in {folder}; expected {tree}")
    return sorted(found, key=lambda file: (file.name, file))
