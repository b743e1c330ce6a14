"""Pictures of a recording: motion JPEG in AVI, each at its time to 5 ms, up to 100 a second; a table has it exactly.

Why not OpenCV's VideoWriter: on a full disk it goes on without a word, and it knows only one distance between pictures.
The layout is that of Microsoft's "AVI RIFF File Reference": a list of chunks, which readers can also follow without the
index at the end, so a file that breaks off opens. An empty chunk shows the picture before it once more.
"""

import struct

import cv2
import numpy as np

from edge_emotion.recording_folder import SEGMENT, RecordedFile, RecordingFolder
from edge_emotion.sources.frame import Frame

SLOTS = 100  # a second: chunks, most of them empty
QUALITY = 85  # of JPEG, 0..100
LARGEST = 1 << 30  # bytes of a file; many readers go no farther than twice that
_RIFF_SIZE, _MOVI_SIZE, _FRAMES, _LENGTH, _LARGEST_CHUNK = (
    4,
    216,
    48,
    140,
    144,
)  # where they stand in the file
_MOVI = _MOVI_SIZE + 4  # offsets of the index count from here
_HAS_INDEX = _KEY_FRAME = 0x10
_EMPTY = struct.pack("<4sI", b"00dc", 0)


class AviFile:
    """One AVI file of JPEG pictures of one size. OSError and RecordingFull as its file raises them."""

    def __init__(self, file: RecordedFile, width: int, height: int) -> None:
        """file: new and empty; close() closes it. width, height: pixels."""
        self._file = file
        self._index = bytearray()
        self._slots = 0
        self._largest = 0
        file.write(_header(width, height))
        file.reserve(8)  # of the index

    @property
    def size(self) -> int:
        """Bytes, the index included."""
        return self._file.size + len(self._index) + 8

    def add(self, picture: bytes, seconds: float) -> None:
        """Put a JPEG picture at the slot nearest to its seconds since the file's first; later than the last one."""
        missing = max(0, round(seconds * SLOTS) - self._slots)
        padded = picture + b"\0" * (len(picture) % 2)
        chunks = _EMPTY * missing + struct.pack("<4sI", b"00dc", len(picture)) + padded
        self._file.reserve(len(chunks) + 16 * (missing + 1))
        at = self._file.size - _MOVI
        self._file.write_reserved(chunks)
        for number in range(missing):
            self._index += struct.pack("<4sIII", b"00dc", 0, at + 8 * number, 0)
        self._index += struct.pack("<4sIII", b"00dc", _KEY_FRAME, at + 8 * missing, len(picture))
        self._slots += missing + 1
        self._largest = max(self._largest, len(picture))

    def close(self) -> None:
        """Write the index, and the sizes into the header."""
        file, number = self._file, struct.Struct("<I")
        try:
            movi = file.size - _MOVI_SIZE - 4
            file.write_reserved(struct.pack("<4sI", b"idx1", len(self._index)) + bytes(self._index))
            file.patch(_RIFF_SIZE, number.pack(file.size - 8))
            file.patch(_MOVI_SIZE, number.pack(movi))
            file.patch(_FRAMES, number.pack(self._slots))
            file.patch(_LENGTH, struct.pack("<II", self._slots, self._largest))
        finally:
            file.close()


def _header(width: int, height: int) -> bytes:
    """The file up to its first picture; sizes are 0 until it is closed, which readers take as "to the end"."""
    main = struct.pack("<14I", 1_000_000 // SLOTS, 0, 0, _HAS_INDEX, 0, 0, 1, 0, width, height, 0, 0, 0, 0)
    stream = struct.pack(
        "<4s4sIHHIIIIIIII4h", b"vids", b"MJPG", 0, 0, 0, 0, 1, SLOTS, 0, 0, 0, 0xFFFFFFFF, 0, 0, 0, width, height
    )  # fmt: skip
    image = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MJPG", 3 * width * height, 0, 0, 0, 0)
    streams = _chunk(b"LIST", b"strl" + _chunk(b"strh", stream) + _chunk(b"strf", image))
    head = _chunk(b"LIST", b"hdrl" + _chunk(b"avih", main) + streams)
    return struct.pack("<4sI4s", b"RIFF", 0, b"AVI ") + head + struct.pack("<4sI4s", b"LIST", 0, b"movi")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content


class PictureWriter:
    """Writes pictures-NNN.avi, and pictures-NNN.csv with the seconds of each picture; a new pair when one is full."""

    def __init__(self, folder: RecordingFolder) -> None:
        """folder: of the run, begun."""
        self._folder = folder
        self._number = 0
        self._avi: AviFile | None = None
        self._times: RecordedFile | None = None
        self._begun = 0.0
        self._count = 0
        self._shape: tuple[int, ...] = ()

    def write(self, frame: Frame) -> None:
        """Write one picture; OSError, RecordingFull."""
        quality = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        good, encoded = cv2.imencode(".jpg", np.ascontiguousarray(frame.image), quality)
        if not good:
            raise OSError(f"a picture of {frame.image.shape} cannot be made a JPEG")
        avi, times = self._avi, self._times
        full = avi is not None and (frame.time - self._begun >= SEGMENT or avi.size >= LARGEST)
        if avi is None or times is None or full or frame.image.shape != self._shape:
            avi, times = self._turn(frame)
        avi.add(encoded.tobytes(), frame.time - self._begun)
        times.write(b"%d,%.4f\n" % (self._count, frame.time))
        self._count += 1

    def _turn(self, frame: Frame) -> tuple[AviFile, RecordedFile]:
        self.close()
        name = f"pictures-{self._number:03}"
        self._number += 1
        self._shape, self._begun, self._count = frame.image.shape, frame.time, 0
        self._times = self._folder.create(f"{name}.csv")
        self._times.write(b"picture,seconds\n")
        self._avi = AviFile(self._folder.create(f"{name}.avi"), frame.image.shape[1], frame.image.shape[0])
        return self._avi, self._times

    def close(self) -> None:
        """End the files that are open."""
        avi, times, self._avi, self._times = self._avi, self._times, None, None
        try:
            if avi is not None:
                avi.close()
        finally:
            if times is not None:
                times.close()
