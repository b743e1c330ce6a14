"""Biovision hierarchy files (.bvh): joints, their rest pose, and a line of channels for each frame."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.rotations import Array, from_euler, product, rotated
from edge_emotion.sources.text_file import read_text

MOST_JOINTS = 512
MOST_NUMBERS = 50_000_000  # of all frames, 400 MB: hours of a whole suit
MOST_HIERARCHY = 1_000_000  # characters
PERIODS = (1e-4, 1.0)  # seconds of a frame
EXPECTED = "expected a BVH file"


@dataclass(frozen=True)
class BvhFile:
    """What a file holds. J joints, T frames.

    names: of the joints, without "End Site". parents: index of each one's parent, -1 of the root. offsets: (J, 3) from
    the parent in the rest pose, in the file's unit. channels: of each joint, as ("Zrotation", ...). frames: (T, all
    channels) float64, degrees and the file's unit. period: seconds of a frame. warnings: what is odd, one line each.
    """

    name: str
    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Array
    channels: tuple[tuple[str, ...], ...]
    frames: Array
    period: float
    warnings: tuple[str, ...] = ()

    def motion(self) -> tuple[Array, Array]:
        """Forward kinematics: (T, J, 4) rotations and (T, J, 3) origins of the joints in the file's world."""
        count, column = len(self.frames), 0
        turned, places = np.empty((count, len(self.names), 4)), np.empty((count, len(self.names), 3))
        for joint, channels in enumerate(self.channels):
            place = np.tile(self.offsets[joint], (count, 1))
            order, angles = "", []
            for channel in channels:
                values = self.frames[:, column]
                column += 1
                if channel.endswith("position"):
                    place[:, "XYZ".index(channel[0])] = values
                else:
                    order += channel[0]
                    angles.append(np.radians(values))
            own = (
                from_euler(order, np.stack(angles, axis=-1))
                if angles
                else np.tile([1.0, 0, 0, 0], (count, 1))
            )
            parent = self.parents[joint]
            if parent < 0:
                turned[:, joint], places[:, joint] = own, place
            else:
                turned[:, joint] = product(turned[:, parent], own)
                places[:, joint] = places[:, parent] + rotated(turned[:, parent], place)
        return turned, places


def read_bvh(path: Path) -> BvhFile:
    """Read a BVH file; EdgeEmotionError, one line, for anything else.

    A count of frames that is not the number of lines is told in `warnings`; the lines count.
    """
    text = read_text(path, EXPECTED)
    head, *rest = re.split(r"(?m)^[ \t]*MOTION[ \t\r]*$", text, maxsplit=1)
    if head.split(None, 1)[:1] != ["HIERARCHY"] or not rest:
        raise EdgeEmotionError(f"{path}: {EXPECTED}, with HIERARCHY first and MOTION after it")
    if len(head) > MOST_HIERARCHY:
        raise EdgeEmotionError(
            f"{path}: {EXPECTED}, but its hierarchy is longer than {MOST_HIERARCHY:,} characters"
        )
    names, parents, offsets, channels = _hierarchy(head.split()[1:], path)
    count, period, numbers = _header(rest[0], path)
    width = sum(map(len, channels))
    if width == 0:
        raise EdgeEmotionError(f"{path}: {EXPECTED} whose joints have channels")
    # Also what motion() makes of a frame: 7 numbers a joint.
    if (numbers.count("\n") + 1) * max(width, 7 * len(names)) > MOST_NUMBERS:
        raise EdgeEmotionError(f"{path}: it holds more than {MOST_NUMBERS:,} numbers; cut it into parts")
    frames = _frames(numbers, width, path)
    warnings = []
    if len(frames) != count:
        warnings.append(f"{path.name} says {count} frames and holds {len(frames)}: these are read")
    return BvhFile(path.name, names, parents, offsets, channels, frames, period, tuple(warnings))


_Hierarchy = tuple[tuple[str, ...], tuple[int, ...], Array, tuple[tuple[str, ...], ...]]
_CHANNELS = {f"{axis}{kind}" for axis in "XYZ" for kind in ("position", "rotation")}


def _hierarchy(words: list[str], path: Path) -> _Hierarchy:
    """Names, parents, offsets and channels, from the words after HIERARCHY."""
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[tuple[str, ...]] = []
    open_joints: list[int | None] = []  # None: an end site
    at = 0

    def wrong(what: str) -> EdgeEmotionError:
        return EdgeEmotionError(f"{path}: {EXPECTED}, but its hierarchy {what}")

    def taken(number: int) -> list[str]:
        nonlocal at
        if at + number > len(words):
            raise wrong("breaks off")
        at += number
        return words[at - number : at]

    while at < len(words):
        word = taken(1)[0]
        if word in ("ROOT", "JOINT"):
            parent = open_joints[-1] if open_joints else -1
            if parent is None or (word == "ROOT") != (parent == -1) or (word == "ROOT" and names):
                raise wrong("has a joint in the wrong place")
            names.append(taken(1)[0])
            parents.append(parent)
            offsets.append([0.0, 0.0, 0.0])
            channels.append(())
            if len(names) > MOST_JOINTS:
                raise wrong(f"has more than {MOST_JOINTS} joints")
            open_joints.append(len(names) - 1)
            if taken(1) != ["{"]:
                raise wrong(f"lacks a {{ after {names[-1][:40]!r}")
        elif word == "End":
            if not open_joints or open_joints[-1] is None or taken(2) != ["Site", "{"]:
                raise wrong("has an end site in the wrong place")
            open_joints.append(None)
        elif word == "}" and open_joints:
            open_joints.pop()
        elif word == "OFFSET" and open_joints:
            values = _numbers(taken(3))
            if values is None:
                raise wrong("has an offset that is no three numbers")
            if open_joints[-1] is not None:
                offsets[open_joints[-1]] = values
        elif word == "CHANNELS" and open_joints and open_joints[-1] is not None:
            number = taken(1)[0]
            if not number.isdecimal() or len(number) > 1 or int(number) > 6:
                raise wrong(f"says {number[:20]!r} channels of a joint; expected 0 to 6")
            given = tuple(taken(int(number)))
            if len(set(given)) < len(given) or not set(given) <= _CHANNELS:
                raise wrong(f"names channels that are none: {' '.join(given)[:80]}")
            channels[open_joints[-1]] = given
        else:
            raise wrong(f"says {word[:40]!r} where it should not")
    if open_joints or not names:
        raise wrong("is not closed")
    if len(set(names)) < len(names):
        raise wrong("names a joint twice")
    return tuple(names), tuple(parents), np.array(offsets), tuple(channels)


def _header(text: str, path: Path) -> tuple[int, float, str]:
    """Count of frames, seconds of one, and the text of the numbers."""
    parts = text.split(None, 5)
    # "Frames:" COUNT "Frame" "Time:" SECONDS
    good = len(parts) >= 5 and parts[0] == "Frames:" and parts[2:4] == ["Frame", "Time:"]
    period = _numbers(parts[4:5]) if good else None
    if not good or not parts[1].isdecimal() or len(parts[1]) > 12 or period is None:
        raise EdgeEmotionError(f'{path}: {EXPECTED}, with "Frames: N" and "Frame Time: SECONDS" after MOTION')
    least, most = PERIODS
    if not least <= period[0] <= most:
        raise EdgeEmotionError(f"{path}: expected a frame time of {least:g} to {most:g} s, got {parts[4]}")
    return int(parts[1]), period[0], parts[5] if len(parts) > 5 else ""


def _frames(text: str, width: int, path: Path) -> NDArray[np.float64]:
    """(T, width) numbers of the frames, a line each."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise EdgeEmotionError(f"{path}: it holds no frame")
    frames = np.empty((len(lines), width))
    for number, line in enumerate(lines):
        values = _numbers(line.split())
        if values is None or len(values) != width:
            raise EdgeEmotionError(
                f"{path}: expected {width} finite numbers in frame {number + 1}, one a channel, got {line[:40]!r}"
            )
        frames[number] = values
    return frames


def _numbers(words: list[str]) -> list[float] | None:
    """Finite numbers, or None where one is not."""
    try:
        values = [float(word) for word in words]
    except ValueError:
        return None
    return values if np.isfinite(values).all() and all(abs(value) < 1e9 for value in values) else None
