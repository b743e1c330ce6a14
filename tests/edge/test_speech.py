"""Speech descriptors: chunk invariance, pitch of known tones, cepstra and deltas against their definitions."""

import numpy as np
import pytest
import soundfile

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features.feature_set import feature_set
from edge_emotion.features.speech import (
    CEPSTRA,
    ENERGY,
    INPUTS,
    LLD,
    LLDS,
    LOG_F0,
    MEL,
    PITCH_COLUMNS,
    RATE,
    STEP,
    WIDTH,
    SpeechStream,
    mel_filters,
    window_inputs,
)

F0, VOICING = PITCH_COLUMNS[0], CEPSTRA + 1


def nodes_of(sound, chunk=None):
    stream = SpeechStream()
    cuts = range(0, len(sound), chunk or max(1, len(sound)))
    return np.concatenate(
        [*(stream.push(sound[i : i + (chunk or len(sound))]) for i in cuts), stream.flush()]
    )


def voice_like(seconds, f0, seed=0):
    time = np.arange(int(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * f0 * k * time) / k for k in range(1, 9))
    return (0.1 * tone + 1e-4 * np.random.default_rng(seed).standard_normal(len(time))).astype(np.float32)


@pytest.mark.parametrize("chunk", [1, 37, 160, 1280, 16_000])
def test_chunk_size_changes_no_bit(chunk):
    random = np.random.default_rng(3)
    sound = (voice_like(0.9, 140) + 0.05 * random.standard_normal(int(0.9 * RATE))).astype(np.float32)
    assert np.array_equal(nodes_of(sound), nodes_of(sound, chunk))


def test_chunk_size_changes_no_bit_of_real_speech(shared_data):
    sound, rate = soundfile.read(shared_data / "emodb" / "03a01Wa.flac", dtype="float32")
    assert rate == RATE
    whole = nodes_of(sound)
    assert len(whole) == len(sound) // 480
    for chunk in (160, 1280, 16_000):
        assert np.array_equal(whole, nodes_of(sound, chunk))


@pytest.mark.parametrize("f0", [65, 80, 120, 180, 250, 330, 440, 490])
def test_pitch_of_a_tone_with_overtones(f0):
    nodes = nodes_of(voice_like(1.0, f0))[3:-3]
    assert np.all(np.abs(nodes[:, F0] / f0 - 1) < 0.01)
    assert np.allclose(nodes[:, LOG_F0], np.log2(f0), atol=0.015)
    assert nodes[:, VOICING].min() > 0.95


def test_a_glide_is_followed():
    time = np.arange(2 * RATE) / RATE
    phase = 2 * np.pi * (100 * time + 25 * time**2)  # 100 to 200 Hz
    sound = (0.1 * sum(np.sin(k * phase) / k for k in range(1, 8))).astype(np.float32)
    nodes = nodes_of(sound)[3:-3]
    middle = (np.arange(len(nodes)) + 3.5) * 0.03
    assert np.max(np.abs(nodes[:, F0] / (100 + 50 * middle) - 1)) < 0.04


@pytest.mark.parametrize("kind", ["silence", "noise", "hum below the range"])
def test_what_is_not_voiced_has_no_pitch(kind):
    time = np.arange(RATE) / RATE
    sound = {
        "silence": np.zeros(RATE),
        "noise": 0.1 * np.random.default_rng(0).standard_normal(RATE),
        "hum below the range": 0.1 * np.sin(2 * np.pi * 20 * time),
    }[kind].astype(np.float32)
    nodes = nodes_of(sound)
    assert np.all(nodes[:, F0] == 0)
    assert np.all(np.isfinite(nodes))


def test_cepstra_zero_crossings_and_energy_by_their_definition():
    """The fifth frame, computed here step by step, against node 1's mean of frames 3, 4 and 5."""
    sound = voice_like(0.6, 200)
    expected = []
    for frame in (3, 4, 5):
        piece = sound[frame * STEP : frame * STEP + 400].astype(np.float64)
        emphasised = np.append(piece[0] * 0.03, piece[1:] - 0.97 * piece[:-1])
        power = np.abs(np.fft.rfft(emphasised * np.hamming(400), 512)) ** 2 / np.sum(np.hamming(400) ** 2)
        bands = np.log(np.maximum(power @ mel_filters(26, 0, 8000), 1e-9))
        cepstra = [
            np.sqrt(2 / 26)
            * (1 + 11 * np.sin(np.pi * n / 22))
            * np.sum(bands * np.cos(np.pi * n * (np.arange(26) + 0.5) / 26))
            for n in range(13)
        ]
        crossings = np.mean((piece[1:] < 0) != (piece[:-1] < 0))
        expected.append([*cepstra, crossings, np.log(np.mean(piece**2))])
    node = nodes_of(sound)[1]
    assert np.allclose(node[:CEPSTRA], np.mean(expected, 0)[:CEPSTRA], atol=2e-3)
    assert node[CEPSTRA] == pytest.approx(np.mean(expected, 0)[CEPSTRA], abs=1e-6)
    assert node[ENERGY] == pytest.approx(np.mean(expected, 0)[CEPSTRA + 1], abs=1e-4)


def test_delta_of_a_steady_rise_is_its_slope():
    """Level rising by 1 % a frame: the log energy's delta is 2 ln 1.01 a frame, the last of the 33 descriptors."""
    sound = (1e-3 * 1.01 ** (np.arange(RATE) / STEP) * voice_like(1.0, 200) * 5).astype(np.float32)
    nodes = nodes_of(sound)[4:-4]
    assert np.allclose(nodes[:, LLDS - 1].mean(), 2 * np.log(1.01), rtol=0.05)


def test_a_stream_holds_less_than_a_third_of_a_second():
    stream = SpeechStream()
    held = []
    for _ in range(300):
        stream.push(np.zeros(1600, np.float32))
        held.append(len(stream._samples))
    assert max(held) < 0.3 * RATE


def test_columns_are_what_they_are_called():
    nodes = nodes_of(voice_like(0.5, 150))
    assert nodes.shape[1] == WIDTH
    assert len(range(*LLD.indices(WIDTH))) == 33
    assert len(range(*MEL.indices(WIDTH))) == 40


def test_window_input_does_not_change_with_the_gain():
    random = np.random.default_rng(0)
    room = 0.01 * random.standard_normal(int(3.6 * RATE))  # well above the floor of the logarithms
    sound = (voice_like(3.6, 150) * np.repeat(random.uniform(0.1, 1.0, 36), 1600) + room).astype(np.float32)
    quiet, loud = (window_inputs(nodes_of(sound * np.float32(gain))) for gain in (0.3, 1.0))
    assert quiet.shape == (120, INPUTS)
    assert np.max(np.abs(quiet - loud)[:-2]) < 2e-2  # the last nodes look ahead into silence


def test_window_inputs_of_a_batch_are_those_of_each_window():
    random = np.random.default_rng(1)
    windows = np.abs(random.standard_normal((3, 120, WIDTH))).astype(np.float32)
    assert np.allclose(window_inputs(windows), np.stack([window_inputs(w) for w in windows]), atol=1e-5)


def test_stereo_is_refused_and_an_unknown_set_named():
    with pytest.raises(EdgeEmotionError, match="mono"):
        SpeechStream().push(np.zeros((10, 2), np.float32))
    with pytest.raises(EdgeEmotionError, match="known: speech"):
        feature_set("speech", 999)


@pytest.mark.optional
def test_pitch_agrees_with_opensmile(shared_data):
    opensmile = pytest.importorskip("opensmile")
    sound, rate = soundfile.read(shared_data / "emodb" / "03a01Wa.flac", dtype="float32")
    smile = opensmile.Smile(opensmile.FeatureSet.GeMAPSv01b, opensmile.FeatureLevel.LowLevelDescriptors)
    semitones = smile.process_signal(sound, rate)["F0semitoneFrom27.5Hz_sma3nz"].to_numpy()
    theirs = np.where(semitones > 0, 27.5 * 2 ** (semitones / 12), 0)[1::3]
    ours = nodes_of(sound)[:, F0]
    count = min(len(theirs), len(ours))
    both = (theirs[:count] > 0) & (ours[:count] > 0)
    assert both.sum() > 10
    assert np.median(np.abs(theirs[:count][both] / ours[:count][both] - 1)) < 0.05
