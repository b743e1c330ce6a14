from dataclasses import replace

import numpy as np
import pytest

from edge_emotion.circumplex import valence_arousal
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import Estimate
from edge_emotion.fusion import Fusion, pool
from edge_emotion.settings import FusionSettings

HAPPY = np.array([0.1, 0.5, 0.05, 0.2, 0.05, 0.05, 0.05], np.float32)
ANGRY = np.array([0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1], np.float32)
FACE = Estimate(4.0, "face", HAPPY, 0.9, 0.01, identity=1)
VOICE = Estimate(4.0, "voice", ANGRY, 0.8, 0.15)
SILENT = replace(VOICE, probabilities=None, abstained="silence")
GONE = Estimate(4.2, "face", None, 0.0, 0.01, "no face")
HOPS = {"face": 0.2, "voice": 0.48}


def test_the_pool_by_hand() -> None:
    # Weights 3 and 1: p ~ a^(3/4) b^(1/4).
    a, b = np.array([0.81, 0.19], np.float32), np.array([0.16, 0.84], np.float32)
    ratio = (0.81 / 0.19) ** 0.75 * (0.16 / 0.84) ** 0.25
    assert pool([a, b], [3.0, 1.0]) == pytest.approx([ratio / (1 + ratio), 1 / (1 + ratio)], abs=1e-6)


@pytest.mark.parametrize("weight", [1e-300, 1e39, 1.7e308])
def test_weights_of_any_size_count_by_their_ratio(weight: float) -> None:
    assert pool([HAPPY, ANGRY], [weight, weight]) == pytest.approx(pool([HAPPY, ANGRY], [1.0, 1.0]))


def test_equal_weights_are_the_normalised_geometric_mean() -> None:
    fusion = Fusion()
    fusion.update(FACE)
    event = fusion.update(VOICE)
    mean = np.sqrt(HAPPY * ANGRY)
    assert event.probabilities == pytest.approx(mean / mean.sum(), abs=1e-6)
    assert (event.valence, event.arousal) == pytest.approx(valence_arousal(mean / mean.sum()), abs=1e-5)
    assert (event.time, event.identity, set(event.modalities)) == (4.0, 1, {"face", "voice"})


def test_a_zero_of_one_sense_forbids_nothing() -> None:
    never = np.array([0, 0, 0, 1, 0, 0, 0], np.float32)
    joined = pool([never, HAPPY], [1.0, 1.0])
    assert np.isfinite(joined).all()
    assert joined.sum() == pytest.approx(1.0)
    assert joined[1] > 0


def test_one_sense_alone_keeps_its_probabilities() -> None:
    event = Fusion(FusionSettings(weights={"voice": 0.3})).update(VOICE)
    assert np.array_equal(event.probabilities, ANGRY)  # type: ignore[arg-type]
    assert (event.emotion, event.confidence, event.identity) == ("anger", pytest.approx(0.4), None)


def test_an_abstaining_sense_carries_no_weight_and_is_told() -> None:
    (event,) = Fusion().together([FACE, SILENT])
    assert np.array_equal(event.probabilities, HAPPY)  # type: ignore[arg-type]
    assert event.modalities["voice"].abstained == "silence"


def test_all_abstain() -> None:
    fusion = Fusion()
    fusion.update(SILENT)
    event = fusion.update(GONE)
    assert (event.probabilities, event.emotion, event.confidence) == (None, None, 0.0)
    assert (event.valence, event.arousal) == (None, None)
    assert {name: e.abstained for name, e in event.modalities.items()} == {
        "voice": "silence",
        "face": "no face",
    }


def test_a_weight_of_0_leaves_a_sense_out() -> None:
    (event,) = Fusion(FusionSettings(weights={"voice": 0.0})).together([FACE, VOICE])
    assert np.array_equal(event.probabilities, HAPPY)  # type: ignore[arg-type]
    assert Fusion(FusionSettings(weights={"voice": 0.0})).update(VOICE).probabilities is None


@pytest.mark.parametrize(
    ("hop", "age", "there"), [(0.48, 1.0, True), (0.48, 1.1, False), (0.8, 1.6, True), (0.8, 1.7, False)]
)
def test_a_stale_sense_is_left_out(hop: float, age: float, there: bool) -> None:
    # Stale beyond the longer of 1 s and two hops.
    fusion = Fusion(hops={"voice": hop})
    fusion.update(VOICE)
    event = fusion.update(replace(FACE, time=4.0 + age))
    assert ("voice" in event.modalities) is there


def test_events_never_go_back_in_time() -> None:
    fusion = Fusion(hops=HOPS)
    fusion.update(replace(FACE, time=4.2))
    event = fusion.update(VOICE)
    assert event.time == 4.2
    assert event.modalities["voice"].time == 4.0


def test_the_same_instant_is_one_event() -> None:
    assert len(Fusion().together([VOICE, FACE])) == 1


def test_the_voice_joins_the_leading_face() -> None:
    fusion = Fusion()
    other = replace(FACE, identity=2, probabilities=ANGRY)
    fusion.lead(2)
    first, second = fusion.together([FACE, other])
    assert (first.identity, second.identity) == (1, 2)
    event = fusion.update(VOICE)
    assert (event.identity, set(event.modalities)) == (2, {"face", "voice"})
    assert set(fusion.update(FACE).modalities) == {"face"}
    fusion.lead(1)
    assert set(fusion.update(FACE).modalities) == {"face", "voice"}


def test_a_face_that_left_takes_its_estimates_along() -> None:
    fusion = Fusion()
    fusion.together([FACE, VOICE])
    event = fusion.update(GONE)
    assert (event.identity, event.emotion) == (None, "anger")
    event = fusion.update(replace(FACE, time=4.4, identity=2))
    assert (event.identity, event.modalities["face"].identity) == (2, 2)
    assert set(fusion.update(replace(VOICE, time=4.5)).modalities) == {"face", "voice"}


@pytest.mark.parametrize(
    "settings", [{"weights": {"face": -1.0}}, {"weights": {"face": float("nan")}}, {"stale": -1.0}]
)
def test_settings_out_of_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(EdgeEmotionError):
        FusionSettings(**settings)  # type: ignore[arg-type]


def test_a_sense_leaves_the_classes_that_it_does_not_know_to_the_others():
    afraid = np.array([0.02, 0.02, 0.02, 0.02, 0.9, 0.01, 0.01], np.float32)
    indifferent = np.array([0.25, 0.25, 0.25, 0.25, 0, 0, 0], np.float32)
    pooled = pool([afraid, afraid, indifferent], [1.0, 1.0, 1.0])
    assert pooled[4] == pytest.approx(0.9, abs=0.05)
    angry = np.array([0.01, 0.01, 0.01, 0.97, 0, 0, 0], np.float32)
    swayed = pool([afraid, afraid, angry], [1.0, 1.0, 1.0])
    assert swayed[3] > pooled[3]
    assert swayed[:3].max() < swayed[3]
    assert swayed.sum() == pytest.approx(1, abs=1e-6)
    assert np.array_equal(pool([angry], [1.0]), angry)
    assert pool([angry, indifferent], [1.0, 1.0])[4:] == pytest.approx([0, 0, 0], abs=1e-6)
