"""The sound of a video file: blocks of 16 kHz mono with their times, gaps said, on the file's clock."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.sources.offset import OffsetRemoval
from edge_emotion.sources.resample import MonoResampler
from edge_emotion.sources.sound import RATE, SoundBlock
from edge_emotion.sources.timed_sound import TimedSound
from edge_emotion.sources.track import Track

TOLERANCE = 0.1  # seconds that time stamps may stray from the count of samples before sound is missing


class SoundTrack:
    """Resamples a track's sound and keeps its place in time; a gap in it becomes the next block's `lost`."""

    def __init__(self, track: Track, chunk: float) -> None:
        """chunk: seconds a block."""
        self._track = track
        self._size = max(1, round(chunk * RATE))
        self._resampler: MonoResampler | None = None
        self._offset = OffsetRemoval()
        self._waiting: NDArray[np.float32] = np.zeros(0, np.float32)
        self._start = 0.0  # of the unbroken stretch, seconds on the file's clock
        self._given = 0  # samples given since
        self._lost = 0.0
        self._not_finite = 0
        self._warnings: dict[str, None] = {}  # in order, each once

    @property
    def warnings(self) -> list[str]:
        """Lines about clipping, a low rate or values that are no sound."""
        lines = dict(self._warnings) | dict.fromkeys(self._resampler.warnings if self._resampler else ())
        if self._not_finite:
            lines[f"{self._not_finite} sound samples are not finite (NaN or infinity) and were silenced"] = (
                None
            )
        return list(lines)

    def blocks(self) -> Iterator[TimedSound]:
        """Give blocks of equal length, the last of an unbroken stretch may be shorter; times are the file's."""
        heard = 0  # frames in the stretch
        for frame, time in self._track.frames():
            rate = int(frame.sample_rate)
            samples = self._samples(frame)
            if not len(samples) or rate <= 0:
                continue
            resampler = self._resampler
            if resampler is not None:
                expected = self._start + heard / resampler.rate
                strays = 0.0 if time is None else time - expected
                if strays < -TOLERANCE:
                    self._track.misplaced += 1
                    continue
                if strays > TOLERANCE or rate != resampler.rate:
                    yield from self._end_stretch()
                    end = self._start + self._given / RATE
                    self._lost = max(0.0, expected + strays - end)
                    self._start, self._given, heard = end + self._lost, 0, 0
                    resampler = None
            elif time is not None:
                self._start = time
            if resampler is None:
                resampler = self._resampler = MonoResampler(rate)
            heard += len(samples)
            self._waiting = np.concatenate([self._waiting, self._offset.push(resampler.push(samples))])
            yield from self._full()
        yield from self._end_stretch()

    def _full(self) -> Iterator[TimedSound]:
        while len(self._waiting) >= self._size:
            block, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
            yield self._timed(block)

    def _end_stretch(self) -> Iterator[TimedSound]:
        if self._resampler is None:
            return
        rest = self._offset.push(self._resampler.flush())
        self._waiting = np.concatenate([self._waiting, rest, self._offset.flush()])
        self._warnings |= dict.fromkeys(self._resampler.warnings)
        yield from self._full()
        if len(self._waiting):
            block, self._waiting = self._waiting, np.zeros(0, np.float32)
            yield self._timed(block)

    def _timed(self, samples: NDArray[np.float32]) -> TimedSound:
        time = self._start + self._given / RATE
        self._given += len(samples)
        lost, self._lost = self._lost, 0.0
        return TimedSound(SoundBlock(samples, lost), time)

    def _samples(self, frame: Any) -> NDArray[np.float32]:
        """(n, channels) float32 in -1..1 of a decoded frame."""
        values = frame.to_ndarray()  # (channels, n) where planar, else (1, n * channels)
        channels = max(1, int(frame.layout.nb_channels))
        values = values.T if frame.format.is_planar else values.reshape(-1, channels)
        if values.dtype.kind == "f":
            samples: NDArray[np.float32] = values.astype(np.float32)
        else:
            whole = np.iinfo(values.dtype)
            middle = (int(whole.max) + 1) // 2 if values.dtype.kind == "u" else 0
            scale = middle or -int(whole.min)
            samples = ((values.astype(np.float64) - middle) / scale).astype(np.float32)
        finite = np.isfinite(samples)
        if not finite.all():
            self._not_finite += int(np.count_nonzero(~finite))
            samples = np.where(finite, samples, np.float32(0))
        return np.ascontiguousarray(samples)
