"""What a user is told of a stream of datagrams: a line for each kind of trouble, of which there are few."""

from collections.abc import Mapping
from typing import Any

from edge_emotion.sources.sender_clock import SenderClock

REFUSED = "refused: "  # begins what is counted of refused datagrams; then the reason
LATE = "poses came twice or late"
OTHER_SENDERS = "datagrams of other senders"
TOO_FAST = "datagrams came too fast"
OTHERS = "others"  # legal datagrams that tell of something else


def rounded(count: int) -> str:
    """A count as it is told: from 10 on by its power of ten, so that a line that is printed anew is printed seldom."""
    return f"{count}" if count < 10 else f"{10 ** (len(str(count)) - 1)} or more"


class DatagramWarnings:
    """Puts counts into lines, and keeps what is told once: silence, a change of joints, a clock that went back."""

    def __init__(self, protocol: str, place: str, most_a_second: int) -> None:
        """protocol: its name. place: the address and port listened at. most_a_second: datagrams looked at."""
        self._protocol, self._place, self._most = protocol, place, most_a_second
        self._waited = False  # in vain for a first pose
        self._silent = False
        self._silences = 0
        self._silent_sender = ""
        self._followed = ""
        self._joints: int | None = None
        self._changed = ""
        self._restarts = 0

    def silent(self, sender: Any) -> None:
        """No pose has come for long from a sender, or at all (None)."""
        if sender is None:
            self._waited = True
        elif not self._silent:
            self._silent, self._silent_sender = True, f"{sender[0]}:{sender[1]}"
            self._silences += 1

    def came(self, sender: Any, joints: int, clock: SenderClock) -> None:
        """A pose that tells of so many joints has come."""
        self._silent = False
        self._followed = f"{sender[0]}:{sender[1]}"
        if self._joints is not None and joints != self._joints and not self._changed:
            self._changed = (
                f"{self._place}: the body changed from {self._joints} to {joints} joints; going on"
            )
        self._joints = joints
        self._restarts = clock.restarts

    def lines(self, counts: Mapping[str, int]) -> list[str]:
        """One line for each kind of trouble, in a fixed order."""
        lines = []
        if self._waited:
            lines.append(
                f"nothing has come at {self._place} for 5 s; set the sender to {self._protocol} over UDP, this "
                f"device's address and that port{self._reach()}; waiting"
            )
        if self._silences:
            again = f" (silence {rounded(self._silences)})" if self._silences > 1 else ""
            lines.append(f"nothing has come from {self._silent_sender} for 5 s; waiting{again}")
        if self._restarts:
            lines.append(
                f"{self._place}: the sender's clock went back, going on from there: {rounded(self._restarts)}"
            )
        if self._changed:
            lines.append(self._changed)
        for kind, count in sorted(counts.items()):
            if kind != OTHERS:
                lines.append(f"{self._place}: {self._counted(kind, rounded(count))}")
        return lines

    def _reach(self) -> str:
        local = self._place.startswith(("127.", "::1"))
        return " (127.0.0.1 hears senders on this device alone, 0.0.0.0 all)" if local else ""

    def _counted(self, kind: str, count: str) -> str:
        if kind.startswith(REFUSED):
            return f"datagrams that were no {self._protocol} ({kind.removeprefix(REFUSED)}): {count}"
        if kind == OTHER_SENDERS:
            return f"datagrams of other senders or bodies left out, {self._followed} is followed: {count}"
        if kind == TOO_FAST:
            return f"datagrams faster than {self._most} a second left out: {count}"
        return f"{kind} and were left out: {count}"
