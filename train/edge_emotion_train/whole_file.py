"""Text files that are written whole or not at all."""

from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write a file through a neighbour that then takes its name; a crash leaves the old one."""
    unfinished = path.with_suffix(path.suffix + ".part")
    unfinished.write_text(text)
    unfinished.replace(path)
