"""Regions of a picture: boxes drawn on it, each with a colour of its own."""

import numpy as np

from ..cores import ceil_div

__all__ = ["REGION_COLOURS", "boxed"]

LARGE = 256  # pixels; the picture is drawn at least this large
LINE = 3  # pixels
# Light and far apart, so that they show on dark pictures; after the last one they begin again.
REGION_COLOURS = np.array([(1, 1, 1), (0.40, 0.85, 1), (1, 0.65, 0.85), (0.65, 1, 0.55), (1, 0.85, 0.35),
                           (0.8, 0.7, 1)], np.float32)


def boxed(image, boxes):
    """A picture, enlarged, with boxes drawn on it, the first in the first of `REGION_COLOURS` and so on.

    Parameters
    ----------
    image : (3, H, W) float array
        In [0, 1].
    boxes : (n, 4) float array
        x₁, y₁, x₂, y₂ as shares of width and height.

    Returns
    -------
    (3, sH, sW) float32 array

    Raises
    ------
    ValueError
        If the image is not (3, H, W), or the boxes are not (n, 4).

    Examples
    --------
    >>> shown = boxed(np.zeros((3, 8, 8)), np.array([[0.25, 0.25, 0.75, 0.75]]))
    >>> shown.shape, shown[:, 64, 64].tolist(), shown[:, 128, 128].tolist()
    ((3, 256, 256), [1.0, 1.0, 1.0], [0.0, 0.0, 0.0])
    """
    image, boxes = np.asarray(image, np.float32), np.asarray(boxes, float)
    if image.ndim != 3 or len(image) != 3 or boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxed: the image must be (3, H, W), boxes (n, 4); got {image.shape} and {boxes.shape}")
    scale = ceil_div(LARGE, max(image.shape[1:]))
    shown = image.repeat(scale, 1).repeat(scale, 2)
    height, width = shown.shape[1:]
    for k, box in enumerate(boxes):
        x1, y1, x2, y2 = np.rint(box * [width, height, width, height]).astype(int)
        frame = np.zeros((height, width), bool)
        frame[y1:y2, x1:x2] = True
        frame[y1 + LINE:y2 - LINE, x1 + LINE:x2 - LINE] = False
        shown[:, frame] = REGION_COLOURS[k % len(REGION_COLOURS)][:, None]
    return shown
