"""From poses to estimates: windows, gaps, silence, abstention, and one bare IMU."""

import numpy as np
import pytest

from edge_emotion.body_recognizer import FEW_JOINTS, BodyRecognizer
from edge_emotion.bundle import read_bundle
from edge_emotion.engine import open_engine
from edge_emotion.errors import EdgeEmotionError
from edge_emotion.estimate import NO_MOTION
from edge_emotion.features.body import BODY, BODY_RAW
from edge_emotion.movement_recognizer import ONE_IMU, MovementRecognizer
from edge_emotion.settings import BodyRecognizerSettings
from edge_emotion.sources.iio import ImuSample
from edge_emotion.sources.motion import Silence
from tiny_body_bundle import write_tiny_body_bundle
from walking import walk, walking

ARMS = tuple(
    f"{side}{part}" for side in ("Left", "Right") for part in ("UpperArm", "Forearm", "Hand", "Shoulder")
)


@pytest.fixture(params=[BODY, BODY_RAW], ids=lambda features: features.name)
def recognizer(request, tmp_path):
    return opened(write_tiny_body_bundle(tmp_path / "body.emo", request.param))


def opened(path):
    return BodyRecognizer.from_settings(BodyRecognizerSettings(str(path), smoothing=0))


def told(recognizer, items):
    return [estimate for item in items for estimate in recognizer.push(item)]


def test_a_window_is_told_each_half_second(recognizer):
    estimates = told(recognizer, walk(6.0))
    assert [e.time for e in estimates] == pytest.approx([3.966667, 4.466667, 4.966667, 5.466667, 5.966667])
    assert all(e.modality == "body" and e.abstained is None and e.quality == 1 for e in estimates)
    assert all(e.probabilities.sum() == pytest.approx(1, abs=1e-5) for e in estimates)
    assert [e.time for e in recognizer.flush()] == [6.0]
    assert recognizer.flush() == []


def test_it_is_the_network_over_the_nodes_of_the_window(tmp_path):
    path = write_tiny_body_bundle(tmp_path / "body.emo")
    recognizer = opened(path)
    nodes = []
    add = recognizer._track.add
    recognizer._track.add = lambda pose: nodes.extend(made := add(pose)) or made
    estimate = told(recognizer, walk(4.0))[0]
    window = BODY.window(np.stack([node.values for node in nodes[:120]]))
    logits = open_engine(read_bundle(path), "onnx", "auto", 1).run(window[None])[0]
    exponents = np.exp(logits - logits.max())
    assert estimate.probabilities == pytest.approx(exponents / exponents.sum(), abs=1e-5)


def test_a_recording_of_less_than_a_window_is_told_at_its_end(recognizer):
    assert told(recognizer, walk(2.0)) == []
    (estimate,) = recognizer.flush()
    assert estimate.time == 2.0
    assert estimate.probabilities is not None


def test_without_poses_it_says_nothing(recognizer):
    assert recognizer.flush() == []


def test_silence_abstains_at_every_hop_and_motion_comes_back(recognizer):
    silence = [Silence(5.0 + 0.5 * n) for n in range(1, 5)]
    estimates = told(recognizer, [*walk(5.0), *silence, *walk(4.0, begin=7.2)])
    quiet = [e.time for e in estimates if e.abstained == NO_MOTION]
    assert quiet == [5.5, 6.0, 6.5, 7.0]
    assert [e.time for e in estimates] == sorted(e.time for e in estimates)
    back = [e.time for e in estimates if e.time > 7.0]
    assert back == pytest.approx([7.2 + 119 / 30])


def test_a_gap_without_word_of_silence_abstains_as_well(recognizer):
    estimates = told(recognizer, [*walk(4.0), walking(6.2)])
    assert [e.abstained for e in estimates if e.time > 4.0] == [NO_MOTION] * 4


def test_silence_before_the_first_pose_abstains(recognizer):
    assert {e.abstained for e in told(recognizer, [Silence(1.0), Silence(1.5)])} == {NO_MOTION}


def test_an_hour_of_silence_is_told_in_few_words(recognizer):
    assert len(told(recognizer, [*walk(4.0), Silence(3600.0)])) <= 17


def test_with_too_few_joints_it_abstains(recognizer):
    legs = ("LeftUpperLeg", "LeftLowerLeg", "LeftFoot")
    poses = [walking(n / 30, without=(*ARMS, *legs)) for n in range(130)]
    (estimate,) = told(recognizer, poses)
    assert estimate.abstained == FEW_JOINTS
    assert 0 < estimate.quality < 0.6


def test_time_does_not_go_back(recognizer):
    recognizer.push(walking(1.0))
    with pytest.raises(EdgeEmotionError, match="in order of time"):
        recognizer.push(walking(0.5))


def test_after_a_reset_all_is_as_at_first(recognizer):
    first = told(recognizer, walk(5.0))
    recognizer.reset()
    again = told(recognizer, walk(5.0))
    assert [e.time for e in again] == [e.time for e in first]
    assert np.array_equal(again[-1].probabilities, first[-1].probabilities)


def test_a_model_of_another_sense_is_refused(tmp_path):
    with pytest.raises(EdgeEmotionError, match="is for voice; expected one for the body"):
        BodyRecognizer.from_settings(BodyRecognizerSettings("voice"))


def samples(seconds, rate=100.0, frequency=2.0, size=3.0):
    times = np.arange(0, seconds, 1 / rate)
    return [
        ImuSample(float(t), np.array([size * np.sin(2 * np.pi * frequency * t), 0, 9.81]), None)
        for t in times
    ]


def test_one_imu_is_evidence_of_arousal_and_never_an_emotion():
    estimates = told(MovementRecognizer(), samples(6.0))
    assert [e.time for e in estimates][-1] == 5.5
    assert {e.abstained for e in estimates} == {ONE_IMU}
    assert all(e.probabilities is None and e.emotion is None for e in estimates)
    found = estimates[-1].movement
    assert found.rhythm == pytest.approx(2.0, abs=0.1)
    assert found.energy == pytest.approx(3 / np.sqrt(2), rel=0.03)
    assert told(MovementRecognizer(), samples(6.0, size=0.01))[-1].movement.arousal == pytest.approx(
        -1, abs=0.01
    )


def test_a_sensor_that_begins_anew_is_followed():
    recognizer = MovementRecognizer()
    assert told(recognizer, samples(3.0))
    assert told(recognizer, samples(3.0))


def test_a_sensor_that_falls_silent_abstains():
    recognizer = MovementRecognizer()
    told(recognizer, samples(3.0))
    quiet = told(recognizer, [Silence(4.0), Silence(4.5), Silence(4.6)])
    assert [(e.time, e.abstained) for e in quiet] == [(4.0, "no motion data"), (4.5, "no motion data")]
