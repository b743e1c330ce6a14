"""The schedule of faults for the soak: which, when, for how long."""

import random
from dataclasses import dataclass

WARM_UP = 30.0  # seconds without a fault at the start
QUIET_END = 45.0  # seconds without one at the end, in which all has to be well again
THROTTLE_EVERY = 150.0  # seconds: between two of them all that was lowered is raised again
KINDS = {
    # kind: device, least and most seconds
    "camera unplugged": ("camera", 2.0, 6.0),
    "camera stalled": ("camera", 6.0, 9.0),  # longer than the stall after which a camera counts as gone
    "camera opening hangs": (
        "camera",
        6.0,
        8.0,
    ),  # unplugged, and then its driver does not come back at first
    "camera garbage": ("camera", 1.0, 4.0),
    "camera clock jump": ("camera", 0.5, 0.5),
    "microphone unplugged": ("microphone", 4.0, 7.0),
    "microphone stalled": ("microphone", 4.0, 7.0),
    "microphone garbage": ("microphone", 1.0, 4.0),
    "suit unplugged": ("suit", 2.0, 8.0),
    "suit garbage": ("suit", 1.0, 4.0),
    "suit clock jump": ("suit", 0.5, 0.5),
    "SIGSTOP": (None, 5.0, 5.0),
    "memory pressure": (None, 3.0, 6.0),
    "throttle": (None, 5.0, 5.0),
}
"""What can happen. device: whose sense may be lost meanwhile, None for the whole machine."""


@dataclass(frozen=True)
class Fault:
    """One fault. at: seconds from the start. seconds: how long it lasts."""

    kind: str
    device: str | None
    at: float
    seconds: float


def schedule(minutes: float, count: int, seed: int) -> list[Fault]:
    """`count` faults, evenly spread with a tremble; every kind comes before any comes twice, throttling is rarer."""
    draw = random.Random(seed)
    span = 60 * minutes - WARM_UP - QUIET_END
    step = span / count
    faults: list[Fault] = []
    waiting: list[str] = []
    throttled = -THROTTLE_EVERY
    for number in range(count):
        at = WARM_UP + step * (number + draw.uniform(0.0, 0.2))
        if not waiting:
            waiting = draw.sample(sorted(KINDS), len(KINDS))
        fitting = [kind for kind in waiting if kind != "throttle" or at - throttled >= THROTTLE_EVERY]
        kind = fitting[0] if fitting else draw.choice(sorted(set(KINDS) - {"throttle"}))
        if kind in waiting:
            waiting.remove(kind)
        throttled = at if kind == "throttle" else throttled
        device, least, most = KINDS[kind]
        faults.append(Fault(kind, device, at, round(draw.uniform(least, most), 1)))
    return faults
