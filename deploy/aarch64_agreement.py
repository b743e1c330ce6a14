"""Whether two machines judged the same recording alike: their events, one by one."""

from dataclasses import dataclass
from typing import Any

# Of a probability. Sums are added in another order on another processor, and OpenCV's and LiteRT's kernels differ;
# events are written to 4 decimals.
TOLERANCE = 0.01

Event = dict[str, Any]


@dataclass(frozen=True)
class Agreement:
    """How far two lists of events agree: the largest difference of a probability, and what else differs."""

    largest: float
    wrong: tuple[str, ...]


def compare(here: list[Event], there: list[Event]) -> Agreement:
    """Compare events of `--json`: their number, times, faces, abstentions, top emotions and probabilities."""
    wrong = list[str]()
    if not here:
        wrong.append("no events here: nothing is compared")
    if len(here) != len(there):
        wrong.append(f"{len(there)} events, expected {len(here)}")
    largest = 0.0
    for ours, theirs in zip(here, there, strict=False):
        at = f"at {ours['t']:g} s"
        wrong += differing(ours, theirs, ("t", "identity"), at)
        senses, others = ours["modalities"], theirs["modalities"]
        if senses.keys() != others.keys():
            wrong.append(f"{at}: senses {sorted(others)}, expected {sorted(senses)}")
        pairs = [("together", ours, theirs)]
        pairs += [(name, senses[name], others[name]) for name in senses if name in others]
        for name, one, other in pairs:
            wrong += differing(one, other, ("emotion", "abstained"), f"{at}, {name}")
            off = farthest(one["p"], other["p"])
            largest = max(largest, off)
            if off > TOLERANCE:
                wrong.append(f"{at}, {name}: a probability off by {off:.4f}, expected at most {TOLERANCE:g}")
    return Agreement(largest, tuple(wrong))


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
