"""Arrays shown as pictures: signed weights in two colours, many small images side by side."""

import numpy as np

from ..cores import ceil_div

__all__ = ["montage", "signed_map"]

# Orange and blue, which colour-blind readers can tell apart.
POSITIVE = (0.84, 0.37, 0.02)
NEGATIVE = (0.14, 0.34, 0.77)


def signed_map(weights, peak=None):
    r"""Numbers of either sign as colours: white is 0, orange positive, blue negative.

    With $a = \min(|w| / \mathrm{peak}, 1)$, $\mathrm{out} = (1 - a) \cdot \mathrm{white} + a \cdot \mathrm{colour}$.

    Parameters
    ----------
    weights : (h, w) array
    peak : float, optional
        The magnitude shown in full colour; by default the largest. Pass the same peak for several maps to compare them.

    Returns
    -------
    (3, h, w) float32 array
        In [0, 1].

    Raises
    ------
    ValueError
        If the weights are not (h, w) and finite, or the peak is not positive.

    Examples
    --------
    >>> signed_map(np.array([[0.0, 2.0, -2.0]]))[:, 0].T
    array([[1.  , 1.  , 1.  ],
           [0.84, 0.37, 0.02],
           [0.14, 0.34, 0.77]], dtype=float32)
    """
    weights = np.asarray(weights, dtype=np.float32)
    if weights.ndim != 2 or weights.size == 0 or not np.isfinite(weights).all():
        raise ValueError(f"signed_map: weights must be (h, w) and finite; got shape {weights.shape}")
    peak = (float(np.abs(weights).max()) or 1.0) if peak is None else peak
    if not peak > 0:
        raise ValueError(f"signed_map: peak must be positive; got {peak}")
    strength = np.minimum(np.abs(weights) / peak, 1)                       # a: (h, w)
    colours = np.array([POSITIVE, NEGATIVE], np.float32)[(weights < 0).astype(int)]
    return (1 - strength + strength * colours.transpose(2, 0, 1)).astype(np.float32)


def montage(images, columns=8, gap=1, scale=1):
    """Images of one size, laid out in a grid.

    Parameters
    ----------
    images : (n, C, h, w) array
        In [0, 1], C = 1 or 3.
    columns : int, optional
        Images in a row; the last row is filled up with white.
    gap : int, optional
        White pixels between neighbours.
    scale : int, optional
        Each pixel becomes a square of scale × scale.

    Returns
    -------
    (C, H, W) array

    Raises
    ------
    ValueError
        If there is no image, or a parameter is out of its range.

    Examples
    --------
    >>> montage(np.zeros((5, 1, 3, 3)), columns=2).shape
    (1, 11, 7)
    """
    images = np.asarray(images)
    if images.ndim != 4 or not len(images) or columns < 1 or gap < 0 or scale < 1:
        raise ValueError("montage: needs images (n, C, h, w), n > 0, columns and scale of at least 1, "
                         f"no negative gap; got {images.shape}, {columns}, {scale} and {gap}")
    images = images.repeat(scale, 2).repeat(scale, 3)
    n, channels, h, w = images.shape
    columns = min(columns, n)
    rows = ceil_div(n, columns)
    sheet = np.ones((channels, rows * (h + gap) - gap, columns * (w + gap) - gap), images.dtype)
    for k, image in enumerate(images):
        row, column = divmod(k, columns)
        y = row * (h + gap)
        x = column * (w + gap)
        sheet[:, y:y + h, x:x + w] = image
    return sheet
