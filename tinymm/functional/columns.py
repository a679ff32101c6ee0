"""The three derivatives of a convolution's trilinear form, as matrix products over columns of windows.

For images x, a kernel w and a response g,

    ⟨g, x ⋆ w⟩ = Σ g[b,o,v,u] · w[o,c,i,j] · x[b, c, v·s + i·d − p, u·s + j·d − p];

its derivative by each of the three is a sum over the other two: `correlate` (by g),
`spread` (by x), `kernel_gradient` (by w). NumPy arrays only; read by `convolution`.

A column is one window laid out flat. All columns together are kernel-size times
larger than the image, so one image at a time goes through a buffer that stays in cache.
"""

import numpy as np

from .windows import view_windows

__all__ = ["Columns", "correlate", "kernel_gradient", "spread"]


class Columns:
    """One image's windows as a matrix, in a buffer that serves every image in turn."""

    def __init__(self, channels, geometry, groups, dtype):
        self.padded = np.zeros((channels, *geometry.padded), dtype)
        self.image = self.padded[geometry.inside]                           # (C, H, W)
        self.windows = view_windows(self.padded, geometry)                  # (C, kh, kw, H', W')
        self.columns = np.empty(self.windows.shape, dtype)
        self.matrix = self.columns.reshape(groups, -1, geometry.windows[0] * geometry.windows[1])  # (G, C/G·kh·kw, H'W')

    def unfold(self, image):
        """The matrix of the windows of `image` (C, H, W)."""
        self.image[...] = image
        self.columns[...] = self.windows
        return self.matrix

    def fold(self):
        """The image (C, H, W) that arises when every column is added where its window lies."""
        self.padded[...] = 0
        for i in range(self.columns.shape[1]):
            for j in range(self.columns.shape[2]):
                self.windows[:, i, j] += self.columns[:, i, j]              # for one (i, j) no two windows overlap
        return self.image


def correlate(x, w, geometry, groups, bias=None):
    """x ⋆ w: the response (B, O, H', W') of the images x (B, C, H, W) to the kernel w (O, C/G, kh, kw)."""
    w = w.reshape(groups, len(w) // groups, -1)                             # (G, O/G, C/G·kh·kw)
    y = np.empty((len(x), *w.shape[:2], geometry.windows[0] * geometry.windows[1]), np.result_type(x, w))
    columns = Columns(x.shape[1], geometry, groups, x.dtype)
    for b in range(len(x)):
        np.matmul(w, columns.unfold(x[b]), out=y[b])                        # (G, O/G, H'W')
        if bias is not None:
            y[b] += bias.reshape(groups, -1, 1)
    return y.reshape(len(x), -1, *geometry.windows)


def spread(g, w, geometry, groups):
    """What the response g (B, O, H', W') paints, through the kernel w, into images (B, C, H, W)."""
    w = w.reshape(groups, len(w) // groups, -1, *geometry.kernel)           # (G, O/G, C/G, kh, kw)
    channels, dtype = groups * w.shape[2], np.result_type(g, w)
    x = np.empty((len(g), channels, *geometry.sides), dtype)
    w = w.reshape(*w.shape[:2], -1).mT                                      # (G, C/G·kh·kw, O/G)
    columns = Columns(channels, geometry, groups, dtype)
    for b in range(len(g)):
        np.matmul(w, g[b].reshape(groups, w.shape[2], -1), out=columns.matrix)
        x[b] = columns.fold()
    return x


def kernel_gradient(g, x, geometry, groups):
    """The kernel's part (O, C/G, kh, kw) in ⟨g, x ⋆ w⟩: for each window, an outer product of response and column."""
    columns = Columns(x.shape[1], geometry, groups, x.dtype)
    total = np.zeros((groups, g.shape[1] // groups, columns.matrix.shape[1]), np.result_type(g, x))
    for b in range(len(x)):
        total += g[b].reshape(*total.shape[:2], -1) @ columns.unfold(x[b]).mT
    return total.reshape(g.shape[1], -1, *geometry.kernel)
