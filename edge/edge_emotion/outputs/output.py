"""What every output offers to a run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from edge_emotion.fusion import Event
from edge_emotion.notice import Notice
from edge_emotion.sources.frame import Frame

if TYPE_CHECKING:  # it brings OpenCV, which sound alone does without
    from edge_emotion.features.face_front_end import Face


class OutputClosed(Exception):  # noqa: N818 - no error
    """The user closed the view: the run is to end, and nothing is wrong."""


class Output(Protocol):
    """Where events go."""

    def meter(self, time: float, level: float) -> None:
        """Level of the newest sound: seconds, dBFS."""
        ...

    def frame(self, frame: Frame, faces: "Sequence[Face]") -> None:
        """Newest picture and the faces found in it; OutputClosed when the user has closed the view."""
        ...

    def show(self, event: Event) -> None:
        """One event."""
        ...

    def tick(self, time: float) -> None:
        """Time goes on: seconds of the source."""
        ...

    def notice(self, told: Notice) -> None:
        """Something has happened to the run itself."""
        ...

    def close(self) -> None:
        """End of the run."""
        ...


class Several:
    """Gives everything to several outputs."""

    def __init__(self, *outputs: Output) -> None:
        """outputs: in the order in which they are told."""
        self._outputs = outputs

    def meter(self, time: float, level: float) -> None:
        """Level of the newest sound."""
        for output in self._outputs:
            output.meter(time, level)

    def frame(self, frame: Frame, faces: "Sequence[Face]") -> None:
        """Newest picture."""
        for output in self._outputs:
            output.frame(frame, faces)

    def show(self, event: Event) -> None:
        """One event."""
        for output in self._outputs:
            output.show(event)

    def tick(self, time: float) -> None:
        """Time goes on."""
        for output in self._outputs:
            output.tick(time)

    def notice(self, told: Notice) -> None:
        """One notice."""
        for output in self._outputs:
            output.notice(told)

    def close(self) -> None:
        """End of the run."""
        for output in self._outputs:
            output.close()
