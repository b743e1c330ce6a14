"""Bundles that lie: their zips, their manifests, and networks whose sha256 is right; read, opened and run once."""

import copy
import hashlib
import json
import random
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_emotion.archive import SUFFIX
from edge_emotion.bundle import MODELS, read_bundle
from edge_emotion.engine import input_shape, open_appearance, open_engine
from edge_emotion.spiking_network import open_spiking
from fuzz_bytes import NUMBERS, Case, mutated
from fuzz_networks import broken_onnx, broken_tflite
from fuzz_zips import archive, broken, entry
from handmade_bundle import good_manifest, onnx_network, signed
from tiny_body_bundle import write_tiny_body_bundle
from tiny_bundle import write_tiny_bundle
from tiny_face_bundle import write_tiny_face_bundle
from tiny_synch_bundle import write_tiny_synch_bundle
from tiny_tflite import linear_tflite

# Shipped bundle, engine and precision: each alone in a bundle of its own, whose changed network is the one opened.
SHIPPED = (
    ("voice", "litert", "fp32"), ("voice", "litert", "int8"), ("voice", "litert", "int8-dynamic"),
    ("voice", "onnx", "fp32"), ("voice", "onnx", "int8-dynamic"), ("body", "litert", "int8"),
    ("body", "onnx", "fp32"), ("face-landmarks", "litert", "int8-dynamic"), ("face", "litert", "int8-dynamic"),
    ("synch-graph", "onnx", "fp32"),
)  # fmt: skip
ODD = (
    None, True, False, 0, -1, 1, 2, 3, 1e-320, 1e308, -0.0, float("nan"), float("inf"), 10**400, -(10**30), 2**31,
    "", "x", "../x", "a" * 200, "\x1b[31m", "\ud800", "\u202e", "\0", [], {}, [[]], [None], {"a": 1}, [1] * 5000,
    "voice", "face", "spikes", "litert", "onnx", "fp32", "0" * 64, 0.5, 4096, 1000000,
)  # fmt: skip


@dataclass(frozen=True)
class Seed:
    """A good bundle: its manifest and its other files."""

    manifest: dict[str, Any]
    files: dict[str, bytes]


def _seed_of(path: Path) -> Seed:
    with zipfile.ZipFile(path) as source:
        files = {name: source.read(name) for name in source.namelist()}
    return Seed(json.loads(files.pop("manifest.json")), files)


def _alone(name: str, engine: str, precision: str) -> Seed:
    """A shipped bundle with one network of each list."""
    seed = _seed_of(MODELS / (name + SUFFIX))
    for lists in _network_lists(seed.manifest):
        taken = [each for each in lists if (each["engine"], each["precision"]) == (engine, precision)]
        lists[:] = taken or [each for each in lists if each["engine"] == engine][:1]
    named = {each["file"] for lists in _network_lists(seed.manifest) for each in lists}
    return Seed(seed.manifest, {k: v for k, v in seed.files.items() if k in named or k.endswith(".md")})


def _network_lists(manifest: dict[str, Any]) -> list[list[dict[str, Any]]]:
    more = [manifest[key]["networks"] for key in ("appearance", "spiking") if key in manifest]
    return [manifest["networks"], *more]


class Bundles:
    """Mutated bundles; see Fuzzed."""

    def __init__(self) -> None:
        writers = (write_tiny_bundle, write_tiny_face_bundle, write_tiny_body_bundle, write_tiny_synch_bundle)
        with tempfile.TemporaryDirectory() as folder:
            self._tiny = [_seed_of(write(Path(folder) / "tiny.emo")) for write in writers]
        self._tiny.insert(0, _handmade())
        self._alone = [_alone(*which) for which in SHIPPED]
        self._whole = [path.read_bytes() for path in sorted(MODELS.glob("*" + SUFFIX))]
        self._packed = [self._zip(seed, deflated) for seed in self._tiny for deflated in (True, False)]

    def good(self) -> list[Case]:
        return [Case("good", SUFFIX, self._zip(seed)) for seed in (*self._tiny, *self._alone)]

    def make(self, chance: random.Random) -> Case:
        what = chance.random()
        if what < 0.15:
            kind, content = "zip bytes", mutated(chance, chance.choice(self._packed), self._packed)
        elif what < 0.155:
            kind, content = "shipped bytes", mutated(chance, chance.choice(self._whole), self._packed)
        elif what < 0.40:
            seed = chance.choice(self._tiny[:4])
            kind, content = broken(chance, self._entries(seed, chance.random() < 0.5))
            kind = f"zip {kind}"
        elif what < 0.65:
            kind, content = self._manifest(chance, chance.choice(self._tiny))
        elif what < 0.69:
            kind, content = self._files(chance, chance.choice(self._tiny))
        else:
            kind, content = self._network(chance)
        return Case(kind, SUFFIX, content)

    def read(self, path: Path) -> None:
        bundle = read_bundle(path)
        for network in bundle.networks:
            opened = open_engine(bundle, network.engine, network.precision)
            logits = opened.run(np.zeros(input_shape(bundle), np.float32))
            assert (logits.shape, logits.dtype) == ((1, len(bundle.labels)), np.float32), logits.shape
        if bundle.appearance is not None:
            side = bundle.appearance.crop
            for network in bundle.appearance.networks:
                opened = open_appearance(bundle, network.engine, network.precision)
                numbers = opened.run(np.zeros((1, side, side, 1), np.float32))
                assert numbers.shape == (1, bundle.appearance.embedding), numbers.shape
        if bundle.spiking is not None:
            spiking = open_spiking(bundle)
            spiking.run((np.zeros(2, np.int64), np.arange(2, dtype=np.int64)))

    def _entries(self, seed: Seed, deflated: bool, text: bytes | None = None) -> list[Any]:
        text = json.dumps(seed.manifest).encode("utf-8", "surrogatepass") if text is None else text
        return [
            entry(name, content, deflated) for name, content in (("manifest.json", text), *seed.files.items())
        ]

    def _zip(self, seed: Seed, deflated: bool = False, text: bytes | None = None) -> bytes:
        return archive(self._entries(seed, deflated, text))

    def _manifest(self, chance: random.Random, seed: Seed) -> tuple[str, bytes]:
        text = json.dumps(seed.manifest).encode()
        what = chance.random()
        if what < 0.2:
            return "manifest bytes", self._zip(seed, text=mutated(chance, text, (text,)))
        if what < 0.3:
            return "manifest text", self._zip(seed, text=chance.choice(_texts(text, seed.manifest)))
        manifest = copy.deepcopy(seed.manifest)
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            _change(chance, manifest)
        return "manifest value", self._zip(Seed(manifest, seed.files))

    def _files(self, chance: random.Random, seed: Seed) -> tuple[str, bytes]:
        """Files that are not what the manifest says, and cards that are no text."""
        name = chance.choice(tuple(seed.files))
        changed = mutated(chance, seed.files[name], tuple(seed.files.values()))
        kind, files = "sha256", {**seed.files, name: changed}
        manifest = copy.deepcopy(seed.manifest)
        if name == manifest["card"]["file"]:
            kind = "card"
            cards = (
                b"\x1b[2J" * 9,
                b"\xff" * 9,
                b"a" * 300_000,
                "\u202e".encode(),
                changed,
                b"\n" * (15 << 20),
            )
            files[name] = chance.choice(cards)
            manifest["card"]["sha256"] = hashlib.sha256(files[name]).hexdigest()
        return kind, self._zip(Seed(manifest, files), deflated=len(files[name]) > 1 << 20)

    def _network(self, chance: random.Random) -> tuple[str, bytes]:
        # The spiking networks take thirty times as long as the others.
        seeds = self._alone if chance.random() < 0.3 else self._tiny[:4]
        seed = chance.choice(seeds[:-1] if chance.random() < 0.95 else [self._tiny[-1], self._alone[-1]])
        manifest = copy.deepcopy(seed.manifest)
        taken = chance.choice(chance.choice(_network_lists(manifest)))
        content = seed.files[taken["file"]]
        break_it = broken_tflite if taken["engine"] == "litert" else broken_onnx
        kind, changed = break_it(chance, content)
        taken["sha256"] = hashlib.sha256(changed).hexdigest()
        return kind, self._zip(Seed(manifest, {**seed.files, taken["file"]: changed}))


def _handmade() -> Seed:
    files = {"net.onnx": onnx_network(), "net.tflite": linear_tflite((1, 4, 2), 3), "card.md": b"# Small\n"}
    return Seed(signed(good_manifest(), files), files)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a decoded manifest, with each of its keys."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _change(chance: random.Random, manifest: dict[str, Any]) -> None:
    holder, key = chance.choice(list(_places(manifest))[: chance.choice((40, 100000))])
    what = chance.random()
    if what < 0.6:
        holder[key] = copy.deepcopy(chance.choice(ODD))
    elif what < 0.7:
        del holder[key]
    elif what < 0.8 and isinstance(holder, dict):
        name = chance.choice(("extra", "", "\x1b", "__class__", "appearance", "spiking"))
        holder[name] = copy.deepcopy(chance.choice(ODD))  # a list in it may be changed next
    elif what < 0.9:
        manifest["version"] = chance.choice((0, 1, 2, 3, 4, 2**30, "1", 1.0, True))
    else:
        nested: Any = 1
        for _ in range(chance.choice((5, 9, 50, 200))):
            nested = [nested] if chance.random() < 0.5 else {"a": nested}
        holder[key] = nested


def _texts(text: bytes, manifest: dict[str, Any]) -> tuple[bytes, ...]:
    """Manifests that are not the JSON text that they should be."""
    deep = 400_000
    number = chr(0x39) * 5000
    return (
        b"[" * deep, b'{"a":' * deep, b"[" * deep + b"]" * deep, b"", b"null", b"[]", b'"text"', b"\xff\xfe" + text,
        b"\xef\xbb\xbf" + text, text.decode().encode("utf-16"), text + b"\0", text + text, text[:-1] + b',"name":1}',
        text.replace(b"1.0", b"NaN", 1), text.replace(b"1.0", b"-Infinity", 1), text.replace(b"1.0", b"1e999", 1),
        text.replace(b"1.0", number.encode(), 1), text.replace(b"0.0", b"-" + number.encode()),
        text[:-1] + b',"x":"' + b"a" * (1 << 20) + b'"}', text + b" " * (1 << 20),
        text[:-1] + b',"x":[' + b"0," * 400_000 + b"0]}",
        json.dumps({**manifest, "about": {str(i): i for i in range(50_000)}}).encode(),
        *(json.dumps({**manifest, "version": number}).encode() for number in NUMBERS),
    )  # fmt: skip
