"""The networks that a manifest lists: file, engine, precision and sha256 of each, checked."""

from dataclasses import dataclass
from typing import Any

from edge_emotion.manifest_check import ManifestCheck

ENGINES = ("litert", "onnx")
PRECISIONS = ("fp32", "fp16", "int8", "int8-dynamic")
# Precision: the first network that the manifest lists for an engine. Engine: LiteRT, where the bundle has any for it.
AUTO = "auto"
MOST = 16  # networks of a list


@dataclass(frozen=True)
class NetworkFile:
    """One network of a bundle; engine: "litert" or "onnx"; precision: one of PRECISIONS."""

    file: str
    engine: str
    precision: str
    sha256: str


def check_networks(check: ManifestCheck, found: Any, name: str) -> tuple[NetworkFile, ...]:
    """A list of networks, one for each engine and precision; name: the field that holds it."""
    networks: list[NetworkFile] = []
    for i, entry in enumerate(check.array(found, name, 1, MOST)):
        field = f"{name}[{i}]"
        table = check.table(entry, field)
        check.keys(table, ("file", "engine", "precision", "sha256"), field)
        network = NetworkFile(
            file=check.plain(table["file"], f"{field}.file"),
            engine=check.choice(table["engine"], f"{field}.engine", ENGINES),
            precision=check.choice(table["precision"], f"{field}.precision", PRECISIONS),
            sha256=check.sha256(table["sha256"], f"{field}.sha256"),
        )
        if any((n.engine, n.precision) == (network.engine, network.precision) for n in networks):
            check.fail(f"{field}: a second {network.precision} network for {network.engine}")
        networks.append(network)
    return tuple(networks)
