"""A microphone of the real ALSA, through its file plugin: it hands a recording over, faster than real time."""

import ctypes.util
from pathlib import Path

import numpy as np
import pytest
import soundfile

NEEDS_PORTAUDIO = pytest.mark.skipif(
    ctypes.util.find_library("portaudio") is None, reason="needs PortAudio: apt install libportaudio2"
)
MICROPHONE = """
pcm.testmic {{ type file slave.pcm "null" file "/dev/null" infile "{clip}" format "raw"
  hint {{ show on description "clip" }} }}
pcm.!default {{ type plug slave.pcm "testmic" }}
ctl.!default {{ type hw card 0 }}
"""


def make_home(folder: Path) -> Path:
    """A home folder whose .asoundrc has the microphone "testmic"; what it plays is clip.wav."""
    sound = np.random.default_rng(5).normal(0, 3000, 64000).astype(np.int16)
    (folder / "clip.raw").write_bytes(sound.tobytes())
    soundfile.write(folder / "clip.wav", sound, 16000)
    (folder / ".asoundrc").write_text(MICROPHONE.format(clip=folder / "clip.raw"))
    return folder
