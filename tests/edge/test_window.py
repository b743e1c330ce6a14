"""The rolling graph: which nodes a window holds, when it is due, what a short clip becomes."""

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.window import RollingGraph, cyclic_padding


def nodes(count):
    return np.arange(count, dtype=np.float32)[:, None] * np.ones((1, 2), np.float32)


def windows(graph, stream, chunk):
    found = [
        pair for start in range(0, len(stream), chunk) for pair in graph.push(stream[start : start + chunk])
    ]
    return [*found, *graph.flush()]


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_windows_end_at_every_hop_whatever_the_chunks(chunk):
    found = windows(RollingGraph(10, 4), nodes(25), chunk)
    assert [end for end, _ in found] == [10, 14, 18, 22, 25]
    for end, window in found:
        assert window[:, 0].tolist() == list(range(end - 10, end))


def test_a_short_clip_repeats_from_its_beginning():
    found = windows(RollingGraph(10, 4), nodes(4), 4)
    assert [end for end, _ in found] == [4]
    assert found[0][1][:, 0].tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]


def test_nothing_is_left_to_flush_when_the_last_hop_was_full():
    graph = RollingGraph(10, 4)
    assert [end for end, _ in graph.push(nodes(14))] == [10, 14]
    assert list(graph.flush()) == []
    assert list(RollingGraph(10, 4).flush()) == []


def test_an_empty_clip_cannot_be_padded():
    with pytest.raises(EdgeEmotionError, match="empty clip"):
        cyclic_padding(nodes(0), 10)
