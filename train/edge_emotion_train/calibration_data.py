"""What an export needs to quantise a network and to judge it: windows that it learned from, and windows held out.

Written beside the trained network as calibration.npz, so that no corpus is needed any more. Raw features, not
standardised; crops of the appearance network with the feature set "face".
"""

import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError

FILE = "calibration.npz"
LARGEST = 2**31  # bytes of all arrays: beyond it the file is not ours, and is not unpacked
_KINDS = {"windows": (np.float32, 3), "check": (np.float32, 3), "truth": (np.int64, 1),
          "crops": (np.uint8, 3), "check_crops": (np.uint8, 3)}  # fmt: skip


@dataclass(frozen=True)
class CalibrationData:
    """Windows and crops for ranges (of training clips) and for judging (of clips held out for it).

    feature_set, feature_version: of the windows. windows: (n, M, P). check: (m, M, P), truth: (m,) classes.
    crops: (k, side, side) grey levels, check_crops: (m, side, side) or none, of the same clips as check.
    """

    feature_set: str
    feature_version: int
    windows: NDArray[np.float32]
    check: NDArray[np.float32]
    truth: NDArray[np.int64]
    crops: NDArray[np.uint8]
    check_crops: NDArray[np.uint8]

    def write(self, folder: Path) -> Path:
        """Write calibration.npz in a folder, whole or not at all."""
        unfinished = folder / ("part-" + FILE)
        arrays = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        np.savez_compressed(unfinished, **arrays)  # type: ignore[arg-type]
        return unfinished.replace(folder / FILE)


def no_crops() -> NDArray[np.uint8]:
    """Crops of a network that looks at none."""
    return np.zeros((0, 0, 0), np.uint8)


def read_calibration(path: Path) -> CalibrationData:
    """Read calibration.npz; EdgeEmotionError on a file that is not one, or whose arrays do not fit each other."""
    try:
        with zipfile.ZipFile(path) as members:
            sizes = [member.file_size for member in members.infolist()]
        if sum(sizes) > LARGEST:
            raise ValueError(f"{sum(sizes)} bytes")
        with np.load(path, allow_pickle=False) as stored:
            found = {field.name: _array(stored, field.name) for field in fields(CalibrationData)}
        feature_set, version = str(found["feature_set"]), int(found["feature_version"])
    except (OSError, ValueError, KeyError, EOFError, TypeError, RuntimeError, MemoryError, NotImplementedError,
            zipfile.BadZipFile, zlib.error) as reason:  # fmt: skip
        raise EdgeEmotionError(
            f"{path}: not calibration data ({type(reason).__name__}); expected {FILE} as edge-emotion-train writes it"
        ) from reason
    arrays = {name: found[name] for name in _KINDS}
    data = CalibrationData(feature_set, version, **arrays)
    lengths = len(data.check), len(data.truth), len(data.check_crops)
    if not len(data.windows) or lengths[0] != lengths[1] or lengths[2] not in (0, lengths[0]):
        raise EdgeEmotionError(
            f"{path}: expected windows, and as many answers and crops as windows to check, got {len(data.windows)}, "
            f"{lengths[1]}, {lengths[2]} and {lengths[0]}"
        )
    return data


def _array(stored: "np.lib.npyio.NpzFile", name: str) -> NDArray[np.generic]:
    array = np.asarray(stored[name])
    if name in _KINDS:
        kind, axes = _KINDS[name]
        if array.dtype != kind or array.ndim != axes:
            raise ValueError(name)
        if array.dtype == np.float32 and not np.isfinite(array).all():
            raise ValueError(name)
    elif array.ndim:
        raise ValueError(name)
    return array
