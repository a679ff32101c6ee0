"""Where the windows of a convolution or a pooling lie, worked out once per call, and a view of them.

Everything here is about shapes; `columns` and `pooling` do the arithmetic.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

__all__ = ["Geometry", "geometry_of", "pair", "view_windows"]


class Geometry(NamedTuple):
    """All pairs are (height, width)."""

    kernel: tuple
    stride: tuple
    dilation: tuple
    before: tuple  # zeros above and to the left of the image
    sides: tuple  # of the image
    padded: tuple  # of the image with the zeros around it
    windows: tuple  # how many there are

    @property
    def inside(self):
        """Index of the image in the padded image (..., height, width)."""
        return (..., *(slice(a, a + n) for a, n in zip(self.before, self.sides)))

    def taps(self):
        """For each kernel pixel (i, j): which pixels (of the padded image) the windows see through it."""
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                yield i, j, (..., *(slice(k * d, k * d + (n - 1) * s + 1, s) for k, d, n, s in
                                    zip((i, j), self.dilation, self.windows, self.stride)))


def geometry_of(name, sides, kernel, stride, padding, dilation):
    """The geometry of ⌊(n + 2p − d(k−1) − 1) / s⌋ + 1 windows each way.

    `padding` is a pair, a number, 'valid' or 'same'; where 'same' needs an odd number of zeros, the odd one goes below
    and to the right.
    """
    stride = pair(stride, name, "stride", 1)
    dilation = pair(dilation, name, "dilation", 1)
    if min(kernel) < 1:
        raise ValueError(f"{name}: the kernel needs at least one pixel each way; got {tuple(kernel)}")
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation))
    if padding == "same":
        if stride != (1, 1):
            raise ValueError(f"{name}: padding 'same' needs stride 1; got stride {stride}")
        before = tuple((r - 1) // 2 for r in reach)
        padded = tuple(n + r - 1 for n, r in zip(sides, reach))
    else:
        before = (0, 0) if padding == "valid" else pair(padding, name, "padding", 0)
        padded = tuple(n + 2 * p for n, p in zip(sides, before))
    if any(r > n for r, n in zip(reach, padded)):
        raise ValueError(f"{name}: the kernel must fit into the padded image; got a reach of {reach} (kernel {kernel}, "
                         f"dilation {dilation}) and {padded} pixels")
    windows = tuple((n - r) // s + 1 for n, r, s in zip(padded, reach, stride))
    return Geometry(kernel, stride, dilation, before, sides, padded, windows)


def view_windows(padded, geometry):
    """windows[..., i, j, v, u] = padded[..., v·sh + i·dh, u·sw + j·dw]: a view, no copy."""
    *lead, h, w = padded.strides
    sh, sw = geometry.stride
    dh, dw = geometry.dilation
    return as_strided(padded, (*padded.shape[:-2], *geometry.kernel, *geometry.windows),
                      (*lead, h * dh, w * dw, h * sh, w * sw))


def pair(value, name, what, least):
    """(height, width) from one whole number or two, each at least `least`."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2 or any(not isinstance(n, (int, np.integer)) or n < least for n in both):
        raise ValueError(f"{name}: {what} must be one whole number or two, at least {least}; got {value!r}")
    return both
