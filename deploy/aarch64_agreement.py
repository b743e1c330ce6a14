"""Whether two machines judged the same recording alike: their events, one by one."""

from dataclasses import dataclass
from typing import Any

# Of a probability; five times the largest difference measured. Sums are added in another order on another processor,
# and OpenCV's and LiteRT's kernels differ. Measured with LiteRT 2.3 between x86-64 and an emulated Cortex-A72, on
# events, which have 4 decimals: voice 0.0000 in int8 and in fp32 (36 windows of two recordings); face of demo.mp4
# 0.0018 in fp32, 0.0007 in int8 (17 windows; points of the face differ already), the two senses together no more.
TOLERANCE = 0.01

Event = dict[str, Any]


@dataclass(frozen=True)
class Agreement:
    """How far two lists of events agree.

    largest: difference of a probability. wrong: what else differs, a line each. swapped: top emotions that differ
    while the two were within TOLERANCE of each other here. classes: top emotions here, of the events that have one.
    """

    largest: float
    wrong: tuple[str, ...]
    swapped: int = 0
    classes: tuple[str, ...] = ()


def compare(here: list[Event], there: list[Event], tolerance: float | None = TOLERANCE) -> Agreement:
    """Compare events of `--json`: their number, times, faces, abstentions, top emotions and probabilities.

    tolerance: of a probability; None where only the rest has to agree. Which top emotions may be swapped does not
    follow it: with probabilities at will, any might.
    """
    wrong = list[str]()
    if not here:
        wrong.append("no events here: nothing is compared")
    if len(here) != len(there):
        wrong.append(f"{len(there)} events, expected {len(here)}")
    largest, swapped = 0.0, 0
    for ours, theirs in zip(here, there, strict=False):
        at = f"at {ours['t']:g} s"
        wrong += differing(ours, theirs, ("t", "identity"), at)
        senses, others = ours["modalities"], theirs["modalities"]
        if senses.keys() != others.keys():
            wrong.append(f"{at}: senses {sorted(others)}, expected {sorted(senses)}")
        pairs = [("together", ours, theirs)]
        pairs += [(name, senses[name], others[name]) for name in senses if name in others]
        for name, one, other in pairs:
            tie = near_tie(one, other["emotion"])
            swapped += tie
            names = ("abstained",) if tie else ("emotion", "abstained")
            wrong += differing(one, other, names, f"{at}, {name}")
            off = farthest(one["p"], other["p"])
            largest = max(largest, off)
            # Off by 1 are those of other emotions, or those that only one has: nothing that a drawn spike explains.
            allowed = "less" if tolerance is None else f"at most {tolerance:g}"
            if off == 1.0 or (tolerance is not None and off > tolerance):
                wrong.append(f"{at}, {name}: a probability off by {off:.4f}, expected {allowed}")
    classes = tuple(event["emotion"] for event in here if event["emotion"] is not None)
    return Agreement(largest, tuple(wrong), swapped, classes)


def near_tie(one: Event, emotion: str | None) -> bool:
    """Whether `emotion` is not the top one of `one`, and so close behind it that another processor may swap them."""
    likely, top = one["p"] or {}, one["emotion"]
    if emotion == top or emotion not in likely or top not in likely:
        return False
    return bool(likely[top] - likely[emotion] <= TOLERANCE)


def differing(one: Event, other: Event, names: tuple[str, ...], where: str) -> list[str]:
    """A line for each value that is not the same."""
    return [
        f"{where}: {name} {other.get(name)!r}, expected {one.get(name)!r}"
        for name in names
        if one.get(name) != other.get(name)
    ]


def farthest(one: dict[str, float] | None, other: dict[str, float] | None) -> float:
    """Largest difference of a probability; 1 when only one of both is there, or they are about other emotions."""
    if one is None or other is None or one.keys() != other.keys():
        return 0.0 if one == other else 1.0
    return max(abs(one[name] - other[name]) for name in one)
