"""Checks Python itself and the wheels that edge-emotion's own metadata asks for."""

import importlib
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from edge_emotion.doctor_check import Finding, fail, first_line, ok, warn
from edge_emotion.doctor_requirement import Requirement, fits, requirement

PACKAGE = "edge-emotion"
OLDEST = ">=3.11"  # where there is no metadata to say it
EXTRAS = ("onnx", "video")  # what a device may have beside the plain install
MODULES = {
    "ai-edge-litert": "ai_edge_litert.interpreter", "opencv-python-headless": "cv2", "python-osc": "pythonosc"
}  # fmt: skip
# What gives the same module: `--window` asks for an OpenCV with windows.
INSTEAD = {
    "opencv-python-headless": ("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless")
}
Load = Callable[[str], Any]
VersionOf = Callable[[str], str]


@dataclass(frozen=True)
class Interpreter:
    """A Python. bits: 32 or 64; machine: the processor's architecture."""

    implementation: str = platform.python_implementation()
    version: str = platform.python_version()
    bits: int = 64 if sys.maxsize > 2**32 else 32
    machine: str = platform.machine()


def python(asked: str, interpreter: Interpreter | None = None) -> Finding:
    """Check the interpreter. asked: the versions it may have, ">=3.11" say."""
    interpreter = interpreter or Interpreter()
    found = (
        f"{interpreter.implementation} {interpreter.version}, {interpreter.bits} bit, {interpreter.machine}"
    )
    if interpreter.implementation != "CPython":
        return fail(found, "make the environment with CPython (python3): the wheels exist for no other one")
    if not fits(interpreter.version, asked):
        return fail(
            f"{found}; expected {asked}", f"make the environment with a Python {asked}: python3 -m venv"
        )
    if interpreter.bits != 64:
        return fail(found, "install a 64-bit system (Raspberry Pi OS 64-bit): LiteRT has no 32-bit wheels")
    return ok(found)


def python_asked() -> str:
    """The versions of Python that the package's metadata asks for."""
    try:
        return metadata.metadata(PACKAGE)["Requires-Python"]
    except metadata.PackageNotFoundError:
        return OLDEST


def wheels_asked(lines: Sequence[str] | None = None) -> list[Requirement]:
    """What the plain install needs on this machine, by the metadata; [] where the package has none."""
    return [wheel for wheel in _requirements(lines) if wheel.applies()]


def _requirements(lines: Sequence[str] | None) -> list[Requirement]:
    if lines is None:
        try:
            lines = metadata.requires(PACKAGE) or []
        except metadata.PackageNotFoundError:
            lines = []
    return [requirement(line) for line in lines]


def no_metadata() -> Finding:
    """What is said where the package's metadata is missing, so that no wheel can be checked."""
    return warn(
        f"{PACKAGE} runs from a folder, without the metadata of an install", "install it: pip install ."
    )


def wheel(
    asked: Requirement, load: Load = importlib.import_module, version: VersionOf = metadata.version
) -> Finding:
    """Check that a wheel is installed, in a version that is asked for, and loads."""
    have = _installed(asked.name, version)
    install = f"pip install '{asked.name}{asked.versions}'"
    if have is None:
        return fail(f"not installed; expected {asked.name}{asked.versions}", install)
    name, number = have
    found = number if name == asked.name else f"{name} {number}"
    if not fits(number, asked.versions):
        return fail(f"{found}; expected {asked.versions}", install)
    try:
        load(MODULES.get(asked.name, asked.name.replace("-", "_").lower()))
    except Exception as error:  # noqa: BLE001 - a broken wheel may raise anything: it is what was found
        if asked.name == "sounddevice" and isinstance(error, OSError):
            return ok(f"{found}, its library is missing: see portaudio")
        return fail(
            f"{found} does not load: {type(error).__name__}: {first_line(error)}",
            f"pip install --force-reinstall '{asked.name}{asked.versions}'",
        )
    return ok(found)


def extra(
    name: str,
    lines: Sequence[str] | None = None,
    load: Load = importlib.import_module,
    version: VersionOf = metadata.version,
) -> Finding:
    """Check what an extra adds; it may be missing."""
    every = _requirements(lines)
    added = [wheel for wheel in every if wheel.applies(name) and not wheel.applies()]
    if all(_installed(asked.name, version) is None for asked in added):
        return ok("not installed, optional")
    findings = [(asked, wheel(asked, load, version)) for asked in added]
    found = ", ".join(f"{asked.name} {finding.found}" for asked, finding in findings)
    do = next((finding.do for _, finding in findings if finding.do is not None), None)
    return ok(found) if do is None else warn(found, do)


def _installed(name: str, version: VersionOf) -> tuple[str, str] | None:
    """Name and version of what is installed of a package, or instead of it."""
    for one in (name, *INSTEAD.get(name, ())):
        try:
            return one, version(one)
        except metadata.PackageNotFoundError:
            continue
    return None
