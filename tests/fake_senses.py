"""Sources and senses that do as told: for tests of what drives and joins them."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from edge_emotion.estimate import Estimate
from edge_emotion.features.face_front_end import Face
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.sound import RATE, SoundBlock
from fake_faces import IMAGE, face

P = np.array([0.1, 0.05, 0.05, 0.6, 0.1, 0.05, 0.05], np.float32)


class FakeSource:
    """Gives items, once `after` is set, then ends, raises, or waits until it is closed."""

    name = "fake"
    dropped = 0

    def __init__(
        self, items: Iterable[Any], then: Exception | str = "end", after: threading.Event | None = None
    ) -> None:
        self._items, self._then, self._after = items, then, after
        self._closing = threading.Event()
        self.closed = 0
        self.warnings: list[str] = []

    def __iter__(self) -> Iterator[Any]:
        if self._after:
            self._after.wait()
        for item in self._items:
            if self._closing.is_set():
                return
            yield item
        if isinstance(self._then, Exception):
            raise self._then
        if self._then == "wait":
            self._closing.wait()

    def close(self) -> None:
        self.closed += 1
        self._closing.set()


class FakeVoice:
    """An estimate at each whole half second of sound, given `behind` seconds of sound later."""

    def __init__(self, behind: float = 0.15) -> None:
        self._behind = behind
        self.reset()

    def reset(self) -> None:
        self.heard, self.next, self.lost = 0, 0.5, 0.0
        self.flushes = 0

    def push(self, samples: np.ndarray) -> list[Estimate]:
        self.heard += len(samples)
        return self._until(self.heard / RATE - self._behind)

    def flush(self) -> list[Estimate]:
        self.flushes += 1
        return self._until(self.heard / RATE)

    def lose(self, seconds: float) -> None:
        self.lost += seconds

    def _until(self, end: float) -> list[Estimate]:
        given = []
        while self.next <= end + 1e-9:
            given.append(Estimate(round(self.next + self.lost, 6), "voice", P, 0.8, self._behind))
            self.next += 0.5
        return given


class FakeFace:
    """An estimate at each frame, of face 1; no face in frames before `comes`."""

    def __init__(self, comes: float = 0.0, there: Sequence[Face] | None = None) -> None:
        self._comes, self._there = comes, there
        self.reset()

    def reset(self) -> None:
        self.faces: list[Face] = []
        self.times: list[float] = []

    def push(self, frame: Frame) -> list[Estimate]:
        self.times.append(frame.time)
        self.faces = [] if frame.time < self._comes else list(self._there or [face()])
        if not self.faces:
            return [Estimate(frame.time, "face", None, 0.0, 0.0, "no face")]
        return [Estimate(frame.time, "face", P, 0.9, 0.0, identity=seen.identity) for seen in self.faces]

    def flush(self) -> list[Estimate]:
        return []


def blocks(seconds: float, size: float = 0.1) -> list[SoundBlock]:
    return [SoundBlock(np.full(round(size * RATE), 0.1, np.float32)) for _ in range(round(seconds / size))]


def frame(time: float) -> Frame:
    return Frame(IMAGE, time)
