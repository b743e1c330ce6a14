"""The live path through the real PortAudio: an ALSA device that hands a file over as if it were recording.

The device is not paced: sound comes hundreds of times faster than real time, so these tests also overload the
bounded queue.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from alsa_microphone import NEEDS_PORTAUDIO, make_home
from edge_emotion.sources.offset import OffsetRemoval

pytestmark = NEEDS_PORTAUDIO

KEYS = {"v", "t", "emotion", "p", "confidence", "valence", "arousal", "identity", "modalities"}
READ = """
import sys
import time
import numpy as np
from edge_emotion.settings import MicrophoneSettings
from edge_emotion.sources.microphone import Microphone
microphone = Microphone(MicrophoneSettings("testmic", queue=600.0))
heard = []
for block in microphone:
    if block.lost or sum(map(len, heard)) >= 32000:
        break
    heard.append(block.samples)
microphone.close()
np.save(sys.argv[1], np.concatenate(heard))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"))


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "HOME": str(home)}
    variables.pop("ALSA_CONFIG_PATH", None)
    return subprocess.run(
        [sys.executable, *arguments], env=variables, capture_output=True, text=True, timeout=60, check=False
    )


def cli(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(home, "-m", "edge_emotion.cli", *arguments, *["--allow-root"] * ("--mic" in arguments))


def test_the_microphone_is_listed(home: Path) -> None:
    result = cli(home, "devices")
    assert result.returncode == 0
    assert result.stderr == ""
    assert "testmic [ALSA]" in result.stdout
    assert "default [ALSA] (default)" in result.stdout


def test_samples_arrive_bit_identical(home: Path, tmp_path: Path) -> None:
    result = run(home, "-c", READ, str(tmp_path / "heard.npy"))
    assert result.returncode == 0, result.stderr
    heard = np.load(tmp_path / "heard.npy")
    clip, _ = soundfile.read(home / "clip.wav", dtype="float32")
    assert len(heard) >= 1280
    expected = OffsetRemoval().push(clip)  # all that the source does to sound of its own rate
    assert np.array_equal(heard[:64000], expected[: len(heard)])


@pytest.mark.parametrize("device", ["testmic", "default", "0"])
def test_the_live_path_gives_events_and_counts_what_it_drops(
    home: Path, tiny_bundle: Path, device: str
) -> None:
    result = cli(
        home, "--mic", device, "--model", str(tiny_bundle), "--engine", "onnx", "--json", "--seconds", "6"
    )
    assert result.returncode == 0, result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    # 6 s = 200 nodes: windows end at nodes 120, 136, 152, 168, 184, 200.
    assert len(events) == 6
    assert [set(event) for event in events] == [{*KEYS, "at"}] * 6
    assert {event["modalities"]["voice"]["abstained"] for event in events} <= {"non-speech", "dropped sound"}
    summary = next(line for line in result.stderr.splitlines() if "frames dropped" in line)
    assert "6 windows (6 abstained) in 6.00 s of sound" in summary
    dropped = int(summary.split(", ")[-1].split()[0])
    assert dropped > 0
    # Dropped sound moves the clock: the last event lies beyond the sound that was computed.
    assert events[-1]["t"] > 6.0


def test_an_unknown_name_lists_the_near_ones(home: Path, tiny_bundle: Path) -> None:
    result = cli(home, "--mic", "tesmic", "--model", str(tiny_bundle), "--engine", "onnx")
    assert result.returncode == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("edge-emotion: no microphone is called 'tesmic'; did you mean: 'testmic'?")


def test_a_machine_without_a_microphone_is_told_so(tmp_path: Path) -> None:
    config = tmp_path / "asound.conf"
    config.write_text('pcm.!default { type plug slave.pcm "nothing" }\nctl.!default { type hw card 0 }\n')
    variables = {**os.environ, "ALSA_CONFIG_PATH": str(config), "HOME": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-m", "edge_emotion.cli", "--mic", "default", "--allow-root"],
        env=variables, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "edge-emotion: no microphone found; plug one in and run `edge-emotion devices`"
    ]


@pytest.mark.optional
def test_a_paced_microphone_loses_nothing(home: Path, tiny_bundle: Path) -> None:
    """A PulseAudio null sink records what is played into it, at the pace of a real device."""
    if shutil.which("pulseaudio") is None or shutil.which("pactl") is None:
        pytest.skip("needs PulseAudio: apt install pulseaudio pulseaudio-utils libasound2-plugins")
    folder = home / "pulse"
    folder.mkdir(mode=0o700)
    (folder / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
    variables = {**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    sink = "module-null-sink sink_name=fake rate=16000 channels=1"
    server = subprocess.Popen(
        ["pulseaudio", "-n", "--exit-idle-time=-1", "-L", "module-native-protocol-unix", "-L", sink],
        env=variables, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(100):  # the server says by its socket that it is ready
            if (folder / "pulse" / "native").exists():
                break
            time.sleep(0.1)
        command = [sys.executable, "-m", "edge_emotion.cli", "--mic", "default", "--json", "--seconds", "5",
                   "--allow-root"]  # fmt: skip
        result = subprocess.run(
            [*command, "--model", str(tiny_bundle), "--engine", "onnx"],
            env=variables, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        server.terminate()
        server.wait(10)
    assert result.returncode == 0, result.stderr
    times = [json.loads(line)["t"] for line in result.stdout.splitlines()]
    assert times == [3.6, 4.08, 4.56, 4.98]
    assert result.stderr.splitlines()[-1].endswith(", 0 frames dropped")
