"""What a source of two senses adds to blocks and frames: sound with its time, and the end of one of the senses."""

from dataclasses import dataclass

from edge_emotion.sources.sound import SoundBlock


@dataclass(frozen=True)
class TimedSound:
    """A block of sound on the clock that it shares with pictures. time: of its first sample, seconds."""

    block: SoundBlock
    time: float


@dataclass(frozen=True)
class Ended:
    """One of the senses is over, the other goes on. modality: "voice" or "face"."""

    modality: str
