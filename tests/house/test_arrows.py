"""train -> edge, export -> train and edge, edge -> neither; the device part needs the plain install alone."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKSTATION_EXTRAS = {"train", "export", "dev"}
IMPORT_NAMES = {
    "opencv_python_headless": "cv2",
    "python_osc": "pythonosc",
    "scikit_learn": "sklearn",
}  # where the module is not named like its package
# From apt, and a package that only an old numpy goes with: neither can be an extra; both are imported where used.
NO_EXTRA = {"picamera2", "libcamera", "mediapipe"}


def imported(source: str, top_level_only: bool = False) -> set[str]:
    """First parts of the module names that `source` imports."""
    tree = ast.parse(source)
    nodes = tree.body if top_level_only else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.add(node.module.split(".")[0])
    return names


def modules_of(requirements: list[str]) -> set[str]:
    """Import names of requirements such as "ai-edge-litert>=2.1"."""
    names = {re.match(r"[\w.-]+", line)[0].replace("-", "_") for line in requirements}
    return {IMPORT_NAMES.get(name, name) for name in names}


def sources(folder: str) -> list[Path]:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files, f"no Python files under {folder}/"
    return files


def test_imports_are_found_at_any_depth():
    source = "import torch.nn as nn\nfrom onnx import helper\ndef f():\n    import edge_emotion_train.cli\n"
    assert imported(source) == {"torch", "onnx", "edge_emotion_train"}
    assert imported(source, top_level_only=True) == {"torch", "onnx"}


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("edge", {"edge_emotion_train", "edge_emotion_export", "torch"}),
        ("train", {"edge_emotion_export"}),
    ],
)
def test_arrows(folder, forbidden):
    wrong = {
        str(file.relative_to(ROOT)): sorted(bad)
        for file in sources(folder)
        if (bad := imported(file.read_text()) & forbidden)
    }
    assert wrong == {}


def test_edge_imports_only_what_a_device_installs():
    plain = modules_of(PROJECT["dependencies"])
    extras = PROJECT["optional-dependencies"].items()
    optional = {
        module for name, wanted in extras if name not in WORKSTATION_EXTRAS for module in modules_of(wanted)
    }
    known = set(sys.stdlib_module_names) | plain | {"edge_emotion"}
    wrong = {}
    for file in sources("edge"):
        source = file.read_text()
        anywhere = imported(source) - known - optional - NO_EXTRA
        bad = (imported(source, top_level_only=True) - known) | anywhere
        if bad:
            wrong[str(file.relative_to(ROOT))] = sorted(bad)
    assert wrong == {}
