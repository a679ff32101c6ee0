"""Regions of pictures for models that read them like words: where each lies, in five numbers."""

import numpy as np

__all__ = ["region_locations", "with_whole_picture"]


def region_locations(boxes, mask=None):
    r"""Where regions lie: $(x_1, y_1, x_2, y_2, (x_2 - x_1)(y_2 - y_1))$, corners and share of the picture's area.

    Parameters
    ----------
    boxes : float array (B, N, 4)
        $x_1, y_1, x_2, y_2$ as shares of the picture's width and height, each in [0, 1].
    mask : bool array (B, N), optional
        False where there is no region; what stands there is not looked at, and becomes zero.

    Returns
    -------
    float32 array (B, N, 5)

    Raises
    ------
    ValueError
        If a box leaves the picture or is empty; it names the first.

    References
    ----------
    Lu et al. (2019), ViLBERT, §3.1.

    Examples
    --------
    >>> region_locations(np.array([[[0, 0.5, 1, 1]]])).tolist()
    [[[0.0, 0.5, 1.0, 1.0, 0.5]]]
    """
    boxes = np.asarray(boxes, np.float64)
    if boxes.ndim != 3 or boxes.shape[2] != 4:
        raise ValueError(f"region_locations: boxes must be (B, N, 4); got {boxes.shape}")
    real = np.ones(boxes.shape[:2], bool) if mask is None else mask
    boxes = np.where(real[..., None], boxes, 0.0)
    x1, y1, x2, y2 = np.moveaxis(boxes, 2, 0)                            # (B, N) each
    outside = ~((boxes >= 0) & (boxes <= 1)).all(2)
    for wrong, rule in ((outside, "must lie in [0, 1]"), ((x2 <= x1) | (y2 <= y1), "must not be empty")):
        if (wrong & real).any():
            row, region = np.argwhere(wrong & real)[0]
            raise ValueError(f"region_locations: a box, x1 y1 x2 y2, {rule}; got {boxes[row, region].tolist()} "
                             f"as region {region} of picture {row}")
    return np.concatenate([boxes, ((x2 - x1) * (y2 - y1))[..., None]], 2).astype(np.float32)


def with_whole_picture(features, locations, mask=None):
    """Put the whole picture before its regions, as one more: the mean of their features, at [0, 0, 1, 1, 1].

    Parameters
    ----------
    features : float array (B, N, F)
    locations : float array (B, N, 5)
    mask : bool array (B, N), optional

    Returns
    -------
    features (B, 1 + N, F), locations (B, 1 + N, 5), mask (B, 1 + N)

    References
    ----------
    Lu et al. (2019), ViLBERT, §3.1: the token that stands for the image.

    Examples
    --------
    >>> features, locations, mask = with_whole_picture(np.array([[[2.0], [4.0]]]), np.zeros((1, 2, 5)))
    >>> features.ravel(), locations[0, 0], mask
    (array([3., 2., 4.]), array([0., 0., 1., 1., 1.]), array([[ True,  True,  True]]))
    """
    mask = np.ones(features.shape[:2], bool) if mask is None else mask
    features = np.where(mask[..., None], features, 0)
    mean = features.sum(1, keepdims=True) / np.maximum(mask.sum(1), 1)[:, None, None]
    whole = np.broadcast_to(np.array([0, 0, 1, 1, 1], locations.dtype), (len(features), 1, 5))
    return (np.concatenate([mean.astype(features.dtype), features], 1), np.concatenate([whole, locations], 1),
            np.concatenate([np.ones((len(mask), 1), bool), mask], 1))
