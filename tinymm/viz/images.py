"""Pictures out of arrays: PNG bytes, data URIs, and attention weights laid over an image.

Images are (3, H, W), (1, H, W) or (H, W): floats in [0, 1], booleans, or uint8.
"""

import base64
import io

import numpy as np
from scipy.ndimage import zoom

from ..extras import need

__all__ = ["data_uri", "overlay", "to_png"]

# From cold to hot, in steps of about equal lightness, so that an equal step in weight looks like an equal step;
# lightness alone carries the order, for colour-blind readers and grey print.
HEAT = np.array(
    [(0.10, 0.04, 0.25), (0.34, 0.06, 0.43), (0.62, 0.16, 0.39), (0.87, 0.32, 0.23), (0.99, 0.65, 0.04),
     (0.99, 1.00, 0.64)],
    dtype=np.float32,
)


def to_png(image, scale=1):
    """An image, encoded as PNG.

    Parameters
    ----------
    image : (3, H, W), (1, H, W) or (H, W) array
        Floats in [0, 1], booleans, or uint8.
    scale : int, optional
        Each pixel becomes a square of scale x scale, so that small pictures stay crisp.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If the image is none of these, or the scale is below 1.
    ImportError
        If pillow is not installed.

    Examples
    --------
    >>> to_png(np.eye(4), scale=8)[1:4]
    b'PNG'
    """
    pixels = _bytes(image, "to_png")
    if scale < 1:
        raise ValueError(f"to_png: scale must be at least 1; got {scale}")
    pillow = need("PIL.Image", extra="media", feature="write a picture")
    pixels = pixels.repeat(scale, axis=0).repeat(scale, axis=1)
    file = io.BytesIO()
    pillow.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def data_uri(png):
    """PNG bytes as a `data:` address, so that the page needs no file beside it.

    Examples
    --------
    >>> data_uri(b"PNG")
    'data:image/png;base64,UE5H'
    """
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def overlay(image, weights, peak=None):
    r"""Lay attention weights over an image as heat.

    With $a = w / \mathrm{peak}$, brought bilinearly to the image's size, and $y$ the mean of the image's colours,

    $$ \mathrm{out} = (1 - m)\,(0.15 + 0.55\, y) + m\, \mathrm{heat}(a), \qquad m = \min(1.4\, a,\; 0.85) $$

    so that the image is grey where the model does not look, and still shows through where it looks most.

    Parameters
    ----------
    image : (3, H, W), (1, H, W) or (H, W) array
        Floats in [0, 1], booleans, or uint8.
    weights : (h, w) array
        Not negative.
    peak : float, optional
        The weight shown hottest; by default the largest. Pass the same peak for several maps to compare them.

    Returns
    -------
    (3, H, W) float32 array
        In [0, 1].

    Raises
    ------
    ValueError
        If the image is none of these, the weights are not (h, w) or negative, or the peak is not positive.

    Examples
    --------
    >>> heat = overlay(np.zeros((3, 8, 8)), np.array([[0.0, 1.0]]))
    >>> heat.shape, bool(heat[0, 0, 7] > heat[0, 0, 0])
    ((3, 8, 8), True)
    """
    pixels = _bytes(image, "overlay")
    weights = np.asarray(weights, dtype=np.float32)
    if weights.ndim != 2 or weights.size == 0 or not (np.isfinite(weights).all() and weights.min() >= 0):
        raise ValueError(f"overlay: weights must be (h, w), finite and not negative; got shape {weights.shape}")
    peak = (float(weights.max()) or 1.0) if peak is None else peak
    if not peak > 0:
        raise ValueError(f"overlay: peak must be positive; got {peak}")
    height, width = pixels.shape[:2]
    # grid_mode: each weight stands for a square of the image, so interpolation runs between the squares' centres.
    a = zoom(weights / peak, (height / weights.shape[0], width / weights.shape[1]), order=1, mode="nearest",
             grid_mode=True)
    a = np.clip(a, 0, 1)  # (H, W)
    grey = pixels.reshape(height, width, -1).mean(axis=-1, dtype=np.float32) / 255
    steps = np.linspace(0, 1, len(HEAT))
    heat = np.stack([np.interp(a, steps, channel) for channel in HEAT.T]).astype(np.float32)  # (3, H, W)
    m = np.minimum(1.4 * a, 0.85)
    return (1 - m) * (0.15 + 0.55 * grey) + m * heat


def _bytes(image, name):
    """The image as uint8 (H, W) or (H, W, 3), or an error."""
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[0] == 1:
        image = image[0]
    if image.size == 0 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[0] == 3)):
        raise ValueError(f"{name}: an image must be (3, H, W), (1, H, W) or (H, W); got {image.shape}")
    if image.dtype.kind in "fb":
        if not (image.min() >= 0 and image.max() <= 1):
            raise ValueError(f"{name}: a float image must lie in [0, 1]; got {image.min():.4g} to {image.max():.4g}")
        image = np.rint(image * np.float32(255)).astype(np.uint8)
    if image.dtype != np.uint8:
        raise ValueError(f"{name}: an image must be of floats, booleans or uint8; got {image.dtype}")
    return image if image.ndim == 2 else image.transpose(1, 2, 0)
