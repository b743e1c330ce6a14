"""What the export quantises an own voice network by: one fold's windows judge, the other folds' give ranges."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_emotion.window import WindowContract
from edge_emotion_train.calibration_data import FILE, CalibrationData, no_crops
from edge_emotion_train.own_folds import Folds
from edge_emotion_train.own_windows import ClipWindows

MOST = 256  # windows of each kind
LEAST_CHECK = 8  # windows: fewer judge nothing


def own_calibration(
    contract: WindowContract,
    found: Sequence[ClipWindows],
    kinds: NDArray[np.int64],
    folds: Folds,
    report: Callable[[str], None],
) -> CalibrationData | None:
    """The fold of most windows judges, so with folds by speakers nobody stands on both sides; kinds (n,): classes.

    None, and one line to `report`, when that fold has fewer than LEAST_CHECK windows. The last layer itself learned
    from all clips: this compares int8 with fp32, it measures neither.
    """
    counts = [sum(len(found[i].windows) for i in fold) for fold in folds.folds]
    judging = set(folds.folds[int(np.argmax(counts))])
    if max(counts) < LEAST_CHECK:
        report(
            f"no {FILE}: a fold of these clips has {max(counts)} windows at most, judging int8 takes {LEAST_CHECK}; "
            "the export writes fp32 alone"
        )
        return None
    check, truth = _spread([i for i in range(len(found)) if i in judging], found, kinds)
    windows, _ = _spread([i for i in range(len(found)) if i not in judging], found, kinds)
    return CalibrationData(
        contract.feature_set, contract.feature_version, windows, check, truth, no_crops(), no_crops()
    )


def _spread(
    members: Sequence[int], found: Sequence[ClipWindows], kinds: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Up to MOST windows, evenly over some clips, and their classes."""
    every = np.concatenate([found[i].windows for i in members])
    truth = np.repeat(kinds[list(members)], [len(found[i].windows) for i in members])
    chosen = np.unique(np.linspace(0, len(every) - 1, min(len(every), MOST)).astype(int))
    return every[chosen], truth[chosen]
