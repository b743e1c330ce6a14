"""Checks PortAudio and the microphones that it knows."""

from pathlib import Path
from typing import Any

from edge_emotion.doctor_access import Open, barrier, open_once
from edge_emotion.doctor_check import NONE, Finding, fail, listed, ok, warn
from edge_emotion.errors import EdgeEmotionError

INSTALL = "sudo apt install libportaudio2"


def portaudio(module: Any = None) -> Finding:
    """Check that PortAudio loads. module: sounddevice, or a stand-in for it."""
    from edge_emotion.sources.microphone import load_portaudio

    try:
        module = module or load_portaudio()
    except EdgeEmotionError as error:
        return fail(str(error), INSTALL)
    except ImportError as error:
        return fail(f"sounddevice does not load: {error}", "pip install --force-reinstall sounddevice")
    _, version = module.get_portaudio_version()
    return ok(version)


def microphones(root: Path, module: Any = None, opened: Open = open_once) -> Finding:
    """Check which microphones PortAudio knows, and whether Linux lets this user near those that it has."""
    from edge_emotion.sources.microphone import input_devices

    try:
        devices = input_devices(module)
    except (EdgeEmotionError, ImportError) as error:
        return warn(f"cannot be listed: {error}", f"mend portaudio first: {INSTALL}")
    if devices:
        names = [f"{device.number} {device.name!r}{' (default)' * device.default}" for device in devices]
        return ok(listed(names))
    recorders = _recorders(root)
    for node in recorders:
        barred = barrier(node, "audio", opened)
        if barred is not None:
            return fail(f"{node} {barred.why}", barred.do)
    if recorders:
        return warn(
            f"PortAudio knows none, Linux has {listed([str(node) for node in recorders])}",
            "end the program that holds it, or see what `arecord -l` says",
        )
    return ok(NONE)


def _recorders(root: Path) -> list[Path]:
    """ALSA's nodes that record: pcmC1D0c."""
    return sorted((root / "dev/snd").glob("pcmC*D*c"))
