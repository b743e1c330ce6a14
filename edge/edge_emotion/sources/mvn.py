"""A suit that Xsens MVN streams over the network, as a source of motion."""

import time
from collections.abc import Callable

from edge_emotion.sources.motion import MotionNetworkSettings
from edge_emotion.sources.motion_datagrams import MotionListener
from edge_emotion.sources.mvn_poses import MvnDecoder

PORT = 9763


class MvnSuit(MotionListener):
    """Receives the MVN network stream; EdgeEmotionError when the port cannot be had."""

    def __init__(
        self, settings: MotionNetworkSettings | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        settings = settings or MotionNetworkSettings()
        super().__init__(MvnDecoder(settings.unit), settings, "mvn", PORT, clock)
