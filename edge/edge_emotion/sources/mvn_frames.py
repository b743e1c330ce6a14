"""Samples of the MVN stream, put together from the datagrams they were split over."""

from collections import Counter
from dataclasses import replace

import numpy as np

from edge_emotion.sources.motion_decoder import DatagramError
from edge_emotion.sources.mvn_packets import MvnDatagram

WAITING = 4  # samples that may wait for the rest of their datagrams; the oldest is given up
MOST_PARTS = 8  # datagrams of a sample; a whole body with fingers needs two
INCOMPLETE = "frames missed a part"

_Key = tuple[int, int, int, int]  # type, character, sample, milliseconds


class MvnFrames:
    """Joins datagrams of one type, character and sample counter, in whatever order they come."""

    def __init__(self, counts: Counter[str]) -> None:
        """counts: where samples that were given up are counted."""
        self._counts = counts
        self._waiting: dict[_Key, dict[int, MvnDatagram]] = {}

    def push(self, part: MvnDatagram) -> MvnDatagram | None:
        """The whole sample once it is complete, as one datagram; DatagramError when its parts do not fit."""
        if part.index == 0 and part.last:
            return _checked(part)
        if part.index >= MOST_PARTS:
            raise DatagramError("too many parts")
        key = (part.type, part.character, part.sample, part.milliseconds)
        parts = self._waiting.setdefault(key, {})
        parts[part.index] = part
        if len(self._waiting) > WAITING:
            self._counts[INCOMPLETE] += 1
            del self._waiting[next(iter(self._waiting))]
        count = max(parts) + 1
        if len(parts) < count or not parts[count - 1].last:
            return None
        del self._waiting[key]
        ordered = [parts[index] for index in range(count)]
        ids = np.concatenate([each.ids for each in ordered])
        values = np.concatenate([each.values for each in ordered])
        return _checked(replace(ordered[0], last=True, ids=ids, values=values))

    def clear(self) -> None:
        """Give up what waits."""
        self._waiting.clear()


def _checked(whole: MvnDatagram) -> MvnDatagram:
    if len(whole.ids) == 0:
        raise DatagramError("no segment of a body")
    told = {tuple(row) for row in whole.ids.tolist()}
    if len(told) < len(whole.ids):
        raise DatagramError("segment told twice")
    return whole
