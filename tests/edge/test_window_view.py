from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import Estimate
from edge_emotion.fusion import Fusion
from edge_emotion.outputs.drawing import PANEL, USED, draw
from edge_emotion.outputs.output import OutputClosed
from edge_emotion.outputs.window import WindowView
from edge_emotion.sources.frame import Frame
from fake_faces import face
from fake_senses import P

GREY = np.full((480, 640, 3), 128, np.uint8)
EVENT = Fusion().update(Estimate(1.0, "face", P, 0.9, 0.01, identity=1))


class FakeWindows:
    """The few calls of an OpenCV with windows; keys: what is pressed at each frame."""

    WINDOW_NORMAL, WINDOW_KEEPRATIO, WND_PROP_VISIBLE = 0, 0, 4
    error = cv2.error
    __version__ = "4.12.0"

    def __init__(
        self, keys: Sequence[int] = (), gui: str = "QT5", visible: float = 1.0, refuse: bool = False
    ) -> None:
        self._keys, self._gui, self._visible, self._refuse = list(keys), gui, visible, refuse
        self.shown: list[Any] = []
        self.destroyed = 0

    def getBuildInformation(self) -> str:  # noqa: N802
        return f"General\n\n  GUI:                           {self._gui}\n    x: y\n"

    def namedWindow(self, name: str, flags: int) -> None:  # noqa: N802
        if self._refuse:
            raise cv2.error("The function is not implemented")

    def resizeWindow(self, name: str, width: int, height: int) -> None:  # noqa: N802
        self.size = (width, height)

    def imshow(self, name: str, picture: Any) -> None:
        self.shown.append(picture)

    def waitKey(self, delay: int) -> int:  # noqa: N802
        return self._keys.pop(0) if self._keys else -1

    def getWindowProperty(self, name: str, which: int) -> float:  # noqa: N802
        return self._visible

    def destroyAllWindows(self) -> None:  # noqa: N802
        self.destroyed += 1


def test_drawing_leaves_the_picture_as_it_is_and_marks_the_face() -> None:
    before = GREY.copy()
    seen = face()
    drawn = draw(GREY, [seen], {1: EVENT}, "25.0 fps")
    assert np.array_equal(GREY, before)
    assert drawn.shape == (480, 640 + PANEL, 3) and drawn.dtype == np.uint8
    points = seen.landmarks.round().astype(int)
    assert (drawn[points[:, 1], points[:, 0]] == USED).all(1).mean() > 0.9
    # The bar of anger, the fourth, is 60 % red.
    bar = drawn[28 + 4 * 30 - 5, 640 + 100 :]
    assert 0.5 < (bar == (70, 70, 235)).all(1).mean() < 0.62


def test_a_face_of_no_use_has_another_colour_and_no_event_has_empty_bars() -> None:
    drawn = draw(GREY, [face(problem="too dark")], {})
    assert not (drawn == USED).all(2).any()
    assert not (drawn[:, 640:] == (70, 70, 235)).all(2).any()


@pytest.mark.parametrize("shape", [(1, 1), (2000, 3000), (10, 4000), (4000, 10), (480, 640)])
def test_any_picture_can_be_drawn_on(shape: tuple[int, int]) -> None:
    drawn = draw(np.zeros((*shape, 3), np.uint8), [face()], {1: EVENT})
    assert 360 <= drawn.shape[0] <= 1080
    assert drawn.shape[1] <= 3 * 1080


@pytest.mark.parametrize("key", [ord("q"), 27])
def test_a_key_closes_it(key: int) -> None:
    windows = FakeWindows([-1, key])
    view = WindowView(windows, environment={"DISPLAY": ":0"})
    view.show(EVENT)
    view.frame(Frame(GREY, 1.0), [face()])
    with pytest.raises(OutputClosed):
        view.frame(Frame(GREY, 1.1), [face()])
    view.close()
    assert (len(windows.shown), windows.destroyed, windows.size) == (2, 1, (900, 480))


def test_its_own_button_closes_it() -> None:
    view = WindowView(FakeWindows(visible=0.0), environment={"WAYLAND_DISPLAY": "wayland-0"})
    with pytest.raises(OutputClosed):
        view.frame(Frame(GREY, 0.0), [])


@pytest.mark.parametrize("windows", [FakeWindows(gui="NONE"), FakeWindows(refuse=True)])
def test_an_opencv_without_windows_is_one_line(windows: FakeWindows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_emotion.outputs.window.metadata.version", lambda package: "4.12.0.88")
    with pytest.raises(EdgeEmotionError) as refused:
        WindowView(windows, environment={"DISPLAY": ":0"})
    assert str(refused.value) == (
        "this OpenCV has no windows: pip install --force-reinstall --no-deps opencv-python==4.12.0.88"
    )


def test_no_display_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_emotion.outputs.window.sys", SimpleNamespace(platform="linux"))
    with pytest.raises(EdgeEmotionError, match="no display for a window"):
        WindowView(FakeWindows(), environment={})
