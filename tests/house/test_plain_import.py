"""Every module of the device part can be imported without the extras: torch, ONNX Runtime, PyAV and the rest."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORKSTATION = ["torch", "onnx", "litert_torch", "matplotlib", "edge_emotion_train", "edge_emotion_export"]
ABSENT = [*WORKSTATION, "onnxruntime", "av", "picamera2", "libcamera", "mediapipe"]

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in {absent}:
    sys.modules[name] = None
import edge_emotion
for module in pkgutil.walk_packages(edge_emotion.__path__, "edge_emotion."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        print(module.name)
"""


def test_every_edge_module_imports_without_the_extras():
    program = IMPORT_ALL.format(absent=ABSENT)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT / "edge", text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    files = {file.relative_to(ROOT / "edge") for file in (ROOT / "edge" / "edge_emotion").rglob("*.py")}
    expected = {
        ".".join(f.with_suffix("").parts).removesuffix(".__init__") for f in files if f.stem != "__main__"
    }
    assert {"edge_emotion", *done.stdout.split()} == expected
