"""Puts what a live device gives onto the clock of the run."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from edge_emotion.senses import Motion
from edge_emotion.sources.arrival_clock import ArrivalClock
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.live_part import KeptPart
from edge_emotion.sources.sound import RATE, SoundBlock
from edge_emotion.sources.timed_sound import Ended, TimedSound, timed

LATEST = 3.0  # seconds that sound may wait in queues; what is later shows that the card, or we, stood still
GAP = 0.3  # seconds: sound that comes so much later than it should was lost in between, whoever lost it
EARLY = 0.005  # seconds that a frame may come before it is due


class Placing:
    """Gives a device's items with times of the run; KeptPart.newest says how far they have come: never back.

    Of a part that is alone the run's clock is its own, until it is lost: what it gives is passed on as it is.
    """

    def __init__(self, clock: Callable[[], float], alone: bool = False) -> None:
        """clock: seconds, the one that devices tell their `started` by. alone: there is one device, open already."""
        self._clock = clock
        self._alone = alone
        self.start = 0.0
        """Time 0 of the run by that clock."""
        self.frame_period = 0.0
        """Least seconds between two frames that are given; those between are let go."""

    def recorded(self, part: KeptPart, device: Any) -> Iterator[Frame | TimedSound | Ended | Motion]:
        """Items of a file that keeps its pace, by its own times."""
        return timed(device)

    def frames(self, part: KeptPart, device: Any) -> Iterator[Frame]:
        """Pictures, no more of them than frame_period lets through."""
        clock, own = ArrivalClock(), self._alone and not part.gave
        for frame in device:
            if own:
                self.start = self._clock() - frame.time
                at = frame.time
            else:
                started: float | None = getattr(device, "started", None)
                offset = clock.offset(self._clock(), frame.time) if started is None else started
                at = max(part.newest, frame.time + offset - self.start)
            if at - part.newest < self.frame_period - EARLY and part.gave:
                continue
            part.newest = at
            yield replace(frame, time=at)

    def sound(self, part: KeptPart, device: Any) -> Iterator[TimedSound | SoundBlock]:
        """Place sound where it was heard; what is missing between two blocks is told as lost.

        That of a microphone alone is counted by its samples, which no delay can make tremble.
        """
        clock, heard, first = ArrivalClock(LATEST), 0.0, True
        for block in device:
            arrived = self._clock()
            begin = heard + block.lost
            heard = begin + len(block.samples) / RATE
            if self._alone and not part.gave:
                self.start = arrived - heard
            at = begin + clock.offset(arrived, heard) - self.start
            lost = block.lost
            if (first and part.gave) or at - part.newest - lost > GAP:
                lost = max(lost, at - part.newest)
            first = False
            part.newest = at + len(block.samples) / RATE
            told = SoundBlock(block.samples, lost)
            yield told if self._alone else TimedSound(told, at)

    def motion(self, part: KeptPart, device: Any) -> Iterator[Motion]:
        """Poses and samples; the device's own clock is followed."""
        clock, own = ArrivalClock(), self._alone and not part.gave
        for item in device:
            now = self._clock()
            if own:
                self.start = now - item.time
            at = item.time if own else item.time + clock.offset(now, item.time) - self.start
            part.newest = max(part.newest, at)
            yield replace(item, time=part.newest)
