"""Finds the source of motion that a user names: "mvn", "osc", "iio", each with its port or device, or a file."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.settings import MotionSettings
from edge_emotion.sources.motion import FILES, MotionNetworkSettings

if TYPE_CHECKING:
    from edge_emotion.sources.iio import IioSensor
    from edge_emotion.sources.motion import MotionSource

NETWORKS = ("mvn", "osc")
IIO = "iio"
EXPECTED = "expected mvn[:PORT], osc[:PORT], iio[:NAME] or a file, FILE.bvh or FILE.mvnx"


def is_file(source: str) -> bool:
    """Whether it names a file, by its ending."""
    return Path(source).suffix.lower() in FILES


def is_bare_imu(source: str) -> bool:
    """Whether it names a single IMU, which tells of movement alone."""
    return source.partition(":")[0] == IIO and not is_file(source)


def open_motion(settings: MotionSettings) -> "MotionSource | IioSensor":
    """Open what the settings name; EdgeEmotionError when it is nothing known or cannot be opened."""
    source = settings.source
    if is_file(source):
        from edge_emotion.sources.motion_file import MotionFile, MotionFileSettings

        return MotionFile(MotionFileSettings(Path(source), settings.realtime))
    kind, _, rest = source.partition(":")
    if kind == IIO:
        from edge_emotion.sources.iio import IioSensor, IioSettings

        # "iio:device0" is the kernel's own name.
        name = f"{IIO}:{rest}" if re.fullmatch(r"device\d+", rest) else rest
        return IioSensor(IioSettings(name or None))
    if kind not in NETWORKS:
        raise EdgeEmotionError(f"--imu {source}: {EXPECTED}")
    if rest and not (rest.isdecimal() and len(rest) <= 5):
        raise EdgeEmotionError(f"--imu {source}: expected a port number after the colon, as {kind}:9763")
    network = MotionNetworkSettings(int(rest) if rest else None, settings.listen, settings.unit)
    if kind == "mvn":
        from edge_emotion.sources.mvn import MvnSuit

        return MvnSuit(network)
    from edge_emotion.sources.osc import VmcBody

    return VmcBody(network)
