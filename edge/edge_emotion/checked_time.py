"""Times that a source gives: finite, in order."""

from edge_emotion.errors import EdgeEmotionError

MOST_TIME = 1e10  # seconds either way: beyond it float64 no longer tells milliseconds


def checked_time(time: float, newest: float) -> float:
    """The time of a frame or a pose, that of the newest one known; EdgeEmotionError when it cannot follow."""
    if not abs(time) <= MOST_TIME:  # nor for NaN
        raise EdgeEmotionError(f"expected a time as finite seconds, got {time!r}; check the source")
    if time < newest:
        raise EdgeEmotionError(f"expected them in order of time, got {time:g} s after {newest:g} s")
    return float(time)
