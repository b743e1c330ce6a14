"""The manifest of a bundle: what a network expects and says, checked field by field before anything uses it.

A version 1 manifest.json is one object with exactly these keys:

    format      "edge-emotion bundle"
    version     1
    name        plain name of the bundle, "voice"
    modality    "voice", later "face", "body"
    labels      the network's classes, in the order of its outputs
    label_map   {label: one of the seven emotions} for every label
    window      {nodes, period, hop, feature_set, feature_version, features, mean, scale}, see window.py
    temperature divides the logits, fitted on validation speakers; .05 to 20
    networks    [{file, engine, precision, sha256}, ...]
    card        {file, sha256}: the model card, markdown
    about       free keys, never needed to run: architecture, corpora, licence, metrics ...; printable text, finite
                numbers, at most MAX_DEPTH objects and lists in one another

A key that a reader does not know is refused everywhere but under "about": it may change what the numbers
mean. A modality that needs another key raises the version, and an older edge-emotion then asks to be updated.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.window import WindowContract

FORMAT = "edge-emotion bundle"
VERSION = 1
MANIFEST = "manifest.json"
ENGINES = ("litert", "onnx")
PRECISIONS = ("fp32", "fp16", "int8", "int8-dynamic")

MAX_MANIFEST = 1 << 20  # bytes
MAX_LABELS = 64
MAX_SIZE = 4096  # nodes, features, nodes in a hop
MAX_DEPTH = 8  # of what "about" holds
MAX_ENTRIES = 4096  # in one object or list of "about"
MAX_TEXT = 10_000  # characters of one text of "about"
TEMPERATURES = (
    0.05,
    20.0,
)  # beyond these a fit has failed, and probabilities would all be 0 and 1, or all equal
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)

_KEYS = ("name", "modality", "labels", "label_map", "window", "temperature", "networks", "card", "about")
_WINDOW_KEYS = ("nodes", "period", "hop", "feature_set", "feature_version", "features", "mean", "scale")


@dataclass(frozen=True)
class NetworkFile:
    """One network of a bundle; engine: "litert" or "onnx"; precision: one of PRECISIONS."""

    file: str
    engine: str
    precision: str
    sha256: str


@dataclass(frozen=True)
class CardFile:
    """The bundle's card: file name and sha256."""

    file: str
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A checked manifest; fields as in the module's table."""

    name: str
    modality: str
    labels: tuple[str, ...]
    label_map: Mapping[str, str]
    window: WindowContract
    temperature: float
    networks: tuple[NetworkFile, ...]
    card: CardFile
    about: Mapping[str, Any]

    def files(self) -> dict[str, str]:
        """File name -> sha256 of every file that the manifest names."""
        return {
            **{network.file: network.sha256 for network in self.networks},
            self.card.file: self.card.sha256,
        }


def parse_manifest(text: bytes, where: str) -> Manifest:
    """Check the bytes of a manifest.json and give what they say.

    where: how errors name the bundle. Raises EdgeEmotionError, one line that names the field.
    """
    return check_manifest(_decode(text, where), where)


def check_manifest(found: Any, where: str) -> Manifest:
    """Check a decoded manifest and give what it says; EdgeEmotionError names the field that is wrong."""
    check = _Check(where)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        check.fail(f"is not an edge-emotion bundle: its {MANIFEST} does not say format {FORMAT!r}")
    version = check.integer(found.get("version"), "version", 1, 1 << 30)
    if version > VERSION:
        check.fail(
            f"was made by a newer edge-emotion (bundle version {version}, this one reads {VERSION}): "
            "update edge-emotion"
        )
    check.keys(found, ("format", "version", *_KEYS), "the manifest")

    name = check.plain(found["name"], "name")
    labels = check.array(found["labels"], "labels", 1, MAX_LABELS)
    classes = tuple(check.line(label, "labels") for label in labels)
    if len(set(classes)) != len(classes):
        check.fail("labels: expected every label once")
    networks, card = _networks(check, found["networks"]), _card(check, found["card"])
    if card.file in [MANIFEST, *(network.file for network in networks)]:
        check.fail(f"card: the file {card.file} is named twice")
    return Manifest(
        name=name,
        modality=check.plain(found["modality"], "modality"),
        labels=classes,
        label_map=_label_map(check, found["label_map"], classes),
        window=_window(check, found["window"]),
        temperature=_temperature(check, found["temperature"]),
        networks=networks,
        card=card,
        about=_about(check, found["about"]),
    )


def printable(text: str) -> bool:
    """Whether a terminal may be shown a text: no control characters but newline and tab, no lone surrogates."""
    return all(character.isprintable() or character in "\n\t" for character in text)


def _temperature(check: "_Check", found: Any) -> float:
    temperature = check.number(found, "temperature", above_zero=True)
    least, most = TEMPERATURES
    if not least <= temperature <= most:
        check.fail(f"temperature: expected {least:g} to {most:g}, got {_shown(found)}")
    return temperature


def _about(check: "_Check", found: Any) -> dict[str, Any]:
    table = check.table(found, "about")
    _check_free(check, table, "about", MAX_DEPTH)
    return table


def _check_free(check: "_Check", found: Any, field: str, depth: int) -> None:
    """Check what is under "about", which people are shown; field: the dotted path to it."""
    if isinstance(found, dict | list):
        if depth == 0:
            check.fail(f"{field}: expected at most {MAX_DEPTH} objects and lists in one another")
        if len(found) > MAX_ENTRIES:
            check.fail(f"{field}: expected at most {MAX_ENTRIES} entries, got {len(found)}")
        if isinstance(found, list):
            for entry in found:
                _check_free(check, entry, field, depth - 1)
            return
        for key, entry in found.items():
            check.line(key, f"{field}, its keys")
            _check_free(check, entry, f"{field}.{key}"[:120], depth - 1)
    elif isinstance(found, str):
        if len(found) > MAX_TEXT or not printable(found):
            check.fail(f"{field}: expected at most {MAX_TEXT} printable characters, got {_shown(found)}")
    elif isinstance(found, int | float) and not isinstance(found, bool):
        check.number(found, field)


def _label_map(check: "_Check", found: Any, labels: tuple[str, ...]) -> dict[str, str]:
    table = check.table(found, "label_map")
    if set(table) != set(labels):
        odd = sorted(set(table) ^ set(labels))
        check.fail(f"label_map: expected the {len(labels)} labels of the bundle, differs in {_shown(odd)}")
    for label, emotion in table.items():
        if emotion not in EMOTIONS:
            check.fail(
                f"label_map: {_shown(label)} is mapped to {_shown(emotion)}, expected one of: "
                + ", ".join(EMOTIONS)
            )
    return {label: table[label] for label in labels}


def _window(check: "_Check", found: Any) -> WindowContract:
    table = check.table(found, "window")
    check.keys(table, _WINDOW_KEYS, "window")
    features = check.integer(table["features"], "window.features", 1, MAX_SIZE)
    return WindowContract(
        nodes=check.integer(table["nodes"], "window.nodes", 1, MAX_SIZE),
        period=check.number(table["period"], "window.period", above_zero=True),
        hop=check.integer(table["hop"], "window.hop", 1, MAX_SIZE),
        feature_set=check.plain(table["feature_set"], "window.feature_set"),
        feature_version=check.integer(table["feature_version"], "window.feature_version", 1, 1 << 30),
        features=features,
        mean=_statistics(check, table["mean"], "window.mean", features, above_zero=False),
        scale=_statistics(check, table["scale"], "window.scale", features, above_zero=True),
    )


def _statistics(check: "_Check", found: Any, field: str, count: int, above_zero: bool) -> tuple[float, ...]:
    values = check.array(found, field, 0, MAX_SIZE)
    if len(values) != count:
        check.fail(f"{field}: expected {count} numbers, one a feature, got {len(values)}")
    return tuple(check.number(value, f"{field}[{i}]", above_zero) for i, value in enumerate(values))


def _networks(check: "_Check", found: Any) -> tuple[NetworkFile, ...]:
    networks: list[NetworkFile] = []
    for i, entry in enumerate(check.array(found, "networks", 1, 16)):
        field = f"networks[{i}]"
        table = check.table(entry, field)
        check.keys(table, ("file", "engine", "precision", "sha256"), field)
        network = NetworkFile(
            file=check.plain(table["file"], f"{field}.file"),
            engine=check.choice(table["engine"], f"{field}.engine", ENGINES),
            precision=check.choice(table["precision"], f"{field}.precision", PRECISIONS),
            sha256=check.sha256(table["sha256"], f"{field}.sha256"),
        )
        if any(n.file == network.file for n in networks):
            check.fail(f"{field}: the file {network.file} is named twice")
        if any((n.engine, n.precision) == (network.engine, network.precision) for n in networks):
            check.fail(f"{field}: a second {network.precision} network for {network.engine}")
        networks.append(network)
    return tuple(networks)


def _card(check: "_Check", found: Any) -> CardFile:
    table = check.table(found, "card")
    check.keys(table, ("file", "sha256"), "card")
    return CardFile(check.plain(table["file"], "card.file"), check.sha256(table["sha256"], "card.sha256"))


class _Check:
    """Takes single values out of a decoded manifest; each refusal names the bundle and the field."""

    def __init__(self, where: str) -> None:
        self.where = where

    def fail(self, what: str) -> NoReturn:
        raise EdgeEmotionError(f"{self.where}: {what}")

    def keys(self, table: Mapping[str, Any], expected: tuple[str, ...], field: str) -> None:
        for key in expected:
            if key not in table:
                self.fail(f"{field}: {key!r} is missing")
        for key in table:
            if key not in expected:
                self.fail(f"{field}: unknown key {_shown(key)}, expected only: {', '.join(expected)}")

    def table(self, found: Any, field: str) -> dict[str, Any]:
        if not isinstance(found, dict):
            self.fail(f"{field}: expected an object, got {_shown(found)}")
        return found

    def array(self, found: Any, field: str, least: int, most: int) -> list[Any]:
        if not isinstance(found, list) or not least <= len(found) <= most:
            got = f"{len(found)} entries" if isinstance(found, list) else _shown(found)
            self.fail(f"{field}: expected a list of {least} to {most} entries, got {got}")
        return found

    def line(self, found: Any, field: str) -> str:
        if not isinstance(found, str) or not 0 < len(found) <= 100 or not found.isprintable():
            self.fail(f"{field}: expected a line of at most 100 printable characters, got {_shown(found)}")
        return found

    def plain(self, found: Any, field: str) -> str:
        if not isinstance(found, str) or not PLAIN_NAME.fullmatch(found):
            self.fail(f"{field}: expected a plain name (letters, digits, '.', '_', '-'), got {_shown(found)}")
        return found

    def choice(self, found: Any, field: str, known: tuple[str, ...]) -> str:
        if not isinstance(found, str) or found not in known:
            self.fail(f"{field}: expected one of {', '.join(known)}, got {_shown(found)}")
        return found

    def sha256(self, found: Any, field: str) -> str:
        if not isinstance(found, str) or not _SHA256.fullmatch(found):
            self.fail(f"{field}: expected 64 hexadecimal digits, got {_shown(found)}")
        return found

    def integer(self, found: Any, field: str, least: int, most: int) -> int:
        if type(found) is not int or not least <= found <= most:
            self.fail(f"{field}: expected a whole number from {least} to {most}, got {_shown(found)}")
        return found

    def number(self, found: Any, field: str, above_zero: bool = False) -> float:
        if type(found) is int and abs(found) < 1 << 53:
            found = float(found)
        # The runtime computes in float32: a number that overflows or vanishes there is refused here.
        fits = type(found) is float and math.isfinite(found) and abs(found) <= float(np.finfo(np.float32).max)
        if not fits or (above_zero and found < float(np.finfo(np.float32).tiny)):
            kind = "a finite number above zero" if above_zero else "a finite number"
            self.fail(f"{field}: expected {kind} within the range of float32, got {_shown(found)}")
        return float(found)


def _shown(found: Any) -> str:
    """A value from outside as it may stand in an error: one short printable line."""
    text = (
        ascii(found) if not isinstance(found, dict | list) else f"{type(found).__name__} {ascii(found)[:60]}"
    )
    return text if len(text) <= 80 else text[:77] + "..."


def _decode(text: bytes, where: str) -> Any:
    def no_constant(name: str) -> NoReturn:
        raise EdgeEmotionError(f"{where}: {MANIFEST} holds {name}, expected finite numbers only")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            raise EdgeEmotionError(f"{where}: {MANIFEST} names a key twice in one object")
        return table

    try:
        return json.loads(text.decode("utf-8"), parse_constant=no_constant, object_pairs_hook=unique)
    except (ValueError, RecursionError) as reason:
        raise EdgeEmotionError(f"{where}: {MANIFEST} is not JSON text ({type(reason).__name__})") from reason
