"""Augmentation: same seed same copy, levels and lengths as promised, masks where they may be."""

from dataclasses import replace

import numpy as np
import pytest

from edge_emotion.features.speech import FEATURE_SETS, LOG_F0, WIDTH
from edge_emotion_train.node_augmentation import (
    NodeAugmentation,
    held_columns,
    masked,
    random_window,
    stretched,
)
from edge_emotion_train.waveform_augmentation import (
    WaveformAugmentation,
    augmented,
    coloured_noise,
    level,
    room,
    speech_shaped_noise,
    tilted,
)

TONE = (0.1 * np.sin(2 * np.pi * 200 * np.arange(16_000) / 16_000)).astype(np.float32)
OFF = WaveformAugmentation(speed=0, gain=0, noise_share=0, room_share=0, tilt=0)


def test_the_same_seed_makes_the_same_copy_and_another_another():
    copies = [augmented(TONE, WaveformAugmentation(), np.random.default_rng(s), 16_000) for s in (1, 1, 2)]
    assert np.array_equal(copies[0], copies[1])
    assert len(copies[0]) != len(copies[2]) or not np.array_equal(copies[0], copies[2])
    assert all(np.abs(copy).max() <= 1.0 and np.isfinite(copy).all() for copy in copies)


def test_all_off_changes_nothing():
    assert np.allclose(augmented(TONE, OFF, np.random.default_rng(0), 16_000), TONE, atol=1e-4)


def test_speed_changes_length_and_pitch_together():
    for seed in range(5):
        copy = augmented(TONE, replace(OFF, speed=0.1), np.random.default_rng(seed), 16_000)
        peak = np.argmax(np.abs(np.fft.rfft(copy, 160_000))) / 10
        assert peak * len(copy) == pytest.approx(200 * 16_000, rel=0.01)


def test_noise_has_the_ratio_that_was_asked():
    how = replace(OFF, noise_share=1.0, noise_low=20, noise_high=20)
    copy = augmented(TONE, how, np.random.default_rng(3), 16_000)
    assert 20 * np.log10(level(TONE) / np.std(copy - TONE)) == pytest.approx(20, abs=0.7)


@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
def test_noise_colour(slope):
    power = np.abs(np.fft.rfft(coloured_noise(1 << 16, slope, np.random.default_rng(0)))) ** 2
    low, high = power[100:200].mean(), power[1600:3200].mean()
    assert np.log2(low / high) / 4 == pytest.approx(slope, abs=0.15)


def test_speech_shaped_noise_keeps_the_spectrum():
    noise = speech_shaped_noise(TONE, np.random.default_rng(0))
    assert np.argmax(np.abs(np.fft.rfft(noise))) == 200
    assert np.std(noise) == pytest.approx(1.0, rel=1e-3)


def test_tilt_is_in_decibels_an_octave():
    changed = tilted(TONE, 3.0, 16_000)  # 200 Hz is log2(5) octaves below 1 kHz
    assert 20 * np.log10(np.std(changed) / np.std(TONE)) == pytest.approx(-3 * np.log2(5), abs=0.1)


def test_a_room_rings_on_after_the_sound():
    click = np.zeros(8000, np.float32)
    click[100] = 1.0
    wet = room(click, np.random.default_rng(0), 16_000)
    assert wet[100] == pytest.approx(1.0, abs=0.05)
    assert np.abs(wet[1000:]).max() > 0
    assert np.abs(wet[:99]).max() < 1e-5


def test_stretching_keeps_pitch_out_of_unvoiced_nodes():
    nodes = np.zeros((20, WIDTH), np.float32)
    nodes[::2, LOG_F0] = 7.0
    for factor in (0.8, 1.25):
        longer = stretched(nodes, factor, held_columns(FEATURE_SETS[0].name))
        assert len(longer) == round(20 * factor)
        assert set(np.unique(longer[:, LOG_F0])) <= {0.0, 7.0}


def test_random_windows_come_from_the_clip():
    random = np.random.default_rng(0)
    nodes = np.arange(30, dtype=np.float32)[:, None]
    for length in (10, 30, 50):
        window = random_window(nodes, length, random)[:, 0]
        assert len(window) == length
        steps = set(np.diff(window))
        assert steps <= ({1.0} if length <= 30 else {1.0, -29.0, -19.0})


def test_masks_lie_in_time_and_bands_and_nowhere_else():
    how = NodeAugmentation(time_masks=1, time_mask=5, band_masks=1, band_mask=4, noise=0.0)
    windows = np.ones((200, 12, 9), np.float32)
    changed = masked(windows, how, (2, 7), np.random.default_rng(0))
    whole_nodes = (changed == 0).all(2)
    assert whole_nodes.any()
    assert whole_nodes.sum(1).max() <= 4
    outside = changed[~whole_nodes][:, [0, 1, 7, 8]]
    assert np.all(outside == 1)
    assert (changed[..., 2:7] == 0).all(1).any()
    assert np.all(windows == 1)


def test_a_set_without_pitch_is_interpolated_everywhere():
    assert held_columns("action-units") == ()
    longer = stretched(np.array([[0.0, 4.0], [2.0, 0.0]], np.float32), 1.5)
    assert np.allclose(longer, [[0, 4], [1, 2], [2, 0]])


def test_a_set_without_bands_has_none_masked():
    how = NodeAugmentation(time_masks=0, band_masks=5, noise=0.0)
    assert np.all(masked(np.ones((3, 12, 9), np.float32), how, (0, 0), np.random.default_rng(0)) == 1)
