"""The bundle reader against everything that may stand in its way; each refusal is one line that names the file."""

import io
import json
import os
import random
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edge_emotion.bundle import read_bundle, shipped_bundles, write_bundle
from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from handmade_bundle import (
    face_files,
    face_manifest,
    good_files,
    good_manifest,
    raw_bundle,
    refusal,
    signed,
    zip_of,
)


def test_a_good_bundle_comes_back_as_written(tmp_path: Path) -> None:
    files = good_files()
    bundle = write_bundle(tmp_path / "small.emo", good_manifest(), files)
    assert bundle == read_bundle(tmp_path / "small.emo")
    assert (bundle.name, bundle.modality, bundle.labels) == ("small", "voice", ("calm", "angry", "happy"))
    assert (bundle.window.nodes, bundle.window.hop, bundle.window.mean) == (4, 2, (0.5, -1.0))
    assert (bundle.temperature, bundle.card) == (1.5, "# Small\n")
    assert bundle.about == {"anything": ["goes", {"here": 1}]}
    assert bundle.size == (tmp_path / "small.emo").stat().st_size
    assert bundle.network("onnx", "fp32") == files["net.onnx"]
    assert bundle.network("litert", "fp32") == files["net.tflite"]
    assert raw_bundle(tmp_path / "raw.emo") and read_bundle(tmp_path / "raw.emo").labels == bundle.labels


def test_emotion_matrix_puts_each_label_on_its_emotion(tmp_path: Path) -> None:
    matrix = write_bundle(tmp_path / "small.emo", good_manifest(), good_files()).emotion_matrix()
    assert matrix.dtype == np.float32 and matrix.shape == (3, 7)
    sums = np.array([0.2, 0.5, 0.3], np.float32) @ matrix
    expected = {"neutral": 0.2, "anger": 0.5, "happiness": 0.3}
    np.testing.assert_allclose(sums, [expected.get(emotion, 0) for emotion in EMOTIONS])


def test_an_unknown_network_names_those_there_are(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "small.emo", good_manifest(), good_files())
    with pytest.raises(EdgeEmotionError, match="no int8 network for litert, it has: onnx fp32, litert fp32"):
        bundle.network("litert", "int8")


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    files = good_files()
    write_bundle(tmp_path / "a.emo", good_manifest(), files)
    write_bundle(tmp_path / "b.emo", good_manifest(), dict(reversed(files.items())))
    assert (tmp_path / "a.emo").read_bytes() == (tmp_path / "b.emo").read_bytes()


def test_a_refused_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "small.emo"
    write_bundle(path, good_manifest(), good_files())
    before = path.read_bytes()
    bad = [
        ({**good_manifest(), "temperature": -1}, good_files()),
        ({**good_manifest(), "temperature": float("nan")}, good_files()),
        ({**good_manifest(), "surprise": 1}, good_files()),
        (good_manifest(), {**good_files(), "net.onnx": b"\xff\xff"}),
        (good_manifest(), {**good_files(), "extra.bin": b"x"}),
        (good_manifest(), {"card.md": b"x"}),
        (good_manifest(), {**good_files(), "net.tflite": bytes((16 << 20) + 1)}),
    ]
    for manifest, files in bad:
        with pytest.raises(EdgeEmotionError):
            write_bundle(path, manifest, files)
        assert [p.name for p in tmp_path.iterdir()] == ["small.emo"]
        assert path.read_bytes() == before
    with pytest.raises(EdgeEmotionError, match="no folder"):
        write_bundle(tmp_path / "nowhere" / "small.emo", good_manifest(), good_files())


def test_missing_folder_empty_and_foreign_files(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "absent.emo")
    assert "a folder" in refusal(tmp_path)
    for name, content, expected in (
        ("empty.emo", b"", "empty file"),
        ("text.emo", b"not a bundle at all, just text", "not a zip"),
        ("half.emo", b"PK\x03\x04", "truncated"),
        ("sound.emo", b"RIFF" + bytes(400), "not a zip"),
    ):
        (tmp_path / name).write_bytes(content)
        assert expected in refusal(tmp_path / name)
    os.mkfifo(tmp_path / "pipe.emo")
    assert "not a regular file" in refusal(tmp_path / "pipe.emo")


def test_an_oversized_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.emo"
    with path.open("wb") as file:
        file.truncate((32 << 20) + 1)
    assert "at most" in refusal(path)


def test_truncation_anywhere_is_refused(tmp_path: Path) -> None:
    whole = raw_bundle(tmp_path / "whole.emo").read_bytes()
    path = tmp_path / "cut.emo"
    for length in range(1, len(whole), 37):
        path.write_bytes(whole[:length])
        refusal(path)


def test_random_damage_is_refused_or_harmless(tmp_path: Path) -> None:
    good = raw_bundle(tmp_path / "whole.emo")
    whole, expected = good.read_bytes(), read_bundle(good)
    path = tmp_path / "damaged.emo"
    chance = random.Random(0)
    refused = 0
    for _ in range(600):
        damaged = bytearray(whole)
        for _ in range(chance.choice([1, 1, 2, 8])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            read = read_bundle(path)
        except EdgeEmotionError as error:
            assert str(error).isprintable()
            refused += 1
        else:
            assert (read.labels, read.window, read.card) == (expected.labels, expected.window, expected.card)
    assert refused > 300


def test_a_zip_of_something_else(tmp_path: Path) -> None:
    assert "no manifest.json" in refusal(zip_of(tmp_path / "other.emo", [("readme.txt", b"hello")]))
    other = {"format": "somebody else's", "version": 1}
    assert "does not say format" in refusal(raw_bundle(tmp_path / "foreign.emo", other))
    assert "does not say format" in refusal(raw_bundle(tmp_path / "list.emo", [1, 2]))


def test_a_future_version_asks_for_an_update(tmp_path: Path) -> None:
    future = {"format": "edge-emotion bundle", "version": 4, "wholly": "different"}
    line = refusal(raw_bundle(tmp_path / "future.emo", future))
    assert "made by a newer edge-emotion" in line and "update" in line


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", "a/b", "..", "a\\b", "C:evil", ".hidden", "sp ace", "é"]
)
def test_names_that_are_not_plain(tmp_path: Path, name: str) -> None:
    path = zip_of(tmp_path / "x.emo", [("manifest.json", b"{}"), (name, b"x")])
    assert "plain file names" in refusal(path)
    manifest = signed(good_manifest(), good_files())
    manifest["networks"][0]["file"] = name
    assert "networks[0].file: expected a plain name" in refusal(raw_bundle(tmp_path / "y.emo", manifest))


def test_a_name_cut_by_a_zero_byte(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "x.emo", [("manifest.json", b"{}"), ("cardXmd", b"x")])
    path.write_bytes(path.read_bytes().replace(b"cardXmd", b"card\0md"))
    assert "plain file names" in refusal(path)


def test_duplicate_names(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = zip_of(tmp_path / "x.emo", [("manifest.json", b"{}"), ("a", b"1"), ("a", b"2")])
    assert "holds a twice" in refusal(path)


def test_zip_bombs_are_refused_before_they_unpack(tmp_path: Path) -> None:
    one = zip_of(tmp_path / "one.emo", [("manifest.json", b"{}"), ("bomb", bytes(17 << 20))])
    assert one.stat().st_size < 100_000
    assert "bomb has 17825792 bytes" in refusal(one)
    many = [(f"bomb{i}", bytes(12 << 20)) for i in range(3)]
    assert "its files have" in refusal(zip_of(tmp_path / "many.emo", [("manifest.json", b"{}"), *many]))
    manifest = zip_of(tmp_path / "manifest.emo", [("manifest.json", b" " * (2 << 20))])
    assert "manifest.json has 2097152 bytes, at most 1048576" in refusal(manifest)
    crowd = [(f"file{i}", b"") for i in range(40)]
    assert "unusual zip" in refusal(zip_of(tmp_path / "crowd.emo", [("manifest.json", b"{}"), *crowd]))


def test_a_bomb_that_declares_a_small_size(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "lie.emo", [("manifest.json", bytes(15 << 20))])
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<L", 15 << 20), struct.pack("<L", 100)))
    assert "damaged" in refusal(path)


def test_a_directory_larger_than_its_count_says(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "crowd.emo", [(f"file{i:04}", b"") for i in range(3000)])
    content = bytearray(path.read_bytes())
    content[-14:-10] = struct.pack("<HH", 2, 2)  # entries on this disk, entries
    path.write_bytes(content)
    assert "unusual zip" in refusal(path)


def test_encryption_and_rare_packing(tmp_path: Path) -> None:
    rare = zip_of(tmp_path / "rare.emo", [("manifest.json", b"{}")], zipfile.ZIP_LZMA)
    assert "unknown method" in refusal(rare)
    path = zip_of(tmp_path / "locked.emo", [("manifest.json", b"{}")])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "encrypted" in refusal(path)


def test_files_that_differ_from_the_manifest(tmp_path: Path) -> None:
    manifest = signed(good_manifest(), good_files())
    swapped = {**good_files(), "net.tflite": b"another"}
    assert "net.tflite is not the file its manifest names (wrong sha256)" in refusal(
        raw_bundle(tmp_path / "swapped.emo", manifest, swapped)
    )
    lost = {name: content for name, content in good_files().items() if name != "net.onnx"}
    assert "net.onnx is missing" in refusal(raw_bundle(tmp_path / "lost.emo", manifest, lost))
    added = {**good_files(), "run.sh": b"#!/bin/sh"}
    assert "run.sh, which its manifest does not name" in refusal(
        raw_bundle(tmp_path / "added.emo", manifest, added)
    )


def test_a_network_changed_after_opening(tmp_path: Path) -> None:
    path = raw_bundle(tmp_path / "small.emo")
    bundle = read_bundle(path)
    raw_bundle(path, signed(good_manifest(), good_files()), {**good_files(), "net.tflite": b"another"})
    with pytest.raises(EdgeEmotionError, match="wrong sha256"):
        bundle.network("litert", "fp32")


def test_a_card_that_would_drive_the_terminal(tmp_path: Path) -> None:
    for card, expected in ((b"# Card\x1b[2J\n", "control characters"), (b"\xff\xfe", "not UTF-8")):
        files = {**good_files(), "card.md": card}
        path = raw_bundle(tmp_path / "card.emo", signed(good_manifest(), files), files)
        assert expected in refusal(path)


def test_names_of_shipped_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_emotion.bundle.MODELS", tmp_path)
    write_bundle(tmp_path / "voice.emo", {**good_manifest(), "name": "voice"}, good_files())
    assert shipped_bundles() == ["voice"]
    assert read_bundle("voice").name == "voice"
    with pytest.raises(EdgeEmotionError, match="no model 'voise': did you mean 'voice'"):
        read_bundle("voise")


def test_the_manifest_is_readable_json(tmp_path: Path) -> None:
    path = tmp_path / "small.emo"
    write_bundle(path, good_manifest(), good_files())
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        assert archive.namelist() == ["manifest.json", "card.md", "net.onnx", "net.tflite"]
        assert json.loads(archive.read("manifest.json")) == signed(good_manifest(), good_files())


def test_a_face_bundle_comes_back_as_written(tmp_path: Path) -> None:
    files = face_files()
    bundle = write_bundle(tmp_path / "face.emo", face_manifest(), files)
    assert bundle == read_bundle(tmp_path / "face.emo")
    assert bundle.appearance is not None
    contract = bundle.appearance
    assert (contract.crop, contract.embedding, contract.period) == (8, 2, 0.1)
    assert [(n.file, n.engine, n.precision) for n in contract.networks] == [
        ("crop.onnx", "onnx", "fp32"),
        ("crop.tflite", "litert", "fp32"),
    ]
    assert bundle.appearance_network("onnx", "fp32") == files["crop.onnx"]
    assert bundle.appearance_network("litert") == files["crop.tflite"]
    assert bundle.network("onnx") == files["net.onnx"]
    with zipfile.ZipFile(tmp_path / "face.emo") as archive:
        assert json.loads(archive.read("manifest.json")) == signed(face_manifest(), files)


def test_an_unknown_appearance_network_names_those_there_are(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "face.emo", face_manifest(), face_files())
    expected = "no int8 appearance network for onnx, it has: onnx fp32, litert fp32"
    with pytest.raises(EdgeEmotionError, match=expected):
        bundle.appearance_network("onnx", "int8")
    voice = write_bundle(tmp_path / "small.emo", good_manifest(), good_files())
    with pytest.raises(EdgeEmotionError, match=r"has no appearance networks, its nodes \(speech\) need none"):
        voice.appearance_network("onnx")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"crop.tflite": b"another"}, "crop.tflite is not the file its manifest names (wrong sha256)"),
        ({"crop.onnx": None}, "crop.onnx is missing"),
        ({"crop2.onnx": b"x"}, "crop2.onnx, which its manifest does not name"),
    ],
)
def test_appearance_files_that_are_not_the_manifests(
    tmp_path: Path, files: dict[str, bytes | None], expected: str
) -> None:
    manifest = signed(face_manifest(), face_files())
    held = {name: content for name, content in {**face_files(), **files}.items() if content is not None}
    assert expected in refusal(raw_bundle(tmp_path / "wrong.emo", manifest, held))


def test_an_appearance_network_that_is_no_onnx(tmp_path: Path) -> None:
    files = {**face_files(), "crop.onnx": b"\xff\xff"}
    path = raw_bundle(tmp_path / "wrong.emo", signed(face_manifest(), files), files)
    assert "crop.onnx is not an ONNX network" in refusal(path)


def test_an_appearance_network_changed_after_opening(tmp_path: Path) -> None:
    path = raw_bundle(tmp_path / "face.emo", signed(face_manifest(), face_files()), face_files())
    bundle = read_bundle(path)
    swapped = {**face_files(), "crop.tflite": b"another"}
    raw_bundle(path, signed(face_manifest(), face_files()), swapped)
    with pytest.raises(EdgeEmotionError, match="wrong sha256"):
        bundle.appearance_network("litert")


def test_a_refused_face_leaves_nothing(tmp_path: Path) -> None:
    appearance = face_manifest()["appearance"]
    bad = [
        ({**face_manifest(), "appearance": {**appearance, "crop": 0}}, face_files()),
        ({**face_manifest(), "version": 1}, face_files()),
        ({**good_manifest(), "appearance": appearance}, face_files()),
        (face_manifest(), good_files()),
        (face_manifest(), {**face_files(), "crop.onnx": b"\xff\xff"}),
        (face_manifest(), {**face_files(), "crop.tflite": bytes((16 << 20) + 1)}),
    ]
    for manifest, files in bad:
        with pytest.raises(EdgeEmotionError):
            write_bundle(tmp_path / "face.emo", manifest, files)
        assert not list(tmp_path.iterdir())


def test_the_shipped_voice_is_still_read() -> None:
    voice = read_bundle("voice")
    assert (voice.modality, voice.appearance, voice.window.feature_set) == ("voice", None, "speech")
