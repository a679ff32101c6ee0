"""Spectrograms as pictures: time from left to right, low sounds at the bottom; and an alignment drawn over one."""

import numpy as np

from .images import HEAT, overlay

__all__ = ["alignment_image", "spectrogram_image"]


def spectrogram_image(spectrogram, scale=3, colour=True):
    """A spectrogram as a picture; its softest point is dark, its loudest bright.

    Parameters
    ----------
    spectrogram : (T, F) array
        Levels, such as logarithms of power.
    scale : int, optional
        Pixels for each frame and each band.
    colour : bool, optional
        From violet to yellow; otherwise grey.

    Returns
    -------
    (3, F·scale, T·scale) float32 array, or (F·scale, T·scale) if grey
        In [0, 1].

    Raises
    ------
    ValueError
        If the spectrogram is not (T, F) and finite.

    Examples
    --------
    >>> spectrogram_image(np.array([[0.0, 1.0], [2.0, 4.0]]), scale=1, colour=False)
    array([[0.25, 1.  ],
           [0.  , 0.5 ]], dtype=float32)
    """
    x = np.asarray(spectrogram, np.float32)
    if x.ndim != 2 or x.size == 0 or not np.isfinite(x).all():
        raise ValueError(f"spectrogram_image: a spectrogram must be (T, F) and finite; got shape {x.shape}")
    level = (x - x.min()) / (float(x.max() - x.min()) or 1.0)
    picture = level.T[::-1].repeat(scale, 0).repeat(scale, 1)            # (F·scale, T·scale), high above low
    if not colour:
        return picture
    steps = np.linspace(0, 1, len(HEAT))
    return np.stack([np.interp(picture, steps, channel) for channel in HEAT.T]).astype(np.float32)


def alignment_image(spectrogram, posterior, scale=3):
    """A spectrogram, and over it when each symbol of a string was heard.

    The height of the picture is divided into lanes, one for each symbol, the first at the bottom. The colour of a lane
    at a time shows how likely its symbol is there, so that symbols heard in order make a staircase.

    Parameters
    ----------
    spectrogram : (T, F) array
    posterior : (N, S) array
        Probability of each of S symbols at each of N places, evenly spread over the T frames.
    scale : int, optional

    Returns
    -------
    (3, F·scale, T·scale) float32 array
        In [0, 1].

    Raises
    ------
    ValueError
        As `spectrogram_image`, or if the posterior is not (N, S) within [0, 1].

    Examples
    --------
    >>> alignment_image(np.zeros((8, 4)), np.eye(4)[:, :3]).shape
    (3, 12, 24)
    """
    posterior = np.asarray(posterior, np.float32)
    if posterior.ndim != 2 or posterior.size == 0 or not (posterior.min() >= 0 and posterior.max() <= 1 + 1e-4):
        raise ValueError(f"alignment_image: a posterior must be (N, S) within [0, 1]; got shape {posterior.shape}")
    return overlay(spectrogram_image(spectrogram, scale, colour=False), posterior.T[::-1], peak=1.0)
