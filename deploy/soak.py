#!/usr/bin/env python3
"""Soak: the whole pipeline on looped clips and a replayed suit, with faults by a schedule, for as long as asked.

Prints each fault and what the run says, then the figures; --out also writes soak.md and soak.json. Exit code 1 when a
bar is missed. Needs an installed package: .venv-dev/bin/python deploy/soak.py --minutes 2
"""

import argparse
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from soak_devices import LoopedCamera, LoopedSoundCard, LoopedSuit, Trouble
from soak_faults import Fault, schedule
from soak_report import HOURS, Happened, Watch, figures, markdown, missed

from edge_emotion.body_recognizer import BodyRecognizer
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.face_recognizer import FaceRecognizer
from edge_emotion.fusion import Fusion
from edge_emotion.live_keeper import LiveKeeper
from edge_emotion.machine import commit, now, processor
from edge_emotion.pipeline import Run
from edge_emotion.recognizer import Recognizer
from edge_emotion.settings import (
    BodyRecognizerSettings,
    CameraSettings,
    FaceRecognizerSettings,
    MicrophoneSettings,
    RecognizerSettings,
    VideoFileSettings,
)
from edge_emotion.sources.camera import Camera
from edge_emotion.sources.frame import Frame
from edge_emotion.sources.live import LiveSources
from edge_emotion.sources.live_part import LivePart
from edge_emotion.sources.microphone import Microphone, look_again
from edge_emotion.sources.motion import MotionNetworkSettings
from edge_emotion.sources.motion_file import MotionFile, MotionFileSettings
from edge_emotion.sources.mvn import MvnSuit
from edge_emotion.sources.timed_sound import TimedSound
from edge_emotion.sources.video_file import VideoFile

FPS = 10.0
ARENAS = "2"  # of malloc, as edge-emotion.service has it
MEMORY = 200_000_000  # bytes that are taken and given back
# Stops and continues this process: it cannot continue itself.
STOPPER = (
    "import os,signal,sys,time\n"
    "for line in sys.stdin:\n"
    "    os.kill(int(sys.argv[1]), signal.SIGSTOP); time.sleep(float(line))\n"
    "    os.kill(int(sys.argv[1]), signal.SIGCONT)\n"
)


def clip(path: Path) -> tuple[list[Any], Any]:
    """Pictures at FPS, at most 60 of them, and sound (n,) int16 of a video."""
    pictures: list[Any] = []
    sound: list[Any] = []
    for item in VideoFile(VideoFileSettings(path)):
        if isinstance(item, Frame) and item.time >= len(pictures) / FPS and len(pictures) < 60:
            pictures.append(item.image)
        elif isinstance(item, TimedSound):
            sound.append(item.block.samples)
    if not pictures or not sound:
        raise EdgeEmotionError(f"{path}: expected a video with picture and sound")
    return pictures, np.round(np.concatenate(sound) * 32767).astype(np.int16)


def walk() -> list[Any]:
    """Poses of a walk that swings arms and legs, made here: corpora may not be shipped."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from walking import walk as walking

    return list(walking(4.0))


def open_run(arguments: argparse.Namespace, troubles: dict[str, Trouble], stack: ExitStack) -> Run:
    """The pipeline that `edge-emotion --camera --mic --imu mvn` makes, over the soak's devices."""
    with resources.as_file(resources.files("edge_emotion") / "data" / "demo.mp4") as shipped:
        pictures, sound = clip(arguments.video or shipped)
    opencv = LoopedCamera(pictures, FPS, troubles["camera"], arguments.seed)
    card = LoopedSoundCard(sound, troubles["microphone"], arguments.seed)
    root = stack.enter_context(_root())
    camera = CameraSettings("/dev/video0", stall=4.0, backend="v4l2",
                            width=pictures[0].shape[1], height=pictures[0].shape[0])  # fmt: skip
    open_camera = partial(Camera, camera, opencv, SimpleNamespace(), root)

    def open_microphone() -> Microphone:
        look_again(card)
        return Microphone(MicrophoneSettings(), card)

    suit = MvnSuit(MotionNetworkSettings(port=0))
    poses = list(MotionFile(MotionFileSettings(arguments.motion))) if arguments.motion else walk()
    sender = LoopedSuit(poses, suit.port, troubles["suit"], arguments.seed)
    stack.callback(sender.close)
    source = LiveSources(
        [
            LivePart(("face",), "camera", open_camera, open_camera()),
            LivePart(("voice",), "microphone", open_microphone, open_microphone()),
            LivePart(("body",), "suit", lambda: MvnSuit(MotionNetworkSettings(port=suit.port)), suit),
        ]
    )
    judges = (
        Recognizer.from_settings(RecognizerSettings()),
        FaceRecognizer.from_settings(FaceRecognizerSettings()),
        BodyRecognizer.from_settings(BodyRecognizerSettings()),
    )
    hops = {judge.bundle.modality: judge.bundle.window.hop * judge.bundle.window.period for judge in judges}
    return Run(source, judges[0], judges[1], Fusion(hops=hops), body=judges[2])


def _root() -> Any:
    """A made tree with /dev/video0, as the camera looks for its device."""
    import tempfile

    class Tree(tempfile.TemporaryDirectory):  # type: ignore[type-arg]
        def __enter__(self) -> Any:
            root = Path(super().__enter__())
            (root / "dev").mkdir()
            (root / "dev/video0").touch()
            return root

    return Tree()


class Injector:
    """Lets the faults happen when they are due, in a thread of its own."""

    def __init__(
        self,
        faults: list[Fault],
        troubles: dict[str, Trouble],
        heat: SimpleNamespace,
        say: Callable[[str], None],
    ) -> None:
        self._faults, self._troubles, self._heat, self._say = faults, troubles, heat, say
        self._stopper = subprocess.Popen([sys.executable, "-c", STOPPER, str(os.getpid())], stdin=subprocess.PIPE,
                                         text=True)  # fmt: skip
        self._closed = threading.Event()
        self.done: list[Happened] = []
        self._thread = threading.Thread(target=self._inject, name="faults", daemon=True)

    def start(self) -> None:
        """Time 0 is now."""
        self._begun = time.monotonic()
        self._thread.start()

    def close(self) -> None:
        """No more faults."""
        self._closed.set()
        self._stopper.kill()
        self._stopper.wait()

    def _inject(self) -> None:
        for fault in self._faults:
            if self._closed.wait(max(0.0, self._begun + fault.at - time.monotonic())):
                return
            self._say(f"fault: {fault.kind}, {fault.seconds:g} s")
            self.done.append(Happened(fault, time.monotonic()))
            self._begin(fault)

    def _begin(self, fault: Fault) -> None:
        if fault.kind == "SIGSTOP":
            assert self._stopper.stdin is not None
            print(fault.seconds, file=self._stopper.stdin, flush=True)
        elif fault.kind in ("memory pressure", "throttle"):
            last = self._take_memory if fault.kind == "memory pressure" else self._throttle
            threading.Thread(target=last, args=(fault.seconds,), daemon=True).start()
        else:
            assert fault.device is not None
            what = fault.kind.removeprefix(fault.device).strip()
            if what == "opening hangs":
                self._troubles[fault.device].begin("unplugged", fault.seconds)
            self._troubles[fault.device].begin({"clock jump": "jump"}.get(what, what), fault.seconds)

    def _take_memory(self, seconds: float) -> None:
        taken = np.ones(MEMORY, np.uint8)  # touched, so that it is really taken
        self._closed.wait(seconds)
        del taken

    def _throttle(self, seconds: float) -> None:
        self._heat.throttled = True
        self._closed.wait(seconds)
        self._heat.throttled = False


def soak(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run it and give the figures."""
    faults = schedule(arguments.minutes, arguments.faults, arguments.seed)
    troubles = {device: Trouble() for device in ("camera", "microphone", "suit")}
    heat = SimpleNamespace(temperature=None, throttled=False, close=lambda: None)
    with ExitStack() as stack:
        run = open_run(arguments, troubles, stack)
        watch = Watch(run, arguments.quiet)
        injector = Injector(faults, troubles, heat, watch.say)
        stack.callback(injector.close)
        keeper = LiveKeeper(run, ["voice", "face", "body"], heat=heat)
        run.tell = watch.notice

        def pulse(told: Any) -> None:
            keeper.pulse(told)
            watch.pulse(told, keeper.level)
            if told.time >= 60 * arguments.minutes:
                run.close()

        run.pulse = pulse
        gc.collect()
        injector.start()
        for event in run:
            watch.event(event)
        return figures(watch, injector.done, keeper.level, run)


def as_the_service() -> None:
    """Begin again with the unit's allocator: glibc reads this as the process starts."""
    if os.environ.get("MALLOC_ARENA_MAX") != ARENAS:
        environment = {**os.environ, "MALLOC_ARENA_MAX": ARENAS, "OMP_NUM_THREADS": "1"}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)


def main() -> int:
    """Soak as the flags say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=20.0, help="how long (default %(default)g)")
    parser.add_argument("--faults", type=int, help="how many (default 3.2 a minute: 64 in 20 minutes)")
    parser.add_argument("--seed", type=int, default=0, help="of the schedule (default %(default)s)")
    parser.add_argument(
        "--video", type=Path, metavar="FILE", help="with a face and a voice (default the demo's)"
    )
    parser.add_argument(
        "--motion", type=Path, metavar="FILE", help="a .bvh or .mvnx file (default a made walk)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="also write DIR/soak.md and soak.json")
    parser.add_argument("--quiet", action="store_true", help="print the figures alone")
    arguments = parser.parse_args()
    as_the_service()
    arguments.faults = round(3.2 * arguments.minutes) if arguments.faults is None else arguments.faults
    if not 1.5 <= arguments.minutes <= 60 * HOURS or not 1 <= arguments.faults <= 8 * arguments.minutes:
        parser.error("expected 1.5 minutes to 2 hours, and at most 8 faults a minute")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stamp = {"commit": commit(), "date": now(), "machine": processor()}
    told = {"stamp": stamp, **soak(arguments)}
    told["command"] = " ".join(["deploy/soak.py", *sys.argv[1:]])
    page = markdown(told)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "soak.json").write_text(json.dumps(told, indent=1) + "\n")
        (arguments.out / "soak.md").write_text(page)
    print(page)
    return 1 if missed(told) else 0


if __name__ == "__main__":
    sys.exit(main())
