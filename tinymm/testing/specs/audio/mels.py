"""Rows for `tinymm.functional.audio.mels`: the formulas band by band, on NumPy's spectra."""

import numpy as np

from ....functional import log_mel_spectrogram, whisper_log_mel
from ...specification import spec
from ...strategies import arrays, calls, shapes, st


def recordings(n_mels, **options):
    """Noise at a sampling rate so low that a frame is short: 20 samples, 8 from frame to frame. No band is nearly
    silent, where a logarithm is too steep for finite differences."""
    return shapes(0, 1, max_side=2).flatmap(lambda lead: st.integers(20, 36).flatmap(
        lambda n: calls(arrays((*lead, n)), n_mels=n_mels, sample_rate=800, **options))).filter(
            lambda call: bands(*call[0], 800, n_mels, 20, 8, "htk", None).min() > 1)


def to_mel(f, scale):
    if scale == "htk":
        return 1127.01048 * np.log(1 + f / 700) * (2595 / np.log(10) / 1127.01048)
    return 3 * f / 200 if f < 1000 else 15 + 27 * np.log(f / 1000) / np.log(6.4)


def from_mel(m, scale):
    """By bisection."""
    low = 0.0
    high = 1e5
    for _ in range(100):
        middle = (low + high) / 2
        if to_mel(middle, scale) < m:
            low = middle
        else:
            high = middle
    return low


def bands(x, sample_rate, n_mels, n_fft, hop, scale, norm):
    """Power in each band of each frame: (..., T, n_mels)."""
    x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(n_fft // 2,) * 2], "reflect")
    window = np.sin(np.pi * np.arange(n_fft) / n_fft) ** 2
    frames = [window * x[..., k:k + n_fft] for k in range(0, x.shape[-1] - n_fft + 1, hop)]
    power = np.abs(np.fft.fft(np.stack(frames, -2))) ** 2
    corners = [from_mel(to_mel(sample_rate / 2, scale) * m / (n_mels + 1), scale) for m in range(n_mels + 2)]
    y = np.zeros((*power.shape[:-1], n_mels))
    for m, k in np.ndindex(n_mels, n_fft // 2 + 1):
        height = 2 / (corners[m + 2] - corners[m]) if norm else 1
        y[..., m] += power[..., k] * height * np.interp(k * sample_rate / n_fft, corners[m:m + 3], [0, 1, 0])
    return y


def log_bands(x, n_mels, sample_rate, n_fft=20, hop_length=8, mel_scale="htk", norm=None):
    return np.log(np.maximum(bands(x, sample_rate, n_mels, n_fft, hop_length, mel_scale, norm), 1e-10))


def whisper(x, n_mels, sample_rate):
    y = np.log10(np.maximum(bands(x, sample_rate, n_mels, 20, 8, "slaney", True)[..., :-1, :], 1e-10))
    return (np.maximum(y, y.max((-2, -1), keepdims=True) - 8) + 4) / 4


spec("rfft", lambda: recordings(5), log_bands, function=log_mel_spectrogram, complex_step=False)
spec("rfft", lambda: recordings(4, n_fft=st.sampled_from((14, 16, 18)), hop_length=st.sampled_from((5, 7, 16)),
                                mel_scale=st.sampled_from(("slaney", "htk")), norm=st.sampled_from(("slaney", None))),
     log_bands, function=log_mel_spectrogram, complex_step=False)
spec("rfft", lambda: recordings(4), whisper, function=whisper_log_mel, complex_step=False)
