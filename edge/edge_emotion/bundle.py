"""The model file `.emo`: a zip of manifest.json, networks and card.md, checked before any of it is used.

Nothing in a bundle is run or unpickled; archive.py distrusts the zip, manifest.py the manifest.
"""

import difflib
import hashlib
import json
import os
import stat
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.archive import MAX_CARD, SUFFIX, checked_contents, contents, open_archive
from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.manifest import FORMAT, NEEDS, AppearanceContract, Manifest, parse_manifest, version_of
from edge_emotion.manifest_check import MANIFEST, MAX_MANIFEST, printable
from edge_emotion.network_file import AUTO, ENGINES, NetworkFile
from edge_emotion.onnx_external import check_onnx_self_contained
from edge_emotion.spiking_contract import SpikingContract
from edge_emotion.window import WindowContract

__all__ = [
    "AppearanceContract",
    "Bundle",
    "NetworkFile",
    "SpikingContract",
    "modality_of",
    "read_bundle",
    "shipped_bundles",
    "write_bundle",
]

MODELS = Path(__file__).parent / "models"
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)  # the same bytes for the same content


@dataclass(frozen=True)
class Bundle:
    """A checked model file.

    name, modality: as the manifest says, "voice", "face" or "face-voice".
    labels: the network's classes; label_map: label -> one of EMOTIONS.
    window: what the network expects of one window.
    temperature: divides the logits before the softmax.
    networks: the networks inside; card: markdown; about: architecture, corpora, licence, metrics ...
    size: bytes of the file; path: where it is.
    appearance: the networks over face crops and what they take and give; None where nodes need none.
    spiking: the spiking network and what it sees; None where windows are not of spikes.
    """

    name: str
    modality: str
    labels: tuple[str, ...]
    label_map: Mapping[str, str]
    window: WindowContract
    temperature: float
    networks: tuple[NetworkFile, ...]
    card: str
    about: Mapping[str, Any]
    size: int
    path: Path
    appearance: AppearanceContract | None = None
    spiking: SpikingContract | None = None

    def network(self, engine: str, precision: str = AUTO) -> bytes:
        """The network over windows for an engine and a precision, its sha256 checked.

        precision: "auto" takes the first that the bundle lists. EdgeEmotionError names the networks there are.
        """
        return self._content(self.networks, "network", engine, precision)

    def appearance_network(self, engine: str, precision: str = AUTO) -> bytes:
        """The network over face crops for an engine and a precision, its sha256 checked.

        EdgeEmotionError names the networks there are, and says where there are none.
        """
        if self.appearance is None:
            raise EdgeEmotionError(
                f"{self.path}: has no appearance networks, its nodes ({self.window.feature_set}) need none"
            )
        return self._content(self.appearance.networks, "appearance network", engine, precision)

    def spiking_network(self, engine: str = "onnx") -> bytes:
        """The spiking network for an engine, its sha256 checked; EdgeEmotionError where there is none."""
        if self.spiking is None:
            raise EdgeEmotionError(
                f"{self.path}: has no spiking network, its nodes ({self.window.feature_set}) need none"
            )
        return self._content(self.spiking.networks, "spiking network", engine, AUTO)

    def engine_taken(self, asked: str = AUTO) -> str:
        """The engine asked for; for "auto" LiteRT, or what a bundle without a network for it has."""
        known = [network.engine for network in self.networks]
        return asked if asked != AUTO else next(engine for engine in ENGINES if engine in known)

    def _content(self, entries: Sequence[NetworkFile], what: str, engine: str, precision: str) -> bytes:
        for entry in entries:
            if entry.engine == engine and precision in (AUTO, entry.precision):
                with open_archive(self.path) as members:
                    return checked_contents(members, entry.file, entry.sha256, self.path)
        known = ", ".join(f"{n.engine} {n.precision}" for n in entries)
        wanted = "" if precision == AUTO else f"{precision} "
        raise EdgeEmotionError(f"{self.path}: no {wanted}{what} for {engine}, it has: {known}")

    def emotion_matrix(self) -> NDArray[np.float32]:
        """(len(labels), 7) zeros and ones: probabilities over labels @ matrix = over EMOTIONS."""
        matrix = np.zeros((len(self.labels), len(EMOTIONS)), np.float32)
        for row, label in enumerate(self.labels):
            matrix[row, EMOTIONS.index(self.label_map[label])] = 1.0
        return matrix


def shipped_bundles() -> list[str]:
    """Names of the bundles that came with edge-emotion."""
    return sorted(path.stem for path in MODELS.glob("*" + SUFFIX))


def read_bundle(path: str | Path) -> Bundle:
    """Read and check a bundle by path, or a shipped one by name ("voice").

    Every file's sha256 is checked. Raises EdgeEmotionError, one line that names the file and its fault.
    """
    path = _find(path)
    with open_archive(path) as members:
        manifest = parse_manifest(contents(members, MANIFEST, MAX_MANIFEST, path), str(path))
        files = manifest.files()
        for name in members.sizes:
            if name != MANIFEST and name not in files:
                raise EdgeEmotionError(f"{path}: holds {name}, which its manifest does not name")
        for entry in manifest.every_network():
            network = checked_contents(members, entry.file, entry.sha256, path)
            if entry.engine == "onnx":
                check_onnx_self_contained(network, f"{path}: {entry.file}")
        card = checked_contents(members, manifest.card.file, manifest.card.sha256, path, MAX_CARD)
    known = {field.name: getattr(manifest, field.name) for field in fields(Manifest) if field.name != "card"}
    return Bundle(
        **known,
        card=_card_text(card, path),
        size=path.stat().st_size,
        path=path,
    )


def modality_of(path: str | Path) -> str | None:
    """What a bundle by path or shipped name is for; None for one that cannot be read: opening it says why."""
    try:
        found = _find(path)
        with open_archive(found) as members:
            return parse_manifest(contents(members, MANIFEST, MAX_MANIFEST, found), str(found)).modality
    except EdgeEmotionError:
        return None


def write_bundle(path: str | Path, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> Bundle:
    """Write a bundle: all of it or nothing, the same bytes for the same content.

    manifest: as manifest.py lists it; "format", "version" and each "sha256" are filled in here.
    files: name -> content of the networks and the card that the manifest names.
    The written file is read back with every check before it takes its place.
    """
    path = Path(path)
    text = _manifest_text(manifest, files, path)
    if not path.parent.is_dir():
        raise EdgeEmotionError(f"cannot write {path}: there is no folder {path.parent}")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as reason:
        raise EdgeEmotionError(f"cannot write {path}: {reason.strerror}") from reason
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
                for member, content in [(MANIFEST, text), *sorted(files.items())]:
                    info = zipfile.ZipInfo(member, _TIMESTAMP)
                    info.create_system = 3  # Unix, whatever machine writes
                    info.external_attr = (stat.S_IFREG | 0o644) << 16
                    archive.writestr(info, content, zipfile.ZIP_DEFLATED, 9)
            file.flush()
            os.fsync(file.fileno())
        read_bundle(part)
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)  # mkstemp gives 0600
        part.replace(path)
    except OSError as reason:
        raise EdgeEmotionError(f"cannot write {path}: {reason.strerror}") from reason
    finally:
        part.unlink(missing_ok=True)
    return read_bundle(path)


def _manifest_text(manifest: Mapping[str, Any], files: Mapping[str, bytes], path: Path) -> bytes:
    """The manifest with format, version and sha256 filled in, as JSON bytes."""

    def signed(entry: Mapping[str, Any]) -> dict[str, Any]:
        name = str(entry.get("file"))
        if name not in files:
            raise EdgeEmotionError(f"cannot write {path}: the manifest names {name!r}, which was not given")
        return {**entry, "sha256": hashlib.sha256(files[name]).hexdigest()}

    filled = {
        "format": FORMAT,
        "version": version_of(manifest),
        **manifest,
        "networks": [signed(entry) for entry in manifest["networks"]],
        "card": signed(manifest["card"]),
    }
    for _, key in NEEDS.values():
        if key in manifest:
            filled[key] = {
                **manifest[key],
                "networks": [signed(entry) for entry in manifest[key]["networks"]],
            }
    try:
        text = json.dumps(filled, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as reason:
        raise EdgeEmotionError(f"cannot write {path}: the manifest is not plain JSON ({reason})") from reason
    parse_manifest(text.encode(), f"cannot write {path}")
    return text.encode()


def _find(path: str | Path) -> Path:
    """The path of a bundle given by path or shipped name."""
    if isinstance(path, str) and os.sep not in path and not path.endswith(SUFFIX):
        names = shipped_bundles()
        if path in names:
            return MODELS / (path + SUFFIX)
        if not Path(path).exists():
            near = difflib.get_close_matches(path, names, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            known = ", ".join(names) or "none"
            raise EdgeEmotionError(
                f"no model {path!r}: {hint}shipped models: {known}; or give a {SUFFIX} file"
            )
    return Path(path)


def _card_text(card: bytes, path: Path) -> str:
    """The card as text; control characters are refused, because a terminal would obey them."""
    try:
        text = card.decode("utf-8")
    except UnicodeDecodeError as reason:
        raise EdgeEmotionError(f"{path}: the card is not UTF-8 text") from reason
    if not printable(text):
        raise EdgeEmotionError(f"{path}: refused, the card holds control characters")
    return text
