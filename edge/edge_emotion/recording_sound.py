"""Sound of a recording: FLAC, 16 kHz, mono; what was lost is silence, so that the time stays right."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_emotion.recording_folder import SEGMENT, RecordedFile, RecordingFolder
from edge_emotion.sources.sound import RATE, SoundBlock

STEP = 0.06  # seconds that sound may be off before it is put right; a lost block is longer, and no drift of a clock is
HELD = 2 * 4096  # samples that the encoder may keep before it writes them
MARGIN = 1 << 16  # bytes that it may write beyond two a sample, at the end too
_TOTAL_AT = 18  # of STREAMINFO (RFC 9639, 8.2): rate, channels, bits and the number of samples, in 8 bytes


class SoundWriter:
    """Writes sound-NNN.flac, and sound-NNN.csv: at which second a sample lies, where that is not one after another.

    Not one after another are the first sample and those after silence that was put in for what was lost. A file that
    breaks off tells how many samples it holds, but for the last half second.
    """

    def __init__(self, folder: RecordingFolder) -> None:
        """folder: of the run, begun."""
        self._folder = folder
        self._number = 0
        self._file: RecordedFile | None = None
        self._sound: Any = None  # soundfile.SoundFile
        self._times: RecordedFile | None = None
        self._begun = self._zero = (
            0.0  # seconds of the file's first sample; and what it would be by the newest row
        )
        self._samples = 0

    def write(self, block: SoundBlock, time: float) -> None:
        """Write one block. time: of its first sample, seconds. OSError, RecordingFull."""
        if self._sound is None or time - self._begun >= SEGMENT:
            self._turn(time)
        late = time - self._zero - self._samples / RATE
        missing = round(late * RATE) if late > STEP else 0
        for begin in range(0, missing, RATE):
            self._append(np.zeros(min(RATE, missing - begin), np.float32))
        if abs(late) > STEP:
            self._row(time, late)
        self._append(block.samples)

    def _append(self, samples: NDArray[np.float32]) -> None:
        assert self._file is not None
        self._folder.require(2 * len(samples) + MARGIN)
        with _told_by_the_system():
            self._sound.write(samples)
        self._samples += len(samples)
        self._file.grew()
        # The encoder itself tells it at the end alone; a reader needs it.
        told = max(0, self._samples - HELD)
        self._file.patch(_TOTAL_AT, struct.pack(">Q", RATE << 44 | (16 - 1) << 36 | told))

    def _row(self, time: float, late: float) -> None:
        assert self._times is not None
        self._zero = time - self._samples / RATE
        self._times.write(b"%d,%.4f,%.4f\n" % (self._samples, time, late))

    def _turn(self, time: float) -> None:
        import soundfile

        self.close()
        name = f"sound-{self._number:03}"
        self._number += 1
        self._folder.require(MARGIN)
        self._begun, self._samples = time, 0
        self._times = self._folder.create(f"{name}.csv")
        self._times.write(b"sample,seconds,lost\n")
        self._row(time, 0.0)
        self._file = self._folder.create(f"{name}.flac")
        with _told_by_the_system():
            self._sound = soundfile.SoundFile(
                self._file.descriptor, "w", RATE, 1, "PCM_16", format="FLAC", closefd=False
            )

    def close(self) -> None:
        """End the files that are open."""
        sound, file, times = self._sound, self._file, self._times
        self._sound = self._file = self._times = None
        try:
            if sound is not None:
                with _told_by_the_system():
                    sound.close()
            if file is not None:
                file.grew()
        finally:
            for each in (file, times):
                if each is not None:
                    each.close()


@contextmanager
def _told_by_the_system() -> Iterator[None]:
    """An OSError for what libsndfile says of a full disk and the like."""
    import soundfile

    try:
        yield
    except soundfile.LibsndfileError as error:
        raise OSError(f"the sound cannot be written: {error.error_string}") from error
