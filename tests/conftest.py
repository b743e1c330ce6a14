import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of corpora and recordings beside the repository, or EDGE_EMOTION_DATA; skips without it."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("EDGE_EMOTION_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"needs the recordings in {folder} (or EDGE_EMOTION_DATA)")
    return folder


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle with real speech features and an untrained ONNX network."""
    from tiny_bundle import write_tiny_bundle

    return write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny.emo")


@pytest.fixture(scope="session")
def tiny_face_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle with real face shapes, an untrained appearance and graph network in ONNX."""
    from tiny_face_bundle import write_tiny_face_bundle

    return write_tiny_face_bundle(tmp_path_factory.mktemp("bundle") / "tiny-face.emo")


@pytest.fixture(scope="session")
def tiny_synch_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle for face and voice as one, with an untrained spiking and decision network in ONNX."""
    from tiny_synch_bundle import write_tiny_synch_bundle

    return write_tiny_synch_bundle(tmp_path_factory.mktemp("bundle") / "tiny-synch.emo")


@pytest.fixture(autouse=True)
def nobody_is_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Live runs as root are refused, and CI often is root: within this process nobody is."""
    monkeypatch.setattr("edge_emotion.cli_run.user_number", lambda: 1000)
    monkeypatch.setattr("edge_emotion.cli_run.lower_priority", lambda nice: None)
