"""A camera and a microphone as one source: two threads, one bounded inbox, one clock."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources.frame import Frame, FrameSource
from edge_emotion.sources.sound import RATE, SoundBlock, SoundSource
from edge_emotion.sources.timed_sound import Ended, TimedSound

BLOCKS = (
    25  # that may wait, 2 s of them; beyond that the microphone's own queue fills, which drops and counts
)
MEMORY = 10.0  # seconds of arrivals that a clock is held against
DRIFT = 0.1  # seconds that a clock may be off before it is set again
LEAVING = 2.0  # seconds that close() waits for a driver that does not let go
OTHER = {"face": "microphone", "voice": "camera"}


class ArrivalClock:
    """Puts a device's own seconds on ours: things arrive late at times, but never early.

    The offset is the least (arrival - own time) of the last MEMORY seconds; it is set anew only when it is off by
    DRIFT, as between a sound card and a processor after hours, so that times do not tremble.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()
        self._offset: float | None = None

    def offset(self, arrival: float, own: float) -> float:
        """Take what arrived just now with its own time, both in seconds; give what to add to own times."""
        late = arrival - own
        while self._seen and self._seen[-1][1] >= late:
            self._seen.pop()
        self._seen.append((arrival, late))
        while arrival - self._seen[0][0] > MEMORY:
            self._seen.popleft()
        least = self._seen[0][1]
        if self._offset is None or abs(least - self._offset) > DRIFT:
            self._offset = least
        return self._offset


class CameraAndMicrophone:
    """Gives sound in order, all of it, and between its blocks the newest frame; time 0 is the start of iteration.

    When one of them ends or fails the other goes on, with an `Ended` and a warning; iteration ends with the second,
    by its error if it failed. close() may be called at any time.
    """

    def __init__(
        self, camera: FrameSource, microphone: SoundSource, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """clock: seconds, the one that the camera's `started` is told by."""
        self._camera, self._microphone, self._clock = camera, microphone, clock
        self.name = f"{camera.name} + {microphone.name}"
        self._changed = threading.Condition()
        self._sound: deque[TimedSound] = deque()
        self._frame: Frame | None = None
        self._replaced = 0  # frames that a newer one took the place of here
        self._over: dict[str, BaseException | None] = {}  # modality -> how it ended
        self._said: list[str] = []
        self._closed = False
        self._start = 0.0
        self._threads = [
            threading.Thread(target=self._read, args=("face", self._frames), name="frames", daemon=True),
            threading.Thread(target=self._read, args=("voice", self._blocks), name="sound", daemon=True),
        ]

    def __iter__(self) -> Iterator[TimedSound | Frame | Ended]:
        """Start both; EdgeEmotionError when both have failed."""
        self._start = self._clock()
        for thread in self._threads:
            thread.start()
        told: set[str] = set()
        while not self._closed:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._closed or self._sound or self._frame or set(self._over) - told
                )
                sound = list(self._sound)
                self._sound.clear()
                over = dict(self._over)
                self._changed.notify_all()
            yield from sound
            with self._changed:  # after the sound: a newer frame may have come
                frame, self._frame = self._frame, None
            if frame is not None:
                yield frame
            for modality, error in over.items():
                if modality not in told and not self._closed:
                    told.add(modality)
                    self._tell(modality, error, last=len(told) == 2)
                    yield Ended(modality)
            if len(told) == 2:
                return

    def close(self) -> None:
        """Give back both devices."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._camera.close()
        self._microphone.close()
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(LEAVING)

    @property
    def dropped(self) -> int:
        """Frames of both, see dropped_by_sense."""
        return sum(self.dropped_by_sense.values())

    @property
    def dropped_by_sense(self) -> dict[str, int]:
        """Pictures ("face") and sound frames ("voice") dropped because computing was too slow."""
        return {"face": self._camera.dropped + self._replaced, "voice": self._microphone.dropped}

    @property
    def warnings(self) -> list[str]:
        """Lines of both, and one for a device that is gone."""
        return [*self._camera.warnings, *self._microphone.warnings, *self._said]

    def _tell(self, modality: str, error: BaseException | None, last: bool) -> None:
        """Note that a device is gone; raise what the last one failed with, and what is no user's error at once."""
        if error is not None and (last or not isinstance(error, EdgeEmotionError)):
            raise error
        if not last:
            reason = f"{error}" if error else f"the {'camera' if modality == 'face' else 'microphone'} ended"
            self._said.append(f"{reason}; going on with the {OTHER[modality]} alone")

    def _read(self, modality: str, deliver: Callable[[], None]) -> None:
        """Body of each thread: what a device raises is told where the items are taken out."""
        error: BaseException | None = None
        try:
            deliver()
        except BaseException as raised:  # noqa: BLE001 - raised again by _tell
            error = raised
        with self._changed:
            self._over[modality] = error
            self._changed.notify_all()

    def _frames(self) -> None:
        clock, newest = ArrivalClock(), 0.0
        for frame in self._camera:
            started: float | None = getattr(self._camera, "started", None)
            offset = clock.offset(self._clock(), frame.time) if started is None else started
            newest = max(newest, frame.time + offset - self._start)  # never back
            with self._changed:
                self._replaced += self._frame is not None
                self._frame = replace(frame, time=newest)
                self._changed.notify_all()

    def _blocks(self) -> None:
        clock, heard = ArrivalClock(), 0.0
        for block in self._microphone:
            arrived = self._clock()
            begin = heard + block.lost
            heard = begin + len(block.samples) / RATE
            offset = clock.offset(arrived, heard) - self._start
            with self._changed:
                self._changed.wait_for(lambda: self._closed or len(self._sound) < BLOCKS)
                if self._closed:
                    return
                self._sound.append(TimedSound(SoundBlock(block.samples, block.lost), begin + offset))
                self._changed.notify_all()
