"""A video file as a source of pictures and sound on one clock, through PyAV."""

import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from heapq import merge
from itertools import chain
from typing import Any, TypeVar

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.settings import VideoFileSettings
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.picture_track import PictureTrack
from edge_emotion.sources.sound import RATE, SoundBlock
from edge_emotion.sources.sound_track import SoundTrack
from edge_emotion.sources.timed_sound import TimedSound
from edge_emotion.sources.track import FARTHEST, Track, load_av

EXPECTED = "give an mp4, mov, mkv, webm, avi or mpg file"
EARLY = 0.5  # seconds that the tracks may end before what the header promises

Item = TypeVar("Item", Frame, TimedSound)


class VideoFile:
    """Gives a video's frames and its sound, merged in order of time, in memory that does not grow with its length.

    The clock starts at 0 with the earlier of both; sound that starts later has a first block with `lost`. A frame
    is due at its time and a block of sound once its last sample has been heard, and they come in the order in
    which they are due, as from a camera and a microphone. Iterated once.
    EdgeEmotionError, when it is made, for what is missing, no regular file, empty, no video, or nothing in it
    can be decoded; a file that is damaged farther on gives what there is, and a warning.
    """

    dropped = 0

    def __init__(self, settings: VideoFileSettings, av: Any = None) -> None:
        """settings: path, chunk in seconds, and whether to keep the video's pace. av: the module PyAV."""
        self._settings = settings
        name = settings.path.name
        self.name = name if name.isprintable() else ascii(name)  # it is shown in a terminal
        self._lock = threading.RLock()  # decoding and closing do not go together
        self._closed = threading.Event()
        self._reached, self._ended = 0.0, False  # seconds given; whether the file's end has come
        self._origin = 0.0  # the clock's 0 in the file's own time, seconds
        self._sources: list[Iterator[Frame | TimedSound]] = []
        self._tracks = _open(settings, av or load_av())
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Frame | TimedSound]:
        """Give the items until the video ends or is closed."""
        items = merge(*self._sources, key=due)
        started = time.monotonic()
        while True:
            with self._lock:
                if self._closed.is_set():
                    return
                item = next(items, None)
            if item is None:
                self._ended = True
                return
            self._reached = max(self._reached, due(item))
            if self._settings.realtime and self._closed.wait(
                max(0.0, started + due(item) - time.monotonic())
            ):
                return
            yield item

    def close(self) -> None:
        """Close the file; a running iteration ends."""
        self._closed.set()
        with self._lock:
            for track in self._tracks:
                track.close()

    @property
    def warnings(self) -> list[str]:
        """Lines about damage, odd times and poor sound, each once."""
        lines = [*self._said, *self._sound.warnings]
        damaged = sum(track.damaged for track in self._tracks)
        misplaced = sum(track.misplaced for track in self._tracks)
        early = self._ends_early()
        if damaged or (self._ended and early):
            parts = [f"{damaged} pieces could not be decoded"] * bool(damaged)
            parts += [f"it ends at {self._reached:.2f} s of {self.duration or 0:.2f} s"] * (
                self._ended and early
            )
            lines.append(f"the file is damaged: {', '.join(parts)}")
        if misplaced:
            lines.append(f"{misplaced} frames with a time that does not fit were left out")
        if self._pictures.unplaced:
            lines.append(
                f"{self._pictures.unplaced} pictures have no time; they follow at {1 / self._tracks[0].period:g} fps"
            )
        if self._pictures.tilt:
            lines.append(
                f"it is to be turned by {self._pictures.tilt} degrees beyond quarter turns; it is not"
            )
        return [f"{self.name}: {line}" for line in lines]

    def _ends_early(self) -> bool:
        """Whether less came than the header promises; it counts the last picture's time, some also that before 0."""
        if self.duration is None:
            return False
        missing = self.duration * (1 - 0.02) - self._reached
        return missing > max(EARLY, 2 * self._tracks[0].period) and missing > self._origin

    def _begin(self) -> None:
        """Decode the first picture and the first sound: they say where the clock starts."""
        picture_track, sound_track = self._tracks
        self._said = [
            f"its {kind} cannot be decoded: PyAV has no decoder for it"
            for kind, track in (("picture", picture_track), ("sound", sound_track))
            if track.codec_missing
        ]
        self._pictures = PictureTrack(picture_track)
        self._sound = SoundTrack(sound_track, self._settings.chunk)
        self.duration: float | None = picture_track.duration  # seconds; None where the file does not say it
        frames, blocks = self._pictures.frames(), self._sound.blocks()
        frame, block = next(frames, None), next(blocks, None)
        self.has_picture, self.has_sound = frame is not None, block is not None
        firsts = [item.time for item in (frame, block) if item is not None]
        if not firsts:
            kinds = (
                "picture nor sound" if picture_track.found or sound_track.found else "video nor sound track"
            )
            raise EdgeEmotionError(
                f"{self._settings.path} holds neither {kinds} that can be decoded; {EXPECTED}"
            )
        for kind, track, first in (("picture", picture_track, frame), ("sound", sound_track, block)):
            if track.found and first is None:
                self._said.append(f"nothing of its {kind} can be decoded")
        origin = {"picture": min(firsts), "sound": min(firsts)}
        if frame is not None and block is not None and abs(frame.time - block.time) > FARTHEST:
            origin = {"picture": frame.time, "sound": block.time}
            self._said.append(
                f"its picture and sound start {abs(frame.time - block.time):.0f} s apart, which cannot be; "
                "both are taken to start together"
            )
        self._origin = min(origin.values())
        late = block.time - origin["sound"] if block is not None else 0.0
        if block is not None and late > 0:
            block = replace(block, block=SoundBlock(block.block.samples, block.block.lost + late))
        self._sources = [
            _moved(frame, frames, lambda item: replace(item, time=item.time - origin["picture"])),
            _moved(block, blocks, lambda item: replace(item, time=item.time - origin["sound"])),
        ]


def due(item: Frame | TimedSound) -> float:
    """When an item is there, seconds on the video's clock."""
    heard = len(item.block.samples) / RATE if isinstance(item, TimedSound) else 0.0
    return item.time + heard


def _moved(first: Item | None, rest: Iterator[Item], move: Callable[[Item], Item]) -> Iterator[Item]:
    return map(move, chain([] if first is None else [first], rest))


def _open(settings: VideoFileSettings, av: Any) -> tuple[Track, Track]:
    """Open the picture's and the sound's track of a regular file."""
    path = settings.path
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise EdgeEmotionError(f"{path} is a folder; {EXPECTED}")
        if not stat.S_ISREG(found.st_mode):  # a pipe cannot be read twice, and opening one may wait for ever
            raise EdgeEmotionError(f"{path} is not a regular file; {EXPECTED}")
        if found.st_size == 0:
            raise EdgeEmotionError(f"{path} is empty (0 bytes); {EXPECTED}")
        with path.open("rb"):  # a file that may not be read is not a file that is no video
            pass
    except (
        FileNotFoundError,
        NotADirectoryError,
        ValueError,
    ) as error:  # ValueError: a name with a NUL in it
        raise EdgeEmotionError(f"{path}: no such file; {EXPECTED}") from error
    except OSError as error:
        raise EdgeEmotionError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    picture = None
    try:
        picture = Track(path.absolute(), "video", av)  # absolute: a name such as a:b is not a protocol
        return picture, Track(path.absolute(), "audio", av)
    except (av.FFmpegError, OSError, ValueError) as error:
        if picture is not None:
            picture.close()
        reason = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), "")
        raise EdgeEmotionError(f"{path} is no video, or damaged ({reason}); {EXPECTED}") from error
