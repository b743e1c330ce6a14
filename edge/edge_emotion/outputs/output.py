"""What every output offers to a run."""

from typing import Protocol

from edge_emotion.estimate import Estimate


class Output(Protocol):
    """Where estimates go."""

    def meter(self, time: float, level: float) -> None:
        """Level of the newest sound: seconds, dBFS."""
        ...

    def show(self, estimate: Estimate) -> None:
        """One estimate."""
        ...

    def close(self) -> None:
        """End of the run."""
        ...
