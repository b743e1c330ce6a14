"""Looks at the device's heat and power every few seconds, beside the run: the question may take long."""

import subprocess
import threading
from collections.abc import Callable

from edge_emotion.machine_state import ask_throttled, temperature, throttling

PERIOD = 10.0  # seconds


def throttled_now() -> bool:
    """Whether a Raspberry Pi says that it slows itself down at this moment; False where nothing says so."""
    answer = ask_throttled()
    found = throttling(answer) if answer else None
    return found is not None and bool(
        {"throttled", "clock capped", "soft temperature limit"} & set(found.now)
    )


class HeatWatch:
    """Keeps the newest temperature and throttling; a thread of its own asks."""

    def __init__(
        self,
        heat: Callable[[], float | None] = temperature,
        throttled: Callable[[], bool] = throttled_now,
        period: float = PERIOD,
    ) -> None:
        """heat, throttled: what is asked. period: seconds between two questions."""
        self.temperature: float | None = None
        """Degrees Celsius, None where the device does not tell."""
        self.throttled = False
        self._heat, self._throttled, self._period = heat, throttled, period
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="heat", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._closed.set()

    def _watch(self) -> None:
        while True:
            try:
                self.temperature, self.throttled = self._heat(), self._throttled()
            except (OSError, subprocess.SubprocessError):  # no process to be had just now: nothing is known
                self.temperature, self.throttled = None, False
            if self._closed.wait(self._period):
                return
