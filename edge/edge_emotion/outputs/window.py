"""Events in a window of the desktop: the picture, its faces, bars of the seven and the state of each sense."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_front_end import Face
from edge_emotion.fusion import Event
from edge_emotion.notice import Notice
from edge_emotion.outputs.drawing import draw
from edge_emotion.outputs.frame_rate import FrameRate
from edge_emotion.outputs.output import OutputClosed
from edge_emotion.sources.frame import Frame

NAME = "edge-emotion"
CLOSING_KEYS = (ord("q"), ord("Q"), 27)  # 27: Esc
KEPT = 1.5  # seconds that an event about a face is still shown


class WindowView:
    """Shows each frame as it is computed; q, Esc or the window's own button close it, and end the run.

    EdgeEmotionError when this OpenCV has no windows, or there is no display to put one on.
    """

    def __init__(
        self,
        opencv: Any = None,
        dropped: Callable[[str], int] = lambda modality: 0,
        environment: Mapping[str, str] | None = None,
        recording: Callable[[], bool] = lambda: False,
    ) -> None:
        """opencv: the module cv2, or a stand-in for it. environment: os.environ when None.

        recording: whether the run is being recorded, which is marked.
        """
        if opencv is None:
            import cv2 as opencv
        self._opencv = opencv
        self._dropped = dropped
        self._recording = recording
        self._events: dict[int | None, Event] = {}
        self._rate = FrameRate()
        self._notice = ""
        variables = os.environ if environment is None else environment
        _check_windows(opencv)
        if sys.platform == "linux" and not (variables.get("DISPLAY") or variables.get("WAYLAND_DISPLAY")):
            raise EdgeEmotionError(
                "no display for a window (DISPLAY is not set); leave --window out, or run it on the desktop"
            )
        try:
            opencv.namedWindow(NAME, opencv.WINDOW_NORMAL | opencv.WINDOW_KEEPRATIO)
        except opencv.error as error:
            raise _no_windows(opencv) from error
        self._sized = False

    def meter(self, time: float, level: float) -> None:
        """Leave out the level."""

    def frame(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Draw a frame; OutputClosed once the user has closed the window."""
        self._rate.add(frame.time)
        self._events = {who: told for who, told in self._events.items() if frame.time - told.time <= KEPT}
        status = f"{self._rate.value:.1f} fps, dropped {self._dropped('face')}"
        status = f"{status}  {self._notice[:60]}" if self._notice else status
        picture = draw(frame.image, faces, self._events, status, self._recording())
        if not self._sized:
            self._opencv.resizeWindow(NAME, picture.shape[1], picture.shape[0])
            self._sized = True
        self._opencv.imshow(NAME, picture)
        key = self._opencv.waitKey(1) & 0xFF
        if key in CLOSING_KEYS or self._opencv.getWindowProperty(NAME, self._opencv.WND_PROP_VISIBLE) < 1:
            raise OutputClosed

    def tick(self, time: float) -> None:
        """Leave out the time: frames have their own."""

    def notice(self, told: Notice) -> None:
        """Keep the newest, for the status below the bars."""
        self._notice = told.said

    def show(self, told: Event) -> None:
        """Keep an event for the frames to come."""
        self._events[told.identity] = told

    def close(self) -> None:
        """Close the window."""
        self._opencv.destroyAllWindows()


def _check_windows(opencv: Any) -> None:
    """EdgeEmotionError when OpenCV was built without a window system, as the headless package is."""
    for line in opencv.getBuildInformation().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "GUI" and value.strip() in ("NONE", "NO"):
            raise _no_windows(opencv)


def _no_windows(opencv: Any) -> EdgeEmotionError:
    return EdgeEmotionError(
        f"this OpenCV has no windows: pip install --force-reinstall --no-deps opencv-python=={_version(opencv)}"
    )


def _version(opencv: Any) -> str:
    """The package's version, which has one number more than the module's."""
    for package in ("opencv-python-headless", "opencv-contrib-python-headless"):
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return f"{opencv.__version__}.*"  # built by hand or by the system
