"""Augmentation: each change is exactly the one its formula says, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinymm.data.speech import add_noise, change_gain, change_speed, mask_spectrogram, shift_time

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.floats(-30, 60), st.integers(2, 500), st.booleans())
def test_noise_has_the_ratio_asked_for(seed, snr, length, recorded):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(length) * 10 ** rng.uniform(-3, 1)
    noise = rng.standard_normal(rng.integers(1, 600)) if recorded else None
    before = x.copy()
    n = add_noise(x, snr, rng, noise) - x
    np.testing.assert_allclose(10 * np.log10((x * x).mean() / (n * n).mean()), snr, atol=1e-6)
    np.testing.assert_array_equal(x, before)


def test_noise_of_a_recording_is_a_stretch_of_it(rng):
    noise = np.arange(1.0, 8.0)
    n = add_noise(np.ones(5), 0.0, rng, noise) - 1
    start = round(float(n[0] / (n[1] - n[0]))) - 1 if n[1] > n[0] else 6
    stretch = np.resize(np.roll(noise, -start), 5)
    np.testing.assert_allclose(n / n[0], stretch / stretch[0])
    with pytest.raises(ValueError, match="noise must hold at least one sample"):
        add_noise(np.ones(5), 0.0, rng, np.zeros(0))


def test_silence_stays_silent(rng):
    assert not add_noise(np.zeros(9, np.float32), 10.0, rng).any()
    np.testing.assert_array_equal(add_noise(np.ones(3), 0.0, rng, np.zeros(4)), np.ones(3))


def test_float32_stays_float32(rng):
    x = rng.standard_normal(400).astype(np.float32)
    for y in (add_noise(x, 10.0, rng), change_gain(x, 3.0), shift_time(x, 5), change_speed(x, 1.1),
              mask_spectrogram(x.reshape(20, 20), rng)):
        assert y.dtype == np.float32


@given(st.floats(-40, 40), SEEDS)
def test_gain_moves_the_level_by_so_many_decibels(decibels, seed):
    x = np.random.default_rng(seed).standard_normal(20)
    y = change_gain(x, decibels)
    np.testing.assert_allclose(10 * np.log10((y * y).mean() / (x * x).mean()), decibels, atol=1e-9)


@given(st.integers(1, 12), st.integers(-15, 15))
def test_a_shift_moves_every_sample(length, offset):
    x = np.arange(1.0, length + 1)
    y = shift_time(x, offset)
    for i in range(length):
        assert y[i] == (x[i - offset] if 0 <= i - offset < length else 0)


@pytest.mark.parametrize("speed", [0.8, 0.93, 1.0, 1.25])
def test_speed_moves_pitch_and_length_together(speed):
    tone = np.sin(2 * np.pi * 500 * np.arange(8000) / 8000)
    y = change_speed(tone, speed)
    assert len(y) == np.ceil(8000 / speed)
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)), 80000))
    assert abs(spectrum.argmax() / 10 - 500 * speed) < 0.2
    with pytest.raises(ValueError, match="speed must be at least 1/100; got 0.001"):
        change_speed(tone, 0.001)


@given(SEEDS, st.integers(1, 40), st.integers(1, 20), st.integers(0, 50), st.integers(0, 30), st.integers(0, 3))
def test_masks_hide_whole_bands_and_stretches_no_wider_than_asked(seed, frames, bands, time, frequency, count):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((frames, bands))
    masked = mask_spectrogram(x, rng, time, frequency, count)
    changed = masked != x
    np.testing.assert_array_equal(masked[changed], np.full(changed.sum(), x.mean()))
    rows, columns = changed.all(1), changed.all(0)
    np.testing.assert_array_equal(changed, rows[:, None] | columns[None])  # nothing but whole rows and columns
    if not columns.all():
        assert rows.sum() <= count * min(time, frames // 4)
    if not rows.all():
        assert columns.sum() <= count * frequency


def test_masks_of_both_kinds_occur_and_some_spectrograms_keep_everything(rng):
    x = rng.standard_normal((40, 20))
    changed = [mask_spectrogram(x, rng, 8, 8, count=1) != x for _ in range(300)]
    assert any(c.all(1).any() and not c.all(0).any() for c in changed) \
        and any(c.all(0).any() and not c.all(1).any() for c in changed)
    assert not all(c.any() for c in changed)
