"""`--record DIR`: what a run sees, hears and says, kept on the disk; off unless asked for, and never in the run's way.

A thread writes. What it cannot write in time is left out and counted; when there is no more room, or the disk fails,
the recording ends and the run goes on.
"""

import json
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.fusion import Event
from edge_emotion.notice import Notice
from edge_emotion.outputs import jsonl
from edge_emotion.recording_folder import RecordedFile, RecordingFolder, RecordingFull
from edge_emotion.skeleton import Pose
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.sound import SoundBlock

LEAST = 1_000_000  # bytes that a recording may ask for
LEAVING = 0.8  # seconds that close() waits for the thread; the devices before it may have had their second
PICTURES, SOUND, MOTION, LINES = "pictures", "sound", "poses", "lines"
# Bytes that may wait to be written: 17 pictures of 640x480, 16 s of sound, 10 s of a suit at 120 Hz.
WAITING = {PICTURES: 16 << 20, SOUND: 1 << 20, MOTION: 1 << 20, LINES: 1 << 20}
LINE = 2048  # bytes that an event or a notice counts


@dataclass(frozen=True)
class RecordingSettings:
    """Where a run is recorded, and how much of it."""

    folder: Path
    """Made where it is missing; each run gets a folder of its own in it."""
    most: int = 2 << 30
    """Bytes that the folder may hold, older recordings included; the recording ends there. Nothing is deleted."""
    minimum_free: int = 500_000_000
    """Bytes that stay free on the disk; the recording ends there."""

    def __post_init__(self) -> None:
        """Check the ranges; EdgeEmotionError names the setting."""
        for name, least in (("most", LEAST), ("minimum_free", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise EdgeEmotionError(f"record, {name}: expected {least:,} bytes or more, got {value!r}")


class Recording:
    """Keeps what it is given in DIR/YYYY-MM-DD_HH-MM-SS until it is closed, or there is no more room.

    All methods return at once; close() within LEAVING. What is given must not be changed afterwards.
    EdgeEmotionError, when it is made: DIR cannot be recorded to. A disk or DIR that is full is told instead.
    """

    def __init__(
        self,
        settings: RecordingSettings,
        tell: Callable[[str], None],
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        """tell: takes a sentence once when the recording ends early, once when something is left out.

        It is called from within the methods, in the caller's thread. now: time of day, which names the folder.
        """
        self._tell = tell
        self.path: Path | None = None
        """Folder of this run; None where there was no room to begin."""
        self._changed = threading.Condition()  # holds all below
        self._waiting: deque[tuple[str, int, Any]] = deque()  # kind, bytes, item
        self._bytes = Counter[str]()  # that wait, of each kind
        self._dropped = Counter[str]()
        self._said: deque[str] = deque()  # not yet told
        self._ended = self._closing = False
        self._folder = RecordingFolder(settings.folder, settings.most, settings.minimum_free)
        self._thread = threading.Thread(target=self._write, name="recording", daemon=True)
        try:
            self.path = self._folder.begin(now())
        except RecordingFull as full:
            self._folder.close()
            self._end(f"nothing is recorded: {full}")
        except BaseException:
            self._folder.close()
            raise
        else:
            self._thread.start()
        self._pass_on()

    @property
    def on(self) -> bool:
        """Whether it goes on: views say so."""
        return not (self._ended or self._closing)

    @property
    def dropped(self) -> dict[str, int]:
        """Pictures, blocks of sound, poses and lines left out because the disk was too slow; those that were."""
        with self._changed:
            return dict(self._dropped)

    def picture(self, frame: Frame) -> None:
        """Keep a picture."""
        self._put(PICTURES, frame.image.nbytes, frame)

    def sound(self, block: SoundBlock, time: float) -> None:
        """Keep a block of sound. time: of its first sample, seconds; later than where the last one ended: a gap."""
        self._put(SOUND, block.samples.nbytes, (block, time))

    def motion(self, pose: Pose) -> None:
        """Keep a pose."""
        self._put(MOTION, pose.rotations.nbytes, pose)

    def event(self, event: Event) -> None:
        """Keep an event."""
        self._put(LINES, LINE, partial(_line, jsonl.event, event, jsonl.wall_time()))

    def notice(self, notice: Notice) -> None:
        """Keep a notice."""
        self._put(LINES, LINE, partial(_line, jsonl.notice, notice, jsonl.wall_time()))

    def close(self) -> None:
        """Write what waits and end the files, within LEAVING; later calls do nothing."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(LEAVING)
        with self._changed:
            if self._thread.is_alive():
                self._end(
                    f"the disk of {self.path} is slow: the last seconds may be missing in the recording"
                )
        self._pass_on()

    def _put(self, kind: str, size: int, item: Any) -> None:
        with self._changed:
            if self.on:
                if self._bytes[kind] and self._bytes[kind] + size > WAITING[kind]:
                    if not self._dropped:
                        self._said.append(f"the recording cannot keep up: some {kind} are left out of it")
                    self._dropped[kind] += 1
                else:
                    self._waiting.append((kind, size, item))
                    self._bytes[kind] += size
                    self._changed.notify_all()
        self._pass_on()

    def _pass_on(self) -> None:
        """Tell what is to be told, the lock not being held."""
        while True:
            with self._changed:
                said = self._said.popleft() if self._said else None
            if said is None:
                return
            self._tell(said)

    def _end(self, said: str) -> None:
        """End early, and say why, once."""
        with self._changed:
            if not self._ended:
                self._ended = True
                self._said.append(said)
            self._waiting.clear()
            self._changed.notify_all()

    def _next(self) -> tuple[str, Any] | None:
        """What is to be written; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing or self._ended)
            if not self._waiting:
                return None
            kind, size, item = self._waiting.popleft()
            self._bytes[kind] -= size
            return kind, item

    def _write(self) -> None:
        """Body of the thread."""
        writers: dict[str, Any] = {}
        try:
            while (taken := self._next()) is not None:
                kind, item = taken
                if kind not in writers:
                    writers[kind] = _writer(kind, self._folder)
                writers[kind].write(*item if kind == SOUND else (item,))
        except RecordingFull as full:
            self._end(f"the recording ends, the run goes on: {full}")
        except Exception as error:  # noqa: BLE001 - whatever fails here costs the recording alone, and is told
            self._failed(error)
        for writer in writers.values():
            try:
                writer.close()
            except Exception as error:  # noqa: BLE001 - as above; of several the first is told
                self._failed(error)
        self._folder.close()

    def _failed(self, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or f"{error}" or type(error).__name__
        self._end(f"the recording ends, the run goes on: {self.path} cannot be written to ({reason.lower()})")


class _LineWriter:
    """Writes events.jsonl."""

    def __init__(self, folder: RecordingFolder) -> None:
        self._file: RecordedFile = folder.create("events.jsonl")

    def write(self, line: Callable[[], str]) -> None:
        self._file.write(line().encode())

    def close(self) -> None:
        self._file.close()


def _line(told_as: Callable[[Any], dict[str, Any]], told: Any, at: str) -> str:
    return json.dumps({**told_as(told), "at": at}, separators=(",", ":")) + "\n"


def _writer(kind: str, folder: RecordingFolder) -> Any:
    """What writes items of a kind; loaded with the first of them."""
    if kind == PICTURES:
        from edge_emotion.recording_pictures import PictureWriter

        return PictureWriter(folder)
    if kind == SOUND:
        from edge_emotion.recording_sound import SoundWriter

        return SoundWriter(folder)
    if kind == MOTION:
        from edge_emotion.recording_motion import MotionWriter

        return MotionWriter(folder)
    return _LineWriter(folder)
