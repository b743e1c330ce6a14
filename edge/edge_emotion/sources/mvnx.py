"""Xsens MVNX files (.mvnx, versions 3 and 4): an XML element for each frame, read as a stream.

Only numbers are kept: a file of 1 GB needs a fraction of that. Document types, and so entities, are refused before
anything of them is read.
"""

import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.rotations import product, unit
from edge_emotion.skeleton import COUNT, SEGMENTS, T_POSE, Pose, to_parents
from edge_emotion.sources.bvh import MOST_JOINTS, MOST_NUMBERS, PERIODS

MOST_BYTES = 2 * 1024**3
MOST_FRAMES = MOST_NUMBERS // (COUNT * 4 + 3)  # 36 minutes at 240 Hz
DEEPEST = 32  # open elements
LONGEST = 1 << 18  # characters of one element
MOST_NAMES = 4096  # of elements and attributes; the parser keeps each
FARTHEST = 600.0  # seconds that an index may jump; beyond it is wrong
LARGEST = 1e6  # of a number, beyond which it is none
CHUNK = 1 << 18  # bytes
BLOCK = 1024  # frames turned into poses at once
EXPECTED = "expected an MVNX file of Xsens MVN"
EXPORT = "export it again from MVN as MVNX with orientation"


@dataclass(frozen=True)
class MvnxFile:
    """What a file holds.

    poses: of its frames of type normal, at times on the grid of the frame rate from 0; where the file's index skips
    frames there is a gap. period: seconds of a frame. warnings: what is odd, one line each.
    """

    name: str
    poses: list[Pose]
    period: float
    warnings: tuple[str, ...] = ()


def read_mvnx(path: Path) -> MvnxFile:
    """Read an MVNX file; EdgeEmotionError, one line, for anything else.

    A file that breaks off gives the frames before, and a warning; so do frames whose index does not rise.
    """
    reader = _Reader(path)
    damage = None
    try:
        for chunk in _chunks(path):
            reader.push(chunk)
        reader.push(b"")
    except expat.ExpatError as error:
        damage = f"line {error.lineno}: {expat.errors.messages.get(error.code, 'damaged')}"
    except (LookupError, ValueError) as error:  # of an encoding that the parser does not know
        damage = " ".join(str(error).split())[:80]
    if damage is not None and not reader.count:
        raise EdgeEmotionError(f"{path}: {EXPECTED}, but no frame can be read ({damage})")
    poses = reader.poses()
    warnings = [*reader.warnings()]
    if damage is not None:
        warnings.append(f"it is damaged ({damage}): the {len(poses)} frames before are read")
    return MvnxFile(path.name, poses, reader.period, tuple(f"{path.name}: {line}" for line in warnings))


@dataclass
class _Frame:
    """What has been read of a frame of type normal."""

    index: int | None
    numbers: dict[str, list[float]] = field(default_factory=dict)
    has_angles: bool = False


class _Reader:
    """Takes the bytes of a file, keeps what the poses need."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.period = 0.0
        self.count = 0
        self._labels: list[tuple[int, str]] = []  # id, label
        self._columns: tuple[list[int], list[int]] = ([], [])  # in the file, among SEGMENTS
        self._subjects = self._misplaced = 0
        self._first = self._last = -1  # index of frames
        self._open: list[str] = []
        self._frame: _Frame | None = None
        self._text: list[str] = []
        self._characters = 0
        self._waiting: list[tuple[float, list[float], list[float]]] = []
        self._poses: list[Pose] = []
        self._fed = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype

    def push(self, chunk: bytes) -> None:
        """Take a piece of the file; an empty one tells that it has ended."""
        self._fed += len(chunk)
        self._parser.Parse(chunk, not chunk)
        # A tag or comment that has no end is kept by the parser, as is every name.
        if self._fed - self._parser.CurrentByteIndex > 4 * CHUNK + LONGEST:
            raise self._wrong("it has a tag, comment or text that is far too long")
        if len(self._parser.intern) > MOST_NAMES:
            raise self._wrong("it has far too many names of elements")

    def poses(self) -> list[Pose]:
        """Poses of all frames; EdgeEmotionError when there are none."""
        self._convert()
        if not self._poses:
            raise EdgeEmotionError(f'{self._path}: it holds no frame of type "normal"; {EXPORT}')
        return self._poses

    def warnings(self) -> Iterator[str]:
        """Give what is odd."""
        if self._subjects > 1:
            yield f"it holds {self._subjects} subjects; the first is read"
        if self._misplaced:
            yield f"frames whose index does not follow are left out: {self._misplaced}"
        missing = [name for number, name in enumerate(SEGMENTS) if number not in self._columns[1]]
        if missing:
            yield f"it lacks the segments {', '.join(missing[:6])}{' ...' * (len(missing) > 6)}"

    def _wrong(self, what: str) -> EdgeEmotionError:
        return EdgeEmotionError(f"{self._path}: {EXPECTED}, but {what}")

    def _doctype(self, *_: object) -> None:
        raise self._wrong("it declares a document type (DOCTYPE), which such files do not")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]  # without its namespace
        parent = self._open[-1] if self._open else None
        self._open.append(name)
        if parent is None and name != "mvnx":
            raise self._wrong(f"its first element is {name[:40]!r}, not mvnx")
        if len(self._open) > DEEPEST:
            raise self._wrong(f"more than {DEEPEST} of its elements lie in one another")
        if name == "subject":
            self._subjects += 1
            if self._subjects == 1:
                self.period = self._period(attributes.get("frameRate", ""))
        elif self._subjects > 1:
            return
        elif parent == "segments" and name == "segment":
            self._segment(attributes)
        elif parent == "frames" and name == "frame":
            if not self._subjects:
                raise self._wrong("it has frames without a subject and its frameRate")
            normal = attributes.get("type", "normal") == "normal"
            self._frame = _Frame(_index(attributes.get("index", ""))) if normal else None
        elif parent == "frame" and self._frame is not None:
            self._frame.has_angles |= name == "jointAngle"
            if name in ("orientation", "position"):
                self._text, self._characters = [], 0
                self._parser.CharacterDataHandler = self._characters_of

    def _end(self, tag: str) -> None:
        name = self._open.pop()
        if self._frame is None:
            return
        if self._parser.CharacterDataHandler is not None and self._open[-1] == "frame":
            self._parser.CharacterDataHandler = None
            self._frame.numbers[name] = self._numbers("".join(self._text), name)
        elif name == "frame":
            self._keep(self._frame)
            self._frame = None

    def _characters_of(self, text: str) -> None:
        self._text.append(text)
        self._characters += len(text)
        if self._characters > LONGEST:
            raise self._wrong(f"one of its elements {self._open[-1]} is far too long")

    def _period(self, rate: str) -> float:
        try:
            period = 1 / float(rate)
        except (ValueError, ZeroDivisionError):
            period = 0.0
        least, most = PERIODS
        if not least <= period <= most:
            raise self._wrong(f"its frameRate is {rate[:20]!r}; {1 / most:g} to {1 / least:g} Hz can be read")
        return period

    def _segment(self, attributes: dict[str, str]) -> None:
        number = _index(attributes.get("id", ""))
        self._labels.append((-1 if number is None else number, attributes.get("label", "")))
        if len(self._labels) > MOST_JOINTS or self._columns[0]:
            raise self._wrong(f"it has more than {MOST_JOINTS} segments, or some after its frames")

    def _order(self) -> None:
        """Find where each of our segments stands in a frame: by its id, where these count from 1."""
        in_order = sorted(self._labels)
        if [number for number, _ in in_order] != list(range(1, len(in_order) + 1)):
            in_order = self._labels
        labels = [label for _, label in in_order]
        if "Pelvis" not in labels or len(set(labels)) < len(labels):
            raise self._wrong(f"its segments are not MVN's ({', '.join(labels[:4])[:60]}); {EXPORT}")
        theirs = [column for column, label in enumerate(labels) if label in SEGMENTS]
        self._columns = theirs, [SEGMENTS.index(labels[column]) for column in theirs]

    def _numbers(self, text: str, name: str) -> list[float]:
        try:
            values = [float(word) for word in text.split()]
        except ValueError:
            values = []
        expected = len(self._labels) * (4 if name == "orientation" else 3)
        if len(values) != expected:
            raise self._wrong(
                f"its {name} in frame {self.count + 1} is not {expected} numbers for {len(self._labels)} segments"
            )
        return values

    def _keep(self, frame: _Frame) -> None:
        """Keep what the pose of a frame needs."""
        orientation, position = frame.numbers.get("orientation"), frame.numbers.get("position")
        if orientation is None:
            kind = "joint angles alone" if frame.has_angles else "none"
            raise self._wrong(f"its frames hold no orientation of the segments ({kind}); {EXPORT}")
        if not self._columns[0]:
            self._order()
        index = self._last + 1 if frame.index is None else frame.index
        if self._first < 0:
            self._first = index
        elif not self._last < index <= self._last + FARTHEST / self.period:
            self._misplaced += 1
            return
        self._last = index
        self.count += 1
        if self.count > MOST_FRAMES:
            raise EdgeEmotionError(
                f"{self._path}: it holds more than {MOST_FRAMES:,} frames; cut it into parts"
            )
        pelvis = self._columns[0][self._columns[1].index(0)]
        place = [np.nan] * 3 if position is None else position[3 * pelvis : 3 * pelvis + 3]
        self._waiting.append(((index - self._first) * self.period, orientation, place))
        if len(self._waiting) == BLOCK:
            self._convert()

    def _convert(self) -> None:
        """Turn the frames that wait into poses: MVN's axes are x forward, y left, z up; its identity is the T-pose."""
        if not self._waiting:
            return
        times, orientations, places = zip(*self._waiting, strict=True)
        self._waiting = []
        theirs, ours = self._columns
        q = _finite(orientations).reshape(len(times), -1, 4)[:, theirs]
        world = np.full((len(times), COUNT, 4), np.nan)
        world[:, ours] = q[..., [0, 2, 3, 1]]
        rotations = to_parents(product(unit(world), T_POSE))
        position = _finite(places)[:, [1, 2, 0]]
        self._poses += map(Pose, times, rotations, position)


def _finite(rows: tuple[list[float], ...]) -> NDArray[np.float64]:
    """Numbers of the rows; NaN for what is none."""
    values = np.array(rows, np.float64)
    return np.where(np.abs(values) < LARGEST, values, np.nan)


def _index(word: str) -> int | None:
    """A number from 0 on, or None."""
    return int(word) if word.isdecimal() and len(word) <= 12 else None


def _chunks(path: Path) -> Iterator[bytes]:
    """Give the bytes of a regular file of a bounded size."""
    too_large = f"{path} is larger than {MOST_BYTES / 2**20:g} MiB; {EXPECTED} of less"
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe may wait for ever
            raise EdgeEmotionError(f"{path} is no regular file; {EXPECTED}")
        if found.st_size > MOST_BYTES:
            raise EdgeEmotionError(too_large)
        read = 0
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                read += len(chunk)
                if read > MOST_BYTES:  # it grew while it was read
                    raise EdgeEmotionError(too_large)
                yield chunk
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # or a name with a NUL in it
        raise EdgeEmotionError(f"{path}: no such file; {EXPECTED}") from error
    except OSError as error:
        raise EdgeEmotionError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
