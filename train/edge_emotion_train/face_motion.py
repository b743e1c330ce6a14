"""The motion model: moving windows made from stills, for want of a freely usable corpus of moving, labelled faces.

What it assumes, all of it: an expression is a shape and an appearance that come and go between a neutral face and the
still. The neutral face is that of another still, drawn at random among those labelled neutral: whose it is says nothing
of the emotion to come, and it is another person's, which no real sequence would show. (A neutral face made by taking
away what the emotion adds on average would give the label away by the direction of the change.) Onset, apex and offset
follow half a cosine; most windows hold the expression throughout. Heads turn slowly about where the still has them,
eyes blink, landmarks are noisy, frames come at 10 to 30 a second and some are dropped, faces have been there for 1 to 3
seconds. Nothing here was learned from moving faces but the noise of the landmarks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.emotions import EMOTIONS
from edge_emotion.features.face import EMBEDDING_PERIOD
from edge_emotion.features.face_alignment import aligned_shape, alignment
from edge_emotion.features.landmarks68 import LANDMARKS, landmarks68

Floats = NDArray[np.float32]
NEUTRAL = EMOTIONS.index("neutral")
RATE = 30.0  # nodes a second
UPPER_LIDS, LOWER_LIDS = (37, 38, 43, 44), (41, 40, 47, 46)  # of the 68
MIRRORED = np.array(  # landmark that stands in a mirrored face where this one stood
    [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
     45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
     *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1)]
)  # fmt: skip


@dataclass(frozen=True)
class FaceMotion:
    """How windows are made of stills; seconds, and degrees of the head, unless named.

    held: share of windows that hold the expression throughout. onset, apex, offset: ranges of the times an expression
    takes to come, stays and takes to go. shown: mean strength over a window from which on its label is the still's
    alone; below, the rest of the label is neutral. turn, nod: deviations of slow head motion, and slowness its time
    constant. blinks: a second. blink: time that a blink takes. noise: deviation of each landmark coordinate in each
    frame, crops (measured, see `edge-emotion-train landmark-noise`). rates: slowest and fastest camera, frames a
    second. dropped: share of frames dropped. young: share of windows of a face that was not yet there for all of it,
    present: shortest such presence. appearance: time between two looks at the appearance.
    """

    held: float = 0.7
    onset: tuple[float, float] = (0.2, 0.7)
    apex: tuple[float, float] = (0.5, 2.5)
    offset: tuple[float, float] = (0.3, 1.0)
    shown: float = 0.4
    turn: float = 4.0
    nod: float = 3.0
    slowness: float = 0.8
    blinks: float = 0.25
    blink: float = 0.2
    noise: float = 0.0015
    rates: tuple[float, float] = (10.0, 30.0)
    dropped: float = 0.05
    young: float = 0.2
    present: float = 1.0
    appearance: float = EMBEDDING_PERIOD


def head_directions(mesh: Floats, angle: float = 5.0) -> Floats:
    """Change (2, 136) of the aligned shape of a (468, 3) mesh for each degree of turn and of nod; weak perspective."""
    directions = []
    for axes in ((0, 2), (1, 2)):
        ends = []
        for sign in (-1, 1):
            turn = np.radians(sign * angle)
            turned = mesh.copy()
            turned[:, axes[0]] = np.cos(turn) * mesh[:, axes[0]] + np.sin(turn) * mesh[:, 2]
            landmarks = landmarks68(turned)
            ends.append(aligned_shape(landmarks, alignment(landmarks)))
        directions.append((ends[1] - ends[0]) / (2 * angle))
    return np.stack(directions).astype(np.float32)


def mirrored_shapes(shapes: Floats) -> Floats:
    """(..., 136) aligned shapes of the mirrored faces."""
    points = shapes.reshape(*shapes.shape[:-1], LANDMARKS, 2)[..., MIRRORED, :] * np.array(
        [-1, 1], np.float32
    )
    return points.reshape(shapes.shape)


@dataclass(frozen=True)
class Looks:
    """Stills as a network may see them: shapes (B, 136); embeddings (B, 2, K, E), K looks plain and K mirrored."""

    shapes: Floats
    embeddings: Floats


def moving_windows(
    stills: Looks,
    labels: NDArray[np.int64],
    neutral: Looks,
    head: Floats,
    how: FaceMotion,
    nodes: int,
    random: np.random.Generator,
    goals: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Make a window of each still.

    stills, labels (B,); neutral: the neutral face of each, as many; head: see head_directions; goals: (B, 7)
    probabilities to learn of a still that is fully shown, its label alone when None. Gives windows
    (B, nodes, 136 + E) as the device's node stream would, and targets (B, 7).
    """
    count = len(labels)
    time = np.arange(nodes) / RATE
    strength = _strength(count, time, how, random)
    strength[labels == NEUTRAL] = 1.0
    shown = strength[..., None]
    moved = shown * stills.shapes[:, None] + (1 - shown) * neutral.shapes[:, None]
    turned = _slow(count, nodes, 2, how, random) * np.array([how.turn, how.nod])
    moved = moved + turned @ head
    _blink(moved, time, how, random)
    moved += random.normal(0, how.noise, moved.shape)
    moved = np.stack([_seen(window, time, how, random) for window in moved])
    phase = random.random()  # a window of the device may begin anywhere between two looks
    looks = np.floor(time / how.appearance + phase).astype(int)
    begin = np.searchsorted(looks, np.arange(looks[-1] + 1))  # node of each look, held until the next
    side = (np.arange(len(begin)) + random.integers(2, size=(count, 1))) % 2  # looks take turns in mirroring
    who, at = np.arange(count)[:, None], shown[:, begin]

    def looked(faces: Looks) -> Floats:
        which = random.integers(faces.embeddings.shape[2], size=side.shape)
        return faces.embeddings[who, side, which]

    seen = at * looked(stills) + (1 - at) * looked(neutral)
    windows = np.concatenate([moved, seen[:, looks]], 2).astype(np.float32)
    for window in windows:
        if random.random() < how.young:
            length = int(random.integers(round(how.present * RATE), nodes))
            window[:] = window[np.arange(nodes) % length]
    share = np.clip(strength.mean(1) / how.shown, 0, 1).astype(np.float32)
    targets = share[:, None] * (np.eye(len(EMOTIONS), dtype=np.float32)[labels] if goals is None else goals)
    targets[:, NEUTRAL] += 1 - share
    return windows, targets


def steady_windows(
    shapes: Floats, embeddings: Floats, nodes: int, period: float = EMBEDDING_PERIOD
) -> Floats:
    """Windows (B, nodes, 136 + E) of stills held: shapes (B, 136), embeddings (B, V, E), looks in turn."""
    looks = np.floor(np.arange(nodes) / RATE / period + 1e-6).astype(int) % embeddings.shape[1]
    held = np.repeat(shapes[:, None], nodes, 1)
    return np.concatenate([held, embeddings[:, looks]], 2).astype(np.float32)


def _strength(
    count: int, time: NDArray[np.float64], how: FaceMotion, random: np.random.Generator
) -> NDArray[np.float64]:
    """Strength (B, M) of the expression, 0..1: held, or one onset, apex and offset somewhere about the window."""
    onset, apex, offset = (random.uniform(*span, (count, 1)) for span in (how.onset, how.apex, how.offset))
    length = time[-1]
    begin = random.uniform(-(onset + apex), length - onset)
    rising = np.clip((time - begin) / onset, 0, 1)
    falling = np.clip((time - begin - onset - apex) / offset, 0, 1)
    strength = 0.5 * (np.cos(np.pi * falling) - np.cos(np.pi * rising))
    strength[random.random(count) < how.held] = 1.0
    return strength


def _slow(
    count: int, nodes: int, axes: int, how: FaceMotion, random: np.random.Generator
) -> NDArray[np.float64]:
    """Ornstein-Uhlenbeck noise (B, M, axes) of deviation 1 that forgets itself in `slowness` seconds."""
    keep = float(np.exp(-1 / (RATE * how.slowness)))
    push = random.normal(0, np.sqrt(1 - keep**2), (count, nodes, axes))
    push[:, 0] = random.normal(0, 1, (count, axes))
    for node in range(1, nodes):
        push[:, node] += keep * push[:, node - 1]
    return push


def _blink(
    shapes: NDArray[np.float64], time: NDArray[np.float64], how: FaceMotion, random: np.random.Generator
) -> None:
    """Close the eyes of (B, M, 136) now and then: upper lids fall onto the lower ones and rise again."""
    points = shapes.reshape(*shapes.shape[:2], LANDMARKS, 2)
    for window in points:
        for _ in range(random.poisson(how.blinks * time[-1])):
            middle = random.uniform(0, time[-1])
            closed = np.clip(1 - np.abs(time - middle) / (how.blink / 2), 0, 1)[:, None, None]
            window[:, UPPER_LIDS] += closed * (window[:, LOWER_LIDS] - window[:, UPPER_LIDS])


def _seen(
    nodes: NDArray[np.float64], time: NDArray[np.float64], how: FaceMotion, random: np.random.Generator
) -> NDArray[np.float64]:
    """(M, 136) as a slower camera that drops frames gives them: taken at its frames, interpolated onto the grid."""
    rate = random.uniform(*how.rates)
    frames = np.arange(-random.random() / rate, time[-1] + 2 / rate, 1 / rate)
    frames = frames[random.random(len(frames)) >= how.dropped]
    at = np.clip(np.round(frames * RATE).astype(int), 0, len(nodes) - 1)
    at = np.unique(at)
    place = np.interp(np.arange(len(nodes)), at, np.arange(len(at)))
    below = np.minimum(place.astype(int), len(at) - 1)
    above = np.minimum(below + 1, len(at) - 1)
    part = (place - below)[:, None]
    return nodes[at[below]] * (1 - part) + nodes[at[above]] * part
