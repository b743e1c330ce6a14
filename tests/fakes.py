"""Stand-ins for what a test machine does not have: the one place for them."""

import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.bundle import Bundle
from edge_emotion.emotions import EMOTIONS
from edge_emotion.features.voice_activity import F0
from edge_emotion.manifest import NetworkFile
from edge_emotion.window import WindowContract

Array = NDArray[np.float32]


class FakeFeatures:
    """Two features a node of 30 ms: the mean and the mean square of its 480 samples; pitch is unvoiced."""

    name, version, rate, period, width, features = "fake", 1, 16000, 0.03, F0 + 1, 2

    def stream(self) -> "FakeNodeStream":
        return FakeNodeStream()

    def window(self, nodes: Array) -> Array:
        return nodes[:, :2]


class FakeNodeStream:
    def __init__(self) -> None:
        self._waiting = np.zeros(0, np.float32)

    def push(self, samples: Array) -> Array:
        samples = np.concatenate([self._waiting, samples])
        whole = len(samples) // 480 * 480
        self._waiting = samples[whole:]
        slices = samples[:whole].reshape(-1, 480)
        nodes = np.zeros((len(slices), F0 + 1), np.float32)
        nodes[:, 0], nodes[:, 1] = slices.mean(1), (slices**2).mean(1)
        return nodes

    def flush(self) -> Array:
        return np.zeros((0, F0 + 1), np.float32)


class FakeEngine:
    """Logits that depend on the window: the mean level drives "anger" against "neutral"."""

    name, version = "fake", "0"

    def __init__(self, labels: int = 7) -> None:
        self._labels = labels
        self.runs = 0

    def run(self, x: Array) -> Array:
        self.runs += 1
        logits = np.zeros((1, self._labels), np.float32)
        logits[0, 3] = 100 * x[..., 1].mean()
        return logits


def fake_bundle(**changes: Any) -> Bundle:
    """A bundle for FakeFeatures and FakeEngine: 10 nodes of 30 ms, a window each 4 nodes."""
    window = WindowContract(
        nodes=10, period=0.03, hop=4, feature_set="fake", feature_version=1, features=2,
        mean=(0.0, 0.0), scale=(1.0, 1.0),
    )  # fmt: skip
    fields: dict[str, Any] = {
        "name": "fake", "modality": "voice", "labels": EMOTIONS, "label_map": {e: e for e in EMOTIONS},
        "window": window, "temperature": 1.0,
        "networks": (NetworkFile("voice.onnx", "onnx", "fp32", "0" * 64),),
        "card": "# Fake\n", "about": {}, "size": 1, "path": Path("fake.emo"),
    }  # fmt: skip
    return Bundle(**{**fields, **changes})


def loud_is_speech(chunk: Sequence[float]) -> float:
    """A speech detector: 512 samples are speech when they are loud."""
    return float(np.abs(np.asarray(chunk)).max() > 0.1)


class FakePortAudio:
    """The few calls of sounddevice that Microphone makes, over a list of devices.

    devices: (name, input channels, rates it can do), the first rate its own. blocks: sound that each opened
    stream delivers from a thread of its own, then it stalls, or vanishes like an unplugged device.
    """

    class PortAudioError(Exception):
        pass

    def __init__(
        self,
        devices: Sequence[tuple[str, int, tuple[int, ...]]],
        blocks: Sequence[NDArray[np.int16]] = (),
        vanish: bool = False,
        default: int = -1,
    ) -> None:
        self._devices = devices
        self.blocks = blocks
        self.vanish = vanish
        self.default = SimpleNamespace(device=(default, -1))
        self.opened: list[dict[str, Any]] = []
        self._initialized = 1

    def _terminate(self) -> None:
        self._initialized -= 1

    def _initialize(self) -> None:
        self._initialized += 1

    def query_hostapis(self) -> list[dict[str, Any]]:
        return [{"name": "FAKE"}]

    def query_devices(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "hostapi": 0,
                "max_input_channels": most,
                "default_samplerate": float(rates[0]),
            }
            for name, most, rates in self._devices
        ]

    def check_input_settings(self, device: int, samplerate: int, channels: int, dtype: str) -> None:
        _, most, rates = self._devices[device]
        if samplerate not in rates:
            raise self.PortAudioError("Invalid sample rate")
        if channels > most or (most > 2 and channels == 1):  # an array that gives all its channels or none
            raise self.PortAudioError("Invalid number of channels")

    def InputStream(self, **given: Any) -> "FakeInputStream":  # noqa: N802 - sounddevice's name
        self.opened.append(given)
        return FakeInputStream(self, given)


class FakeInputStream:
    def __init__(self, portaudio: FakePortAudio, given: dict[str, Any]) -> None:
        self._portaudio = portaudio
        self._given = given
        self.delivered = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._deliver, daemon=True).start()

    def close(self) -> None:
        self._given["finished_callback"]()

    def _deliver(self) -> None:
        for block in self._portaudio.blocks:
            self._given["callback"](block, len(block), None, SimpleNamespace(input_overflow=False))
        self.delivered.set()
        if self._portaudio.vanish:
            self._given["finished_callback"]()
