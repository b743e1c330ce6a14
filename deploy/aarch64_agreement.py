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

    largest: difference of a probability. wrong: what else differs, a line each. swapped: top emotions that differ and
    may: the two were within TOLERANCE of each other here, or the classes of clips alone have to agree. classes: top
    emotions here, of the events that have one, or the clip's.
    """

    largest: float
    wrong: tuple[str, ...]
    swapped: int = 0
    classes: tuple[str, ...] = ()


def compare(here: list[Event], there: list[Event], tolerance: float | None = TOLERANCE) -> Agreement:
    """Compare events of `--json`: their number, times, faces, abstentions, top emotions and probabilities.

    tolerance: of a probability; None where of emotions only the clip's has to agree, that of the mean over its events.
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
            tie = (
                near_tie(one, other["emotion"])
                if tolerance is not None
                else one["emotion"] != other["emotion"]
            )
            swapped += tie and (tolerance is not None or name == "together")
            names = ("abstained",) if tie else ("emotion", "abstained")
            wrong += differing(one, other, names, f"{at}, {name}")
            off = farthest(one["p"], other["p"])
            largest = max(largest, off)
            # Off by 1 are those of other emotions, or those that only one has: nothing that a drawn spike explains.
            allowed = "less" if tolerance is None else f"at most {tolerance:g}"
            if off == 1.0 or (tolerance is not None and off > tolerance):
                wrong.append(f"{at}, {name}: a probability off by {off:.4f}, expected {allowed}")
    classes = tuple(event["emotion"] for event in here if event["emotion"] is not None)
    if tolerance is None:
        ours, theirs = clip_class(here), clip_class(there)
        classes = (ours,) if ours is not None else ()
        if ours != theirs:
            wrong.append(f"the clip is {theirs!r}, expected {ours!r}")
    return Agreement(largest, tuple(wrong), swapped, classes)


def clip_class(events: list[Event]) -> str | None:
    """Emotion of the greatest mean probability over the events that have one, None without any."""
    told = [event["p"] for event in events if event["p"]]
    if not told:
        return None
    return max(told[0], key=lambda name: sum(p.get(name, 0.0) for p in told))


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
