"""What one bare IMU on a wrist can tell: how much, how fast and how rhythmically its wearer moves.

This is evidence of arousal only, never an emotion: across people, a single wrist sensor recognises emotions at
chance (on the walks of Quiroz, Geangu, Yong: Emotion recognition using smart watch sensor data, JMIR Ment Health 2018).
"""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

WINDOW = 4.0  # seconds
GRID = 50  # Hz, what every sensor's samples are brought to
MINIMUM = 1.0  # seconds without which nothing is said
GAP = 0.5  # seconds between samples across which nothing is known: the window starts anew

STILL, VIGOROUS = 0.05, 8.0  # m/s^2, the energies of arousal -1 and 1
RHYTHMS = (0.5, 5.0)  # Hz
RHYTHM_SECONDS = 3.0  # of data without which no rhythm is looked for
CLEAR = 0.4  # share of the power that a clear peak holds
MOVING = 0.15  # m/s^2, an energy below which a peak is the sensor's noise
PADDED = 2048  # points of the spectrum: 0.024 Hz
MISSED = 0.05  # Hz that a window of 4 s misses the frequency by at both ends of the band


@dataclass(frozen=True)
class MovementEvidence:
    """What was measured in the last 4 s.

    energy: RMS of the acceleration without gravity, m/s^2. rotation: RMS of the angular velocity, rad/s, None where
    less than half of the window has one. rhythm: its dominant frequency, 0.5 to 5 Hz, None without a clear peak.
    arousal: -1 (still) to 1 (vigorous), see arousal(). seconds: length of the data it rests on, 1 to 4.
    """

    energy: float
    rotation: float | None
    rhythm: float | None
    arousal: float
    seconds: float


class Movement:
    """Follows a sensor's samples with a bounded memory: 200 points of an even grid of 50 Hz, whatever its rate.

    A grid point is the mean over its 20 ms of the straight lines between the samples, which bars a fast sensor's
    vibrations from the grid (and takes 0.3 % from a movement at 2 Hz, 2.5 % at 5 Hz). How samples are split over
    calls changes nothing. A gap, or a step back in time, of more than 0.5 s starts the window anew.
    skipped: samples left out as not finite, or not later than the one before.
    """

    def __init__(self) -> None:
        self.skipped = 0
        self._points: deque[NDArray[np.float64]] = deque(maxlen=round(WINDOW * GRID))
        self._time: float | None = None  # seconds, of the newest sample
        self._value = np.zeros(6)
        self._start = 0.0  # seconds, of the grid
        self._begun = 0  # grid points since then, one more is under way
        self._area = np.zeros(6)  # of the point under way

    def push(self, time: ArrayLike, acceleration: ArrayLike, rotation: ArrayLike | None = None) -> None:
        """Take one sample or n of them: () or (n,) seconds, (3,) or (n, 3) m/s^2, the same rad/s or None."""
        times = np.atleast_1d(np.asarray(time, np.float64))
        values = np.full((len(times), 6), np.nan)
        values[:, :3] = np.reshape(np.asarray(acceleration, np.float64), (-1, 3))
        if rotation is not None:
            values[:, 3:] = np.reshape(np.asarray(rotation, np.float64), (-1, 3))
        needed = values if rotation is not None else values[:, :3]
        finite = np.isfinite(times) & np.isfinite(needed).all(axis=1)
        self.skipped += int((~finite).sum())
        for at, value in zip(times[finite].tolist(), values[finite], strict=True):
            self._take(at, value)

    def evidence(self) -> MovementEvidence | None:
        """Say what the last 4 s hold; None before there is 1 s of data."""
        seconds = len(self._points) / GRID
        if seconds < MINIMUM:
            return None
        points = np.array(self._points)
        moved = without_gravity(points[:, :3])
        energy = _rms(moved)
        turned = points[np.isfinite(points[:, 3:]).all(axis=1), 3:]
        rotation = _rms(turned) if len(turned) * 2 >= len(points) else None
        return MovementEvidence(energy, rotation, rhythm(moved), arousal(energy), seconds)

    def _take(self, time: float, value: NDArray[np.float64]) -> None:
        before = self._time
        if before is None or abs(time - before) > GAP:
            self._points.clear()
            self._start, self._begun, self._area = time, 0, np.zeros(6)
        elif time <= before:
            self.skipped += 1
            return
        else:
            self._integrate(before, time, value)
        self._time, self._value = time, value

    def _integrate(self, before: float, time: float, value: NDArray[np.float64]) -> None:
        """Add the area under the line from the sample before, point by point."""
        slope = (value - self._value) / (time - before)
        at, height = before, self._value
        while (end := self._start + (self._begun + 1) / GRID) <= time:
            at_end = self._value + slope * (end - before)
            self._points.append((self._area + (end - at) * (height + at_end) / 2) * GRID)
            self._begun, self._area = self._begun + 1, np.zeros(6)
            at, height = end, at_end
        self._area = self._area + (time - at) * (height + value) / 2


def without_gravity(acceleration: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take gravity from (n, 3) m/s^2 on an even grid: what a parabola in time follows in each axis.

    It is a low-pass without state or delay, and the same for every orientation. A mean alone would take a wrist that
    turns slowly, a quarter in 4 s, for 4.3 m/s^2 of movement; a parabola leaves 0.1. It takes 0.6 % from the RMS of
    a movement at 2 Hz in 4 s, 3 to 8 % at 0.5 Hz, and more in the first seconds.
    """
    basis, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, len(acceleration)), 3))
    left: NDArray[np.float64] = acceleration - basis @ (basis.T @ acceleration)
    return left


def arousal(energy: float) -> float:
    """Map energy, m/s^2, to -1..1: linear in its logarithm, 0.05 (still, a cheap sensor's noise) to 8 (vigorous).

    Deviation: the two ends were set by hand; no measurement of felt arousal stands behind them.
    """
    part = math.log(max(energy, STILL) / STILL) / math.log(VIGOROUS / STILL)
    return min(2 * part - 1, 1.0)


def rhythm(moved: NDArray[np.float64]) -> float | None:
    """Dominant frequency, Hz, of (n, 3) m/s^2 without gravity on the grid of 50 Hz; None without a clear peak.

    Clear: at least 3 s of data with an energy of 0.15 m/s^2 or more, the power of the three axes (Hann window) peaks
    between 0.5 and 5 Hz, and within the width of a pure tone's peak, 2 / seconds to each side, lies at least 0.4 of
    all power up to 25 Hz.
    """
    seconds = len(moved) / GRID
    if seconds < RHYTHM_SECONDS or _rms(moved) < MOVING:
        return None
    spectrum = np.fft.rfft(moved * np.hanning(len(moved))[:, None], PADDED, axis=0)
    power = (np.abs(spectrum) ** 2).sum(axis=1)
    frequency = np.fft.rfftfreq(PADDED, 1 / GRID)
    peak = float(frequency[power.argmax()])
    within = RHYTHMS[0] - MISSED <= peak <= RHYTHMS[1] + MISSED
    lobe = np.abs(frequency - peak) <= 2 / seconds
    if not within or power[lobe].sum() < CLEAR * power.sum():
        return None
    return min(max(peak, RHYTHMS[0]), RHYTHMS[1])


def _rms(vectors: NDArray[np.float64]) -> float:
    """Root of the mean squared length of (n, 3) vectors."""
    return float(np.sqrt(np.mean(np.sum(vectors**2, axis=1)))) if len(vectors) else 0.0
