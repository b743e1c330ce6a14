"""Face and voice judged as one: when a presentation is made, of what, and when the model abstains."""

import math
from dataclasses import replace

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.face_alignment import alignment, viewed
from edge_emotion.features.face_front_end import Face
from edge_emotion.features.spikes import SOUND, face_rates, sound_rates, spike_crop
from edge_emotion.settings import FaceFrontEndSettings, SynchGraphSettings, VoiceActivitySettings
from edge_emotion.sources.frame import Frame
from edge_emotion.spiking_network import presentation_events, windows_of
from edge_emotion.synch_graph import SynchGraphRecognizer
from fake_faces import IMAGE, FakeFrontEnd, even, face, frames, landmarks, reasons
from fake_presentations import (
    RATE,
    Array,
    CountingSpikes,
    ShareDecision,
    in_step,
    one_face,
    recognizer,
    said,
    synch_bundle,
    voice,
)


def times(estimates: list) -> list[float]:  # type: ignore[type-arg]
    return [estimate.time for estimate in estimates]


def test_an_estimate_at_each_half_second_from_the_sixth_on() -> None:
    estimates = in_step(recognizer(), voice(5.2))
    assert times(estimates) == [3.0, 3.5, 4.0, 4.5, 5.0]
    assert reasons(estimates) == [None] * 5
    assert {e.modality for e in estimates} == {"face-voice"}
    assert {e.identity for e in estimates} == {1}
    for estimate in estimates:
        assert estimate.probabilities is not None
        assert estimate.probabilities.sum() == pytest.approx(1.0, abs=1e-6)
        assert 0.5 < estimate.quality <= 1
        assert 0 <= estimate.computing <= estimate.latency


def test_a_presentation_is_of_the_picture_and_the_sound_of_its_moment() -> None:
    # By hand: at 1.5 s the picture of 1.48 s in the third look and all the sound up to 1.5 s; at 1 s that of 1 s.
    seen: list[tuple[Array, Array]] = []

    class Keeping(CountingSpikes):
        def run(self, events):  # type: ignore[no-untyped-def]
            seen.append(events)
            return super().run(events)

    bundle, sound = synch_bundle(), voice(2.0)
    assert bundle.spiking is not None
    judge = SynchGraphRecognizer(bundle, Keeping(), ShareDecision(), FakeFrontEnd(one_face))
    brighter = {n: np.minimum(IMAGE.astype(int) + n, 255).astype(np.uint8) for n in range(51)}
    in_step(judge, sound, images=lambda time: brighter[round(time * 25)])
    looking, listening = windows_of(bundle.spiking)
    for number, shown in ((2, 25), (3, 37)):
        crop = spike_crop(brighter[shown], viewed(alignment(landmarks()), number))
        heard = np.concatenate([np.zeros(SOUND, np.float32), sound[: number * 8000]])
        rates = sound_rates(heard, np.zeros(40, np.float32), np.ones(40, np.float32))
        face_seen, voice_heard = looking.cut(face_rates(crop)), listening.cut(rates)
        expected = presentation_events(bundle.spiking, number, face_seen, voice_heard)
        assert all(np.array_equal(came, due) for came, due in zip(seen[number - 1], expected, strict=True))


@pytest.mark.parametrize("chunk", [0.01, 0.08, 0.333, 1.0])
def test_chunks_of_sound_change_nothing(chunk: float) -> None:
    sound = np.concatenate([voice(2.2), np.zeros(4 * RATE, np.float32), voice(1.1)])
    whole = said(in_step(recognizer(smoothing=1.0), sound))
    assert {reason for *_, reason, _ in whole} == {None, "silence", "non-speech"}
    assert said(in_step(recognizer(smoothing=1.0), sound, chunk=chunk)) == whole


@pytest.mark.parametrize("late", [{"late_face": 1.0}, {"late_sound": 1.0}, {"late_face": 1.4}])
def test_a_sense_that_is_a_second_late_changes_nothing(late: dict[str, float]) -> None:
    on_time = said(in_step(recognizer(smoothing=1.0), voice(6.0)))
    judge = recognizer(smoothing=1.0)
    estimates = in_step(judge, voice(6.0), **late)
    assert said(estimates) == on_time
    assert estimates[0].latency == pytest.approx(next(iter(late.values())), abs=0.15)


@pytest.mark.parametrize(("late", "reason"), [("late_face", "no face"), ("late_sound", "no sound")])
def test_a_sense_that_is_later_counts_as_absent(late: str, reason: str) -> None:
    estimates = in_step(recognizer(), voice(6.0), **{late: 2.0})
    assert times(estimates) == [3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0]
    assert reasons(estimates)[:4] == [reason] * 4
    assert said(in_step(recognizer(late=2.5), voice(6.0), **{late: 2.0})) == said(
        in_step(recognizer(), voice(6.0))
    )


def test_pictures_that_stop_leave_the_model_without_a_face() -> None:
    estimates = in_step(recognizer(), voice(6.0), even(25, 3.0))
    # Seen until 3.3 s: at 4.5 s half of the presentations had a face, at 5 s two of six.
    assert reasons(estimates) == [None] * 4 + ["no face"] * 3
    assert estimates[3].quality == pytest.approx(estimates[0].quality * 3 / 6, abs=0.02)


def test_a_picture_is_held_for_less_than_a_third_of_a_second() -> None:
    slow = in_step(recognizer(), voice(4.0), even(4, 4.0, 0.05))  # each 0.25 s
    assert set(reasons(slow)) == {None}
    slower = in_step(
        recognizer(), voice(4.0), [0.1 + 0.5 * n for n in range(8)]
    )  # 0.4 s before each presentation
    assert set(reasons(slower)) == {"no face"}


def test_nobody_is_there() -> None:
    judge = recognizer(lambda time: [])
    estimates = in_step(judge, voice(4.0))
    assert set(reasons(estimates)) == {"no face"}
    assert {(e.identity, e.quality, e.probabilities is None) for e in estimates} == {(None, 0.0, True)}


def test_a_face_of_no_use_says_why() -> None:
    estimates = in_step(recognizer(lambda time: [face(problem="too dark")]), voice(3.2))
    assert (reasons(estimates), estimates[0].identity) == (["too dark"], 1)
    nan = landmarks()
    nan[0] = np.nan
    for points in (nan, np.zeros((68, 2), np.float32)):
        assert reasons(in_step(recognizer(lambda time, points=points: [face(points)]), voice(3.2))) == [
            "no face"
        ]


def test_two_people_are_not_judged_as_one() -> None:
    def changing(time: float) -> list[Face]:
        return [face(identity=1 if time < 3.2 else 2)]

    estimates = in_step(recognizer(changing), voice(7.0))
    assert reasons(estimates) == [None] + ["face just came"] * 5 + [None] * 3
    assert [e.identity for e in estimates] == [1] + [2] * 8


def test_smoothing_starts_afresh_with_another_person() -> None:
    def changing(time: float) -> list[Face]:
        return [face(identity=1 if time < 3.2 else 2)]

    smoothed, alone = (
        in_step(recognizer(changing, smoothing=9.0), voice(6.2)),
        in_step(recognizer(), voice(6.2)),
    )
    assert said(smoothed)[-1][:3] == said(alone)[-1][:3]


def test_silence_and_noise_abstain() -> None:
    assert set(reasons(in_step(recognizer(), np.zeros(4 * RATE, np.float32)))) == {"silence"}
    quiet = in_step(recognizer(), voice(4.0, level=0.01))  # loud_is_speech does not take it for speech
    assert set(reasons(quiet)) == {"non-speech"}


@pytest.mark.parametrize("light", [0, 128, 255])
def test_pictures_of_one_grey_give_no_spikes(light: int) -> None:
    flat = np.full_like(IMAGE, light)
    judge = recognizer()
    assert set(reasons(in_step(judge, voice(4.0), images=lambda time: flat))) == {"no spikes"}
    assert isinstance(judge.engine, ShareDecision) and len(judge.engine.inputs) == 1  # the warm-up


def test_without_events_the_spiking_network_is_not_run() -> None:
    judge = recognizer(lambda time: [])
    in_step(judge, np.zeros(4 * RATE, np.float32))
    assert isinstance(judge._spiking, CountingSpikes) and judge._spiking.runs == 0


def test_a_clip_shorter_than_a_window_gives_one_estimate_padded_cyclically() -> None:
    judge = recognizer()
    (estimate,) = in_step(judge, voice(2.2))
    assert (estimate.time, estimate.abstained) == (2.0, None)
    assert isinstance(judge.engine, ShareDecision)
    decided = judge.engine.inputs[-1]
    assert np.array_equal(decided[4:], decided[:2]) and not np.array_equal(decided[0], decided[1])


def test_a_clip_shorter_than_a_presentation_is_too_short() -> None:
    (estimate,) = in_step(recognizer(), voice(0.45))
    assert (estimate.time, estimate.abstained, estimate.probabilities) == (0.45, "too short", None)
    assert recognizer().end("voice", "face") == []


def test_the_last_picture_of_a_clip_is_held_to_the_end_of_its_sound() -> None:
    # 25 fps: the last frame is at 2.96 s, the sound ends at 3 s.
    assert times(in_step(recognizer(), voice(3.0), even(25, 2.96))) == [3.0]
    # And the other way round: sound that ends a little before the last picture.
    estimates = in_step(recognizer(), voice(2.9), even(25, 3.0))
    assert (times(estimates), reasons(estimates)) == ([3.0], [None])


def test_buffers_are_bounded() -> None:
    judge = recognizer()
    for _ in range(40):
        judge.hear(voice(1.0))  # no picture at all
        assert len(judge._sound._kept) <= SOUND
        assert len(judge._sound._told) <= 4
    judge = recognizer(lambda time: [face()])
    for frame in frames(even(10, 40.0)):
        judge.see(frame)
        assert len(judge._face._shown) <= 4


def test_a_leap_of_the_clock_computes_the_newest_presentations_alone() -> None:
    judge = recognizer()
    judge.hear(voice(0.5))
    judge.see(Frame(IMAGE, 0.5))
    judge.lose(1e7)
    judge.hear(voice(0.1))
    estimates = judge.see(Frame(IMAGE, 1e7))
    assert 0 < len(estimates) < 100
    assert estimates[-1].time == pytest.approx(1e7, abs=1.0)


@pytest.mark.parametrize(("missing", "reason"), [("voice", "no sound"), ("face", "no face")])
def test_a_source_without_one_sense(missing: str, reason: str) -> None:
    judge = recognizer(missing=(missing,))
    estimates = []
    for number, frame in enumerate(frames(even(25, 4.0))):
        came = (
            judge.see(frame)
            if missing == "voice"
            else judge.hear(voice(4.1)[number * 640 : (number + 1) * 640])
        )
        estimates += came
        assert all(e.latency < 0.1 for e in came)  # it waits for nothing
    assert set(reasons(estimates + judge.end(missing))) == {reason}
    assert len(estimates) == 3


def test_a_sense_that_ends_is_waited_for_no_longer() -> None:
    judge = recognizer()
    judge.hear(voice(3.0))
    assert judge.listener.flush() == []
    estimates = [e for frame in frames(even(25, 6.0)) for e in judge.see(frame)]
    assert times(estimates) == [3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0]
    assert reasons(estimates) == [None] * 4 + ["no sound"] * 3
    assert judge.watcher.flush() == []


def test_probabilities_are_the_tempered_softmax_of_the_decision() -> None:
    bundle = synch_bundle(temperature=2.0)
    decision = ShareDecision()
    settings = SynchGraphSettings(smoothing=0.0, voice_activity=VoiceActivitySettings(0.0, 0.0, -math.inf))
    judge = SynchGraphRecognizer(bundle, CountingSpikes(), decision, FakeFrontEnd(one_face), settings)
    (estimate,) = in_step(judge, voice(3.1))
    exponents = np.exp(decision.run(decision.inputs[-1])[0] / 2)
    assert estimate.probabilities == pytest.approx(exponents / exponents.sum(), abs=1e-6)


def test_another_model_is_refused() -> None:
    def made(**changes):  # type: ignore[no-untyped-def]
        return SynchGraphRecognizer(
            synch_bundle(**changes), CountingSpikes(), ShareDecision(), FakeFrontEnd(one_face)
        )

    with pytest.raises(EdgeEmotionError, match="is for voice; expected one for face-voice"):
        made(modality="voice")
    with pytest.raises(EdgeEmotionError, match="is for face-voice; expected one for face-voice"):
        made(spiking=None)
    window = synch_bundle().window
    with pytest.raises(EdgeEmotionError, match=r"needs 'spikes' version 2 each 0\.5 s"):
        made(window=replace(window, feature_version=2))
    with pytest.raises(EdgeEmotionError, match="update edge-emotion or the model"):
        made(window=replace(window, period=0.25))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"late": 0.0}, "late: expected more than 0 s, up to 120 s, got 0.0"),
        ({"late": math.nan}, "late"),
        ({"front_end": FaceFrontEndSettings(faces=2)}, "faces: expected 1, the one that speaks, got 2"),
        ({"engine": "tflite"}, "engine: expected auto or litert or onnx"),
        ({"smoothing": -1.0}, "smoothing"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(EdgeEmotionError, match=said):
        SynchGraphSettings(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("samples", "said"),
    [(np.zeros((10, 2), np.float32), r"shape \(10, 2\)"), (np.array([np.nan], np.float32), "NaN")],
)
def test_wrong_samples_are_refused(samples: Array, said: str) -> None:
    with pytest.raises(EdgeEmotionError, match=said):
        recognizer().hear(samples)


def test_frames_that_go_back_are_refused() -> None:
    judge = recognizer()
    judge.see(Frame(IMAGE, 1.0))
    with pytest.raises(EdgeEmotionError, match="in order of time"):
        judge.see(Frame(IMAGE, 0.9))


def test_a_reset_forgets_everything() -> None:
    judge = recognizer(smoothing=5.0)
    first = said(in_step(judge, voice(4.0)))
    assert said(in_step(judge, voice(4.0))) == first
