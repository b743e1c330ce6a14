"""One track of a video file, decoded frame by frame, with what is damaged left out and counted."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge_emotion.errors import EdgeEmotionError

MOST_PIXELS = 1 << 26  # of a picture, twice 8K's: a file of a few kB may claim more than a memory holds
FARTHEST = 600.0  # seconds forwards within a track; a single time stamp farther away is wrong


class Track:
    """Decodes the first track of a kind, through a container of its own.

    A container for each track gives both in the order of time and in bounded memory, however the file
    interleaves them. Times are the file's own, seconds, and rise; damaged frames and those with a time that does
    not fit are left out and counted.
    """

    def __init__(self, path: Path, kind: str, av: Any) -> None:
        """kind: "video" or "audio". av: the module PyAV. Raises what av.open() raises."""
        self._av = av
        limit = {"max_pixels": str(MOST_PIXELS)}  # larger pictures count as damaged
        self._container = av.open(str(path), options=limit)
        streams = [s for s in getattr(self._container.streams, kind) if not _is_cover(s)]
        self._stream = next((s for s in streams if s.codec_context is not None), None)
        self.codec_missing = bool(streams) and self._stream is None
        if self._stream is not None:
            self._stream.codec_context.options = limit
        self.damaged = 0  # packets and frames that could not be decoded
        self.misplaced = 0  # frames whose time does not fit
        duration = self._container.duration
        self.duration: float | None = None if duration is None else duration / av.time_base

    @property
    def found(self) -> bool:
        """Whether the file has such a track, and a decoder for it."""
        return self._stream is not None

    @property
    def period(self) -> float:
        """Usual seconds from picture to picture."""
        stream = self._stream
        rate = (stream.average_rate or stream.guessed_rate) if stream is not None else None
        return 1 / float(rate) if rate else 1 / 25

    def frames(self) -> Iterator[tuple[Any, float | None]]:
        """Give decoded frames with their time, None where the file does not say one."""
        if self._stream is None:
            return
        last: float | None = None
        jumped: float | None = None
        for frame in self._decoded():
            time = (
                None if frame.pts is None or frame.time_base is None else float(frame.pts * frame.time_base)
            )
            if time is None or last is None:
                fits = True
            elif time <= last:
                fits = False
            else:  # a jump counts once a second frame confirms it
                fits = time - last <= FARTHEST or (jumped is not None and 0 < time - jumped <= FARTHEST)
                jumped = None if fits else time
            if fits:
                last = last if time is None else time
                yield frame, time
            else:
                self.misplaced += 1

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _decoded(self) -> Iterator[Any]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (self._av.FFmpegError, OSError):  # the file breaks off within a packet
                self.damaged += 1
                yield from self._decode(None)
                return
            yield from self._decode(packet)

    def _decode(self, packet: Any) -> Iterator[Any]:
        """Frames of one packet; of None, those that the decoder still holds."""
        assert self._stream is not None  # frames() has looked
        try:
            frames = self._stream.codec_context.decode(packet) if packet is None else packet.decode()
        except (self._av.FFmpegError, ValueError):
            self.damaged += 1
            return
        for frame in frames:
            if frame.is_corrupt:
                self.damaged += 1
            else:
                yield frame


def load_av() -> Any:
    """Import PyAV; EdgeEmotionError names the extra."""
    try:
        return importlib.import_module("av")
    except ImportError as error:
        raise EdgeEmotionError("PyAV is missing: pip install 'edge-emotion[video]'") from error


def _is_cover(stream: Any) -> bool:
    """Whether this is the cover of an album and no moving picture."""
    return "attached_pic" in str(stream.disposition)
