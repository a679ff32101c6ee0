"""Pooling: the largest or the average pixel of each window, channel by channel.

One kernel pixel is looked at after another, for all windows of some images at once; `windows` says which pixels of the
images those are. Results and gradients have the memory layout of the input.
"""

import math

import numpy as np

from ...autograd import op, saving
from ...cores import ceil_div
from ...cores.blocks import over_rows
from ...cores.sums import accumulator, for_sums
from ..indexing import getitem, place
from ..joining import pad, stack
from ..selection import where
from .windows import geometry_of, pair

__all__ = ["adaptive_avg_pool2d", "avg_pool2d", "max_pool2d"]


@op
def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1):
    r"""The largest pixel of each window: $y_{b,c,v,u} = \max_{i,j} x_{b,c,\,vs+id-p,\,us+jd-p}$.

    Parameters
    ----------
    input : Tensor or array, (B, C, H, W)
    kernel_size : int or (int, int)
    stride : int or (int, int), optional
        Default: the kernel's size, so that windows lie side by side.
    padding : int or (int, int)
        Pixels of -inf on each side, at most half the kernel.
    dilation : int or (int, int)

    Returns
    -------
    Tensor, (B, C, H', W')
        $H' = \lfloor (H + 2p - d(k - 1) - 1) / s \rfloor + 1$.

    Raises
    ------
    ValueError
        If the kernel does not fit the padded image, or the padding is more than half the kernel.

    Notes
    -----
    Of tied pixels the first in reading order receives the gradient, of several NaN the last, the border never, as in
    PyTorch. Which one it was is kept as a number below kh · kw, one byte per window.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """
    geometry = _geometry("max_pool2d", input, kernel_size, stride, padding, dilation)
    x = _padded(input, geometry, -np.inf)
    y = np.empty_like(x, shape=(*input.shape[:2], *geometry.windows))
    winner = np.zeros_like(y, np.min_scalar_type(geometry.kernel[0] * geometry.kernel[1] - 1))
    taps = [tap for i, j, tap in geometry.taps()]

    def look(x, best, first):
        best[...] = x[taps[0]]
        for k, tap in enumerate(taps[1:], 1):
            seen = x[tap].copy("K")
            np.maximum(first, (seen > best) * first.dtype.type(k), out=first)
            np.maximum(best, seen, out=best)

    over_rows(look, x, y, winner)
    _settle(geometry, x, y, winner)
    return saving(y, winner=winner, shape=input.shape)


def _settle(geometry, x, y, winner):
    """Who wins where no pixel is the largest: the last NaN, or, where all are −∞, the first inside the image."""
    undecided = np.isnan(y)
    if undecided.any():
        for k, (i, j, tap) in enumerate(geometry.taps()):
            winner[undecided & np.isnan(x[tap])] = k
    lost = y == -np.inf if geometry.padded != geometry.sides else np.zeros(1, bool)
    if lost.any():
        inside = _inside(geometry, bool)
        for k, (i, j, tap) in reversed([*enumerate(geometry.taps())]):
            winner[lost & inside[tap]] = k


@max_pool2d.vjp
def max_pool2d_vjp(g, winner, shape, kernel_size, stride, padding, dilation):   # x̄ = Σ over windows x won: g
    geometry = _geometry("max_pool2d", np.empty(shape, bool), kernel_size, stride, padding, dilation)
    x = np.zeros_like(winner, g.dtype, shape=(*shape[:2], *geometry.padded))
    apart = all(s > d * (k - 1) for s, d, k in zip(geometry.stride, geometry.dilation, geometry.kernel))    # no overlap

    def reward(x, g, first):
        for k, (i, j, tap) in enumerate(geometry.taps()):
            won = where(first == k, g, 0)
            x[tap] = won if apart else x[tap] + won

    over_rows(reward, x, g, winner)
    return x[geometry.inside]


@max_pool2d.composite
def max_pool2d_composite(input, kernel_size, stride=None, padding=0, dilation=1):
    """The best pixel so far, replaced whenever a larger one comes, or NaN, or the first that lies inside the image."""
    geometry = _geometry("max_pool2d", input, kernel_size, stride, padding, dilation)
    top, left = geometry.before
    height, width = geometry.padded
    below = height - top - input.shape[2]
    right = width - left - input.shape[3]
    x = pad(input, (left, right, top, below), value=-np.inf)
    inside = _inside(geometry, bool)
    best = None
    for i, j, tap in geometry.taps():
        seen = getitem(x, tap)
        if best is None:
            best, found = seen, inside[tap]
        else:
            best = where((seen > best) | np.isnan(seen) | (inside[tap] & ~found), seen, best)
            found = found | inside[tap]
    return best


@op
def avg_pool2d(input, kernel_size, stride=None, padding=0, count_include_pad=True):
    r"""The average pixel of each window: $y_{b,c,v,u} = \frac1n \sum_{i,j} x_{b,c,\,vs+i-p,\,us+j-p}$.

    Parameters
    ----------
    input : Tensor or array, (B, C, H, W)
    kernel_size : int or (int, int)
    stride : int or (int, int), optional
        Default: the kernel's size.
    padding : int or (int, int)
        Zeros on each side, at most half the kernel.
    count_include_pad : bool
        Whether n is the window's size, or the number of its pixels that lie inside the image. Pass it by keyword:
        PyTorch has `ceil_mode` before it.

    Returns
    -------
    Tensor, (B, C, H', W')
        $H' = \lfloor (H + 2p - k) / s \rfloor + 1$.

    Raises
    ------
    ValueError
        If the kernel does not fit the padded image, or the padding is more than half the kernel.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    geometry = _geometry("avg_pool2d", input, kernel_size, stride, padding)
    x = _padded(input, geometry, 0)
    y = np.zeros_like(x, accumulator(x.dtype, math.prod(geometry.kernel)), shape=(*input.shape[:2], *geometry.windows))
    count = _count(geometry, count_include_pad, y.dtype)

    def add(x, total):
        for i, j, tap in geometry.taps():
            total += x[tap]
        total /= count

    over_rows(add, x, y)
    return saving(y.astype(input.dtype, copy=False), shape=input.shape)


@avg_pool2d.vjp
def avg_pool2d_vjp(g, y, shape, kernel_size, stride, padding, count_include_pad):   # x̄ = Σ over windows with x: g / n
    geometry = _geometry("avg_pool2d", np.empty(shape, bool), kernel_size, stride, padding)
    x = np.zeros_like(y, accumulator(g.dtype, math.prod(geometry.kernel)), shape=(*shape[:2], *geometry.padded))
    count = _count(geometry, count_include_pad, x.dtype)

    def share(x, g):
        each = g / count
        for i, j, tap in geometry.taps():
            x[tap] += each

    over_rows(share, x, g)
    return x[geometry.inside]


@avg_pool2d.composite
def avg_pool2d_composite(input, kernel_size, stride=None, padding=0, count_include_pad=True):
    """The sum, over kernel pixels, of what all windows see through one of them."""
    geometry = _geometry("avg_pool2d", input, kernel_size, stride, padding)
    x = place(input, geometry.inside, (*input.shape[:2], *geometry.padded))
    return sum(getitem(x, tap) for i, j, tap in geometry.taps()) / _count(geometry, count_include_pad, input.dtype)


@op
def adaptive_avg_pool2d(input, output_size):
    r"""Averages over a grid of `output_size` cells, whatever the image's size.

    $$y_{b,c,v,u} = \operatorname{mean}\{x_{b,c,k,l} : \lfloor vH/H' \rfloor \le k < \lceil (v+1)H/H' \rceil,
      \; \text{likewise } l\}$$

    Parameters
    ----------
    input : Tensor or array, (B, C, H, W)
    output_size : int or (int or None, int or None)
        H' and W'; None: as the image has.

    Returns
    -------
    Tensor, (B, C, H', W')

    Raises
    ------
    ValueError
        If the input is not four-dimensional, has no pixels, or a size is not positive.

    Notes
    -----
    It is a product with one constant matrix, (H W) x (H' W'), whose zeros hide: a pixel that is NaN or infinite
    shows in the cells that contain it, and in no other.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.adaptive_avg_pool2d(np.arange(9.0).reshape(1, 1, 3, 3), (1, 2))
    array([[[[3.5, 4.5]]]])
    """
    _check_image("adaptive_avg_pool2d", input)
    if 0 in input.shape[2:]:
        raise ValueError(f"adaptive_avg_pool2d: needs at least one pixel; got {input.shape}")
    both = output_size if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    both = [side if n is None else n for n, side in zip(both, input.shape[2:])]
    height, width = pair(both, "adaptive_avg_pool2d", "output_size", 1)
    x = for_sums(input)
    rows = _cells(input.shape[2], height, x.dtype)
    columns = _cells(input.shape[3], width, x.dtype)
    grid = np.kron(rows, columns)                                   # (H·W, H'·W')
    y = _cell_by_cell(x.reshape(*input.shape[:2], len(grid)), grid).astype(input.dtype, copy=False)
    return saving(y.reshape(*input.shape[:2], height, width), grid=grid, shape=input.shape)


@adaptive_avg_pool2d.vjp
def adaptive_avg_pool2d_vjp(g, grid, shape):                        # x̄ = g gridᵀ
    return _cell_by_cell(g.reshape((*shape[:2], grid.shape[1])), grid.T).reshape(shape)


def _cell_by_cell(x, grid):
    """x grid, where 0 · NaN and 0 · ∞ count as 0: column by column, if the product is not finite."""
    y = x @ grid
    if np.isfinite(x if x.size < y.size else y).all():
        return y
    used = [np.flatnonzero(column) for column in grid.T]
    return stack([getitem(x, (..., rows)) @ column[rows] for rows, column in zip(used, grid.T)], -1)


def _cells(n, cells, dtype):
    """(n, cells): column v averages the pixels from ⌊v n / cells⌋ up to ⌈(v + 1) n / cells⌉."""
    matrix = np.zeros((n, cells), dtype)
    for v in range(cells):
        first = v * n // cells
        end = ceil_div((v + 1) * n, cells)
        matrix[first:end, v] = 1 / (end - first)
    return matrix


def _count(geometry, count_include_pad, dtype):
    """How many pixels each window averages over."""
    if count_include_pad:
        return float(geometry.kernel[0] * geometry.kernel[1])
    inside = _inside(geometry, dtype)
    return sum(inside[tap] for i, j, tap in geometry.taps())        # (H', W')


def _inside(geometry, dtype):
    """1 where a padded image is the image, 0 in its border."""
    inside = np.zeros(geometry.padded, dtype)
    inside[geometry.inside] = 1
    return inside


def _padded(input, geometry, value):
    """The images with a border of `value`; the images themselves if there is none."""
    if geometry.padded == geometry.sides:
        return input
    x = np.full_like(input, value, shape=(*input.shape[:2], *geometry.padded))
    x[geometry.inside] = input
    return x


def _geometry(name, input, kernel_size, stride, padding, dilation=1):
    """Check the arguments of a pooling and lay out its windows."""
    _check_image(name, input)
    kernel = pair(kernel_size, name, "kernel_size", 1)
    before = pair(padding, name, "padding", 0)
    if any(2 * p > k for p, k in zip(before, kernel)):
        raise ValueError(f"{name}: padding must be at most half the kernel; got padding {before} and kernel {kernel}")
    return geometry_of(name, input.shape[2:], kernel, kernel if stride is None else stride, before, dilation)


def _check_image(name, input):
    if input.ndim != 4:
        raise ValueError(f"{name}: input must be (B, C, H, W); got {input.shape}")
