"""A recording as a source of sound: wav, flac, mp3 and ogg through libsndfile."""

import stat
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.settings import AudioFileSettings
from edge_emotion.sources.offset import OffsetRemoval
from edge_emotion.sources.resample import MonoResampler
from edge_emotion.sources.sound import RATE, SoundBlock

READ = 1.0  # seconds read from the file at a time, whatever the chunk is
SHORTEST = 0.5  # seconds; less holds no emotion that this model could have learned
LOWEST_RATE, HIGHEST_RATE = 4000, 384000  # frames per second
MOST_CHANNELS = 64  # a second of so many at the highest rate has 98 MB
FARTHEST = 8.0  # of full scale: float samples beyond it are not sound that is merely too loud


class AudioFile:
    """Reads a recording block by block, without its constant offset; memory does not grow with its length.

    The file is opened and checked when the object is made, so that a wrong one is refused before any
    estimate: EdgeEmotionError for what is missing, no regular file, empty, not audio, too short, not finite
    or not scaled to -1..1.
    """

    dropped = 0

    def __init__(self, settings: AudioFileSettings) -> None:
        """settings: path, chunk in seconds, and whether to keep the recording's pace."""
        self._settings = settings
        name = settings.path.name
        self.name = name if name.isprintable() else ascii(name)  # it is shown in a terminal
        self._file = _open(settings)
        self.rate = int(self._file.samplerate)
        self.seconds: float = self._file.frames / self.rate
        self._resampler = MonoResampler(self.rate)
        self._offset = OffsetRemoval()
        self._ended_early = False

    def __iter__(self) -> Iterator[SoundBlock]:
        """Give chunks of equal length (the last one may be shorter)."""
        size = max(1, round(self._settings.chunk * RATE))
        started = time.monotonic()
        given = 0
        waiting = np.zeros(0, np.float32)
        for samples in self._samples():
            waiting = np.concatenate([waiting, samples])
            whole = len(waiting) // size * size
            for begin in range(0, whole, size):
                given += size
                self._wait(started + given / RATE)
                yield SoundBlock(waiting[begin : begin + size])
            waiting = waiting[whole:]
        if len(waiting):
            self._wait(started + (given + len(waiting)) / RATE)
            yield SoundBlock(waiting)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def warnings(self) -> list[str]:
        """Lines about a low rate, clipping or a file that ends early."""
        lines = [f"{self.name}: {line}" for line in self._resampler.warnings]
        if self._ended_early:
            lines.append(f"{self.name}: ends early, its header promises {self.seconds:.2f} s")
        return lines

    def _samples(self) -> Iterator[NDArray[np.float32]]:
        read = 0
        for frames in _blocks(self._file, self._settings):
            read += len(frames)
            yield self._offset.push(self._resampler.push(frames))
        self._ended_early = read < self._file.frames
        yield self._offset.push(self._resampler.flush())
        yield self._offset.flush()

    def _wait(self, due: float) -> None:
        """Keep the pace of the recording: a chunk is there once its last sample would have been heard."""
        if self._settings.realtime:
            time.sleep(max(0.0, due - time.monotonic()))


def _open(settings: AudioFileSettings) -> Any:
    """Open and check a recording."""
    path = settings.path
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise EdgeEmotionError(f"{path} is a folder; give one wav, flac, mp3 or ogg file")
        if not stat.S_ISREG(found.st_mode):  # a pipe cannot be sought, and opening one may wait for ever
            raise EdgeEmotionError(f"{path} is not a regular file; give a wav, flac, mp3 or ogg file")
        if found.st_size == 0:
            raise EdgeEmotionError(f"{path} is empty (0 bytes); give a wav, flac, mp3 or ogg file")
        file = _sound_file(settings)
    except (
        FileNotFoundError,
        NotADirectoryError,
        ValueError,
    ) as error:  # ValueError: a name with a NUL in it
        raise EdgeEmotionError(f"{path}: no such file; give a wav, flac, mp3 or ogg file") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise EdgeEmotionError(f"{path} cannot be read: {reason}") from error
    try:
        _check(file, settings)
    except EdgeEmotionError:
        file.close()
        raise
    return file


def _sound_file(settings: AudioFileSettings) -> Any:
    try:
        import soundfile
    except OSError as error:
        raise EdgeEmotionError(
            "the sound file library is missing; install it: sudo apt install libsndfile1"
        ) from error
    path = settings.path
    try:
        if path.suffix.lower() == ".raw":
            raise EdgeEmotionError(f"{path} has no header that says its rate; convert it to wav first")
        return soundfile.SoundFile(path)
    except soundfile.LibsndfileError as error:
        with path.open("rb"):  # a file that may not be read is not a file that is not audio
            pass
        reason = error.error_string.strip().rstrip(".")
        raise EdgeEmotionError(f"{path} is not audio ({reason}); expected wav, flac, mp3 or ogg") from error


def _check(file: Any, settings: AudioFileSettings) -> None:
    path, rate = settings.path, int(file.samplerate)
    if file.frames == 0:
        raise EdgeEmotionError(f"{path} holds no sound (0 frames)")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise EdgeEmotionError(f"{path}: expected {LOWEST_RATE} to {HIGHEST_RATE} Hz, got {rate} Hz")
    if file.channels > MOST_CHANNELS:
        raise EdgeEmotionError(f"{path}: expected 1 to {MOST_CHANNELS} channels, got {file.channels}")
    if file.frames < SHORTEST * rate:
        raise EdgeEmotionError(
            f"{path} is too short: {file.frames / rate:.2f} s, expected {SHORTEST} s or more"
        )
    if file.subtype in ("FLOAT", "DOUBLE"):  # only these can hold what is not a finite number
        for frames in _blocks(file, settings):
            if not np.isfinite(frames).all():
                raise EdgeEmotionError(
                    f"{path} holds samples that are not finite (NaN or infinity); export it again"
                )
            if np.abs(frames).max() > FARTHEST:
                raise EdgeEmotionError(
                    f"{path} is not scaled to -1..1: it holds {np.abs(frames).max():.4g}; export it again"
                )
        file.seek(0)


def _blocks(file: Any, settings: AudioFileSettings) -> Iterator[NDArray[np.float32]]:
    """Give (n, channels) blocks from the file's position to its end."""
    import soundfile

    size = round(READ * file.samplerate)
    while True:
        try:
            frames = file.read(size, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            reason = error.error_string.strip().rstrip(".")
            raise EdgeEmotionError(f"{settings.path} is damaged ({reason}); export it again") from error
        if not len(frames):
            return
        yield frames
