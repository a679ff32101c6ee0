"""Mel scales and filters: fixed points, shapes of triangles, Whisper's numbers, errors."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F

scales = st.sampled_from(("htk", "slaney"))


@given(st.lists(st.floats(0, 24000), min_size=1, max_size=5), scales)
def test_there_and_back(f, scale):
    m = F.hz_to_mel(f, scale)
    np.testing.assert_allclose(F.mel_to_hz(m, scale), f, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_scales_rise_smoothly(scale):
    """Slaney's two pieces have, at 1000 Hz, the same value but not quite the same slope: 0.015 and 0.0145."""
    f = np.linspace(0, 8000, 8001)
    steps = np.diff(F.hz_to_mel(f, scale))
    assert (steps > 0).all() and (np.diff(steps) < 1e-12).all()
    assert np.abs(np.diff(np.log(steps))).max() < 0.04


def test_known_points():
    """A thousand mels are a thousand hertz on HTK's scale, to a mel; Slaney's scale has 15 mels there."""
    assert abs(F.hz_to_mel(1000, "htk") - 1000) < 0.02
    np.testing.assert_allclose(F.hz_to_mel([200, 1000, 6400, 1000 * 6.4**2], "slaney"), [3, 15, 42, 69])


@given(scales, st.integers(1, 30), st.sampled_from((8000, 16000, 22050)), st.floats(0, 300))
def test_filters_are_triangles(scale, n_mels, rate, low):
    """Neighbours add up to 1 between the first centre and the last; each rises to its own centre and falls after it."""
    K, high = 2001, rate / 2 - 10
    w = F.melscale_fbanks(K, low, high, n_mels, rate, mel_scale=scale)
    f = np.linspace(0, rate / 2, K)
    centres = F.mel_to_hz(np.linspace(*F.hz_to_mel([low, high], scale), n_mels + 2), scale)
    between = (f >= centres[1]) & (f <= centres[-2])
    np.testing.assert_allclose(w.sum(1)[between], 1)
    assert w.min() == 0 and w.max() <= 1
    assert not w[(f <= low) | (f >= high)].any()
    for m in range(n_mels):
        steps = np.diff(w[:, m])
        assert (steps[(f[1:] <= centres[m + 1])] >= 0).all() and (steps[f[:-1] >= centres[m + 1]] <= 0).all()


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_slaney_s_norm_gives_every_filter_the_area_1(scale):
    w = F.melscale_fbanks(20001, 0, 8000, 20, 16000, "slaney", scale)
    np.testing.assert_allclose(w.sum(0) * 8000 / 20000, 1, rtol=1e-3)


@pytest.mark.parametrize("scale", ["htk", "slaney"])
@pytest.mark.parametrize("frequency", [300, 1000, 2500])
def test_a_tone_is_loudest_in_the_band_around_it(scale, frequency):
    features = F.log_mel_spectrogram(np.sin(2 * np.pi * frequency * np.arange(8000) / 8000), 8000, mel_scale=scale)
    centres = F.mel_to_hz(np.linspace(0, F.hz_to_mel(4000, scale), 42), scale)[1:-1]
    assert abs(features.mean(0).argmax() - np.abs(centres - frequency).argmin()) <= 1


def test_whisper_s_numbers():
    """Its shape, its floor of 8 powers of ten below the loudest, its value for silence: (log10 1e-10 + 4) / 4."""
    noise = np.random.default_rng(0).uniform(-1, 1, (2, 16000))
    noise[0, 8000:] = 0
    y = F.whisper_log_mel(noise)
    assert y.shape == (2, 100, 80)
    top = y.max((1, 2))
    np.testing.assert_allclose(y.min((1, 2))[0], top[0] - 2)
    np.testing.assert_allclose(F.whisper_log_mel(10 * noise) - y, 0.5, atol=1e-9)  # 20 dB more are 2 powers of ten
    np.testing.assert_allclose(F.whisper_log_mel(np.zeros(1600)), -1.5)
    np.testing.assert_array_equal(y[1], F.whisper_log_mel(noise[1]))               # the maximum is a waveform's own
    assert F.whisper_log_mel(noise, 128).shape == (2, 100, 128)
    assert F.whisper_log_mel(noise[:, :8000], 40, 8000).shape == (2, 100, 40)


def test_whisper_s_filters():
    """The first numbers of the table that is published with it."""
    w = F.melscale_fbanks(201, 0, 8000, 80, 16000, "slaney", "slaney")
    np.testing.assert_allclose(w[:3, :2], [[0, 0], [0.02486259, 0.00199082], [0, 0.02287177]], atol=1e-8)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="compared with PyTorch")
def test_whisper_s_steps_in_pytorch(rng):
    """Its published preprocessing, written with PyTorch's stft."""
    import torch
    x = rng.uniform(-1, 1, 4000)
    X = torch.stft(torch.tensor(x), 400, 160, window=torch.hann_window(400, dtype=torch.float64), return_complex=True)
    filters = torch.tensor(F.melscale_fbanks(201, 0, 8000, 80, 16000, "slaney", "slaney"))
    y = (filters.T @ X[..., :-1].abs() ** 2).clamp(min=1e-10).log10()
    y = (torch.maximum(y, y.max() - 8) + 4) / 4
    np.testing.assert_allclose(F.whisper_log_mel(x), y.T.numpy(), atol=1e-12)


def test_float32_stays_and_is_close(rng):
    x = rng.uniform(-1, 1, (2, 3200))
    single = tm.tensor(x.astype(np.float32), requires_grad=True)
    for features in (F.whisper_log_mel, F.log_mel_spectrogram, F.mfcc):
        y = features(single)
        assert y.dtype == np.float32
        np.testing.assert_allclose(y.data, features(x), atol=1e-3)
        assert tm.grad(y.sum(), single)[0].dtype == np.float32


def test_silence_has_no_gradient_and_no_nan():
    x = tm.tensor(np.zeros(1600), requires_grad=True)
    for features in (F.whisper_log_mel, F.log_mel_spectrogram, F.mfcc):
        y = features(x)
        assert np.isfinite(y.data).all() and not tm.grad(y.sum(), x)[0].data.any()


def test_errors():
    with pytest.raises(ValueError, match="hz_to_mel: mel_scale is 'htk' or 'slaney'; got 'bark'"):
        F.hz_to_mel(1, "bark")
    with pytest.raises(ValueError, match="mel_scale is"):
        F.mel_to_hz(1, "bark")
    for low, high, n_mels, K in ((-1, 10, 2, 9), (10, 10, 2, 9), (0, 4001, 2, 9), (0, 4000, 0, 9), (0, 4000, 1, 1)):
        with pytest.raises(ValueError, match=f"melscale_fbanks: needs 0 <= f_min < f_max <= sample_rate / 2.*"
                                             f"got {low} to {high} Hz"):
            F.melscale_fbanks(K, low, high, n_mels, 8000)
    with pytest.raises(ValueError, match="melscale_fbanks: norm is None or 'slaney'; got 'area'"):
        F.melscale_fbanks(9, 0, 4000, 2, 8000, "area")
    with pytest.raises(ValueError,
                       match="filter 0, from 0.0 to .* lies between two of 101 frequencies; use fewer filters than 80"):
        F.log_mel_spectrogram(np.zeros(8000), 8000, n_mels=80)
    with pytest.raises(ValueError, match="filter 0, from 0.0 to "):                # and 1, and 4: the first is named
        F.melscale_fbanks(9, 0, 4000, 12, 8000)
    with pytest.raises(ValueError, match="log_mel_spectrogram: n_fft must be even, .* got 25"):
        F.log_mel_spectrogram(np.zeros(8000), 8000, n_fft=25)


def test_defaults_are_25_and_10_milliseconds(rng):
    for rate, n_fft, hop in ((8000, 200, 80), (16000, 400, 160), (22050, 552, 220)):
        x = rng.standard_normal(rate // 10)
        np.testing.assert_array_equal(F.log_mel_spectrogram(x, rate, 20),
                                      F.log_mel_spectrogram(x, rate, 20, n_fft, hop))
