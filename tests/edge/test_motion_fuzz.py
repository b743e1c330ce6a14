"""A few thousand hostile datagrams; tests/fuzz_motion.py sends a million."""

import fuzz_motion


def test_hostile_datagrams_are_refused_and_nothing_grows():
    figures = fuzz_motion.decode(6000, seed=1)
    assert not figures.exceptions
    assert figures.poses > 500
    assert len(figures.refused) > 15
    assert figures.growth < fuzz_motion.GROWTH


def test_a_flood_leaves_a_bounded_trace():
    figures = fuzz_motion.flood(0.5, seed=1)
    assert not figures.exceptions
    assert figures.datagrams > 1000
    assert figures.poses > 0
    assert figures.growth < fuzz_motion.GROWTH
