"""The two runtimes behind one interface, on networks small enough to work by hand."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_emotion.bundle import Bundle, read_bundle
from edge_emotion.engine import open_appearance, open_engine
from edge_emotion.errors import EdgeEmotionError
from handmade_bundle import (
    face_files,
    face_manifest,
    good_files,
    good_manifest,
    onnx_crop_network,
    onnx_network,
    raw_bundle,
    signed,
)


def bundle_with(path: Path, **files: bytes) -> Bundle:
    """The handmade bundle with net.onnx or net.tflite replaced."""
    content = {**good_files(), **{f"net.{kind}": data for kind, data in files.items()}}
    return read_bundle(raw_bundle(path / "small.emo", signed(good_manifest(), content), content))


def test_onnx_runs_a_network_worked_by_hand(tmp_path: Path) -> None:
    engine = open_engine(bundle_with(tmp_path), "onnx")
    x = np.arange(8, dtype=np.float32).reshape(1, 4, 2)
    logits = engine.run(x)
    # Mean over the nodes: (3, 4); three columns of ones: 7 each.
    assert logits.dtype == np.float32 and logits.shape == (1, 3)
    np.testing.assert_array_equal(logits, [[7, 7, 7]])
    assert (engine.name, engine.version) == ("onnx", importlib.import_module("onnxruntime").__version__)


@pytest.mark.parametrize("threads", [0, -1, 65])
def test_a_number_of_threads_out_of_range(tmp_path: Path, threads: int) -> None:
    with pytest.raises(EdgeEmotionError, match=f"expected 1 to 64 threads, got {threads}"):
        open_engine(bundle_with(tmp_path), "onnx", threads=threads)


def test_an_unknown_engine(tmp_path: Path) -> None:
    with pytest.raises(EdgeEmotionError, match="unknown engine 'tensorrt', expected one of: litert, onnx"):
        open_engine(bundle_with(tmp_path), "tensorrt")


def test_a_precision_that_the_bundle_lacks(tmp_path: Path) -> None:
    with pytest.raises(EdgeEmotionError, match="no int8 network for onnx"):
        open_engine(bundle_with(tmp_path), "onnx", "int8")


@pytest.mark.parametrize(
    ("engine", "package", "install"),
    [("litert", "ai-edge-litert", "ai-edge-litert"), ("onnx", "onnxruntime", r"'edge-emotion\[onnx\]'")],
)
def test_a_missing_runtime_names_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, package: str, install: str
) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("edge_emotion.engine.importlib.import_module", absent)
    with pytest.raises(EdgeEmotionError, match=f"{package} is not installed.*pip install {install}"):
        open_engine(bundle_with(tmp_path), engine)


@pytest.mark.parametrize("shape", [{"nodes": 5}, {"features": 3}, {"classes": 2}])
def test_shapes_that_are_not_the_manifests(tmp_path: Path, shape: dict[str, int]) -> None:
    bundle = bundle_with(tmp_path, onnx=onnx_network(**shape))
    with pytest.raises(EdgeEmotionError, match=r"inputs and outputs .* its manifest says"):
        open_engine(bundle, "onnx")


@pytest.mark.parametrize(
    ("engine", "kind", "content"),
    [
        ("litert", "tflite", b"not a network"),
        ("litert", "tflite", b""),
        ("litert", "tflite", b"\x1c\0\0\0TFL3" + bytes(64)),
        ("onnx", "onnx", b""),
        ("onnx", "onnx", onnx_network()[:-20]),
        ("onnx", "onnx", onnx_network().replace(b"MatMul", b"MatMob")),
    ],
)
def test_a_network_that_does_not_open(tmp_path: Path, engine: str, kind: str, content: bytes) -> None:
    with pytest.raises(EdgeEmotionError) as caught:
        open_engine(bundle_with(tmp_path, **{kind: content}), engine)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def face_with(path: Path, **files: bytes) -> Bundle:
    """The handmade face bundle with crop.onnx or crop.tflite replaced."""
    content = {**face_files(), **{f"crop.{kind}": data for kind, data in files.items()}}
    return read_bundle(raw_bundle(path / "face.emo", signed(face_manifest(), content), content))


def test_an_appearance_network_worked_by_hand(tmp_path: Path) -> None:
    engine = open_appearance(face_with(tmp_path), "onnx")
    crop = np.zeros((1, 8, 8, 1), np.float32)
    crop[0, :4, :, 0] = 3.0
    embedding = engine.run(crop)
    # Half of the pixels are 3, so the mean is 1.5; times 1 and 2.
    assert embedding.dtype == np.float32 and embedding.shape == (1, 2)
    np.testing.assert_array_equal(embedding, [[1.5, 3.0]])
    logits = open_engine(face_with(tmp_path), "onnx").run(np.ones((1, 4, 2), np.float32))
    np.testing.assert_array_equal(logits, [[2, 2, 2]])


@pytest.mark.parametrize("shape", [{"crop": 9}, {"embedding": 3}])
def test_an_appearance_network_of_other_shapes(tmp_path: Path, shape: dict[str, int]) -> None:
    bundle = face_with(tmp_path, onnx=onnx_crop_network(**shape))
    with pytest.raises(EdgeEmotionError, match=r"appearance network for onnx .* its manifest says"):
        open_appearance(bundle, "onnx")


def test_an_appearance_network_that_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(EdgeEmotionError, match="the appearance network for litert does not open"):
        open_appearance(face_with(tmp_path), "litert")


def test_no_appearance_to_open(tmp_path: Path) -> None:
    with pytest.raises(EdgeEmotionError, match="has no appearance networks"):
        open_appearance(bundle_with(tmp_path), "onnx")
    with pytest.raises(EdgeEmotionError, match="unknown engine 'tensorrt'"):
        open_appearance(face_with(tmp_path), "tensorrt")
    with pytest.raises(EdgeEmotionError, match="expected 1 to 64 threads, got 0"):
        open_appearance(face_with(tmp_path), "onnx", threads=0)
    with pytest.raises(EdgeEmotionError, match="no int8 appearance network for onnx"):
        open_appearance(face_with(tmp_path), "onnx", "int8")


def test_auto_takes_litert_where_the_bundle_has_it(tmp_path: Path) -> None:
    bundle = bundle_with(tmp_path)
    assert (bundle.engine_taken(), bundle.engine_taken("onnx")) == ("litert", "onnx")
    manifest = good_manifest()
    del manifest["networks"][1]
    files = {name: content for name, content in good_files().items() if name != "net.tflite"}
    alone = read_bundle(raw_bundle(tmp_path / "alone.emo", signed(manifest, files), files))
    assert (alone.engine_taken(), open_engine(alone).name) == ("onnx", "onnx")
    with pytest.raises(EdgeEmotionError, match="no network for litert, it has: onnx fp32"):
        open_engine(alone, "litert")


def test_auto_takes_the_network_that_the_manifest_lists_first(tmp_path: Path) -> None:
    manifest = good_manifest()
    manifest["networks"].insert(0, {"file": "small.tflite", "engine": "litert", "precision": "int8"})
    files = {**good_files(), "small.tflite": b"\x1c\0\0\0TFL3 another"}
    bundle = read_bundle(raw_bundle(tmp_path / "two.emo", signed(manifest, files), files))
    assert bundle.network("litert") == bundle.network("litert", "int8") == files["small.tflite"]
    assert bundle.network("litert", "fp32") == files["net.tflite"]
    with pytest.raises(EdgeEmotionError, match=r"no fp16 network for onnx, it has: litert int8, onnx fp32"):
        bundle.network("onnx", "fp16")
