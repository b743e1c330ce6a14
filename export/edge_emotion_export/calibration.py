"""Calibration data for one trained model: found, checked against it, and as its networks take it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_alignment import network_crop
from edge_emotion_export.gates import LEAST_WINDOWS
from edge_emotion_export.trained_model import TrainedModel
from edge_emotion_train.calibration_data import FILE, read_calibration


@dataclass(frozen=True)
class Calibration:
    """Inputs as the networks take them: for ranges, and with their truth (m,) for judging.

    windows, check: (n or m, M, P) standardised. crops, check_crops: (n or m, side, side, 1) standardised, none
    where nodes need no appearance.
    """

    windows: NDArray[np.float32]
    check: NDArray[np.float32]
    truth: NDArray[np.int64]
    crops: NDArray[np.float32]
    check_crops: NDArray[np.float32]


def calibration_file(run: str | Path, given: str | Path | None) -> Path:
    """Place of the data: the one given (a file, or a run's folder), else the run's own; it may not be there."""
    place = Path(given if given is not None else run)
    if place.is_dir():
        inner = place / "model"
        place = (inner if inner.is_dir() else place) / FILE
    return place


def load_calibration(path: Path, trained: TrainedModel) -> Calibration:
    """Read and standardise; EdgeEmotionError when the data is of another feature set or does not fit the model."""
    if not path.is_file():
        raise EdgeEmotionError(
            f"no calibration data {path}: quantising needs windows of the corpus; train again, name another run or "
            f"{FILE} with --calibrate, or export without: --quantize none"
        )
    data = read_calibration(path)
    window = trained.window
    wanted = window["feature_set"], window["feature_version"]
    if (data.feature_set, data.feature_version) != wanted:
        raise EdgeEmotionError(
            f"{path}: windows of the features {data.feature_set!r} version {data.feature_version}, the model takes "
            f"{wanted[0]!r} version {wanted[1]}; name data of its own features with --calibrate"
        )
    shape = window["nodes"], window["features"]
    for name, windows in (("windows", data.windows), ("check", data.check)):
        if windows.shape[1:] != shape:
            raise EdgeEmotionError(
                f"{path}: {name} of {windows.shape[1]} nodes and {windows.shape[2]} features, the model takes "
                f"{shape[0]} and {shape[1]}"
            )
    if not len(data.check) or data.truth.min() < 0 or data.truth.max() >= len(trained.labels):
        raise EdgeEmotionError(
            f"{path}: expected windows to check, of classes 0 to {len(trained.labels) - 1}"
        )
    if len(data.check) < LEAST_WINDOWS:
        raise EdgeEmotionError(
            f"{path}: {len(data.check)} windows to judge by, at least {LEAST_WINDOWS} are needed; export without: "
            "--quantize none"
        )
    mean, scale = (np.array(window[key], np.float32) for key in ("mean", "scale"))
    crops, check_crops = data.crops, data.check_crops
    if trained.appearance is not None:
        side = trained.appearance.crop
        for some in (crops, check_crops):
            if not len(some) or some.shape[1:] != (side, side):
                raise EdgeEmotionError(
                    f"{path}: expected crops of {side} x {side}, got an array of {some.shape}"
                )
    return Calibration(
        (data.windows - mean) / scale,
        (data.check - mean) / scale,
        data.truth,
        network_crop(crops)[..., None] if len(crops) else np.zeros((0, 0, 0, 1), np.float32),
        network_crop(check_crops)[..., None] if len(check_crops) else np.zeros((0, 0, 0, 1), np.float32),
    )
