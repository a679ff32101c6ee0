r"""Pictures made worse: blurred, or partly covered. For additive noise see `tinymm.data.noisy`.

Severity runs from 0, which leaves a picture as it is, to 1, which leaves next to nothing of its outlines.
"""

import numpy as np

from ..severity import severities

__all__ = ["blurred", "occluded"]

WIDEST = 0.125  # σ of the blur at severity 1, in sides of the picture


def blurred(images, severity):
    r"""Each pixel becomes the mean of its surroundings, with Gaussian weights:

    $$ y_{ij} = \sum_{kl} w_{ik}\, w_{jl}\, x_{kl}, \qquad
       w_{ik} = \frac{e^{-(i - k)^2 / 2\sigma^2}}{\sum_m e^{-(i - m)^2 / 2\sigma^2}}, \qquad
       \sigma = \tfrac18\, \mathrm{severity} \cdot \mathrm{side} $$

    Parameters
    ----------
    images : float array (B, C, H, W)
    severity : float, or array (B,)
        In [0, 1]. The side is H for the rows and W for the columns.

    Returns
    -------
    float array (B, C, H, W)
        Within the bounds of each picture's own values. At the border the weights are shared among what is there.

    Raises
    ------
    ValueError
        If a severity is outside [0, 1], or there is not one for each picture.

    Examples
    --------
    >>> x = np.zeros((1, 1, 4, 4))
    >>> x[0, 0, 1, 1] = 1
    >>> blurred(x, 1.0)[0, 0].round(2).tolist()[1]
    [0.09, 0.62, 0.08, 0.0]
    >>> bool((blurred(x, 0.0) == x).all())
    True
    """
    severity = severities("blurred", severity, len(images), "images")
    rows, columns = (_weights(severity * WIDEST * side, side).astype(images.dtype)[:, None]
                     for side in images.shape[2:])                       # (B, 1, H, H), (B, 1, W, W)
    return rows @ images @ columns.swapaxes(-1, -2)


def _weights(sigma, side):
    """For each σ (B,) the matrix of Gaussian weights (B, side, side), its rows of sum 1; identities at σ = 0."""
    apart = np.subtract.outer(np.arange(side), np.arange(side)) ** 2
    weights = np.exp(-apart / np.maximum(2 * sigma * sigma, 1e-300)[:, None, None])       # σ = 0: 0 off the diagonal
    return weights / weights.sum(-1, keepdims=True)


def occluded(images, severity, rng):
    """A grey rectangle, in the proportions of the picture, covers this share of its area, at a random place.

    Parameters
    ----------
    images : float array (B, C, H, W)
    severity : float, or array (B,)
        The share, in [0, 1]; sides are rounded to whole pixels.
    rng : numpy.random.Generator
        Draws the places; the same ones, as fractions of the room there is, whatever the severity.

    Returns
    -------
    float array (B, C, H, W)
        What is covered is 0.5.

    Raises
    ------
    ValueError
        As `blurred`.

    Examples
    --------
    >>> x = occluded(np.ones((1, 1, 4, 4)), 0.25, np.random.default_rng(0))
    >>> int((x == 0.5).sum()), int((x == 1).sum())
    (4, 12)
    """
    severity = severities("occluded", severity, len(images), "images")
    place = rng.random((len(images), 2))
    covered = np.ones((len(images), 1, 1, 1), bool)
    for axis, side in enumerate(images.shape[2:]):
        length = np.rint(np.sqrt(severity) * side)
        start = np.floor(place[:, axis] * (side - length + 1))
        inside = (np.arange(side) >= start[:, None]) & (np.arange(side) < (start + length)[:, None])  # (B, side)
        covered = covered & inside.reshape(len(images), 1, *((side, 1), (1, side))[axis])
    return np.where(covered, images.dtype.type(0.5), images)
