"""Spectra over time, (..., T, K): the short-time Fourier transform, its inverse, the power in it."""

import numpy as np

from ...autograd import Tensor
from ..joining import pad
from .fourier import irfft, rfft
from .frames import frame, overlap_add

__all__ = ["istft", "power_spectrogram", "stft"]


def stft(input, n_fft, hop_length=None, win_length=None, window=None, center=True, pad_mode="reflect"):
    r"""Short-time Fourier transform: the transform of each windowed frame.

    $$X_{t,k} = \sum_{n=0}^{N-1} w_n\, x_{t h + n}\, e^{-2\pi i k n / N}$$

    Parameters
    ----------
    input : Tensor or ndarray, (..., L)
    n_fft : int
        N, samples per frame.
    hop_length : int, optional
        h, samples from frame to frame; N // 4 by default.
    win_length : int, optional
        Length of the window, N by default; a shorter one is put in the middle of the frame.
    window : ndarray, (win_length,), optional
        w, ones by default.
    center : bool
        Frame t is centred at sample t h: the waveform is padded by N // 2 on each side.
    pad_mode : {"reflect", "constant"}
        With its mirror image or with zeros.

    Returns
    -------
    (Tensor, Tensor), each (..., T, N // 2 + 1)
        Real and imaginary parts. T is L // h + 1 if centred and N is even. PyTorch's is complex, frequency before time.

    Raises
    ------
    ValueError
        If the waveform is too short to be mirrored or to fill a frame, or the window does not fit.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> tone = np.cos(2 * np.pi * 3 / 16 * np.arange(64))                # three periods per frame
    >>> real, imag = F.stft(tone, 16, 8, center=False)
    >>> real.shape, np.hypot(real, imag)[0].round(6)
    ((7, 9), array([0., 0., 0., 8., 0., 0., 0., 0., 0.]))
    """
    window = _window_of("stft", n_fft, win_length, window, input.dtype)
    if center:
        input = _padded(input, n_fft // 2, pad_mode)
    return rfft(frame(input, n_fft, _hop_of(n_fft, hop_length)) * window)


def istft(real, imag, n_fft, hop_length=None, win_length=None, window=None, center=True, length=None):
    r"""The waveform with a given STFT, or with the nearest one in least squares.

    $$x_m = \frac{\sum_t w_n\, y_{t,n}}{\sum_t w_n^2} \;\text{ with } n = m - t h, \qquad
    y_t = \operatorname{irfft} X_t$$

    Parameters
    ----------
    real, imag : Tensor or ndarray, (..., T, N // 2 + 1)
    n_fft, hop_length, win_length, window, center
        As for `stft`.
    length : int, optional
        Samples of the result; by default up to the last frame's centre (`center`) or end.

    Returns
    -------
    Tensor, (..., length)

    Raises
    ------
    ValueError
        If the windows leave a sample uncovered, of which nothing is known.

    References
    ----------
    Griffin and Lim, "Signal estimation from modified short-time Fourier transform", 1984, equation 6.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> x = np.array([1.0, -2.0, 3.0, 0.5, 4.0, 0.0])
    >>> F.istft(*F.stft(x, 4, 1), 4, 1).round(12)
    array([ 1. , -2. ,  3. ,  0.5,  4. ,  0. ])
    """
    window = _window_of("istft", n_fft, win_length, window, real.dtype)
    hop = _hop_of(n_fft, hop_length)
    x = overlap_add(irfft(real, imag, n_fft) * window, hop)
    weight = overlap_add(np.broadcast_to(window * window, (real.shape[-2], n_fft)), hop)
    start = n_fft // 2 if center else 0
    stop = x.shape[-1] - start if length is None else start + length
    weight = weight[start:stop]
    if stop > x.shape[-1] or weight.min(initial=1) < 1e-11:
        raise ValueError(f"istft: every sample must lie under a window; "
                         f"got {real.shape[-2]} frames, hop {hop}, for {stop - start} samples")
    return x[..., start:stop] / weight


def power_spectrogram(input, n_fft, hop_length=None, win_length=None, window=None, center=True, pad_mode="reflect"):
    r"""Power in each frame and frequency: $P_{t,k} = |X_{t,k}|^2 = (\operatorname{Re} X)^2 + (\operatorname{Im} X)^2$.

    Parameters
    ----------
    input, n_fft, hop_length, win_length, window, center, pad_mode
        As for `stft`.

    Returns
    -------
    Tensor, (..., T, N // 2 + 1)

    Raises
    ------
    ValueError
        As `stft`.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.power_spectrogram(np.array([1.0, -1.0, 1.0, -1.0]), 4, center=False)    # all of it at half the sampling rate
    array([[ 0.,  0., 16.]])
    """
    real, imag = stft(input, n_fft, hop_length, win_length, window, center, pad_mode)
    return real * real + imag * imag


def _padded(x, width, mode):
    """`width` more samples on each side."""
    if mode == "constant":
        return pad(x, (width, width))
    if mode != "reflect":
        raise ValueError(f"stft: pad_mode is 'reflect' or 'constant'; got {mode!r}")
    length = x.shape[-1]
    if length <= width:
        raise ValueError(f"stft: a waveform is mirrored by n_fft // 2 = {width} samples and must be longer; "
                         f"got {length}")
    return x[..., np.pad(np.arange(length), width, "reflect")]      # mirrored about the first and the last sample


def _hop_of(n_fft, hop_length):
    return n_fft // 4 if hop_length is None else hop_length


def _window_of(name, n_fft, win_length, window, dtype):
    """The window in the middle of a frame, in the dtype of the waveform."""
    win_length = n_fft if win_length is None else win_length
    window = np.ones(win_length) if window is None else window
    if isinstance(window, Tensor) or np.shape(window) != (win_length,) or not 0 < win_length <= n_fft:
        raise ValueError(f"{name}: the window is an array of win_length = {win_length} samples, "
                         f"at most n_fft = {n_fft}; got {type(window).__name__} of shape {np.shape(window)}")
    whole = np.zeros(n_fft, dtype)
    left = (n_fft - win_length) // 2
    whole[left:left + win_length] = window
    return whole
