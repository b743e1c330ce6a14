"""One live device, and what becomes of it while it is opened, lost and opened again."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LivePart:
    """One device. senses: that it feeds. name: for a user, before it is open.

    open: opens it, EdgeEmotionError when it cannot. device: it, if it is open already. file: it is a recording that
    keeps its own pace and times; its end is the end of all.
    """

    senses: tuple[str, ...]
    name: str
    open: Callable[[], Any]
    device: Any = None
    file: bool = False


class KeptPart:
    """A live part and what becomes of it; used by the thread that runs it, and by others where it says so."""

    def __init__(self, part: LivePart) -> None:
        self.part, self.device = part, part.device
        self.thread: threading.Thread | None = None
        self.name = part.device.name if part.device is not None else part.name
        self.senses = part.senses
        self.file = part.file
        self.reason = ""  # why it is lost, empty while it works
        self.newest = 0.0  # seconds on the source's clock, of what it gave last
        self.gave = False  # whether it ever gave anything
        self.steady = False  # whether it has given anything since it was opened
        self.heard = 0.0  # when anything but silence came last, on the clock that devices are told by
        self.ended = False
        self.over: set[str] = set()  # senses of a file that have ended
        self._left: Any = None  # the device before this one
        self._dropped: dict[str, int] = {}  # by devices that are closed
        self._changing = threading.Lock()

    def opened(self) -> Exception | None:
        """Open the device if it is not open; give why it cannot be."""
        if self.device is not None:
            return None
        try:
            device = self.part.open()
        except Exception as error:  # noqa: BLE001 - told as lost
            self._left = getattr(error, "held", None) or self._left
            return error
        with self._changing:
            self.device, self.name = device, device.name
        return None

    def give_back(self) -> None:
        """Close the device; from any thread."""
        with self._changing:
            device, self.device = self.device, None
            if device is None:
                return
            self._left = device
            for sense, count in self._of(device).items():
                self._dropped[sense] = self._dropped.get(sense, 0) + count
        device.close()

    @property
    def released(self) -> bool:
        """Whether the device before this one has let go."""
        return bool(getattr(self._left, "released", True))

    def dropped(self) -> dict[str, int]:
        """Frames of each sense that all devices of this part have dropped; from any thread."""
        with self._changing:
            now = self._of(self.device) if self.device is not None else {}
            return {s: self._dropped.get(s, 0) + now.get(s, 0) for s in {*self._dropped, *now}}

    def warnings(self) -> list[str]:
        """Lines of the device that is open; from any thread."""
        device = self.device
        return [] if device is None else list(device.warnings)

    def _of(self, device: Any) -> dict[str, int]:
        by_sense: dict[str, int] | None = getattr(device, "dropped_by_sense", None)
        return by_sense if by_sense is not None else {self.senses[0]: device.dropped}
