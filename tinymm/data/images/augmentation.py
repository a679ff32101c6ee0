"""Changes to images that leave their class as it is: they are moved, turned, cropped, mirrored, made noisy.

Each takes images (B, C, H, W) and a Generator, changes every image in its own way, and returns a new array of their
dtype. Which of them keep the class depends on the classes: a mirrored 3 is no 3.
"""

import numpy as np

__all__ = ["cropped", "flipped", "noisy", "shifted", "turned"]


def shifted(images, reach, rng):
    """Move each image by up to `reach` pixels each way; the border repeats.

    Parameters
    ----------
    images : float array (B, C, H, W)
    reach : int
    rng : numpy.random.Generator

    Returns
    -------
    float array (B, C, H, W)

    Examples
    --------
    >>> shifted(np.arange(4.0).reshape(1, 1, 1, 4), 1, np.random.default_rng(4)).tolist()
    [[[[1.0, 2.0, 3.0, 3.0]]]]
    """
    if not reach:
        return images
    padded = np.pad(images, ((0, 0), (0, 0), (reach, reach), (reach, reach)), mode="edge")
    return _windows(padded, images.shape[2:], rng)


def cropped(images, size, rng):
    """Cut a window of (h, w) out of each image, at a place of its own.

    Parameters
    ----------
    images : float array (B, C, H, W)
    size : (int, int)
        h and w, at most H and W.
    rng : numpy.random.Generator

    Returns
    -------
    float array (B, C, h, w)

    Raises
    ------
    ValueError
        If the window is larger than the images.

    Examples
    --------
    >>> cropped(np.zeros((2, 3, 8, 8)), (6, 6), np.random.default_rng(0)).shape
    (2, 3, 6, 6)
    """
    if not (1 <= size[0] <= images.shape[2] and 1 <= size[1] <= images.shape[3]):
        raise ValueError(f"cropped: the window must lie within the images; got {tuple(size)} of {images.shape[2:]}")
    return _windows(images, size, rng)


def _windows(images, size, rng):
    """A window (h, w) of each image, at a random place."""
    h, w = size
    ends = images.shape[2] - h + 1, images.shape[3] - w + 1
    places = rng.integers(0, ends, (len(images), 2))
    return np.stack([image[:, y:y + h, x:x + w] for image, (y, x) in zip(images, places)])


def flipped(images, rng):
    """Mirror each image left to right, with probability ½.

    Examples
    --------
    >>> flipped(np.arange(3.0).reshape(1, 1, 1, 3), np.random.default_rng(3)).ravel().tolist()
    [2.0, 1.0, 0.0]
    """
    chosen = rng.random(len(images)) < 0.5
    return np.where(chosen[:, None, None, None], images[..., ::-1], images)


def noisy(images, deviation, rng):
    """Add normal noise of the given standard deviation to every value, and keep them in [0, 1].

    Examples
    --------
    >>> x = noisy(np.full((1, 1, 2, 2), 0.5, np.float32), 0.1, np.random.default_rng(0))
    >>> x.dtype, bool(0.2 < x.min() < x.max() < 0.8)
    (dtype('float32'), True)
    """
    noise = rng.standard_normal(images.shape, images.dtype) * images.dtype.type(deviation)
    return np.clip(images + noise, 0, 1)


def turned(images, degrees, rng, stretch=0.0):
    r"""Turn each image about its middle by up to `degrees` either way, and enlarge or shrink it by up to `stretch`.

    The pixel of the result at $p$, measured from the middle, takes the image's value at $R_\theta\, p / s$,
    interpolated bilinearly between four pixels; outside the image, the value of the nearest border.

    Parameters
    ----------
    images : float array (B, C, H, W)
    degrees : float
        $\theta$ is drawn uniformly between minus and plus this many degrees.
    rng : numpy.random.Generator
    stretch : float, optional
        s is drawn uniformly between 1 − stretch and 1 + stretch, separately for height and width.

    Returns
    -------
    float array (B, C, H, W)

    Examples
    --------
    >>> x = np.random.default_rng(0).random((2, 3, 5, 5), dtype=np.float32)
    >>> bool(np.allclose(turned(x, 0.0, np.random.default_rng(0)), x, atol=1e-6))
    True
    """
    batch, _, height, width = images.shape
    angle = np.deg2rad(degrees) * (2 * rng.random((batch, 1, 1)) - 1)
    scale = 1 + stretch * (2 * rng.random((2, batch, 1, 1)) - 1)
    y, x = np.meshgrid(np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij")
    y = y / scale[0]                                                        # (B, H, W)
    x = x / scale[1]
    rows = np.cos(angle) * y - np.sin(angle) * x + (height - 1) / 2
    columns = np.sin(angle) * y + np.cos(angle) * x + (width - 1) / 2
    return _sampled(images, np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1))


def _sampled(images, rows, columns):
    """The values of each image at real-valued places (B, H, W), interpolated bilinearly between four pixels."""
    batch, channels, height, width = images.shape
    top = np.minimum(rows.astype(int), max(height - 2, 0))
    bottom = np.minimum(top + 1, height - 1)
    left = np.minimum(columns.astype(int), max(width - 2, 0))
    right = np.minimum(left + 1, width - 1)
    dy = (rows - top).astype(images.dtype)[:, None]                         # (B, 1, H, W): 0 at the top, 1 below
    dx = (columns - left).astype(images.dtype)[:, None]
    flat = images.reshape(batch, channels, -1)

    def at(r, c):
        return np.take_along_axis(flat, (r * width + c).reshape(batch, 1, -1), 2).reshape(images.shape)

    upper = at(top, left) * (1 - dx) + at(top, right) * dx
    lower = at(bottom, left) * (1 - dx) + at(bottom, right) * dx
    return upper * (1 - dy) + lower * dy
