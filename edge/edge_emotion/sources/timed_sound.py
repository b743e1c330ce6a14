"""What a source of two senses adds to blocks and frames: sound with its time, and the end of one of the senses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from edge_emotion.sources.sound import RATE, SoundBlock


@dataclass(frozen=True)
class TimedSound:
    """A block of sound on the clock that it shares with pictures. time: of its first sample, seconds."""

    block: SoundBlock
    time: float


@dataclass(frozen=True)
class Ended:
    """One of the senses is over, the other goes on. modality: "voice" or "face"."""

    modality: str


def timed(items: Iterable[Any]) -> Iterator[Any]:
    """Items of a recording; sound without times is counted by its samples, what was lost with them."""
    heard = 0.0
    for item in items:
        if isinstance(item, SoundBlock):
            begin = heard + item.lost
            heard = begin + len(item.samples) / RATE
            yield TimedSound(item, begin)
        else:
            yield item
