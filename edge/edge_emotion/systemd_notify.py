"""Tells systemd how the program is: ready, alive, reloading, stopping. Protocol: the manual page sd_notify(3)."""

import os
import socket
import time
from collections.abc import Callable, MutableMapping


class SystemdNotify:
    """Sends states to the socket that systemd names in NOTIFY_SOCKET; without one it sends nothing."""

    def __init__(
        self,
        environment: MutableMapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """environment: os.environ when None; the variables are taken out of it, so that no child answers for us."""
        variables = os.environ if environment is None else environment
        self._address = variables.pop("NOTIFY_SOCKET", "")
        watchdog, whose = variables.pop("WATCHDOG_USEC", ""), variables.pop("WATCHDOG_PID", "")
        self._clock = clock
        ours = not whose or whose == str(os.getpid())
        self._period = int(watchdog) / 2e6 if watchdog.isascii() and watchdog.isdecimal() and ours else None
        self._said = -float("inf")

    @property
    def active(self) -> bool:
        """Whether systemd listens."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        """All is open and running. status: a line for `systemctl status`."""
        self._send(f"READY=1\nSTATUS={_line(status)}\nWATCHDOG=1")

    def alive(self) -> None:
        """The main loop goes round; sent at twice the pace that the watchdog asks for, at most."""
        now = self._clock()
        if self._period is not None and now - self._said >= self._period:
            self._said = now
            self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """A line for `systemctl status`."""
        self._send(f"STATUS={_line(text)}")

    def reloading(self) -> None:
        """The configuration is being read anew; `ready` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={int(self._clock() * 1e6)}\nWATCHDOG=1")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def _send(self, state: str) -> None:
        if not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.setblocking(False)
            try:
                to.sendto(state.encode(), address)
            except (BlockingIOError, ConnectionError, FileNotFoundError):
                # systemd is being restarted or has no room just now: it is told again soon.
                self._said = -float("inf")


def _line(text: str) -> str:
    return " ".join(text.split())
