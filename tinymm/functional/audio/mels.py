"""Mel bands: frequencies as the ear spaces them, power summed over bands, its logarithm. Two scales and two norms."""

import math

import numpy as np

from ..arithmetic import maximum
from ..elementwise import log
from ..extremes import amax
from .spectra import power_spectrogram
from .tapers import hann_window

__all__ = ["hz_to_mel", "log_mel_spectrogram", "mel_to_hz", "melscale_fbanks", "whisper_log_mel"]

# Slaney's scale: linear up to 1000 Hz, three mels per 200 Hz; above, 27 mels for each factor of 6.4
LINEAR = 200 / 3
CORNER = 1000.0
FACTOR = math.log(6.4) / 27


def hz_to_mel(frequency, mel_scale="htk"):
    r"""Hertz to mels.

    $$m_{\text{HTK}} = 2595\log_{10}(1 + f/700), \qquad
      m_{\text{Slaney}} = \begin{cases}3 f/200 & f < 1000\\ 15 + 27\ln(f/1000)/\ln 6.4 & f \ge 1000\end{cases}$$

    Parameters
    ----------
    frequency : float or array_like
    mel_scale : {"htk", "slaney"}

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If the scale is unknown.

    References
    ----------
    O'Shaughnessy, "Speech communication", 1987 (HTK's book, equation 5.13); Slaney, "Auditory toolbox", 1998.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.hz_to_mel([0, 700, 6400], "htk").round(1), F.hz_to_mel([0, 200, 6400], "slaney").round(1)
    (array([   0. ,  781.2, 2611. ]), array([ 0.,  3., 42.]))
    """
    f = np.asarray(frequency, np.float64)
    if _scale(mel_scale) == "htk":
        return 2595 * np.log10(1 + f / 700)
    return np.minimum(f, CORNER) / LINEAR + np.log(np.maximum(f, CORNER) / CORNER) / FACTOR


def mel_to_hz(mel, mel_scale="htk"):
    r"""Mels to hertz, the inverse of `hz_to_mel`.

    Parameters
    ----------
    mel : float or array_like
    mel_scale : {"htk", "slaney"}

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If the scale is unknown.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.mel_to_hz([3, 42], "slaney").round(6)
    array([ 200., 6400.])
    """
    m = np.asarray(mel, np.float64)
    if _scale(mel_scale) == "htk":
        return 700 * (10 ** (m / 2595) - 1)
    corner = CORNER / LINEAR
    return np.minimum(m, corner) * LINEAR * np.exp(FACTOR * (np.maximum(m, corner) - corner))


def melscale_fbanks(n_freqs, f_min, f_max, n_mels, sample_rate, norm=None, mel_scale="htk"):
    r"""Triangular filters, evenly spaced in mels:
    each rises from its lower neighbour's centre and falls to the upper one's.

    $$w_{k,m} = \max\Big(0, \min\Big(\frac{f_k - c_{m-1}}{c_m - c_{m-1}}, \frac{c_{m+1} - f_k}{c_{m+1} - c_m}\Big)\Big),
      \qquad f_k = \frac{k}{K - 1}\cdot\frac{\text{sample rate}}{2}$$

    Parameters
    ----------
    n_freqs : int
        K, the frequencies of a spectrum: n_fft // 2 + 1.
    f_min, f_max : float
        Lower end of the first filter and upper end of the last, in hertz.
    n_mels : int
    sample_rate : int
    norm : {None, "slaney"}
        None: all filters reach 1. "slaney": all have the area 1 over hertz, $w_{k,m} \cdot 2 / (c_{m+1} - c_{m-1})$.
    mel_scale : {"htk", "slaney"}

    Returns
    -------
    ndarray, (n_freqs, n_mels)
        `power @ filters` are the bands.

    Raises
    ------
    ValueError
        If the range is empty or beyond half the sampling rate, or a filter lies between two frequencies and would be
        0 for every sound.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.melscale_fbanks(5, 0, 4000, 2, 8000).round(2)
    array([[0.  , 0.  ],
           [0.68, 0.32],
           [0.  , 0.91],
           [0.  , 0.45],
           [0.  , 0.  ]])
    """
    if not 0 <= f_min < f_max <= sample_rate / 2 or n_mels < 1 or n_freqs < 2:
        raise ValueError(f"melscale_fbanks: needs 0 <= f_min < f_max <= sample_rate / 2, a filter and two frequencies; "
                         f"got {f_min} to {f_max} Hz at {sample_rate} Hz, {n_mels} filters, {n_freqs} frequencies")
    f = np.linspace(0, sample_rate / 2, n_freqs)[:, None]                           # (K, 1)
    ends = np.linspace(*hz_to_mel([f_min, f_max], mel_scale), n_mels + 2)
    c = mel_to_hz(ends, mel_scale)                                                  # c_0 to c_{M+1}
    lower = c[:n_mels]
    centre = c[1:n_mels + 1]
    upper = c[2:]
    filters = np.maximum(0, np.minimum((f - lower) / (centre - lower), (upper - f) / (upper - centre)))
    empty = np.flatnonzero(filters.max(0) == 0)
    if len(empty):
        m = empty[0]
        raise ValueError(f"melscale_fbanks: filter {m}, from {lower[m]:.1f} to {upper[m]:.1f} Hz, lies between two of "
                         f"{n_freqs} frequencies; use fewer filters than {n_mels} or longer frames")
    if norm == "slaney":
        return filters * (2 / (upper - lower))
    if norm is not None:
        raise ValueError(f"melscale_fbanks: norm is None or 'slaney'; got {norm!r}")
    return filters


def log_mel_spectrogram(input, sample_rate=16000, n_mels=40, n_fft=None, hop_length=None, mel_scale="htk", norm=None,
                        floor=1e-10):
    r"""Logarithm of the power in mel bands: $\ln\max(P\,W,\, \epsilon)$, with a periodic Hann window, centred.

    Parameters
    ----------
    input : Tensor or ndarray, (..., L)
    sample_rate : int
    n_mels : int
        Bands from 0 to half the sampling rate.
    n_fft, hop_length : int, optional
        Samples per frame, an even number, and from frame to frame; 25 ms and 10 ms by default.
    mel_scale, norm
        As for `melscale_fbanks`: HTK's by default.
    floor : float
        ε, the power that counts as silence. Below it the gradient is 0.

    Returns
    -------
    Tensor, (..., L // hop_length + 1, n_mels)

    Raises
    ------
    ValueError
        As `stft` and `melscale_fbanks`; if n_fft is odd.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.log_mel_spectrogram(np.zeros((2, 8000)), sample_rate=8000).shape
    (2, 101, 40)
    """
    return log(_mel_power(input, sample_rate, n_mels, n_fft, hop_length, mel_scale, norm, floor))


def whisper_log_mel(input, n_mels=80, sample_rate=16000):
    r"""Features as Whisper computes them.

    $$P = |X|^2 W \text{ without its last frame}, \quad y = \log_{10}\max(P, 10^{-10}), \quad
      \frac{\max(y, \max y - 8) + 4}{4}$$

    Parameters
    ----------
    input : Tensor or ndarray, (..., L)
        Within ±1.
    n_mels : int
        80; 128 in the third large model.
    sample_rate : int
        16000 is Whisper's. At other rates too, frames last 25 ms and hops 10 ms.

    Returns
    -------
    Tensor, (..., L // hop, n_mels)
        About −1 to 1.5. The maximum is that of each waveform.

    Raises
    ------
    ValueError
        As `stft` and `melscale_fbanks`.

    Notes
    -----
    Hann window, periodic; n_fft 400, hop 160; mirrored at both ends; Slaney's scale and norm. What is more than eight
    powers of ten below the maximum counts as silence, however loud the recording.

    References
    ----------
    Radford et al., "Robust speech recognition via large-scale weak supervision", 2022, §2.2.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.whisper_log_mel(np.zeros(16000)).shape, F.whisper_log_mel(np.zeros(16000)).max().round(6)
    ((100, 80), np.float64(-1.5))
    """
    power = _mel_power(input, sample_rate, n_mels, None, None, "slaney", "slaney", 1e-10)
    y = log(power[..., :-1, :]) * (1 / math.log(10))
    y = maximum(y, amax(y, (-2, -1), keepdims=True) - 8)
    return (y + 4) * 0.25


def _mel_power(input, sample_rate, n_mels, n_fft, hop_length, mel_scale, norm, floor):
    """max(P W, ε), (..., T, n_mels)."""
    n_fft = 2 * round(0.0125 * sample_rate) if n_fft is None else n_fft
    if n_fft % 2:
        raise ValueError("log_mel_spectrogram: n_fft must be even, so that half the sampling rate is a frequency; "
                         f"got {n_fft}")
    hop_length = round(0.010 * sample_rate) if hop_length is None else hop_length
    power = power_spectrogram(input, n_fft, hop_length, window=hann_window(n_fft))
    filters = melscale_fbanks(n_fft // 2 + 1, 0, sample_rate / 2, n_mels, sample_rate, norm, mel_scale)
    return maximum(power @ filters.astype(power.dtype), floor)


def _scale(mel_scale):
    if mel_scale not in ("htk", "slaney"):
        raise ValueError(f"hz_to_mel: mel_scale is 'htk' or 'slaney'; got {mel_scale!r}")
    return mel_scale
