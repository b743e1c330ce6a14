"""ONNX networks that point outside the bundle, or are none."""

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from handmade_bundle import good_files, good_manifest, onnx_network, raw_bundle, refusal, signed


def with_external_data(place: str) -> bytes:
    """An ONNX network that has one tensor outside, at each place where a tensor can be."""
    outside = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2])
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="/etc/passwd")
    model = onnx.load_from_string(onnx_network())
    constant = helper.make_node("Constant", [], ["c"], value=outside)
    if place == "initializer":
        model.graph.initializer.append(outside)
    elif place == "constant":
        model.graph.node.append(constant)
    elif place == "subgraph":
        inner = helper.make_graph([constant], "inner", [], [])
        model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner))
    elif place == "function":
        model.functions.append(helper.make_function("f", "F", [], ["c"], [constant], []))
    elif place == "sparse":
        model.graph.sparse_initializer.append(onnx.SparseTensorProto(values=outside, dims=[2]))
    else:
        model.graph.initializer.append(outside)
        del model.graph.initializer[-1].external_data[:]
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    "place", ["initializer", "constant", "subgraph", "function", "sparse", "location only"]
)
def test_onnx_that_points_outside_the_bundle(tmp_path: Path, place: str) -> None:
    files = {**good_files(), "net.onnx": with_external_data(place)}
    path = raw_bundle(tmp_path / "outside.emo", signed(good_manifest(), files), files)
    assert "net.onnx refused: it refers to data outside the bundle" in refusal(path)


def test_onnx_with_a_disguised_field_number(tmp_path: Path) -> None:
    # Field 7 with a bit beyond the 32nd: some readers cut the key and see a graph.
    disguised = bytes([0xBA, 0x80, 0x80, 0x80, 0x10, 0x00])
    files = {**good_files(), "net.onnx": onnx_network() + disguised}
    path = raw_bundle(tmp_path / "odd.emo", signed(good_manifest(), files), files)
    assert "not an ONNX network" in refusal(path)


@pytest.mark.parametrize("content", [b"\x0a\xff", b"\x07", b"\x80", b"\x0a" + b"\x80" * 12, b"GIF89a"])
def test_onnx_that_is_no_protobuf(tmp_path: Path, content: bytes) -> None:
    files = {**good_files(), "net.onnx": content}
    path = raw_bundle(tmp_path / "odd.emo", signed(good_manifest(), files), files)
    assert "not an ONNX network" in refusal(path)
