"""What a live run does once a second beside recognising: says that it is alive, watches its load, reloads."""

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from edge_emotion.heat_watch import HeatWatch
from edge_emotion.load_control import LoadControl, LoadSettings, Reading
from edge_emotion.pipeline import Run
from edge_emotion.sources.source_change import Pulse
from edge_emotion.systemd_notify import SystemdNotify


class Heat(Protocol):
    """What is known of the device's heat."""

    @property
    def temperature(self) -> float | None:
        """Degrees Celsius."""
        ...

    @property
    def throttled(self) -> bool:
        """Whether the device slows itself down."""
        ...

    def close(self) -> None:
        """Ask no more."""
        ...


class LiveKeeper:
    """Takes the pulses of a run: `run.pulse = keeper.pulse`."""

    def __init__(
        self,
        run: Run,
        senses: Iterable[str],
        load: LoadSettings | None = None,
        notify: SystemdNotify | None = None,
        hung_up: Callable[[], None] = lambda: None,
        heat: Heat | None = None,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        """senses: that are judged. hung_up: called with each pulse; it may end the run by an exception.

        heat: a HeatWatch of its own when None. clock, cpu: seconds, the latter of computing by all threads.
        """
        self._run, self._hung_up = run, hung_up
        self._control = LoadControl(senses, load)
        self._notify = notify or SystemdNotify({})
        self._heat = heat or HeatWatch()
        self._clock, self._cpu = clock, cpu
        self._last = clock(), cpu()

    @property
    def level(self) -> int:
        """How much less than all is done; 0 is all."""
        return self._control.number

    def pulse(self, pulse: Pulse) -> None:
        """Take one pulse."""
        self._notify.alive()
        self._hung_up()
        (then, worked), (now, works) = self._last, (self._clock(), self._cpu())
        self._last = now, works
        if now <= then:
            return
        reading = Reading(
            pulse.busy, (works - worked) / (now - then), self._heat.temperature, self._heat.throttled
        )
        why = self._control.take(now, reading)
        if why is not None:
            self._run.slow_down(self._control.level)
            self._run.notice("load", why, pulse.time)

    def close(self) -> None:
        """End of the run."""
        self._heat.close()
