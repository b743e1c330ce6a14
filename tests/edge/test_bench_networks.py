import importlib.util
import os
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from edge_emotion.bench_network_report import networks_section
from edge_emotion.bench_networks import (
    Subject,
    engines_measured,
    installed_engines,
    measure_networks,
    precision_taken,
    run_in_turn,
)
from edge_emotion.bench_networks import _subjects as subjects_of
from edge_emotion.bench_operations import network_size
from edge_emotion.bench_process import MATRIX_THREADS, one_matrix_thread
from edge_emotion.bundle import read_bundle
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_mesh import NETWORK as MESH
from edge_emotion.manifest import NetworkFile
from edge_emotion.settings import BenchSettings
from tiny_tflite import linear_tflite


def test_a_linear_layer_multiplies_once_for_each_weight() -> None:
    size = network_size(linear_tflite((1, 4, 5), 7))
    assert (size.multiply_accumulates, size.parameters) == (4 * 5 * 7, 4 * 5 * 7)


def test_the_operators_of_a_shipped_network_are_counted() -> None:
    bundle = read_bundle("voice")
    size = network_size(bundle.network("litert", "fp32"))
    assert 0.8 < size.parameters * 4 / len(bundle.network("litert", "fp32")) < 1  # four bytes a weight
    assert size.multiply_accumulates > bundle.window.nodes * size.parameters / 2  # most serve every node


def test_weights_kept_in_float16_count_once() -> None:
    from importlib import resources

    network = (resources.files("edge_emotion") / "models" / MESH).read_bytes()
    size = network_size(network)
    assert 0.9 < size.parameters * 2 / len(network) < 1  # two bytes a weight, and little else in the file
    first = 96 * 96 * 16 * 3 * 3 * 3  # of 192 x 192 x 3 pixels, every other one, 16 filters of 3 x 3
    assert size.multiply_accumulates > first


def test_what_is_no_network_is_one_line() -> None:
    with pytest.raises(EdgeEmotionError, match="expected a TFLite network") as caught:
        network_size(b"TFL3 and no more")
    assert len(str(caught.value).splitlines()) == 1


def test_every_network_is_measured_beside_the_reference(tiny_bundle: Path, tiny_face_bundle: Path) -> None:
    settings = BenchSettings(
        model=str(tiny_bundle), face_model=str(tiny_face_bundle), engines=("litert",), seconds=5.0
    )
    table = measure_networks(settings)
    assert table.rounds == 50
    costs = {(cost.network, cost.engine, cost.precision): cost for cost in table.networks}
    assert set(costs) == {
        ("tiny", "onnx", "fp32"),  # the reference runs although LiteRT alone was asked for
        ("tiny-face", "onnx", "fp32"),
        ("tiny-face appearance", "onnx", "fp32"),
        ("FaceMesh", "litert", "fp16"),
        ("face detector", "litert", "fp16"),
    }
    mesh = costs["FaceMesh", "litert", "fp16"]
    assert mesh.ratio is None
    assert mesh.multiply_accumulates is not None
    assert mesh.peak_share == pytest.approx(mesh.multiply_accumulates / mesh.p50 / table.peak)
    tiny = costs["tiny", "onnx", "fp32"]
    assert (tiny.ratio, tiny.multiply_accumulates, tiny.peak_share) == (1.0, None, None)  # no TFLite to count
    page = networks_section({"networks": asdict(table)}).markdown()
    assert "| tiny | onnx | fp32 |" in page
    assert f"- matrix peak: {table.peak / 1e9:.1f} billion MACs a second" in page
    assert "| - | - |\n" in page


def test_every_precision_that_a_bundle_lists_is_run(tiny_bundle: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    (fp32,) = bundle.networks
    several = replace(bundle, networks=(replace(fp32, precision="int8"), fp32))
    opened = [(subject.engine, subject.precision) for subject in subjects_of(several, {"onnx": ()})]
    assert opened == [("onnx", "int8"), ("onnx", "fp32")]
    reference = subjects_of(several, {"onnx": ("fp32",)})
    assert [subject.precision for subject in reference] == ["fp32"]
    assert subjects_of(several, {"litert": ()}) == []


def test_networks_take_turns_each_round() -> None:
    order: list[str] = []

    def subject(name: str) -> Subject:
        return Subject(name, "litert", "fp32", 1, None, lambda: order.append(name))

    times = run_in_turn([subject("a"), subject("b"), subject("c")], rounds=3, warm_up=1)
    assert times.shape == (3, 3)
    assert "".join(order) == "cab" + "abc" + "bca" + "cab"


def test_auto_is_the_first_that_the_bundle_lists_for_the_engine() -> None:
    networks = [
        NetworkFile(f"{engine}-{precision}", engine, precision, "")
        for engine, precision in (("onnx", "fp32"), ("litert", "int8"), ("litert", "fp32"))
    ]
    assert precision_taken(networks, "litert", "auto") == "int8"
    assert precision_taken(networks, "onnx", "auto") == "fp32"
    assert precision_taken(networks, "litert", "fp32") == "fp32"
    assert precision_taken(networks[:1], "litert", "auto") == "auto"


def test_a_runtime_that_is_not_installed_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed_engines() == ("litert", "onnx")
    assert engines_measured(BenchSettings(engines=("litert",))) == {"litert": (), "onnx": ("fp32",)}
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else found(name)
    )
    assert installed_engines() == ("litert",)
    assert engines_measured(BenchSettings(engines=("litert",))) == {"litert": ()}


def test_the_threads_of_matrices_are_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MATRIX_THREADS[0], "7")
    monkeypatch.delenv(MATRIX_THREADS[1], raising=False)
    with one_matrix_thread():
        assert {os.environ[name] for name in MATRIX_THREADS} == {"1"}
    assert os.environ[MATRIX_THREADS[0]] == "7"
    assert MATRIX_THREADS[1] not in os.environ
