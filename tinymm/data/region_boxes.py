"""Where a picture is worth looking at: boxes around what stands out from a plain background, or a grid's fields."""

import numpy as np

__all__ = ["crop_regions", "grid_boxes", "object_boxes"]

CONTRAST = 0.3  # by which the channel that differs most must differ from the background
FEWEST = 10  # pixels of an object; fewer are noise


def object_boxes(image, most=6):
    r"""Boxes around the things in a picture with a plain background: pixels that differ from it and hang together.

    The background b is the median colour of the picture's border. A pixel p stands out if
    $\max_c |p_c - b_c| > 0.3$; those that touch, at sides or corners, are one thing.

    Parameters
    ----------
    image : float array (3, H, W)
        In [0, 1].
    most : int
        The largest ones are kept.

    Returns
    -------
    float64 array (n, 4)
        $x_1, y_1, x_2, y_2$ as shares of width and height, the largest thing first; n = 0 in an empty picture.

    Examples
    --------
    >>> image = np.zeros((3, 10, 10))
    >>> image[0, 2:6, 5:9] = 1
    >>> object_boxes(image).tolist()
    [[0.5, 0.2, 0.9, 0.6]]
    """
    from scipy import ndimage

    border = np.concatenate([image[:, 0], image[:, -1], image[:, :, 0], image[:, :, -1]], 1)         # (3, 2W + 2H)
    background = np.median(border, 1)[:, None, None]
    labels, number = ndimage.label(np.abs(image - background).max(0) > CONTRAST, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=number + 1)[1:]
    places = ndimage.find_objects(labels)
    kept = [places[k] for k in np.argsort(-sizes, kind="stable")[:most] if sizes[k] >= FEWEST]
    height, width = image.shape[1:]
    return np.array([(columns.start / width, rows.start / height, columns.stop / width, rows.stop / height)
                     for rows, columns in kept]).reshape(-1, 4)


def grid_boxes(rows, columns):
    """The fields of a grid that covers a picture, row by row: float64 array (rows · columns, 4), as `object_boxes`.

    Examples
    --------
    >>> grid_boxes(1, 2).tolist()
    [[0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]]
    """
    y, x = np.divmod(np.arange(rows * columns), columns)
    return np.stack([x / columns, y / rows, (x + 1) / columns, (y + 1) / rows], 1)


def crop_regions(image, boxes, size):
    """Cut boxes out of a picture, each stretched to a square, between pixels by linear interpolation.

    What a crop shows no longer tells how large its box was; `region_locations` does.

    Parameters
    ----------
    image : float array (3, H, W)
    boxes : float array (n, 4)
        As `object_boxes` gives them.
    size : int
        Side of the squares, in pixels.

    Returns
    -------
    float32 array (n, 3, size, size)

    Examples
    --------
    >>> image = np.arange(16.0).reshape(1, 4, 4) * np.ones((3, 1, 1))
    >>> crop_regions(image, np.array([[0.5, 0, 1, 0.5]]), 2)[0, 0].tolist()
    [[2.0, 3.0], [6.0, 7.0]]
    """
    height, width = image.shape[1:]
    x1, y1, x2, y2 = np.asarray(boxes, np.float64).reshape(-1, 4).T[:, :, None]                     # (n, 1) each
    inside = (np.arange(size) + 0.5) / size                                                         # (S,)
    left, right, across = _between((x1 + (x2 - x1) * inside) * width - 0.5, width)                  # (n, S) each
    above, below, down = _between((y1 + (y2 - y1) * inside) * height - 0.5, height)
    columns = image[:, :, left] * (1 - across) + image[:, :, right] * across                        # (3, H, n, S)
    columns = np.moveaxis(columns, 2, 0)                                                            # (n, 3, H, S)
    n = np.arange(len(columns))[:, None]
    down = down[:, :, None, None]                                                                   # (n, S, 1, 1)
    found = columns[n, :, above] * (1 - down) + columns[n, :, below] * down                         # (n, S, 3, S)
    return np.moveaxis(found, 2, 1).astype(np.float32)


def _between(places, length):
    """Of places on a line of pixels, the pixels on both sides and how near the second is."""
    places = np.clip(places, 0, length - 1)
    first = np.minimum(places.astype(int), max(length - 2, 0))
    return first, np.minimum(first + 1, length - 1), places - first
