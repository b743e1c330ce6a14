import math
import tracemalloc
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import Estimate
from edge_emotion.face_recognizer import MOST_DUE, FaceRecognizer
from edge_emotion.features.face import FACE, FACE_LANDMARKS
from edge_emotion.features.face_front_end import Face
from edge_emotion.manifest import AppearanceContract
from edge_emotion.settings import FaceFrontEndSettings, FaceRecognizerSettings
from edge_emotion.sources.frame import Frame
from edge_emotion.window import WindowContract, cyclic_padding
from fake_faces import (
    IMAGE,
    CountingAppearance,
    FakeFrontEnd,
    MotionEngine,
    even,
    face,
    face_bundle,
    frames,
    landmarks,
    reasons,
)

There = Callable[[float], list[Face]]
APPEARANCE = AppearanceContract(48, 64, 0.2, ())


def recognizer(there: There, smoothing: float = 0.0, faces: int = 1) -> FaceRecognizer:
    settings = FaceRecognizerSettings(smoothing=smoothing, front_end=FaceFrontEndSettings(faces=faces))
    return FaceRecognizer(face_bundle(), MotionEngine(), FakeFrontEnd(there), settings=settings)


def watched(watcher: FaceRecognizer, times: Sequence[float], flush: bool = True) -> list[Estimate]:
    estimates = []
    for frame in frames(times):
        estimates += watcher.push(frame)
    return estimates + (watcher.flush() if flush else [])


def times_of(estimates: Sequence[Estimate]) -> list[float]:
    return [estimate.time for estimate in estimates]


def resting(time: float) -> list[Face]:
    return [face()]


def smiling(time: float) -> list[Face]:
    """A smile that is nearly steady for three seconds and then comes and goes, on a head that moves and nears."""
    swing = 0.5 + 2.5 * min(1.0, max(0.0, time - 3.0))
    smile = 3.0 + swing * math.sin(2 * math.pi * 0.8 * time)
    shift = (60 + 20 * math.sin(time), 40 + 10 * math.cos(2 * time))
    return [face(landmarks(smile, 3 + 0.3 * math.sin(0.7 * time), shift))]


def test_estimates_begin_after_a_second_and_end_at_each_hop() -> None:
    estimates = watched(recognizer(resting), even(30, 1.7))
    assert times_of(estimates) == [0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.7]
    assert reasons(estimates) == ["face just came"] * 4 + [None] * 5
    assert {estimate.identity for estimate in estimates} == {1}
    assert {estimate.modality for estimate in estimates} == {"face"}
    for estimate in estimates:
        assert estimate.quality == pytest.approx(0.8)
        assert (estimate.probabilities is None) == (estimate.abstained is not None)


def test_the_window_is_padded_cyclically_until_the_presence_fills_it() -> None:
    engine = MotionEngine()
    watcher = FaceRecognizer(face_bundle(), engine, FakeFrontEnd(smiling), settings=FaceRecognizerSettings())
    engine.inputs.clear()
    watched(watcher, even(30, 4.0))
    first, last = engine.inputs[0][0], engine.inputs[-1][0]
    assert first.shape == last.shape == (90, 136)
    assert np.array_equal(first, cyclic_padding(first[:31], 90))  # nodes 0 to 30
    assert not np.allclose(first[31], first[30])
    steps = np.abs(np.diff(last, axis=0)).max()
    assert steps < 0.05  # three seconds in one piece: no seam


def label_and_probabilities(times: Sequence[float]) -> dict[float, np.ndarray]:
    estimates = watched(recognizer(smiling), times, flush=False)
    return {e.time: e.probabilities for e in estimates if e.probabilities is not None}


@pytest.mark.parametrize(
    "times",
    [
        even(10, 8.0),
        even(15, 8.0),
        even(25, 8.0),
        even(60, 8.0),
        even(30, 8.0, start=0.011),
        [round(time, 3) for time in even(30, 8.0)],
        [time for i, time in enumerate(even(30, 8.0)) if i % 7 not in (2, 3)],
        [0.0, *np.sort(np.random.default_rng(2).uniform(0, 8, 160)), 8.0],
    ],
    ids=["10 fps", "15 fps", "25 fps", "60 fps", "late", "milliseconds", "dropped", "uneven"],
)
def test_the_rate_of_the_frames_changes_little(times: list[float]) -> None:
    expected = label_and_probabilities(even(30, 8.0))
    found = label_and_probabilities(times)
    assert len(expected) == 36
    assert set(expected) - set(found) <= {1.0, 8.0}  # a late camera has seen less than a second at 1.0 s
    assert {EMOTIONS[p.argmax()] for p in expected.values()} == {"happiness", "surprise"}
    clear = 0
    for time, probabilities in found.items():
        assert np.abs(probabilities - expected[time]).max() < 0.02
        best, second = np.sort(expected[time])[[-1, -2]]
        if best - second > 0.04:
            clear += 1
            assert probabilities.argmax() == expected[time].argmax()
    assert clear >= 30


@pytest.mark.parametrize("rate", [5, 10, 15, 25, 30])
def test_a_face_that_left_is_no_face_within_half_a_second(rate: int) -> None:
    def leaves(time: float) -> list[Face]:
        return [] if 2.33 < time < 4.1 else [face()]

    watcher = recognizer(leaves)
    told: list[tuple[float, Estimate]] = []  # with the time of the frame that brought it
    for frame in frames(even(rate, 6.0)):
        told += [(frame.time, estimate) for estimate in watcher.push(frame)]
    gone = next(now for now, e in told if e.abstained == "no face")
    assert 2.33 < gone <= 2.33 + 0.5
    assert all(e.abstained == "no face" for now, e in told if gone <= now < 4.1)
    after = [(e.time, e.abstained) for _, e in told if e.time >= 4.2]
    came = [reason for _, reason in after]
    assert came == ["face just came"] * came.count("face just came") + [None] * came.count(None)
    assert 5.1 - 1e-6 <= next(time for time, reason in after if reason is None) <= 5.4
    assert [e.identity for _, e in told if 3.0 < e.time < 4.0] == [None] * 4
    assert all(e.quality == 0.0 for _, e in told if e.abstained == "no face")


def test_a_face_missed_for_less_than_half_a_second_is_interpolated() -> None:
    def missed(time: float) -> list[Face]:
        return [] if 2.42 < time < 2.78 else smiling(time)

    estimates = watched(recognizer(missed), even(30, 4.0))
    assert [e.time for e in estimates if e.abstained == "no face"] == []
    sure = {e.time: e.probabilities for e in estimates if e.time > 2.81 and e.probabilities is not None}
    whole = label_and_probabilities(even(30, 4.0))
    assert len(sure) == 6
    assert all(np.abs(p - whole[t]).max() < 0.1 for t, p in sure.items())
    assert min(e.quality for e in estimates if e.time > 2.8) < 0.75  # 11 of 90 frames without it


def test_when_nobody_is_there_each_hop_says_so() -> None:
    estimates = watched(recognizer(lambda time: []), even(25, 1.0))
    assert times_of(estimates) == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert reasons(estimates) == ["no face"] * 5
    assert {(e.identity, e.quality, e.probabilities) for e in estimates} == {(None, 0.0, None)}


def test_two_identities_give_estimates_of_their_own() -> None:
    def two(time: float) -> list[Face]:
        larger = face(landmarks(4.0), identity=7)
        smaller = face(landmarks(0.0, scale=1.0), identity=3)
        return [larger, smaller] if 0.5 < time < 3.05 else [larger]

    estimates = watched(recognizer(two, faces=2), even(30, 4.0))
    at = {
        time: [(e.identity, e.abstained) for e in estimates if e.time == time] for time in times_of(estimates)
    }
    assert at[0.4] == [(7, "face just came")]
    assert at[1.0] == [(7, None), (3, "face just came")]
    assert at[2.0] == [(7, None), (3, None)]
    assert at[3.4] == [(7, None), (3, "no face")]
    assert at[3.8] == [(7, None)]
    larger, smaller = (e for e in estimates if e.time == 2.0)
    assert larger.probabilities is not None and smaller.probabilities is not None
    assert larger.probabilities[1] > smaller.probabilities[1] + 0.05


def test_one_who_follows_another_begins_afresh() -> None:
    estimates = watched(recognizer(lambda time: [face(identity=1 if time < 2 else 2)]), even(30, 4.0))
    assert len(times_of(estimates)) == len(set(times_of(estimates)))  # one a hop
    by_time = {e.time: (e.identity, e.abstained) for e in estimates}
    assert by_time[1.8] == (1, None)
    assert by_time[2.2] == (2, "face just came")
    assert by_time[3.0] == (2, None)


@pytest.mark.parametrize("problem", ["face turned away", "face too small", "too dark", "too blurred"])
def test_a_face_of_no_use_says_why(problem: str) -> None:
    def turns(time: float) -> list[Face]:
        return [face(problem=problem if 2.0 < time < 3.0 else None)]

    estimates = watched(recognizer(turns), even(30, 4.5))
    found = {e.time: e.abstained for e in estimates}
    assert found[2.0] is found[2.2] is None
    assert found[2.4] == found[2.6] == found[2.8] == problem
    assert found[3.2] == "face just came"
    assert found[4.2] is None
    assert next(e for e in estimates if e.time == 2.6).identity == 1


def test_one_frame_gives_one_estimate() -> None:
    (estimate,) = watched(recognizer(lambda time: [face(landmarks(4.0))]), [0.0])
    assert (estimate.time, estimate.abstained, estimate.identity) == (0.0, None, 1)
    assert estimate.emotion == "happiness"
    assert estimate.quality == pytest.approx(0.8)


@pytest.mark.parametrize("rate", [10, 25, 30])
@pytest.mark.parametrize("seconds", [0.1, 0.4, 0.9])
def test_a_short_clip_gives_one_estimate(seconds: float, rate: int) -> None:
    estimates = watched(recognizer(smiling), even(rate, seconds))
    assert [e.abstained for e in estimates[:-1]] == ["face just came"] * (len(estimates) - 1)
    assert estimates[-1].abstained is None
    assert seconds - 0.04 < estimates[-1].time + 1e-6 and estimates[-1].time <= seconds + 1e-6


def test_a_short_clip_with_a_face_in_less_than_half_of_it_abstains() -> None:
    estimates = watched(recognizer(lambda time: [face()] if time > 0.5 else []), even(30, 0.9))
    assert reasons(estimates) == ["no face"] * 2 + ["face just came"] * 3
    estimates = watched(recognizer(lambda time: [face()] if time < 0.6 else []), even(30, 0.9))
    assert estimates[-1].abstained is None
    estimates = watched(recognizer(lambda time: [face(problem="too dark")]), even(30, 0.5))
    assert set(reasons(estimates)) == {"too dark"}


def test_no_frame_gives_no_estimate() -> None:
    assert recognizer(resting).flush() == []


def test_what_was_flushed_is_not_given_again() -> None:
    for seconds in (0.0, 0.5, 0.8, 1.5, 1.6):
        watcher = recognizer(resting)
        estimates = watched(watcher, even(30, seconds))
        assert estimates[-1].abstained is None
        assert watcher.flush() == []
        assert len(set(times_of(estimates))) >= len(estimates) - (seconds < 1)


def test_landmarks_that_are_not_finite_count_as_no_face() -> None:
    def broken(time: float) -> list[Face]:
        return [face(np.full((68, 2), np.nan, np.float32) if 2.0 < time < 3.0 else landmarks(1.0))]

    found = {e.time: e.abstained for e in watched(recognizer(broken), even(30, 4.2))}
    assert found[2.0] is None
    assert found[2.4] == found[2.6] == found[2.8] == "no face"
    assert found[3.2] == "face just came"
    assert found[4.2] is None


@pytest.mark.parametrize("time", [math.nan, math.inf, -math.inf, 1e11])
def test_a_frame_without_a_time_is_refused(time: float) -> None:
    with pytest.raises(EdgeEmotionError, match="finite seconds"):
        recognizer(resting).push(Frame(IMAGE, time))


def test_a_frame_from_before_is_refused_and_the_same_time_is_not() -> None:
    watcher = recognizer(resting)
    watched(watcher, [0.0, 1.0, 1.0], flush=False)
    with pytest.raises(EdgeEmotionError, match=r"0\.9 s after 1 s"):
        watcher.push(Frame(IMAGE, 0.9))
    watcher.reset()
    watcher.push(Frame(IMAGE, 0.9))


def test_a_stalled_camera_counts_as_not_seen() -> None:
    watcher = recognizer(resting)
    watched(watcher, even(30, 2.0), flush=False)
    due = watcher.push(Frame(IMAGE, 3.0))
    assert [(e.time, e.abstained) for e in due] == [
        (2.2, "no face"), (2.4, "no face"), (2.6, "no face"), (2.8, "no face"), (3.0, "face just came"),
    ]  # fmt: skip


def test_after_a_long_stall_the_newest_hops_alone_are_given() -> None:
    watcher = recognizer(resting)
    watched(watcher, even(30, 2.0), flush=False)
    due = watcher.push(Frame(IMAGE, 1e9))
    assert len(due) == MOST_DUE
    assert due[-1].time == 1e9
    assert {e.abstained for e in due[:-1]} == {"no face"}


def test_a_clock_that_does_not_start_at_nought_keeps_its_grid() -> None:
    estimates = watched(recognizer(resting), even(30, 1.5, start=5.03), flush=False)
    assert times_of(estimates) == [5.2, 5.4, 5.6, 5.8, 6.0, 6.2, 6.4]
    assert [e.time for e in estimates if e.abstained is None] == [6.2, 6.4]


def test_latency_counts_from_the_end_of_the_window() -> None:
    watcher = recognizer(resting)
    watched(watcher, even(10, 1.95, start=0.05), flush=False)
    (late,) = watcher.push(Frame(IMAGE, 2.05))
    assert late.time == 2.0
    assert late.latency == pytest.approx(0.05 + late.computing, abs=1e-6)
    assert 0 < late.computing <= late.latency


@pytest.mark.parametrize("meanwhile", [[], [face(problem="too dark")]], ids=["gone", "of no use"])
def test_smoothing_ends_with_the_presence(meanwhile: list[Face]) -> None:
    def changes(time: float) -> list[Face]:
        if 3.0 < time < 4.0:
            return meanwhile
        return [face(landmarks(0.0 if time <= 3.0 else 6.0))]

    raw = {e.time: e.probabilities for e in watched(recognizer(changes), even(30, 6.0))}
    smooth = {e.time: e.probabilities for e in watched(recognizer(changes, smoothing=5.0), even(30, 6.0))}
    first = min(time for time, p in smooth.items() if time > 4 and p is not None)
    assert np.allclose(smooth[first], raw[first])
    assert not np.allclose(raw[first], raw[3.0], atol=0.1)


def test_smoothing_goes_on_within_a_presence() -> None:
    raw = {e.time: e.probabilities for e in watched(recognizer(smiling), even(30, 6.0))}
    smooth = {e.time: e.probabilities for e in watched(recognizer(smiling, smoothing=1.0), even(30, 6.0))}
    kept = math.exp(-0.2)  # of the probabilities a hop before
    expected = kept * smooth[4.8] + (1 - kept) * raw[5.0]
    assert np.allclose(smooth[5.0], expected, atol=1e-6)


def test_memory_stays_bounded_over_hours_of_odd_frames() -> None:
    random = np.random.default_rng(0)

    def crowd(time: float) -> list[Face]:
        return [face(identity=int(time) + 1)] if random.random() < 0.9 else []

    watcher = recognizer(crowd)
    now, sizes = 0.0, []
    tracemalloc.start()
    for part in range(6):
        for _ in range(600):
            now += 0.001 if random.random() < 0.5 else 0.3
            watcher.push(Frame(IMAGE, now))
        watcher.engine.inputs.clear()  # type: ignore[attr-defined]
        sizes.append(tracemalloc.get_traced_memory()[0])
        assert len(watcher._people) < 4 and len(watcher._frames) <= 180, part
    tracemalloc.stop()
    assert max(sizes[2:]) < 1.3 * max(sizes[:2])


def test_the_face_set_holds_the_embedding_for_the_bundle_s_period() -> None:
    engine, appearance = MotionEngine(), CountingAppearance()
    bundle = face_bundle(FACE, appearance=APPEARANCE)
    watcher = FaceRecognizer(bundle, engine, FakeFrontEnd(smiling), appearance)
    engine.inputs.clear()
    watched(watcher, even(25, 1.2))
    assert appearance.runs == 7  # at 0, 0.2 ... 1.2 s
    embeddings = engine.inputs[-1][0, :37, 136:]
    assert embeddings.shape == (37, 64)
    assert np.array_equal(embeddings[:, 0], np.arange(37) // 6 + 1)


def test_the_label_map_joins_labels() -> None:
    labels = ("smile", "rest", "calm", "a", "b", "c", "d")
    to = ("happiness", "neutral", "neutral", "anger", "fear", "disgust", "surprise")
    bundle = face_bundle(labels=labels, label_map=dict(zip(labels, to, strict=True)))
    watcher = FaceRecognizer(bundle, MotionEngine(), FakeFrontEnd(resting))
    estimate = watched(watcher, even(10, 1.0))[-1]
    assert estimate.probabilities is not None
    assert estimate.probabilities.sum() == pytest.approx(1.0)
    assert estimate.probabilities[EMOTIONS.index("sadness")] == 0.0


def test_reset_forgets_everything() -> None:
    watcher = recognizer(smiling)
    first = watched(watcher, even(30, 2.0))
    front_end = watcher._front_end
    assert isinstance(front_end, FakeFrontEnd)
    resets = front_end.resets
    watcher.reset()
    assert front_end.resets == resets + 1
    assert watcher.faces == []
    again = watched(watcher, even(30, 2.0))
    assert [seen.identity for seen in watcher.faces] == [1]
    assert [(e.time, e.abstained, e.identity) for e in again] == [
        (e.time, e.abstained, e.identity) for e in first
    ]
    assert all(
        np.array_equal(a.probabilities, b.probabilities)
        for a, b in zip(first, again, strict=True)
        if a.probabilities is not None
    )


def test_bundles_that_do_not_fit_are_refused() -> None:
    def opened(bundle: object, appearance: object = None) -> None:
        FaceRecognizer(bundle, MotionEngine(), FakeFrontEnd(resting), appearance)  # type: ignore[arg-type]

    with pytest.raises(EdgeEmotionError, match="is for voice; expected one for face"):
        opened(face_bundle(modality="voice"))
    with pytest.raises(EdgeEmotionError, match="needs its appearance network"):
        opened(face_bundle(FACE, appearance=APPEARANCE))
    with pytest.raises(EdgeEmotionError, match="needs no appearance network"):
        opened(face_bundle(), CountingAppearance())
    with pytest.raises(EdgeEmotionError, match="crops of 64"):
        opened(face_bundle(FACE, appearance=AppearanceContract(64, 64, 0.2, ())), CountingAppearance())
    window = face_bundle().window
    for changes, said in (
        ({"feature_set": "speech"}, "needs the features 'speech' version 1"),
        ({"period": 0.04}, "each 0.04 s"),
    ):
        with pytest.raises(EdgeEmotionError, match=said):
            opened(face_bundle(window=WindowContract(**{**window.__dict__, **changes})))
    assert FACE_LANDMARKS.name in {window.feature_set}


def test_a_network_that_gives_nan_is_an_error() -> None:
    engine = MotionEngine()
    watcher = FaceRecognizer(face_bundle(), engine, FakeFrontEnd(resting))
    engine.run = lambda x: np.full((1, 7), np.nan, np.float32)  # type: ignore[method-assign]
    with pytest.raises(EdgeEmotionError, match="not finite"):
        watched(watcher, even(10, 1.0))
