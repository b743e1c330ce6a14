"""Ctrl-C and SIGTERM as an exception of their own, so that every device is given back."""

import signal
from typing import Any


class Stopped(BaseException):
    """Ctrl-C or SIGTERM, with the signal's number."""


def stop_on(*signals: signal.Signals) -> None:
    """Raise Stopped at the first of these signals; a second one ends the program, whatever it is at."""

    def stop(number: int, frame: Any) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_DFL)
        raise Stopped(number)

    for each in signals:
        signal.signal(each, stop)


class HangUp:
    """Notes SIGHUP, which asks a service to read its configuration anew."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._came = False

    def listen(self) -> "HangUp":
        """Take the signal from now on."""
        signal.signal(signal.SIGHUP, self._note)
        return self

    def taken(self) -> bool:
        """Whether it has come since it was asked last."""
        came, self._came = self._came, False
        return came

    def _note(self, number: int, frame: Any) -> None:
        self._came = True
