"""What a quantised network must show before it is written: the same answers as fp32, and numbers on any input."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_emotion.engine import Engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.metrics import unweighted_average_recall

LEAST_AGREEMENT = 0.99  # share of held-out windows whose first answer is fp32's
MOST_LOST = 0.005  # UAR, of the same windows
LEAVE_OUT = "leave this precision out with --quantize"
LEAST_WINDOWS = 8  # fewer judge nothing


@dataclass(frozen=True)
class Agreement:
    """A quantised network against the fp32 one of the same format, on windows (or crops) kept for judging.

    engine, precision: of the quantised one. windows: how many. agreement: share with the same first answer.
    uar_fp32, uar: against the truth. difference: largest absolute one of a logit.
    """

    engine: str
    precision: str
    windows: int
    agreement: float
    uar_fp32: float
    uar: float
    difference: float

    @property
    def lost(self) -> float:
        """UAR lost to fp32."""
        return self.uar_fp32 - self.uar

    @property
    def problem(self) -> str | None:
        """Why the network must not be written, None when it may."""
        said = (
            f"{self.engine} {self.precision} answers as fp32 does in {100 * self.agreement:.2f} % of "
            f"{self.windows} windows (at least {100 * LEAST_AGREEMENT:g} %) and loses "
            f"{100 * self.lost:.2f} points of UAR (at most {100 * MOST_LOST:g})"
        )
        return None if self.agreement >= LEAST_AGREEMENT and self.lost <= MOST_LOST else said


def outputs(engine: Engine, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a network gives for each input: (n, ...) -> (n, outputs)."""
    return np.concatenate([one_output(engine, np.ascontiguousarray(one[None])) for one in inputs])


def one_output(engine: Engine, probe: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run once; EdgeEmotionError when the runtime cannot, as with an operator that fails only then."""
    try:
        return engine.run(probe)
    except Exception as reason:  # the runtimes share no class of errors
        line = " ".join(str(reason).split())[:160]
        raise EdgeEmotionError(
            f"the {engine.name} network does not run ({line}); export it again"
        ) from reason


def agreement(
    reference: NDArray[np.float32],
    got: NDArray[np.float32],
    truth: NDArray[np.int64],
    engine: str,
    precision: str,
) -> Agreement:
    """Compare logits (n, C) of a quantised network with those of fp32; truth: (n,) classes."""
    first, second = reference.argmax(1), got.argmax(1)
    classes = reference.shape[1]
    return Agreement(
        engine,
        precision,
        len(truth),
        float(np.mean(first == second)),
        unweighted_average_recall(truth, first, classes),
        unweighted_average_recall(truth, second, classes),
        float(np.abs(reference - got).max()),
    )


def check_agreement(found: Agreement, what: str) -> Agreement:
    """Give it back when it passes; EdgeEmotionError when the network must not be written. what: "network" ..."""
    if found.problem:
        raise EdgeEmotionError(f"gate failed, nothing written: the {what} {found.problem}; {LEAVE_OUT}")
    return found


def check_finite(engine: Engine, probes: Iterable[tuple[str, NDArray[np.float32]]], precision: str) -> int:
    """Run named inputs, extreme ones among them; EdgeEmotionError when any output is not finite. Give their number."""
    count = 0
    for name, probe in probes:
        if not np.isfinite(one_output(engine, probe)).all():
            raise EdgeEmotionError(
                f"gate failed, nothing written: the {engine.name} {precision} network gives values that are not "
                f"finite on {name}"
            )
        count += 1
    return count
