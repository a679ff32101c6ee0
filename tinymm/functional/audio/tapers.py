"""Windows: weights that fade a frame in and out, so that the jump from its end to its start does not spread over all
frequencies. float64 arrays."""

import math

import numpy as np

__all__ = ["hamming_window", "hann_window"]


def hann_window(window_length, periodic=True):
    r"""A raised cosine: $w_n = \sin^2(\pi n / N) = \tfrac12 - \tfrac12\cos(2\pi n / N)$.

    Parameters
    ----------
    window_length : int
    periodic : bool
        N is the length: copies half a length apart add up to 1. False: N is the length less one, a symmetric window.

    Returns
    -------
    ndarray, (window_length,)

    Raises
    ------
    ValueError
        If the length is not positive.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.hann_window(4)
    array([0. , 0.5, 1. , 0.5])
    """
    return _raised_cosine("hann_window", window_length, periodic, 0.5)


def hamming_window(window_length, periodic=True):
    r"""A raised cosine on a pedestal: $w_n = 0.54 - 0.46\cos(2\pi n / N)$; its nearest side lobe is lower than Hann's.

    Parameters
    ----------
    window_length, periodic
        As for `hann_window`.

    Returns
    -------
    ndarray, (window_length,)

    Raises
    ------
    ValueError
        If the length is not positive.

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.hamming_window(3, periodic=False)
    array([0.08, 1.  , 0.08])
    """
    return _raised_cosine("hamming_window", window_length, periodic, 0.54)


def _raised_cosine(name, window_length, periodic, mean):
    """mean − (1 − mean) cos(2πn/N)."""
    if window_length < 1:
        raise ValueError(f"{name}: needs a length of at least 1; got {window_length}")
    if window_length == 1:
        return np.ones(1)
    N = window_length if periodic else window_length - 1
    return mean - (1 - mean) * np.cos(2 * math.pi * np.arange(window_length) / N)
