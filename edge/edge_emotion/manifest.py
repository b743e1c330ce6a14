"""The manifest of a bundle: what its networks expect and say, checked field by field before anything uses it.

A version 1 manifest.json is one object with exactly these keys:

    format      "edge-emotion bundle"
    version     1
    name        plain name of the bundle, "voice"
    modality    "voice", "face", "face-voice", later "body"
    labels      the network's classes, in the order of its outputs
    label_map   {label: one of the seven emotions} for every label
    window      {nodes, period, hop, feature_set, feature_version, features, mean, scale}, see window.py
    temperature divides the logits, fitted on validation speakers; .05 to 20
    networks    [{file, engine, precision, sha256}, ...], of each engine the one that a device should take first
    card        {file, sha256}: the model card, markdown
    about       free keys, never needed to run: architecture, corpora, licence, metrics ...; printable text, finite
                numbers, at most MAX_DEPTH objects and lists in one another

Version 2 has one key more, for the feature set "face", whose nodes carry an embedding of the face's picture:

    appearance  {crop, embedding, period, networks}: side of the aligned crop in pixels, numbers that a network gives
                for it (the last of a node's features), seconds between two runs, networks as above

Version 3 has another key more, for the feature set "spikes", of face and voice together, and no appearance:

    spiking     {seed, face, sound, networks}: what its spiking network sees and is, see spiking_contract.py

A key that a reader does not know is refused everywhere but under "about": it may change what the numbers
mean. A modality that needs another key raises the version, and an older edge-emotion then asks to be updated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge_emotion.emotions import EMOTIONS
from edge_emotion.manifest_check import MANIFEST, ManifestCheck, decoded, shown
from edge_emotion.network_file import NetworkFile, check_networks
from edge_emotion.spiking_contract import SPIKES, SpikingContract, check_decision, check_spiking
from edge_emotion.window import WindowContract

FORMAT = "edge-emotion bundle"
VERSION = 3  # the newest that this edge-emotion reads
APPEARANCE_FEATURE_SET = "face"  # the one whose nodes need the appearance networks
# Feature set -> the version that can say what it needs, and the key that says it; every other one is of version 1.
NEEDS = {APPEARANCE_FEATURE_SET: (2, "appearance"), SPIKES: (3, "spiking")}

MAX_LABELS = 64
MAX_SIZE = 4096  # nodes, features, nodes in a hop
CROPS = (8, 512)  # pixels of a crop's side
TEMPERATURES = (
    0.05,
    20.0,
)  # beyond these a fit has failed, and probabilities would all be 0 and 1, or all equal

_KEYS = ("name", "modality", "labels", "label_map", "window", "temperature", "networks", "card", "about")
_WINDOW_KEYS = ("nodes", "period", "hop", "feature_set", "feature_version", "features", "mean", "scale")
_APPEARANCE_KEYS = ("crop", "embedding", "period", "networks")


@dataclass(frozen=True)
class CardFile:
    """The bundle's card: file name and sha256."""

    file: str
    sha256: str


@dataclass(frozen=True)
class AppearanceContract:
    """What the appearance networks of a bundle take and give.

    crop: pixels of the side of an aligned grey crop, input (1, crop, crop, 1).
    embedding: numbers that they give for it, output (1, embedding), the last of a node's features.
    period: seconds between two runs; between them the embedding is held.
    networks: the networks, one for each engine and precision.
    """

    crop: int
    embedding: int
    period: float
    networks: tuple[NetworkFile, ...]


@dataclass(frozen=True)
class Manifest:
    """A checked manifest; fields as in the module's tables, appearance and spiking None where the version has none."""

    name: str
    modality: str
    labels: tuple[str, ...]
    label_map: Mapping[str, str]
    window: WindowContract
    temperature: float
    networks: tuple[NetworkFile, ...]
    card: CardFile
    about: Mapping[str, Any]
    appearance: AppearanceContract | None = None
    spiking: SpikingContract | None = None

    def every_network(self) -> tuple[NetworkFile, ...]:
        """The networks over windows, those over crops and the spiking one."""
        more = [part.networks for part in (self.appearance, self.spiking) if part is not None]
        return sum(more, self.networks)

    def files(self) -> dict[str, str]:
        """File name -> sha256 of every file that the manifest names."""
        return {
            **{network.file: network.sha256 for network in self.every_network()},
            self.card.file: self.card.sha256,
        }


def parse_manifest(text: bytes, where: str) -> Manifest:
    """Check the bytes of a manifest.json and give what they say.

    where: how errors name the bundle. Raises EdgeEmotionError, one line that names the field.
    """
    return check_manifest(decoded(text, where), where)


def version_of(manifest: Mapping[str, Any]) -> int:
    """The oldest version that can say what a manifest says."""
    return max((version for version, key in NEEDS.values() if key in manifest), default=1)


def check_manifest(found: Any, where: str) -> Manifest:
    """Check a decoded manifest and give what it says; EdgeEmotionError names the field that is wrong."""
    check = ManifestCheck(where)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        check.fail(f"is not an edge-emotion bundle: its {MANIFEST} does not say format {FORMAT!r}")
    version = check.integer(found.get("version"), "version", 1, 1 << 30)
    if version > VERSION:
        check.fail(
            f"was made by a newer edge-emotion (bundle version {version}, this one reads up to {VERSION}): "
            "update edge-emotion"
        )
    extra = tuple(key for needed, key in NEEDS.values() if needed == version)
    check.keys(found, ("format", "version", *_KEYS, *extra), f"a manifest of version {version}")

    name = check.plain(found["name"], "name")
    labels = check.array(found["labels"], "labels", 1, MAX_LABELS)
    classes = tuple(check.line(label, "labels") for label in labels)
    if len(set(classes)) != len(classes):
        check.fail("labels: expected every label once")
    window = _window(check, found["window"])
    _check_version(check, window.feature_set, version)
    manifest = Manifest(
        name=name,
        modality=check.plain(found["modality"], "modality"),
        labels=classes,
        label_map=_label_map(check, found["label_map"], classes),
        window=window,
        temperature=_temperature(check, found["temperature"]),
        networks=check_networks(check, found["networks"], "networks"),
        card=_card(check, found["card"]),
        about=_about(check, found["about"]),
        appearance=_appearance(check, found["appearance"], window) if "appearance" in extra else None,
        spiking=check_spiking(check, found["spiking"], window) if "spiking" in extra else None,
    )
    if manifest.spiking is not None:
        check_decision(check, manifest.networks, manifest.modality)
    _check_files(check, manifest)
    return manifest


def _check_version(check: ManifestCheck, feature_set: str, version: int) -> None:
    """Check that a feature set comes with what it needs and nothing else."""
    needed, key = NEEDS.get(feature_set, (1, ""))
    if needed != version:
        others = " or ".join(f"{word} networks" for _, word in NEEDS.values())
        check.fail(
            f"version: the feature set {feature_set} needs version {needed}, "
            f"{f'with {key} networks' if key else f'without {others}'}, got {version}"
        )


def _check_files(check: ManifestCheck, manifest: Manifest) -> None:
    """Check that every file is named once."""
    named = {MANIFEST}
    for network in manifest.every_network():
        if network.file in named:
            check.fail(f"networks: the file {network.file} is named twice")
        named.add(network.file)
    if manifest.card.file in named:
        check.fail(f"card: the file {manifest.card.file} is named twice")


def _temperature(check: ManifestCheck, found: Any) -> float:
    temperature = check.number(found, "temperature", above_zero=True)
    least, most = TEMPERATURES
    if not least <= temperature <= most:
        check.fail(f"temperature: expected {least:g} to {most:g}, got {shown(found)}")
    return temperature


def _about(check: ManifestCheck, found: Any) -> dict[str, Any]:
    table = check.table(found, "about")
    check.free(table, "about")
    return table


def _label_map(check: ManifestCheck, found: Any, labels: tuple[str, ...]) -> dict[str, str]:
    table = check.table(found, "label_map")
    if set(table) != set(labels):
        odd = sorted(set(table) ^ set(labels))
        check.fail(f"label_map: expected the {len(labels)} labels of the bundle, differs in {shown(odd)}")
    for label, emotion in table.items():
        if emotion not in EMOTIONS:
            check.fail(
                f"label_map: {shown(label)} is mapped to {shown(emotion)}, expected one of: "
                + ", ".join(EMOTIONS)
            )
    return {label: table[label] for label in labels}


def _window(check: ManifestCheck, found: Any) -> WindowContract:
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


def _statistics(
    check: ManifestCheck, found: Any, field: str, count: int, above_zero: bool
) -> tuple[float, ...]:
    values = check.array(found, field, 0, MAX_SIZE)
    if len(values) != count:
        check.fail(f"{field}: expected {count} numbers, one a feature, got {len(values)}")
    return tuple(check.number(value, f"{field}[{i}]", above_zero) for i, value in enumerate(values))


def _appearance(check: ManifestCheck, found: Any, window: WindowContract) -> AppearanceContract:
    table = check.table(found, "appearance")
    check.keys(table, _APPEARANCE_KEYS, "appearance")
    period = check.number(table["period"], "appearance.period", above_zero=True)
    length = window.nodes * window.period
    if period < window.period:
        check.fail(
            f"appearance.period: expected at least a node's {window.period:g} s, got {shown(table['period'])}"
        )
    if period > length:
        check.fail(
            f"appearance.period: expected at most the window's {length:g} s, got {shown(table['period'])}"
        )
    return AppearanceContract(
        crop=check.integer(table["crop"], "appearance.crop", *CROPS),
        embedding=check.integer(table["embedding"], "appearance.embedding", 1, window.features),
        period=period,
        networks=check_networks(check, table["networks"], "appearance.networks"),
    )


def _card(check: ManifestCheck, found: Any) -> CardFile:
    table = check.table(found, "card")
    check.keys(table, ("file", "sha256"), "card")
    return CardFile(check.plain(table["file"], "card.file"), check.sha256(table["sha256"], "card.sha256"))
