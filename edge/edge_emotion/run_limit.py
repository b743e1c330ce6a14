"""Where a run stops that is to last so many seconds, for pictures and sound that do not come in step."""

from collections.abc import Iterable

from edge_emotion.skeleton import Pose
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.iio import ImuSample
from edge_emotion.sources.motion import Silence
from edge_emotion.sources.sound import RATE, SoundBlock
from edge_emotion.sources.timed_sound import TimedSound

Limited = SoundBlock | TimedSound | Frame | Pose | Silence | ImuSample

PATIENCE = 2.0  # seconds


class RunLimit:
    """Cuts what comes at a time; it is reached once every sense is there.

    Sound that has no times of its own is counted by its samples, lost ones left out.
    """

    def __init__(self, seconds: float | None, senses: Iterable[str]) -> None:
        """seconds: None for no limit. senses: "voice", "face", "body"."""
        self._seconds = seconds
        self._open = set(senses)
        self._samples = 0
        self._longest = 0.0  # seconds, of a block of sound

    @property
    def reached(self) -> bool:
        """Whether nothing more can come from before the limit."""
        return self._seconds is not None and not self._open

    def end(self, modality: str) -> None:
        """Wait for a sense no longer."""
        self._open.discard(modality)

    def passed(self, time: float) -> None:
        """Time has come so far, seconds; a sense that is PATIENCE behind it is not coming."""
        if self._seconds is not None and time > self._seconds + PATIENCE:
            self._open.clear()

    def cut(self, item: "Limited") -> "Limited | None":
        """Give what of an item lies before the limit, None for nothing."""
        if self._seconds is None:
            return item
        if isinstance(item, Pose | Silence | ImuSample):
            if item.time <= self._seconds:
                return item
            self.end("body")
            return None
        if isinstance(item, Frame):
            if item.time <= self._seconds:
                return item
            self.end("face")
            if item.time > self._seconds + self._longest:  # no sound from before the limit is on its way
                self.end("voice")
            return None
        block, time = (item.block, item.time) if isinstance(item, TimedSound) else (item, None)
        keep = round(self._seconds * RATE) - (self._samples if time is None else round(time * RATE))
        self._samples += len(block.samples)
        self._longest = max(self._longest, len(block.samples) / RATE)
        if keep <= len(block.samples):
            self.end("voice")
        if keep <= 0:
            return None
        kept = SoundBlock(block.samples[:keep], block.lost)
        return kept if time is None else TimedSound(kept, time)
