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
    """One image's windows as a matrix, in a buffer that serves every image in turn.

    In memory either windows lie side by side, for each channel and kernel pixel, or (`by_pixel`) channels do, for each
    window and kernel pixel. The longer such a run is, the faster it is copied.
    """

    def __init__(self, channels, geometry, groups, dtype, by_pixel):
        self.padded = np.zeros((*geometry.padded, channels) if by_pixel else (channels, *geometry.padded), dtype)
        self.padded = self.padded.transpose(2, 0, 1) if by_pixel else self.padded           # (C, H, W) with its border
        self.image = self.padded[geometry.inside]                           # (C, H, W)
        self.windows = view_windows(self.padded, geometry)                  # (C, kh, kw, H', W')
        places = math.prod(geometry.windows)
        size = channels * math.prod(geometry.kernel)                        # of a window
        self.direct = _is_direct(geometry)
        if by_pixel:
            memory = np.empty((*geometry.windows, *geometry.kernel, channels), dtype)
            self.columns = memory.transpose(4, 2, 3, 0, 1)                  # (C, kh, kw, H', W')
            self.matrix = memory.reshape(1, places, size)
        else:
            self.columns = np.empty(self.windows.shape, dtype)
            self.matrix = self.columns.reshape(groups, size // groups, places).mT       # (G, H'W', C/G·kh·kw)

    def unfold(self, image):
        """The matrix of the windows of `image` (C, H, W): (G, H'W', C/G·kh·kw), the latter as in `_flat`."""
        if self.direct:
            groups, places, size = self.matrix.shape
            return image.reshape(groups, size, places).mT
        self.image[...] = image
        self.columns[...] = self.windows
        return self.matrix

    def fold(self):
        """The image (C, H, W) that results when every column is added where its window lies."""
        self.padded[...] = 0
        for i in range(self.columns.shape[1]):
            for j in range(self.columns.shape[2]):
                self.windows[:, i, j] += self.columns[:, i, j]              # for one (i, j) no two windows overlap
        return self.image


def correlate(x, w, geometry, groups, bias=None):
    """x ⋆ w: the response (B, O, H', W') of the images x (B, C, H, W) to the kernel w (O, C/G, kh, kw).

    In memory the channels of the response lie side by side.
    """
    if winograd.pays(geometry, groups, x.shape[1], len(w)):
        y = winograd.correlate(x, w, geometry, bias)
        if np.isfinite(y).all():                    # its tiles spread NaN and ∞ to all of their four responses
            return y
    by_pixel = _by_pixel(geometry, groups, x.shape[1], x)
    w = _flat(w, groups, by_pixel)
    y = np.empty((len(x), math.prod(geometry.windows), *w.shape[:2]), np.result_type(x, w))

    def respond(start, stop):
        columns = Columns(x.shape[1], geometry, groups, x.dtype, by_pixel)
        for b in range(start, stop):
            np.matmul(columns.unfold(x[b]), w.mT, out=y[b].swapaxes(0, 1))              # (G, H'W', O/G)
            if bias is not None:
                y[b] += bias.reshape(w.shape[:2])

    parallel_for(len(x), respond, work=y.size * w.shape[2])
    return y.reshape(len(x), *geometry.windows, y.shape[2] * y.shape[3]).transpose(0, 3, 1, 2)


def spread(g, w, geometry, groups):
    """What the response g (B, O, H', W') paints, through the kernel w, into images (B, C, H, W)."""
    turned = _turned(geometry)
    width, depth = len(w) // groups, w.shape[1]                             # O/G, C/G
    if turned is not None and (width <= 2 * depth or winograd.pays(turned, groups, width, depth)):      # fewer columns
        w = w.reshape(groups, width, *w.shape[1:])[..., ::-1, ::-1].swapaxes(1, 2)
        return correlate(g, w.reshape(groups * depth, width, *geometry.kernel), turned, groups)
    if geometry.stride != (1, 1) and geometry.dilation == (1, 1) and width <= 2 * depth:
        return _spread_by_phases(g, w, geometry, groups)
    channels = groups * depth
    by_pixel = _by_pixel(geometry, groups, channels)
    w = _flat(w, groups, by_pixel)
    dtype = np.result_type(g, w)
    x = np.empty((len(g), *geometry.sides, channels) if by_pixel else (len(g), channels, *geometry.sides), dtype)
    x = x.transpose(0, 3, 1, 2) if by_pixel else x

    def paint(start, stop):
        columns = Columns(channels, geometry, groups, dtype, by_pixel)
        for b in range(start, stop):
            np.matmul(g[b].reshape(groups, width, math.prod(g.shape[2:])).mT, w, out=columns.matrix)
            x[b] = columns.fold()

    parallel_for(len(g), paint, work=g.size * w.shape[2])
    return x


def _spread_by_phases(g, w, geometry, groups):
    """`spread` with a stride s: pixels s·t + a of the padded image see the kernel's pixels s·i + a only.

    So for each a < s these pixels are painted with stride 1, by a kernel of their own.
    """
    x = np.empty((len(g), *geometry.sides, groups * w.shape[1]), np.result_type(g, w)).transpose(0, 3, 1, 2)
    phases = [_phase(geometry, a) for a in np.ndindex(geometry.stride)]

    def paint(start, stop):
        for pixels, taps, part in phases:
            x[start:stop, :, *pixels] = spread(g[start:stop], w[:, :, *taps], part, groups) if min(part.kernel) else 0

    parallel_for(len(g), paint, work=g.size * math.prod(w.shape[1:]))
    return x


def _phase(geometry, a):
    """For pixels s·t + a: which these are in the image, which pixels of the kernel they see, and the geometry."""
    first = [max(0, -((i - p) // s)) for i, p, s in zip(a, geometry.before, geometry.stride)]             # t
    end = [-((i - p - n) // s) for i, p, n, s in zip(a, geometry.before, geometry.sides, geometry.stride)]
    begin = [s * t + i - p for i, p, s, t in zip(a, geometry.before, geometry.stride, first)]
    kernel = tuple(len(range(i, k, s)) for i, k, s in zip(a, geometry.kernel, geometry.stride))
    padded = tuple(max(m + k - 1, t) for m, k, t in zip(geometry.windows, kernel, end))
    return ([slice(b, None, s) for b, s in zip(begin, geometry.stride)],
            [slice(i, None, s) for i, s in zip(a, geometry.stride)],
            Geometry(kernel, (1, 1), (1, 1), tuple(first), tuple(max(0, t - f) for t, f in zip(end, first)), padded,
                     geometry.windows))


def kernel_gradient(g, x, geometry, groups):
    """The kernel's part (O, C/G, kh, kw) in ⟨g, x ⋆ w⟩: for each window, an outer product of response and column."""
    if winograd.pays(geometry, groups, x.shape[1], g.shape[1]):
        total = winograd.kernel_gradient(g, x, geometry)
        if np.isfinite(total).all():
            return total
    by_pixel = _by_pixel(geometry, groups, x.shape[1], x)
    shape = groups, g.shape[1] // groups, x.shape[1] // groups * math.prod(geometry.kernel)

    def add_up(start, stop):
        columns = Columns(x.shape[1], geometry, groups, x.dtype, by_pixel)
        total = np.zeros(shape, np.result_type(g, x))
        for b in range(start, stop):
            total += g[b].reshape(*shape[:2], math.prod(g.shape[2:])) @ columns.unfold(x[b])
        return total

    total = sum(parallel_for(len(x), add_up, work=g.size * shape[2]))
    if by_pixel:
        return total.reshape(g.shape[1], *geometry.kernel, x.shape[1]).transpose(0, 3, 1, 2)
    return total.reshape(g.shape[1], x.shape[1] // groups, *geometry.kernel)


def _by_pixel(geometry, groups, channels, x=None):
    """Whether channels lie side by side in the columns: where such a run is the longer one.

    Columns that are no copies have the order of the images x.
    """
    if groups > 1:
        return False
    if x is not None and _is_direct(geometry):
        return x.strides[1] < x.strides[3]
    run = channels * (geometry.kernel[1] if geometry.dilation[1] == 1 else 1)
    return run > geometry.windows[1]


def _is_direct(geometry):
    """A 1×1 kernel over every pixel: the image is its own matrix of columns."""
    return geometry.kernel == (1, 1) and geometry.sides == geometry.padded == geometry.windows


def _flat(w, groups, by_pixel):
    """The kernel w (O, C/G, kh, kw) as matrices (G, O/G, C/G·kh·kw) or, by pixel, (1, O, kh·kw·C)."""
    if by_pixel:
        w = w.transpose(0, 2, 3, 1)
    return w.reshape(groups, len(w) // groups, math.prod(w.shape[1:]))


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
