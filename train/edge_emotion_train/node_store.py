"""Nodes of clips that were computed once, kept on disk under a name that changes with the clips and the code."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_emotion_train.corpora.clip import Clip

Nodes = NDArray[np.float32]
PIECE = 1 << 20  # bytes read at a time while a file is fingerprinted


def content(path: Path) -> bytes:
    """SHA-256 of a file, read in pieces: videos are large."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.digest()


def stored_nodes(
    clips: Sequence[Clip], code: bytes, compute: Callable[[Sequence[Path]], Iterable[Nodes]], cache: Path
) -> list[Nodes]:
    """Nodes (k, width) of each clip, k >= 0, read from `cache` or computed and written there; one corpus a call.

    code: what the computing code makes of something fixed, so that other code never gets nodes found here.
    compute: gives the nodes of the files, in their order.
    """
    digest = hashlib.sha256(code)
    for clip in clips:
        digest.update(clip.path.name.encode() + content(clip.path))
    file = cache / f"{clips[0].corpus}-{digest.hexdigest()[:16]}.npz"
    if not file.is_file():
        found = list(compute([clip.path for clip in clips]))
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part.npz")
        np.savez(unfinished, nodes=np.concatenate(found), lengths=np.array([len(nodes) for nodes in found]))
        unfinished.replace(file)
    with np.load(file) as stored:
        return np.split(stored["nodes"], np.cumsum(stored["lengths"])[:-1])
