"""Encoders of Synch-Graph: pictures and sound to rates, rates to Poisson trains."""

import numpy as np
import pytest

from edge_emotion.errors import EdgeEmotionError
from edge_emotion.features import spikes
from edge_emotion.features.face_alignment import CROP, aligned_crop
from edge_emotion.features.spikes import (
    CEPSTRA,
    DELAY_STEPS,
    FRAMES,
    MAX_RATE,
    PICTURE,
    RATE_UNIT,
    SOUND,
    STEPS,
    STIMULUS_STEPS,
    TIME_STEP,
    cepstra,
    face_rates,
    face_windows,
    poisson_events,
    sound_rates,
    sound_windows,
    spike_crop,
)

MEAN, SCALE = np.zeros(CEPSTRA, np.float32), np.full(CEPSTRA, 2.0, np.float32)


def blob():
    """A dark spot of 10 pixels on grey, as an eye."""
    y, x = np.mgrid[:PICTURE, :PICTURE] - PICTURE // 2
    return (128 - 100 * np.exp(-(x**2 + y**2) / 50)).astype(np.uint8)


def speech(seconds, seed=0):
    """A tone of 150 Hz with harmonics in syllables."""
    time = np.arange(round(16000 * seconds)) / 16000
    tone = sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 20))
    noise = np.random.default_rng(seed).normal(size=len(time))
    return (0.1 * (tone + 0.1 * noise) * (np.sin(2 * np.pi * 3 * time) > -0.3)).astype(np.float32)


def test_a_dark_spot_is_off_in_its_middle_and_on_around_it():
    rates = face_rates(blob())
    middle = PICTURE // 2
    assert rates.shape == (2, PICTURE, PICTURE)
    assert rates[1, middle, middle] == MAX_RATE  # -LoG of a minimum is negative: the OFF trains
    assert rates[0, middle, middle] == 0
    assert rates[0, middle, middle + 11 : middle + 14].max() > 10
    assert not ((rates[0] > 0) & (rates[1] > 0)).any()


def test_rates_have_256_steps_and_do_not_depend_on_the_light():
    picture = blob()
    rates = face_rates(picture)
    assert (rates / RATE_UNIT == np.rint(rates / RATE_UNIT)).all()
    assert 0 <= rates.min() <= rates.max() <= MAX_RATE == 255 * RATE_UNIT
    darker = (picture.astype(float) * 0.5 + 20).astype(np.uint8)
    assert np.abs(face_rates(darker) - rates).mean() < 1.0


@pytest.mark.parametrize("grey", [0, 3, 128, 255])
def test_a_picture_without_edges_gives_no_rates(grey):
    assert not face_rates(np.full((PICTURE, PICTURE), grey, np.uint8)).any()


def test_noise_of_a_black_picture_hardly_spikes():
    noise = np.random.default_rng(0).integers(0, 2, (PICTURE, PICTURE)).astype(np.uint8)
    assert face_rates(noise).mean() < 0.75  # Hz; a face of FER2013 has 7.5


def test_another_shape_or_type_of_crop_is_refused():
    with pytest.raises(EdgeEmotionError, match="100 x 100"):
        face_rates(np.zeros((48, 48), np.uint8))


def test_a_spike_crop_shows_what_an_aligned_crop_shows():
    picture = np.random.default_rng(0).integers(0, 255, (12, 12)).astype(np.uint8)
    picture = np.kron(picture, np.ones((20, 20), np.uint8))
    to_crop = np.array([[0.2, 0.01, 0.5], [-0.01, 0.2, 1.0]])
    small = aligned_crop(picture, to_crop).astype(float)
    large = spike_crop(picture, to_crop)
    assert large.shape == (PICTURE, PICTURE)
    import cv2

    again = cv2.resize(large, (CROP, CROP), interpolation=cv2.INTER_AREA).astype(float)
    assert np.corrcoef(small.ravel(), again.ravel())[0, 1] > 0.98


def test_sound_that_is_silent_gives_no_rates():
    for samples in (np.zeros(0, np.float32), np.zeros(SOUND, np.float32), 1e-4 * speech(4)):
        assert not sound_rates(samples, MEAN, SCALE).any()


def test_gain_changes_no_rate_and_short_sound_follows_silence():
    loud = speech(4.0)
    rates = sound_rates(loud, MEAN, SCALE)
    assert rates.shape == (2, CEPSTRA, FRAMES)
    assert np.abs(sound_rates(0.3 * loud, MEAN, SCALE) - rates).mean() < 0.2
    short = sound_rates(loud[:16000], MEAN, SCALE)
    assert not short[:, :, : FRAMES - 101].any()
    assert short[:, :, -90:].any()


def test_cepstra_tell_level_and_tilt_and_which_frames_are_loud():
    """White noise against noise whose high bands are weak: the second cepstrum, a half cosine over the bands, rises."""
    noise = 0.1 * np.random.default_rng(0).normal(size=SOUND).astype(np.float32)
    dull = np.convolve(noise, np.ones(8) / 8, "same").astype(np.float32)
    (flat, loud), (tilted, _) = cepstra(noise), cepstra(dull)
    assert flat.shape == (FRAMES, CEPSTRA)
    assert loud.all()
    assert tilted[:, 1].mean() > flat[:, 1].mean() + 3
    half = noise.copy()
    half[: SOUND // 2] = 0
    _, heard = cepstra(half)
    assert not heard[: FRAMES // 2 - 5].any()
    assert heard[FRAMES // 2 + 5 :].all()


def test_the_cosine_transform_is_orthonormal():
    assert np.allclose(spikes._DCT.T @ spikes._DCT, np.eye(CEPSTRA), atol=1e-9)


def test_windows_touch_and_lie_where_they_are_said_to():
    assert face_windows().starts == ((10, 10), (10, 50), (50, 10), (50, 50))
    assert sound_windows().starts == ((0, 228), (0, 268), (0, 308), (0, 348))
    image = np.arange(2 * PICTURE * PICTURE, dtype=np.float32).reshape(2, PICTURE, PICTURE)
    cut = face_windows().cut(image)
    assert cut.shape == (4, face_windows().inputs) == (4, 3200)
    assert cut[2, 0] == image[0, 50, 10]
    assert cut[2, 1600 + 41] == image[1, 51, 11]


@pytest.mark.parametrize(("side", "count"), [(40, 10), (41, 1), (0, 1), (40, 0)])
def test_windows_that_do_not_fit_the_sound_are_refused(side, count):
    with pytest.raises(EdgeEmotionError, match="do not fit"):
        sound_windows(side, count)


def test_trains_have_the_rates_and_the_law_of_a_poisson_group():
    rates = np.repeat(np.array([0.0, 5.0, 63.75], np.float32), 4000)
    steps, inputs = poisson_events(rates, seed=1)
    counts = np.bincount(inputs, minlength=len(rates)).reshape(3, 4000)
    assert not counts[0].any()
    for count, rate in zip(counts[1:], (5.0, 63.75), strict=True):
        probability = rate * TIME_STEP  # Bernoulli in each of STIMULUS_STEPS steps
        expected = STIMULUS_STEPS * probability
        assert count.mean() == pytest.approx(expected, rel=0.05)
        assert count.var() == pytest.approx(expected * (1 - probability), rel=0.12)
    assert np.bincount(steps, minlength=STEPS)[STIMULUS_STEPS:].sum() == 0


def test_trains_follow_from_their_seed_and_come_in_order_once_a_step():
    rates = np.full(2000, 40.0, np.float32)
    steps, inputs = poisson_events(rates, seed=(3, 7))
    assert all((a == b).all() for a, b in zip(poisson_events(rates, (3, 7)), (steps, inputs), strict=True))
    assert len(poisson_events(rates, (3, 8))[0]) != len(steps)
    codes = steps * 2000 + inputs
    assert (np.diff(codes) > 0).all()


def test_sound_comes_five_milliseconds_later():
    rates = np.full(500, 40.0, np.float32)
    early, late = poisson_events(rates, 1), poisson_events(rates, 1, DELAY_STEPS)
    assert DELAY_STEPS * TIME_STEP == 0.005
    assert (late[0] - early[0] == DELAY_STEPS).all()
    assert late[0].max() < STEPS


def test_without_rates_there_are_no_events():
    steps, inputs = poisson_events(np.zeros(10, np.float32), 0)
    assert len(steps) == len(inputs) == 0
