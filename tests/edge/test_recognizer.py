import math
from pathlib import Path

import numpy as np
import pytest

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import Estimate
from edge_emotion.fusion import Fusion
from edge_emotion.outputs.jsonl import event
from edge_emotion.recognizer import Recognizer
from edge_emotion.settings import RecognizerSettings, VoiceActivitySettings
from edge_emotion.smoothing import ExponentialSmoothing
from fakes import Array, FakeEngine, FakeFeatures, fake_bundle

ALWAYS = VoiceActivitySettings(minimum_speech=0.0, silence_level=-math.inf)


def recognizer(
    smoothing: float = 0.0, activity: VoiceActivitySettings = ALWAYS, **bundle: object
) -> Recognizer:
    settings = RecognizerSettings(smoothing=smoothing, voice_activity=activity)
    return Recognizer(fake_bundle(**bundle), FakeEngine(), settings, FakeFeatures())


def noise(seconds: float, level: float = 0.1) -> Array:
    return np.random.default_rng(7).normal(0, level, round(seconds * 16000)).astype(np.float32)


def pushed(listener: Recognizer, sound: Array, chunk: int) -> list[Estimate]:
    listener.reset()
    estimates = []
    for begin in range(0, len(sound), chunk):
        estimates += listener.push(sound[begin : begin + chunk])
    return estimates + listener.flush()


def without_latency(estimate: Estimate) -> dict[str, object]:
    said = event(Fusion().update(estimate))
    del said["modalities"]["voice"]["latency_ms"], said["modalities"]["voice"]["computing_ms"]
    return said


def test_windows_end_at_each_hop_and_at_the_end() -> None:
    # 1 s = 33 whole nodes of 30 ms: windows end at nodes 10, 14, 18, 22, 26, 30 and, flushed, 33.
    times = [e.time for e in pushed(recognizer(), noise(1.0), 16000)]
    assert np.allclose(times, [0.30, 0.42, 0.54, 0.66, 0.78, 0.90, 0.99])


@pytest.mark.parametrize("chunk", [1, 160, 511, 1280, 16000])
def test_chunk_sizes_change_nothing(chunk: int) -> None:
    listener = recognizer(smoothing=0.5, activity=VoiceActivitySettings(minimum_speech=0.0))
    sound = np.concatenate([np.zeros(8000, np.float32), noise(0.7), np.zeros(9000, np.float32)])
    whole = [without_latency(e) for e in pushed(listener, sound, len(sound))]
    assert {e["modalities"]["voice"]["abstained"] for e in whole} == {None, "silence"}
    assert [without_latency(e) for e in pushed(listener, sound, chunk)] == whole


def test_a_short_clip_is_padded_to_one_window() -> None:
    estimates = pushed(recognizer(), noise(0.2), 16000)
    assert [round(e.time, 2) for e in estimates] == [0.18]


def test_no_sound_gives_no_estimate() -> None:
    assert recognizer().flush() == []


def test_probabilities_are_the_tempered_softmax_summed_over_labels() -> None:
    # A constant of .1 has mean square .01, so the fake network says logit 1 for the label at index 3.
    labels = ("neutral", "calm", "happy", "angry")
    label_map = {"neutral": "neutral", "calm": "neutral", "happy": "happiness", "angry": "anger"}
    settings = RecognizerSettings(smoothing=0.0, voice_activity=ALWAYS)
    listener = Recognizer(
        fake_bundle(labels=labels, label_map=label_map, temperature=2.0), FakeEngine(4),
        settings, FakeFeatures(),
    )  # fmt: skip
    (estimate,) = listener.push(np.full(4800, 0.1, np.float32))
    total = 3 + math.exp(0.5)
    assert estimate.probabilities is not None
    expected = dict.fromkeys(EMOTIONS, 0.0) | {
        "neutral": 2 / total, "happiness": 1 / total, "anger": math.exp(0.5) / total
    }  # fmt: skip
    assert np.allclose(estimate.probabilities, list(expected.values()), atol=1e-5)


def test_silence_abstains_and_saves_the_network() -> None:
    listener = recognizer(activity=VoiceActivitySettings())
    engine = listener.engine
    assert isinstance(engine, FakeEngine)
    before = engine.runs
    estimates = pushed(listener, np.zeros(16000, np.float32), 1600)
    assert {e.abstained for e in estimates} == {"silence"}
    assert {e.emotion for e in estimates} == {None}
    assert {e.confidence for e in estimates} == {0.0}
    assert engine.runs == before


def test_a_window_with_a_gap_abstains_and_the_clock_goes_on() -> None:
    # Windows of 0.3 s, each 0.12 s. 2 s are lost after 0.5 s: windows that end at 0.54, 0.66 and 0.78 s of the
    # stream hold sound from both sides; the one that ends at 0.90 begins at 0.60, after the gap.
    listener = recognizer()
    estimates = listener.push(noise(0.5))
    listener.lose(2.0)
    estimates += listener.push(noise(0.43))
    assert [(round(e.time, 2), e.abstained) for e in estimates] == [
        (0.30, None), (0.42, None),
        (2.54, "dropped sound"), (2.66, "dropped sound"), (2.78, "dropped sound"), (2.90, None),
    ]  # fmt: skip
    assert [e.probabilities is None for e in estimates] == [e.abstained is not None for e in estimates]


def test_a_window_that_ended_before_a_gap_keeps_its_time() -> None:
    # The real features look ahead, so that windows which ended before a gap come out after it.
    class Late(FakeFeatures):
        def stream(self):  # type: ignore[no-untyped-def]
            stream = super().stream()
            stream._waiting = np.zeros(0, np.float32)
            push, held = stream.push, [np.zeros((0, self.width), np.float32)]

            def late(sound: Array) -> Array:
                held[0] = np.concatenate([held[0], push(sound)])
                ready, held[0] = held[0][:-3], held[0][-3:]
                return ready

            stream.push = late
            return stream

    settings = RecognizerSettings(smoothing=0.0, voice_activity=ALWAYS)
    listener = Recognizer(fake_bundle(), FakeEngine(), settings, Late())
    assert listener.push(noise(0.33)) == []
    listener.lose(1.0)
    estimates = listener.push(noise(0.5))
    assert [(round(e.time, 2), e.abstained) for e in estimates[:2]] == [(0.3, None), (1.42, "dropped sound")]


def test_smoothing_starts_afresh_after_a_gap() -> None:
    listener, afresh = recognizer(smoothing=10.0), recognizer(smoothing=10.0)
    loud, quiet = np.full(4800, 0.3, np.float32), np.full(14400, 0.01, np.float32)
    listener.push(loud)
    listener.lose(0.5)
    after = next(e for e in listener.push(quiet) if e.abstained is None)
    alone = afresh.push(quiet)[0]
    assert after.probabilities is not None and alone.probabilities is not None
    assert np.allclose(after.probabilities, alone.probabilities)


def test_gaps_take_no_memory_once_they_are_past() -> None:
    listener = recognizer()
    for _ in range(100):
        listener.push(noise(0.1))
        listener.lose(0.01)
    assert len(listener._gaps) < 10
    assert round(listener.push(noise(0.7))[-1].time - 100 * 0.01, 2) <= 10.7


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_an_impossible_loss_is_refused(seconds: float) -> None:
    with pytest.raises(EdgeEmotionError, match="seconds of lost sound"):
        recognizer().lose(seconds)


def test_latency_counts_the_sound_that_came_after_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    # A clock that ticks 1 ms at each look: 0.33 s pushed at once, 0.03 s more than the window needs.
    ticks = iter(range(1000))
    listener = recognizer()
    monkeypatch.setattr("edge_emotion.recognizer.perf_counter", lambda: next(ticks) * 1e-3)
    (estimate,) = listener.push(noise(0.33))
    assert 0 < estimate.computing < estimate.latency - 0.03
    assert estimate.latency == pytest.approx(0.03 + 5e-3)  # at the start, at each of four pieces, at the end


def test_latency_with_the_real_features_holds_their_look_ahead(tiny_bundle: Path) -> None:
    settings = RecognizerSettings(str(tiny_bundle), "onnx", voice_activity=ALWAYS)
    listener = Recognizer.from_settings(settings)
    first = pushed(listener, noise(5.0), 160)[0]
    assert first.latency - first.computing > 0.1


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros((10, 2), np.float32), r"float32 of shape \(10, 2\)"),
        (np.zeros(10, np.int16), "int16"),
        (np.array([0.0, np.nan], np.float32), "NaN"),
        (np.array([0.0, np.inf], np.float32), "infinity"),
    ],
)
def test_wrong_samples_are_refused(samples: Array, said: str) -> None:
    with pytest.raises(EdgeEmotionError, match=said):
        recognizer().push(samples)


def test_a_bundle_for_another_modality_or_feature_set_is_refused() -> None:
    with pytest.raises(EdgeEmotionError, match="is for face"):
        recognizer(modality="face")
    window = fake_bundle().window
    wider = type(window)(**{**window.__dict__, "features": 3})
    with pytest.raises(EdgeEmotionError, match="expects 3 features"):
        recognizer(window=wider)


@pytest.mark.parametrize(
    ("field", "value"), [("smoothing", -1.0), ("smoothing", math.nan), ("threads", 0), ("engine", "tflite")]
)
def test_settings_out_of_range_are_refused(field: str, value: object) -> None:
    with pytest.raises(EdgeEmotionError, match=field):
        RecognizerSettings(**{field: value})  # type: ignore[arg-type]


def test_smoothing_by_hand() -> None:
    smoothing = ExponentialSmoothing(1.0)
    first, second = np.array([1.0, 0.0], np.float32), np.array([0.0, 1.0], np.float32)
    assert np.array_equal(smoothing.update(0.0, first), first)
    kept = math.exp(-0.5)  # half a time constant later
    assert np.allclose(smoothing.update(0.5, second), [kept, 1 - kept])
    assert np.allclose(smoothing.update(100.0, first), first)  # a long gap forgets


@pytest.mark.parametrize("time_constant", [0.0, 1.0])
def test_what_smoothing_gives_is_nobodys_but_the_callers(time_constant: float) -> None:
    smoothing = ExponentialSmoothing(time_constant)
    given = np.array([1.0, 0.0], np.float32)
    smoothed = smoothing.update(0.0, given)
    with pytest.raises(ValueError, match="read-only"):
        smoothed[0] = 5.0
    given[0] = 5.0
    assert smoothed.tolist() == [1.0, 0.0]
    assert smoothing.update(1e-9, np.array([1.0, 0.0], np.float32))[0] == pytest.approx(1.0)


def test_no_smoothing_gives_each_as_it_came() -> None:
    smoothing = ExponentialSmoothing(0.0)
    second = np.array([0.0, 1.0], np.float32)
    smoothing.update(0.0, np.array([1.0, 0.0], np.float32))
    assert np.array_equal(smoothing.update(0.1, second), second)
