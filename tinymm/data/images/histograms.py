"""What is seen in each region of a picture, without learning: how edges run, and which colours there are."""

import numpy as np

__all__ = ["colour_histograms", "gradient_histograms"]

LARGEST = 0.3  # share of a block's length that one direction may have; what is more is mostly one strong edge
FAINT = 0.2  # length of a block below which it counts as empty rather than as edges


def gradient_histograms(images, cell, directions=9):
    r"""Histograms of oriented gradients (HOG): in each cell, how strong the edges of each direction are.

    At each pixel the gradient $(g_x, g_y)$ is that of the channel in which it is longest, by central differences. Its
    length is shared between the two directions next to $\theta = \operatorname{atan2}(g_y, g_x) \bmod \pi$, and summed
    over the cell: $h$ (directions). A cell lies in four blocks of 2×2 cells; for each of them it has

    $$ \min\Bigl(\frac{h}{\sqrt{\sum_{\text{block}} \lVert h \rVert^2 + \epsilon^2}}, 0.3\Bigr), $$

    so that neither the contrast nor the brightness of a picture matters.

    Parameters
    ----------
    images : float array (B, C, H, W)
    cell : int
        Side of a cell in pixels; divides H and W.
    directions : int

    Returns
    -------
    float array (B, 4·directions, H/cell, W/cell)

    Raises
    ------
    ValueError
        If the cells do not fill the pictures.

    Notes
    -----
    The paper also shares a pixel among the four nearest cells, and clips at 0.2 before it normalises again.

    References
    ----------
    Dalal and Triggs (2005), Histograms of oriented gradients for human detection, §6.

    Examples
    --------
    >>> image = np.zeros((1, 1, 8, 8))
    >>> image[..., 4:] = 1                                                  # an upright edge: its gradient points right
    >>> h = gradient_histograms(image, cell=8, directions=2)
    >>> h.shape, h[0, :, 0, 0].round(2).tolist()
    ((1, 8, 1, 1), [0.3, 0.0, 0.3, 0.0, 0.3, 0.0, 0.3, 0.0])
    """
    rows, columns = _cells("gradient_histograms", images, cell)
    gx, gy = np.zeros_like(images), np.zeros_like(images)                # (B, C, H, W)
    np.subtract(images[..., :, 2:], images[..., :, :-2], out=gx[..., :, 1:-1])
    np.subtract(images[..., 2:, :], images[..., :-2, :], out=gy[..., 1:-1, :])
    gx, gy = _longest(gx, gy)                                            # (B, H, W)
    length = np.hypot(gx, gy)
    place = (np.arctan2(gy, gx) % np.pi) / np.pi * directions            # a real number in [0, directions]
    lower = np.floor(place).astype(int)
    h = (_sums(lower % directions, length * (lower + 1 - place), directions, cell)
         + _sums((lower + 1) % directions, length * (place - lower), directions, cell))     # (B, K, rows, columns)
    energy = np.pad((h * h).sum(1), ((0, 0), (1, 1), (1, 1)))            # (B, rows + 2, columns + 2)
    pairs = energy[:, :-1] + energy[:, 1:]
    blocks = np.sqrt(pairs[:, :, :-1] + pairs[:, :, 1:] + FAINT**2)[:, None]                 # (B, 1, h + 1, w + 1)
    four = [blocks[..., i:i + rows, j:j + columns] for i in (0, 1) for j in (0, 1)]
    return np.concatenate([np.minimum(h / block, LARGEST) for block in four], 1).astype(images.dtype)


def _longest(gx, gy):
    """At each pixel the gradient of the channel in which it is longest: (B, C, H, W) twice to (B, H, W) twice."""
    squares = gx * gx + gy * gy
    x, y, square = gx[:, 0], gy[:, 0], squares[:, 0]
    for c in range(1, gx.shape[1]):
        longer = squares[:, c] > square
        x, y, square = (np.where(longer, new[:, c], old) for new, old in ((gx, x), (gy, y), (squares, square)))
    return x, y


def colour_histograms(images, cell, levels=4):
    r"""In each cell the square root of the share of its pixels that has each of levels³ colours.

    The square root (Hellinger's distance between histograms) keeps one large area from outweighing all else.

    Parameters
    ----------
    images : float array (B, 3, H, W)
        In [0, 1].
    cell : int
        Side of a cell in pixels; divides H and W.
    levels : int
        Of each of red, green and blue.

    Returns
    -------
    float array (B, levels³, H/cell, W/cell)

    Raises
    ------
    ValueError
        If the cells do not fill the pictures.

    References
    ----------
    Swain and Ballard (1991), Color indexing, §2; Arandjelović and Zisserman (2012), Three things everyone should know
    to improve object retrieval, §3 (the root).

    Examples
    --------
    >>> image = np.zeros((1, 3, 2, 2))
    >>> image[:, 0, 0] = 1                                                              # red above, black below
    >>> colour_histograms(image, cell=2, levels=2)[0, :, 0, 0].round(2).tolist()
    [0.71, 0.0, 0.0, 0.0, 0.71, 0.0, 0.0, 0.0]
    """
    _cells("colour_histograms", images, cell)
    level = np.clip(np.floor(images * levels), 0, levels - 1).astype(int)
    colour = (level[:, 0] * levels + level[:, 1]) * levels + level[:, 2]                     # (B, H, W)
    shares = _sums(colour, None, levels**3, cell) / cell**2              # (B, levels³, rows, columns)
    return np.sqrt(shares).astype(images.dtype)


def _sums(kinds, values, count, cell):
    """For each cell and kind the sum of the values of its pixels of that kind, or how many there are.

    kinds (B, H, W), values (B, H, W) or None: (B, count, H/cell, W/cell).
    """
    n, height, width = kinds.shape
    rows, columns = height // cell, width // cell
    b, y, x = np.ogrid[:n, :height, :width]
    cells = (b * rows + y // cell) * columns + x // cell                 # the number of each pixel's cell
    sums = np.bincount((cells * count + kinds).ravel(), None if values is None else values.ravel(),
                       n * rows * columns * count)
    return sums.reshape(n, rows, columns, count).transpose(0, 3, 1, 2)


def _cells(name, images, cell):
    """How many rows and columns of cells."""
    height, width = images.shape[2:]
    if cell < 1 or height % cell or width % cell:
        raise ValueError(f"{name}: cells must fill the pictures; got cells of {cell} in {height}×{width}")
    return height // cell, width // cell
