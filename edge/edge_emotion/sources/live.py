"""Live parts as one source: each in a thread of its own that opens it again when it is lost, all on one clock."""

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.senses import BODY, FACE, VOICE, Motion
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.live_part import KeptPart, LivePart
from edge_emotion.sources.live_placing import Placing
from edge_emotion.sources.motion import Silence
from edge_emotion.sources.sound import SoundBlock
from edge_emotion.sources.source_change import BACK, LOST, Pulse, SourceChange
from edge_emotion.sources.timed_sound import Ended, TimedSound

Item = SoundBlock | TimedSound | Frame | Ended | Motion | SourceChange | Pulse

BLOCKS = (
    25  # of sound that may wait, 2 s; beyond that the microphone's own queue fills, which drops and counts
)
POSES = 480  # that may wait: 4 s of a suit at 120 Hz
PULSE = 1.0  # seconds between two pulses
LEAVING = 1.0  # seconds that close() waits, in all, for drivers that do not let go
RETRY, RETRY_MOST = 0.5, 10.0  # seconds until a lost part is opened again, at first and at last
SILENT = 5.0  # seconds of silence after which a suit or a sensor counts as lost
STEADY = 10.0  # seconds that a part has to work, to be tried again soon when it is lost


class LiveSources:
    """Gives sound in order, all of it, poses, and between them the newest frame; time 0 is the start of iteration.

    A part that fails is closed, told of as lost and opened again until it is back, with longer and longer waits; the
    others go on meanwhile. A part that ends, as a file does, is told by an `Ended`; iteration ends with the last of
    them. close() may be called at any time, also while a driver hangs.
    """

    def __init__(
        self,
        parts: Sequence[LivePart],
        clock: Callable[[], float] = time.monotonic,
        retry: tuple[float, float] = (RETRY, RETRY_MOST),
    ) -> None:
        """clock: seconds, the one that devices tell their `started` by. retry: first and longest wait, seconds."""
        self._clock, self._retry = clock, retry
        self._placing = Placing(clock, len(parts) == 1 and parts[0].device is not None)
        self._parts = [KeptPart(part) for part in parts]
        self._changed = threading.Condition()  # holds all below
        self._sound: deque[TimedSound | SoundBlock] = deque()
        self._poses: deque[Motion] = deque()
        self._items: deque[Item] = deque()  # at most one of a file: it keeps its own queue
        self._frame: Frame | None = None
        self._told: deque[Item] = deque()  # lost, back and ended parts
        self._error: Exception | None = None  # of a file
        self._dropped = {sense: 0 for part in parts for sense in part.senses}
        self._closed, self._closing = threading.Event(), threading.Lock()
        self._leaving: list[threading.Thread] = []  # threads that close() has waited for
        self._busy = 0.0  # seconds of computing since the last pulse
        self._pulsed = 0.0  # clock of the newest pulse

    @property
    def name(self) -> str:
        """Names of all parts."""
        return " + ".join(part.name for part in self._parts)

    def __iter__(self) -> Iterator[Item]:
        """Start all parts."""
        self._placing.start = self._pulsed = self._clock()
        for part in self._parts:
            thread = threading.Thread(target=self._keep, args=(part,), name=part.name, daemon=True)
            thread.start()
            part.thread = thread  # close() may come from another thread: it joins what runs
        while not self._closed.is_set():
            for item in self._items_of_now():
                began = self._clock()
                yield item
                self._busy += self._clock() - began
                if self._closed.is_set():
                    return
            if self._error is not None:
                raise self._error
            if self._over():
                return

    def close(self) -> None:
        """Give back all devices; a driver that does not let go in time is left to its thread, see `stuck`.

        The first call waits for them, at most LEAVING; later ones do not.
        """
        with self._closing:
            if self._closed.is_set():
                return
            self._closed.set()
        with self._changed:
            self._changed.notify_all()
        closers = [threading.Thread(target=part.give_back, daemon=True) for part in self._parts]
        for thread in closers:
            thread.start()
        self._leaving = [*closers, *(part.thread for part in self._parts if part.thread is not None)]
        until = time.monotonic() + LEAVING
        for thread in self._leaving:
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))

    @property
    def devices(self) -> list[Any]:
        """Those that are open now."""
        return [part.device for part in self._parts if part.device is not None]

    @property
    def stuck(self) -> bool:
        """Whether a driver has not let go though it was closed: the program should not wait for it."""
        return any(thread.is_alive() for thread in self._leaving if thread is not threading.current_thread())

    def slow_frames(self, period: float) -> None:
        """Let go frames that come sooner than this many seconds after the one before; 0 gives all."""
        self._placing.frame_period = period

    @property
    def lost(self) -> dict[str, str]:
        """Senses whose part is lost just now, and why."""
        return {sense: part.reason for part in self._parts if part.reason for sense in part.senses}

    @property
    def dropped(self) -> int:
        """Frames of all parts, see dropped_by_sense."""
        return sum(self.dropped_by_sense.values())

    @property
    def dropped_by_sense(self) -> dict[str, int]:
        """Pictures, sound frames and poses dropped because computing was too slow."""
        dropped = dict(self._dropped)
        for part in self._parts:
            for sense, count in part.dropped().items():
                dropped[sense] = dropped.get(sense, 0) + count
        return dropped

    @property
    def warnings(self) -> list[str]:
        """Lines of the devices that are open, and of those that ended while others go on."""
        lines = [line for part in self._parts for line in part.warnings()]
        if all(part.ended for part in self._parts):
            return lines
        return lines + [f"{part.name} ended; the others go on" for part in self._parts if part.ended]

    def _items_of_now(self) -> Iterator[Item]:
        """Wait for what comes next, at most until the next pulse, and give it: what ends a part after what it gave."""
        with self._changed:
            self._changed.wait_for(self._anything, max(0.0, self._pulsed + PULSE - self._clock()))
            told = list(self._told)
            items: list[Item] = [*self._sound, *self._poses, *self._items]
            for queue in (self._told, self._sound, self._poses, self._items):
                queue.clear()
            self._changed.notify_all()
        # What is back comes before what it gives, unless it was lost only just before.
        back: list[Item] = []
        lost: set[str] = set()
        for change in told:
            if isinstance(change, SourceChange) and change.state == LOST:
                lost.add(change.name)
            elif isinstance(change, SourceChange) and change.name not in lost:
                back.append(change)
        yield from back
        yield from items
        with self._changed:  # after the sound: a newer frame may have come
            frame, self._frame = self._frame, None
        if frame is not None:
            yield frame
        yield from (change for change in told if not any(change is first for first in back))
        passed = self._clock() - self._pulsed
        if passed >= PULSE:
            busy = min(1.0, self._busy / passed)
            self._pulsed, self._busy = self._pulsed + passed, 0.0
            yield Pulse(self._now(), busy)

    def _now(self) -> float:
        """Seconds on the clock of the run."""
        return self._clock() - self._placing.start

    def _anything(self) -> bool:
        waiting = self._told or self._sound or self._poses or self._items or self._frame
        return bool(waiting) or self._closed.is_set() or self._error is not None

    def _over(self) -> bool:
        """Whether nothing more can come: the file has ended, or all parts have."""
        with self._changed:
            if self._told or self._items:
                return False
            if any(part.file and part.ended for part in self._parts):
                return True
            left = self._sound or self._poses or self._frame
            return not left and all(part.ended for part in self._parts)

    def _keep(self, part: KeptPart) -> None:
        """Body of each thread: run a part, and open it again when it is lost, until it ends or all is closed."""
        wait = self._retry[0]
        while not self._closed.is_set():
            error, began = part.opened(), self._clock()
            if error is None:
                error = None if self._closed.is_set() else self._run(part, part.device)
                if error is not None and not part.file:
                    self._lose(part, error)  # before the driver is asked to let go, which it may not
                part.give_back()
            elif not part.file:
                self._lose(part, error)
            if error is None or part.file:
                break
            if part.steady and self._clock() - began > STEADY:
                wait = self._retry[0]
            # A driver that has not let go would be opened a second time: it is waited for.
            while not self._closed.wait(wait) and not part.released:
                pass
            wait = min(2 * wait, self._retry[1])
        with self._changed:
            part.ended = True
            if part.file:
                self._error = error
            self._told += [Ended(sense) for sense in part.senses if sense not in part.over]
            self._changed.notify_all()

    def _run(self, part: KeptPart, device: Any) -> Exception | None:
        """Take what a device gives until it ends, None, or fails."""
        place = self._placing
        kinds: dict[str, Callable[[KeptPart, Any], Iterator[Any]]] = {
            FACE: place.frames, VOICE: place.sound, BODY: place.motion,
        }  # fmt: skip
        placed = place.recorded if part.file else kinds[part.senses[0]]
        part.steady, part.heard = False, self._clock()
        try:
            for item in placed(part, device) if device is not None else ():
                if isinstance(item, Silence):
                    self._note_silence(part)
                    if part.reason:  # told, and enough of it
                        continue
                else:
                    part.gave, part.steady, part.heard = True, True, self._clock()
                    self._back(part)
                with self._changed:
                    self._put(part, item)
                    self._changed.notify_all()
                if self._closed.is_set():
                    return None
        except Exception as error:  # noqa: BLE001 - whatever a driver raises costs its own sense alone, and is told
            return None if self._closed.is_set() else error
        return None

    def _note_silence(self, part: KeptPart) -> None:
        """A suit or a sensor says itself that it is silent, and goes on to listen; for long it counts as lost."""
        if self._clock() - part.heard >= SILENT:
            self._lose(part, EdgeEmotionError(f"nothing has come for {SILENT:g} s"))

    def _lose(self, part: KeptPart, error: Exception) -> None:
        """Tell once that a part is lost."""
        known = isinstance(error, EdgeEmotionError | OSError)
        reason = str(error) if known else "".join(traceback.format_exception_only(error)).strip()
        with self._changed:
            first, part.reason = not part.reason, (reason.splitlines() or [type(error).__name__])[0]
            if first:
                self._told.append(SourceChange(LOST, part.senses, part.name, self._now(), part.reason))
                self._changed.notify_all()

    def _back(self, part: KeptPart) -> None:
        with self._changed:
            if part.reason:
                part.reason = ""
                self._told.append(SourceChange(BACK, part.senses, part.name, self._now()))

    def _put(self, part: KeptPart, item: Item) -> None:
        """Put an item where it is taken out, the lock being held."""
        if part.file:
            if isinstance(item, Ended):
                part.over.add(item.modality)
            self._changed.wait_for(lambda: self._closed.is_set() or not self._items)
            self._items.append(item)
        elif isinstance(item, Frame):
            self._dropped[FACE] += self._frame is not None
            self._frame = item
        elif isinstance(item, TimedSound | SoundBlock):
            self._changed.wait_for(lambda: self._closed.is_set() or len(self._sound) < BLOCKS)
            self._sound.append(item)
        else:
            if len(self._poses) >= POSES:
                self._poses.popleft()
                self._dropped[BODY] += 1
            self._poses.append(item)  # type: ignore[arg-type]
