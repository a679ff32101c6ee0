"""The three derivatives of a convolution's trilinear form, as matrix products over columns of windows.

For images x, a kernel w and a response g,

    ⟨g, x ⋆ w⟩ = Σ g[b,o,v,u] · w[o,c,i,j] · x[b, c, v·s + i·d − p, u·s + j·d − p];

its derivative by each of the three is a sum over the other two: `correlate` (by g),
`spread` (by x), `kernel_gradient` (by w). NumPy arrays only; `conv` makes ops of them.

A column is one window laid out flat. All columns together are kernel-size times
larger than the image, so one image at a time goes through a buffer that stays in cache.
Where `winograd` needs fewer multiplications, it takes over.
"""

import math

import numpy as np

from ...cores.threads import parallel_for
from . import winograd
from .windows import Geometry, view_windows

__all__ = ["Columns", "correlate", "kernel_gradient", "spread"]


class Columns:
    """One image's windows as a matrix, in a buffer that serves every image in turn."""

    def __init__(self, channels, geometry, groups, dtype):
        self.padded = np.zeros((channels, *geometry.padded), dtype)
        self.image = self.padded[geometry.inside]                           # (C, H, W)
        self.windows = view_windows(self.padded, geometry)                  # (C, kh, kw, H', W')
        # a 1×1 kernel over every pixel: the image is its own matrix of columns
        self.direct = geometry.kernel == (1, 1) and geometry.sides == geometry.padded == geometry.windows
        self.columns = self.windows if self.direct else np.empty(self.windows.shape, dtype)
        rows = math.prod(self.columns.shape[:3])
        places = math.prod(geometry.windows)
        self.matrix = self.columns.reshape(groups, rows // groups, places)  # (G, C/G·kh·kw, H'W')

    def unfold(self, image):
        """The matrix of the windows of `image` (C, H, W)."""
        if self.direct:
            return image.reshape(self.matrix.shape)
        self.image[...] = image
        self.columns[...] = self.windows
        return self.matrix

    def fold(self):
        """The image (C, H, W) that results when every column is added where its window lies."""
        if not self.direct:
            self.padded[...] = 0
            for i in range(self.columns.shape[1]):
                for j in range(self.columns.shape[2]):
                    self.windows[:, i, j] += self.columns[:, i, j]          # for one (i, j) no two windows overlap
        return self.image


def correlate(x, w, geometry, groups, bias=None):
    """x ⋆ w: the response (B, O, H', W') of the images x (B, C, H, W) to the kernel w (O, C/G, kh, kw).

    In memory the channels of the response lie side by side.
    """
    if winograd.pays(geometry, groups, x.shape[1], len(w)):
        y = winograd.correlate(x, w, geometry, bias)
        if np.isfinite(y).all():                    # its tiles spread NaN and ∞ to all of their four responses
            return y
    w = w.reshape(groups, len(w) // groups, math.prod(w.shape[1:]))         # (G, O/G, C/G·kh·kw)
    y = np.empty((len(x), math.prod(geometry.windows), *w.shape[:2]), np.result_type(x, w))

    def respond(start, stop):
        columns = Columns(x.shape[1], geometry, groups, x.dtype)
        for b in range(start, stop):
            np.matmul(columns.unfold(x[b]).mT, w.mT, out=y[b].swapaxes(0, 1))           # (G, H'W', O/G)
            if bias is not None:
                y[b] += bias.reshape(w.shape[:2])

    parallel_for(len(x), respond, work=y.size * w.shape[2])
    return y.reshape(len(x), *geometry.windows, y.shape[2] * y.shape[3]).transpose(0, 3, 1, 2)


def spread(g, w, geometry, groups):
    """What the response g (B, O, H', W') paints, through the kernel w, into images (B, C, H, W)."""
    turned = _turned(geometry)
    w = w.reshape(groups, len(w) // groups, *w.shape[1:])                   # (G, O/G, C/G, kh, kw)
    if turned is not None and (w.shape[1] <= 2 * w.shape[2] or winograd.pays(turned, *w.shape[:3])):    # fewer columns
        w = w[..., ::-1, ::-1].swapaxes(1, 2)
        return correlate(g, w.reshape(groups * w.shape[1], *w.shape[2:]), turned, groups)
    channels = groups * w.shape[2]
    dtype = np.result_type(g, w)
    w = w.reshape(*w.shape[:2], math.prod(w.shape[2:])).mT                  # (G, C/G·kh·kw, O/G)
    x = np.empty((len(g), channels, *geometry.sides), dtype)

    def paint(start, stop):
        columns = Columns(channels, geometry, groups, dtype)
        for b in range(start, stop):
            np.matmul(w, g[b].reshape(groups, w.shape[2], math.prod(g.shape[2:])), out=columns.matrix)
            x[b] = columns.fold()

    parallel_for(len(g), paint, work=g.size * w.shape[1])
    return x


def kernel_gradient(g, x, geometry, groups):
    """The kernel's part (O, C/G, kh, kw) in ⟨g, x ⋆ w⟩: for each window, an outer product of response and column."""
    if winograd.pays(geometry, groups, x.shape[1], g.shape[1]):
        total = winograd.kernel_gradient(g, x, geometry)
        if np.isfinite(total).all():
            return total
    shape = groups, g.shape[1] // groups, x.shape[1] // groups * geometry.kernel[0] * geometry.kernel[1]

    def add_up(start, stop):
        columns = Columns(x.shape[1], geometry, groups, x.dtype)
        total = np.zeros(shape, np.result_type(g, x))
        for b in range(start, stop):
            total += g[b].reshape(*shape[:2], math.prod(g.shape[2:])) @ columns.unfold(x[b]).mT
        return total

    total = sum(parallel_for(len(x), add_up, work=g.size * shape[2]))
    return total.reshape(g.shape[1], x.shape[1] // groups, *geometry.kernel)


def _turned(geometry):
    """With stride 1, painting is itself a convolution, of the response with the kernel turned by 180°: its geometry.

    None if the stride is not 1, or the padding goes beyond the reach r − 1 of the kernel.
    """
    rest = tuple(d * (k - 1) for k, d in zip(geometry.kernel, geometry.dilation))
    before = tuple(r - p for r, p in zip(rest, geometry.before))
    padded = tuple(n + r for n, r in zip(geometry.sides, rest))
    fits = all(0 <= b and b + n <= m for b, n, m in zip(before, geometry.windows, padded))
    if geometry.stride != (1, 1) or not fits:
        return None
    return Geometry(kernel=geometry.kernel, stride=(1, 1), dilation=geometry.dilation, before=before,
                    sides=geometry.windows, padded=padded, windows=geometry.sides)
