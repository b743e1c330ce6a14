"""Draws what is known of a picture onto it: faces with their points, bars of the seven, a line for each sense."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_emotion.emotions import EMOTIONS
from edge_emotion.features.face_front_end import Face
from edge_emotion.fusion import Event
from edge_emotion.outputs.lines import sense

SHORTEST, LONGEST = 360, 1080  # pixels of the drawn picture's height; others are scaled
PANEL = 260  # pixels of the column beside the picture, at a height of 480
USED, UNUSED, TEXT, DIM, TRACK = (
    (80, 220, 80),
    (60, 140, 240),
    (235, 235, 235),
    (150, 150, 150),
    (60, 60, 60),
)  # B,G,R
RECORDED = (60, 60, 250)  # B,G,R
BARS = (  # B,G,R in the order of EMOTIONS
    (225, 225, 225), (60, 215, 250), (230, 140, 60), (70, 70, 235), (210, 80, 190), (80, 190, 80), (220, 210, 80),
)  # fmt: skip


def draw(
    image: NDArray[np.uint8],
    faces: Sequence[Face],
    events: Mapping[int | None, Event],
    status: str = "",
    recording: bool = False,
) -> NDArray[np.uint8]:
    """(H, W, 3) B,G,R picture, its faces and the newest event of each identity -> a new (h, w, 3) picture.

    Beside the picture stand the bars of the first face's event (else of the newest), and what each sense says. The
    picture given is left as it is. recording: marked in a corner of the picture.
    """
    height = min(LONGEST, max(SHORTEST, image.shape[0]))
    scale = height / image.shape[0]
    width = min(2 * height, max(height // 2, round(image.shape[1] * scale)))  # a strip stays a picture
    shape = np.array([width / image.shape[1], scale], np.float32)
    picture = np.ascontiguousarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    unit = height / 480
    for face in faces:
        _draw_face(picture, face, events.get(face.identity), shape, unit)
    if recording:
        _write(picture, "REC", (round(30 * unit), round(24 * unit)), RECORDED, 0.6 * unit, background=True)
        cv2.circle(picture, (round(17 * unit), round(17 * unit)), round(8 * unit), RECORDED, -1, cv2.LINE_AA)
    panel = np.full((height, round(PANEL * unit), 3), 24, np.uint8)
    known = [events[face.identity] for face in faces if face.identity in events]
    newest = max(events.values(), key=lambda told: told.time, default=None)
    _draw_panel(panel, known[0] if known else newest, status, unit)
    return np.concatenate([picture, panel], 1)


def _draw_face(
    picture: NDArray[np.uint8], face: Face, told: Event | None, shape: NDArray[np.float32], unit: float
) -> None:
    colour = USED if face.problem is None else UNUSED
    thick = max(1, round(unit))
    x0, y0, x1, y1 = (
        round(float(v)) for v in np.reshape(face.box, (2, 2)).astype(np.float32).ravel() * np.tile(shape, 2)
    )
    cv2.rectangle(picture, (x0, y0), (x1, y1), colour, thick, cv2.LINE_AA)
    for x, y in face.landmarks * shape:
        cv2.circle(
            picture, (round(float(x)), round(float(y))), max(1, round(1.5 * unit)), colour, -1, cv2.LINE_AA
        )
    said = face.problem or (f"{told.emotion} {told.confidence:.0%}" if told and told.emotion else "")
    label = f"{face.identity}  {said}"
    at = (max(0, x0), max(round(14 * unit), y0 - round(6 * unit)))
    _write(picture, label, at, TEXT, 0.5 * unit, background=True)


def _draw_panel(panel: NDArray[np.uint8], told: Event | None, status: str, unit: float) -> None:
    left, right = round(10 * unit), panel.shape[1] - round(10 * unit)
    y = round(28 * unit)
    heading = "-" if told is None or told.emotion is None else f"{told.emotion} {told.confidence:.0%}"
    _write(panel, heading, (left, y), TEXT, 0.7 * unit)
    values = None if told is None else told.probabilities
    for index, name in enumerate(EMOTIONS):
        y += round(30 * unit)
        value = 0.0 if values is None else float(values[index])
        best = told is not None and told.emotion == name
        _write(panel, name, (left, y), TEXT if best else DIM, 0.45 * unit)
        begin, top, bottom = left + round(90 * unit), y - round(11 * unit), y + round(2 * unit)
        cv2.rectangle(panel, (begin, top), (right, bottom), TRACK, -1)
        if value > 0:
            cv2.rectangle(
                panel, (begin, top), (begin + round(value * (right - begin)), bottom), BARS[index], -1
            )
    lines = []
    if told is not None:
        lines = [f"{told.time:.1f} s"]
        if told.valence is not None and told.arousal is not None:
            lines += [f"valence {told.valence:+.2f}  arousal {told.arousal:+.2f}"]
        for name, estimate in told.modalities.items():
            label, _, quality = sense(estimate).partition(", ")
            lines += [f"{name}: {label}", f"    {quality}"] if quality else [f"{name}: ({label})"]
    y += round(16 * unit)
    for text in [*lines, status]:
        y += round(22 * unit)
        _write(panel, text, (left, y), DIM, 0.45 * unit)


def _write(
    picture: NDArray[np.uint8],
    text: str,
    at: tuple[int, int],
    colour: tuple[int, int, int],
    size: float,
    background: bool = False,
) -> None:
    font, thick = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(1.6 * size))
    if background:
        (width, height), below = cv2.getTextSize(text, font, size, thick)
        cv2.rectangle(
            picture, (at[0], at[1] - height - below), (at[0] + width, at[1] + below), (24, 24, 24), -1
        )
    cv2.putText(picture, text, at, font, size, colour, thick, cv2.LINE_AA)
