"""Drives the senses from a source, joins what they say, and keeps the numbers of the run."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from time import process_time
from typing import TYPE_CHECKING, Any

from edge_emotion.estimate import Estimate
from edge_emotion.features.voice_activity import level_dbfs
from edge_emotion.fusion import Event, Fusion
from edge_emotion.leading_face import LeadingFace
from edge_emotion.load_control import Level
from edge_emotion.notice import Notice
from edge_emotion.run_limit import RunLimit
from edge_emotion.run_summary import RunSummary, SenseCount
from edge_emotion.senses import (
    BODY,
    FACE,
    JointListener,
    Listener,
    Motion,
    Mover,
    Source,
    Spreadable,
    Watcher,
)
from edge_emotion.skeleton import Pose
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.iio import ImuSample
from edge_emotion.sources.motion import Silence
from edge_emotion.sources.sound import RATE, SoundBlock
from edge_emotion.sources.source_change import BACK, Pulse, SourceChange
from edge_emotion.sources.timed_sound import Ended, TimedSound
from edge_emotion.start_up import since_start

if TYPE_CHECKING:
    from edge_emotion.features.face_front_end import Face
    from edge_emotion.recording import Recording

EARLY = 0.005  # seconds that a frame may come before it is due
SAME = 0.005  # seconds; clocks of a recording's two tracks that agree so far are one

LevelMeter = Callable[[float, float], None]
NoticeBoard = Callable[[Notice], None]


class Run:
    """One pass of a source through the senses; iterate it once, for the events.

    The source is closed at the end, however it ends. `meter`, `watch`, `tick`, `tell` and `pulse` may be set before
    that: they are called with time and dBFS of each block of sound; with each frame and the faces found in it; with the
    time of each pose and pulse; with what happens to the run itself; and, of a live source, about once a second with
    its Pulse, whatever comes or does not come.
    """

    def __init__(
        self,
        source: Source,
        voice: Listener | None = None,
        face: Watcher | None = None,
        fusion: Fusion | None = None,
        limit: float | None = None,
        hold: float = 0.0,
        body: Mover | None = None,
    ) -> None:
        """limit: stop after this many seconds. hold: seconds that estimates wait, so that they come in order of time.

        What the source gives for a sense that is None is passed over. A voice that is a JointListener and the face are
        two sides of one recogniser, whose numbers are told as one.
        """
        self.source = source
        self.notes: list[str] = []  # what a user should know beyond the source's own warnings
        self.meter: LevelMeter | None = None
        self.watch: Callable[[Frame, list[Face]], None] | None = None
        self.tell: NoticeBoard | None = None
        self.pulse: Callable[[Pulse], None] | None = None
        self.tick: Callable[[float], None] | None = None
        self.recorder: Recording | None = None
        self._voice = voice
        self._face = face
        self._joint = voice if isinstance(voice, JointListener) else None
        self._fusion = fusion or Fusion()
        self._body = body
        given = {"voice": voice, "face": face, "body": body}
        self._limit = RunLimit(limit, [sense for sense, judge in given.items() if judge is not None])
        self._hold = hold
        self._samples = 0
        self._lost = 0.0
        self._shift = 0.0  # from the voice's clock, which counts samples, to the source's; seconds
        self._frames = 0
        self._first, self._last = 0.0, 0.0  # times of frames
        self._looked, self._look_period = -math.inf, 0.0  # when faces were looked for, and how often; seconds
        self._leader = LeadingFace(hold)
        self._poses = 0
        self._moved: tuple[float, float] | None = None  # times of the first and the newest item of motion
        self._counts = {sense: SenseCount() for sense in given}
        self._over: set[str] = set()
        self._waiting: list[Estimate] = []
        self.captured: float | None = None  # seconds after the program's start, when the first item came
        self._told = 0.0  # time of the newest event or notice
        self._cpu_start = process_time()

    def __iter__(self) -> Iterator[Event]:
        """Give the events as the source goes on."""
        for now, estimates in self._steps():
            self._waiting += estimates
            yield from self._events(now - self._hold if self._hold else math.inf)
        yield from self._events(math.inf)

    def estimates(self) -> Iterator[Estimate]:
        """Give each sense's own estimates instead of the events, in the order they are made."""
        for _, estimates in self._steps():
            yield from estimates

    def summary(self) -> RunSummary:
        """Numbers so far; may be asked for at any time."""
        senses = []
        span = self._last - self._first
        if self._joint is not None:
            dropped = self.dropped("face"), self.dropped("voice")
            seconds = max(span, self._samples / RATE)
            count = self._counts["voice"]
            senses = [count.summary(self._joint.modality, seconds, dropped[0], self._frames, dropped[1])]
        else:
            if self._voice is not None:
                senses.append(
                    self._counts["voice"].summary("voice", self._samples / RATE, self.dropped("voice"))
                )
            if self._face is not None:
                senses.append(self._counts["face"].summary("face", span, self.dropped("face"), self._frames))
        if self._body is not None:
            moved = self._moved[1] - self._moved[0] if self._moved else 0.0
            senses.append(self._counts["body"].summary("body", moved, self.dropped("body"), self._poses))
        return RunSummary(tuple(senses), process_time() - self._cpu_start)

    def dropped(self, modality: str) -> int:
        """Frames of a sense (of sound or pictures) dropped so far, because computing was too slow."""
        by_sense: dict[str, int] | None = getattr(self.source, "dropped_by_sense", None)
        return self.source.dropped if by_sense is None else by_sense.get(modality, 0)

    def slow_down(self, level: Level) -> None:
        """Do so much from now on; of a source of files nothing is left out."""
        slow_frames: Any = getattr(self.source, "slow_frames", None)
        if slow_frames is None:
            return
        slow_frames(level.frames)
        self._look_period = level.landmarks
        senses: tuple[Any, ...] = (self._voice, self._face, self._body)
        for sense in senses:
            if isinstance(sense, Spreadable):
                sense.spread(level.every)

    @property
    def warnings(self) -> list[str]:
        """What a user should know so far, one line each."""
        return [*self.notes, *self.source.warnings]

    def close(self) -> None:
        """Give back the source; may be called at any time and more than once."""
        self.source.close()

    def _steps(self) -> Iterator[tuple[float, list[Estimate]]]:
        """Give the source's time and the estimates that each of its items completes."""
        try:
            for sense in (self._voice, self._face, self._body):
                if sense is not None:
                    sense.reset()
            now = 0.0
            for item in self.source:
                if self.captured is None and not isinstance(item, Ended | SourceChange | Pulse | Silence):
                    self.captured = since_start()
                if isinstance(item, Ended):
                    self._limit.end(item.modality)
                    yield now, self._flush(item.modality)
                elif isinstance(item, SourceChange):
                    now = max(now, item.time)
                    self._change(item)
                elif isinstance(item, Pulse):
                    self._limit.passed(item.time)
                    if self.tick:
                        self.tick(item.time)
                    if self.pulse:
                        self.pulse(item)
                elif (piece := self._limit.cut(item)) is None:
                    pass
                elif isinstance(piece, Frame):
                    now = piece.time
                    yield now, self._see(piece)
                elif isinstance(piece, Pose | Silence | ImuSample):
                    now = max(now, piece.time)
                    yield now, self._move(piece)
                else:
                    yield from self._hear(piece)
                    now = self._heard()
                if self._limit.reached:
                    break
            yield math.inf, self._flush("voice") + self._flush("face") + self._flush("body")
        finally:
            self.source.close()

    def _heard(self) -> float:
        """Time of the newest sample, on the source's clock."""
        return self._samples / RATE + self._lost + self._shift

    def _change(self, change: SourceChange) -> None:
        """Tell that a live part is lost or back."""
        said = change.reason or change.name
        if change.name not in said:
            said = f"{change.name}: {said}"
        if (
            change.state == BACK and self._joint is None
        ):  # what was before is over; the time between is nobody's
            for sense, judge in ((FACE, self._face), (BODY, self._body)):
                if judge is not None and sense in change.senses:
                    judge.reset()
        self.notice(change.state, said, change.time, " and ".join(change.senses))

    def notice(self, kind: str, said: str, time: float | None = None, sense: str | None = None) -> None:
        """Tell the outputs what happens to the run; its time is never before that of what they were told last."""
        if self._voice is not None and self._face is None and self._body is None:
            time = (
                self._heard()
            )  # a voice alone counts its samples: our clock and its card's part by seconds a day
        newest = max(self._told, 0.0 if time is None else time)
        self._told = math.ceil(newest * 1e3 - 1e-6) / 1e3  # up: the time of events is not rounded
        self._fusion.not_before(self._told)
        told = Notice(kind, said, self._told, sense)
        if self.recorder is not None:
            self.recorder.notice(told)
        if self.tell:
            self.tell(told)

    def _hear(self, item: SoundBlock | TimedSound) -> Iterator[tuple[float, list[Estimate]]]:
        block = item.block if isinstance(item, TimedSound) else item
        if self._voice is None:
            return
        if block.lost:
            self._lost += block.lost
            self._voice.lose(block.lost)
        if isinstance(item, TimedSound):
            shift = item.time - self._samples / RATE - self._lost
            self._shift = shift if abs(shift) > SAME else 0.0
            if self._joint is not None:
                self._joint.place(item.time)
        if self.recorder is not None and len(block.samples):
            self.recorder.sound(block, self._heard())
        self._samples += len(block.samples)
        if self.meter and len(block.samples):
            self.meter(self._heard(), level_dbfs(block.samples))
        yield self._heard(), self._counted("voice", self._voice.push, block.samples)

    def _see(self, frame: Frame) -> list[Estimate]:
        if self._face is None:
            return []
        if self.recorder is not None:
            self.recorder.picture(frame)
        self._first = self._first if self._frames else frame.time
        self._last = frame.time
        self._frames += 1
        if frame.time - self._looked < self._look_period - EARLY:
            estimates, faces = [], self._face.faces
        else:
            self._looked = frame.time
            estimates = self._counted("face", self._face.push, frame)
            faces = self._face.faces
        self._leader.see(frame.time, faces)
        if self.watch:
            self.watch(frame, faces)
        return estimates

    def _move(self, item: Motion) -> list[Estimate]:
        if self._body is None:
            return []
        self._poses += not isinstance(item, Silence)
        if self.recorder is not None and isinstance(item, Pose):
            self.recorder.motion(item)
        if self.tick:
            self.tick(item.time)
        self._moved = (item.time if self._moved is None else self._moved[0], item.time)
        return self._counted("body", self._body.push, item)

    def _flush(self, modality: str) -> list[Estimate]:
        sense = {"voice": self._voice, "face": self._face, "body": self._body}[modality]
        if sense is None or modality in self._over:
            return []
        self._over.add(modality)
        return self._counted(modality, sense.flush)

    def _counted(self, modality: str, compute: Callable[..., list[Estimate]], *given: Any) -> list[Estimate]:
        if self._joint is not None and modality != "body":
            return self._counts["voice"].counted(compute, *given)
        estimates = self._counts[modality].counted(compute, *given)
        if modality == "voice" and self._shift:
            return [replace(estimate, time=round(estimate.time + self._shift, 6)) for estimate in estimates]
        return estimates

    def _events(self, until: float) -> Iterator[Event]:
        """Events of the estimates up to a time, those of the same instant together."""
        ready = sorted((e for e in self._waiting if e.time <= until), key=lambda e: e.time)
        self._waiting = [e for e in self._waiting if e.time > until]
        for time, same in groupby(ready, key=lambda e: round(e.time, 3)):
            self._fusion.lead(self._leader.at(time + SAME))
            for event in self._fusion.together(same):
                self._told = max(self._told, event.time)
                if self.recorder is not None:
                    self.recorder.event(event)
                yield event
