import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face import (
    FACE,
    FACE_LANDMARKS,
    SHAPE,
    FaceNodes,
    embedding_slot,
    node_at,
)
from edge_emotion.features.face_track import FaceTrack
from edge_emotion.features.feature_set import feature_set, sound_feature_set
from fake_faces import IMAGE, Array, CountingAppearance, even, face, landmarks, shape_of


def sight(shape: float, embedding: float = 0.0) -> Array:
    return np.concatenate([np.full(SHAPE, shape, np.float32), np.full(64, embedding, np.float32)])


def given(nodes: FaceNodes, end: int) -> list[tuple[float, float]]:
    """Shape and embedding of each node of a window, all numbers of one being the same."""
    window = nodes.window(end)
    assert np.ptp(window[:, :SHAPE], axis=1).max() == 0
    return [(round(float(n[0]), 4), float(n[-1])) for n in window]


def test_the_sets_have_the_papers_width_and_the_embedding_after_it() -> None:
    assert feature_set("face-landmarks", 1) is FACE_LANDMARKS
    assert feature_set("face", 1) is FACE
    for features, width, embedding in ((FACE_LANDMARKS, 136, 0), (FACE, 200, 64)):
        assert (features.width, features.features, features.embedding) == (width, width, embedding)
        assert (features.period, features.bands) == (1 / 30, (0, 0))
        nodes = np.random.default_rng(0).normal(size=(2, 5, width)).astype(np.float32)
        assert np.array_equal(features.window(nodes), nodes)


def test_face_features_are_no_features_of_sound() -> None:
    with pytest.raises(EdgeEmotionError, match="known: speech 1"):
        sound_feature_set("face", 1)
    with pytest.raises(EdgeEmotionError, match="known: speech 1, face-landmarks 1, face 1"):
        feature_set("face", 9)


def test_shapes_are_interpolated_and_embeddings_held() -> None:
    nodes = FaceNodes(90)
    for time, shape, embedding in ((0.0, 0.0, 1.0), (0.1, 3.0, 2.0), (0.15, 0.0, 3.0)):
        nodes.add(time, sight(shape, embedding))
    # Nodes at 0, 33, 67, 100, 133 ms: the last lies two thirds of the way from 3 to 0.
    assert given(nodes, 4) == [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (3.0, 2.0), (1.0, 2.0)]
    assert given(nodes, 3)[-2:] == [(2.0, 1.0), (3.0, 2.0)]


def test_beyond_the_ends_a_node_is_as_the_nearest_sight() -> None:
    nodes = FaceNodes(90)
    nodes.add(0.05, sight(1.0))
    nodes.add(0.10, sight(4.0))
    # The presence begins at 50 ms, so its first node is number 2, at 67 ms: a third of the way.
    assert given(nodes, 5) == [(2.0, 0.0), (4.0, 0.0), (4.0, 0.0), (4.0, 0.0)]
    assert given(nodes, 1) == [(1.0, 0.0)]


def test_times_rounded_to_milliseconds_fall_on_their_nodes() -> None:
    assert [node_at(round(number / 30, 3)) for number in range(100)] == list(range(100))
    assert [embedding_slot(time, 0.2) for time in (0.0, 0.199, 0.2, 0.39, 0.4, 0.6)] == [0, 1, 1, 1, 2, 3]


def test_a_presence_goes_on_over_half_a_second_and_no_longer() -> None:
    nodes = FaceNodes(90)
    assert not nodes.present(0.0)
    nodes.add(1.0, sight(0.0))
    nodes.add(1.5, sight(15.0))
    assert nodes.since == 1.0
    assert [shape for shape, _ in given(nodes, 45)] == list(range(16))
    nodes.add(2.1, sight(7.0))
    assert nodes.since == 2.1
    assert given(nodes, 63) == [(7.0, 0.0)]


def test_a_face_counts_as_present_for_a_fifth_of_a_second_after_its_last_sight() -> None:
    nodes = FaceNodes(90)
    nodes.add(1.0, sight(0.0))
    nodes.add(1.4, sight(0.0))
    assert [nodes.present(time) for time in (0.9, 1.0, 1.2, 1.4, 1.6, 1.61)] == [
        False, True, True, True, True, False,
    ]  # fmt: skip


def test_the_window_is_the_newest_nodes() -> None:
    nodes = FaceNodes(90)
    for time in even(30, 10):
        nodes.add(time, sight(round(time * 30)))
    assert [shape for shape, _ in given(nodes, 300)] == list(range(211, 301))


def test_sights_that_no_node_needs_are_dropped_and_change_nothing() -> None:
    random = np.random.default_rng(1)
    times = np.cumsum(random.exponential(0.0005, 20_000))  # about 2,000 frames a second
    shapes = np.sin(times)
    nodes = FaceNodes(90)
    for time, shape in zip(times, shapes, strict=True):
        nodes.add(float(time), sight(float(shape)))
    end = node_at(float(times[-1]))
    expected = np.interp(np.arange(end - 89, end + 1) / 30, times, shapes)
    assert np.allclose(nodes.window(end)[:, 0], expected, atol=1e-6)
    assert len(nodes._times) < 2 * (90 + 15) + 4 and len(nodes._table) <= 4 * (90 + 15) + 8


def test_of_two_sights_at_one_time_the_later_counts() -> None:
    nodes = FaceNodes(90)
    for shape in (1.0, 2.0, 3.0):
        nodes.add(1.0, sight(shape))
    assert given(nodes, 30) == [(3.0, 0.0)]


def test_shape_does_not_depend_on_where_the_face_is() -> None:
    near, far = FaceTrack(90), FaceTrack(90)
    near.see(IMAGE, face(landmarks(2.0)), 0.0)
    far.see(IMAGE, face(landmarks(2.0, scale=0.7, shift=(200.0, 3.0))), 0.0)
    first, second = near.nodes.window(0), far.nodes.window(0)
    assert first.shape == (1, SHAPE)
    assert np.allclose(first, second, atol=1e-5)
    resting = FaceTrack(90)
    resting.see(IMAGE, face(), 0.0)
    moved = shape_of(first[0]) - shape_of(resting.nodes.window(0)[0])
    assert np.allclose(moved[48:], [2 / 48, 0], atol=1e-5)  # in crops of 48 pixels
    assert np.allclose(moved[:48], 0, atol=1e-5)


@pytest.mark.parametrize("rate", [5, 7, 10, 15, 24, 25, 30, 60])
def test_the_embedding_is_made_at_the_first_frame_from_each_fifth_of_a_second_on(rate: int) -> None:
    appearance = CountingAppearance()
    track = FaceTrack(90, appearance.run, 0.2)
    made = []
    times = even(rate, 2.0)
    for time in times:
        before = appearance.runs
        track.see(IMAGE, face(), time)
        made += [time] if appearance.runs > before else []
    expected = [next(t for t in times if t > slot * 0.2 - 1e-3) for slot in range(11)]
    assert made == expected


def test_a_face_that_comes_back_is_looked_at_at_once() -> None:
    appearance = CountingAppearance()
    track = FaceTrack(90, appearance.run, 0.2)
    track.see(IMAGE, face(), 0.05)
    track.see(IMAGE, face(), 0.10)
    assert appearance.runs == 0
    track.see(IMAGE, face(), 1.0)
    track.see(IMAGE, face(), 1.1)
    assert appearance.runs == 1
    assert track.nodes.since == 1.0


@pytest.mark.parametrize(
    "useless",
    [
        face(np.full((68, 2), np.nan, np.float32)),
        face(np.full((68, 2), 7.0, np.float32)),
        face(quality=float("nan")),
    ],
    ids=["not finite", "all in one place", "quality not finite"],
)
def test_a_face_without_usable_numbers_is_found_but_not_seen(useless: object) -> None:
    track = FaceTrack(90)
    track.see(IMAGE, useless, 1.0)  # type: ignore[arg-type]
    assert track.found == 1.0
    assert not track.nodes.present(1.0)
    assert track.quality(30) == (0, 0.0)


def test_a_problem_is_told_for_a_fifth_of_a_second() -> None:
    track = FaceTrack(90)
    track.see(IMAGE, face(problem="too dark"), 1.0)
    assert not track.nodes.present(1.0)
    assert [track.problem(time) for time in (1.0, 1.2, 1.25)] == ["too dark", "too dark", None]


def test_quality_is_summed_over_the_window() -> None:
    track = FaceTrack(30)
    for time in even(60, 20):
        track.see(IMAGE, face(quality=0.5), time)
    assert track.quality(600) == (59, 29.5)  # the frame after the last node has not come
    assert len(track._quality) <= 30 + 15


@pytest.mark.parametrize("embedding", [np.full((1, 64), np.nan), np.zeros((1, 63))])
def test_an_appearance_network_that_fails_is_an_error(embedding: Array) -> None:
    track = FaceTrack(90, lambda crop: embedding.astype(np.float32))
    with pytest.raises(EdgeEmotionError, match="appearance network"):
        track.see(IMAGE, face(), 0.0)


@pytest.mark.parametrize("channels", [None, 1, 3, 4])
def test_grey_and_transparent_pictures_have_an_appearance_too(channels: int | None) -> None:
    grey = IMAGE[..., 0]
    image = grey if channels is None else np.repeat(grey[..., None], channels, axis=2)
    crops: list[Array] = []

    def appearance(crop: Array) -> Array:
        crops.append(crop)
        return np.zeros((1, 64), np.float32)

    for picture in (grey, image):
        FaceTrack(90, appearance).see(picture, face(), 0.0)
    assert np.allclose(crops[0], crops[1], atol=0.05)
