"""Checks the inertial sensors of Linux's IIO subsystem: each is measured once."""

from pathlib import Path
from typing import TYPE_CHECKING

from edge_emotion.doctor_check import NONE, Finding, first_line, listed, ok, warn
from edge_emotion.errors import EdgeEmotionError

if TYPE_CHECKING:  # loaded in the check alone: the doctor starts without numpy
    from edge_emotion.sources.iio_device import IioDevice


def sensors(root: Path) -> Finding:
    """Check every accelerometer; other IIO devices are left out. They are optional: nothing here is a "fail"."""
    from edge_emotion.sources.iio_device import list_devices

    found = [
        device for device in list_devices(root / "sys/bus/iio/devices", root / "dev") if device.acceleration
    ]
    names, wrong = [], []
    for device in found:
        try:
            names.append(f"{device.id} {device.name!r}, {_length(device):.1f} m/s^2")
        except (EdgeEmotionError, OSError, ValueError) as error:
            names.append(f"{device.id} {device.name!r} cannot be read: {first_line(error)}")
            wrong.append(device.name)
    if not names:
        return ok(NONE)
    if wrong:
        return warn(listed(names), f"check the wires and the driver of {listed(wrong)} (`dmesg | grep iio`)")
    return ok(listed(names))


def _length(device: "IioDevice") -> float:
    """Acceleration now, m/s^2: about 9.8 for a sensor at rest."""
    import numpy as np

    from edge_emotion.sources.iio_device import ACCELERATION, read_raw, to_units

    return float(np.linalg.norm(to_units(device, ACCELERATION)(read_raw(device, ACCELERATION))))
