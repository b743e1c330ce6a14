"""A box for one frame between a camera's thread and the computing: the newest wins, replaced ones are counted."""

import threading

from edge_emotion.sources.frame import Frame


class NewestFrame:
    """Holds the newest frame until it is taken; put() never waits, get() waits for a while."""

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._error: Exception | None = None
        self._changed = threading.Condition()
        self.ended = False
        self.dropped = 0  # frames replaced before they were taken, since the start

    def put(self, frame: Frame) -> None:
        """Replace what is held."""
        with self._changed:
            self.dropped += self._frame is not None
            self._frame = frame
            self._changed.notify()

    def end(self, error: Exception | None = None) -> None:
        """Say that no frame will come any more; get() raises the error, once, after the frame still held."""
        with self._changed:
            self.ended = True
            self._error = self._error or error
            self._changed.notify()

    def get(self, timeout: float) -> Frame | None:
        """Take the newest frame; None at the end or after timeout seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self.ended, timeout)
            frame, self._frame = self._frame, None
            if frame is None and self._error is not None:
                error, self._error = self._error, None
                raise error
            return frame
