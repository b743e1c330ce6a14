"""A body told in VMC messages over OSC, by SlimeVR and others, as a source of motion."""

import time
from collections.abc import Callable

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.sources.motion import MotionNetworkSettings
from edge_emotion.sources.motion_datagrams import MotionListener

PORT = 39539
MOST_A_SECOND = 5000  # datagrams: some senders put each bone into one


class VmcBody(MotionListener):
    """Receives VMC messages; EdgeEmotionError when the port cannot be had or python-osc is missing."""

    def __init__(
        self, settings: MotionNetworkSettings | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        try:
            from edge_emotion.sources.vmc import VmcDecoder
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != "pythonosc":
                raise
            raise EdgeEmotionError(
                "motion over OSC needs the package python-osc; install it: pip install python-osc"
            ) from error
        decoder = VmcDecoder(clock)
        self._told_time = decoder.time
        super().__init__(decoder, settings or MotionNetworkSettings(), "osc", PORT, clock, MOST_A_SECOND)

    @property
    def warnings(self) -> list[str]:
        """A line for each kind of trouble, and one once the sender's times have grown too coarse."""
        step = self._told_time.step
        if step is None:
            return super().warnings
        return [
            *super().warnings,
            f"{self.name}: the sender's time goes in steps of {1000 * step:.3g} ms, too coarse for its poses; times "
            "of arrival are taken, until the sender is restarted",
        ]
