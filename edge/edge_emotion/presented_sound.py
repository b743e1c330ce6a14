"""The sound's side of the presentations to a spiking network: the last 3.9 s before each, and whether it is speech."""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.spikes import PERIOD, SOUND, sound_rates
from edge_emotion.features.voice_activity import Activity, SpeechDetector, VoiceActivity
from edge_emotion.settings import VoiceActivitySettings
from edge_emotion.sources.sound import RATE
from edge_emotion.spiking_contract import SpikingContract
from edge_emotion.spiking_network import windows_of

HELD = 0.3  # seconds that a presentation may lie beyond the newest picture, or the end of the sound
TREMBLE = round(0.005 * RATE)  # samples: clocks that agree so far are one
HOP = round(PERIOD * RATE)  # samples between presentations
PIECE = 1280  # samples computed at a time, 80 ms

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Hearing:
    """What one presentation hears.

    rates: (windows, inputs) Hz. activity: of the window that ends with the presentation. dropped: whether lost sound
    lies within its 3.9 s.
    """

    rates: Array
    activity: Activity
    dropped: bool


class PresentedSound:
    """Takes sound in pushes of any size and tells what each presentation hears, once the sound has come up to it.

    Presentation k is at k * PERIOD seconds. Keeps SOUND samples and the presentations that nobody has taken yet, `most`
    of them at most.
    """

    def __init__(
        self,
        contract: SpikingContract,
        presentations: int,
        most: int,
        settings: VoiceActivitySettings,
        detector: SpeechDetector | None = None,
    ) -> None:
        """presentations: of a window, over whose time the activity is told. detector: Silero VAD when None."""
        self._windows = windows_of(contract)[1]
        self._mean, self._scale = np.array(contract.mean, np.float32), np.array(contract.scale, np.float32)
        self._presentations = presentations
        self._most = most
        self._activity = VoiceActivity(settings, detector)
        self._kept = np.zeros(0, np.float32)
        self._end = 0  # samples from time 0 to the end of what is kept
        self._heard = 0  # samples pushed
        self._before = (
            0  # samples of the source's clock up to `_end` that were not pushed: lost, or before the start
        )
        self._gaps: deque[tuple[int, int]] = deque()  # lost sound, from one sample to another
        self._told: dict[int, Hearing] = {}
        self.up_to = 0  # number of the newest presentation that the sound has come up to
        self.over = False

    @property
    def end(self) -> float:
        """Seconds up to which sound has come; minus infinity before any has."""
        return self._end / RATE if self._heard else -math.inf

    def place(self, time: float) -> None:
        """Say at which second of the source's clock the next sample lies: a clock that was set anew moves the sound."""
        off = round(time * RATE) - self._end
        if not self._heard:
            self._start(self._end + (off if abs(off) > TREMBLE else 0))
        elif off > TREMBLE:
            self._silence(off)
        elif off < -TREMBLE:
            self._kept = self._kept[: max(0, len(self._kept) + off)]
            self._end += off

    def lose(self, seconds: float) -> None:
        """Put silence where sound is missing; before any sound has come it only begins later."""
        missing = round(seconds * RATE)
        if not self._heard:
            self._start(self._end + missing)
        else:
            self._gaps.append((self._end, self._end + missing))
            self._silence(missing)

    def push(self, piece: Array) -> None:
        """Take (n,) samples at 16 kHz, at most PIECE of them."""
        if not len(piece):
            return
        self._before = self._end - self._heard
        self._heard += len(piece)
        self._activity.push(piece)
        self._append(piece)

    def finish(self) -> None:
        """End of the sound: what follows within HELD hears silence, later presentations nothing."""
        if self._heard and not self.over:
            end = self._end
            self._silence(round(HELD * RATE))
            self._end = end
        self.over = True

    def take(self, number: int) -> Hearing | None:
        """What a presentation hears, None when no sound came in time; earlier ones are forgotten."""
        hearing = self._told.pop(number, None)
        self._told = {later: kept for later, kept in self._told.items() if later > number}
        return hearing

    def _start(self, at: int) -> None:
        """Begin at a sample: presentations before it hear nothing."""
        self._end = at
        self.up_to = max(0, at // HOP)

    def _silence(self, samples: int) -> None:
        """Append silence of any length: of a long one no more than matters."""
        skipped = max(0, samples - SOUND - self._most * HOP) // HOP * HOP
        if skipped:
            self._kept = np.zeros(0, np.float32)
            self._end += skipped
            self.up_to = max(self.up_to, self._end // HOP)
        self._append(np.zeros(samples - skipped, np.float32))

    def _append(self, samples: Array) -> None:
        sound = np.concatenate([self._kept, samples])
        begin = self._end - len(self._kept)  # sample at which `sound` begins
        self._end += len(samples)
        last = self._end // HOP
        for number in range(max(self.up_to + 1, last - self._most + 1), last + 1):
            until = number * HOP - begin
            if until > 0:
                self._told[number] = self._hearing(number, sound[max(0, until - SOUND) : until])
        self.up_to = max(self.up_to, last)
        self._kept = sound[-SOUND:].copy()

    def _hearing(self, number: int, sound: Array) -> Hearing:
        end = number * HOP
        while self._gaps and self._gaps[0][1] <= end - SOUND:
            self._gaps.popleft()
        own = (end - self._before) / RATE  # by the activity's clock, which counts what was pushed
        start = max(0.0, own - self._presentations * PERIOD)
        rates = sound_rates(sound, self._mean, self._scale)
        return Hearing(
            rates=self._windows.cut(rates),
            activity=self._activity.window(start, own),
            dropped=any(first < end for first, _ in self._gaps),
        )
