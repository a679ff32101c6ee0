"""The three derivatives of a convolution's trilinear form, as matrix products over columns of windows.

For images x, a kernel w and a response g,

    ⟨g, x ⋆ w⟩ = Σ g[b,o,v,u] · w[o,c,i,j] · x[b, c, v·s + i·d − p, u·s + j·d − p];

its derivative by each of the three is a sum over the other two: `correlate` (by g),
`spread` (by x), `kernel_gradient` (by w). NumPy arrays only; `conv` makes ops of them.

A column is one window laid out flat. All columns together are kernel-size times larger
than the images, so they go through a buffer, a block at a time: the windows of several
images or, of one large image, some rows of windows. One long product is faster than
many short ones.
"""

import math

import numpy as np

from ...cores.memory import scratch
from ...cores.threads import parallel_for
from .windows import Geometry, view_windows

__all__ = ["Columns", "correlate", "kernel_gradient", "spread"]

BUFFER = 2**18  # numbers in the columns of a block, and in its padded images, at most; one row of windows is never cut


class Columns:
    """The windows of images as a matrix for each block, in a buffer that serves all blocks in turn; for a 1×1 kernel
    over every pixel, the images themselves, without a buffer.

    In memory either windows lie side by side, for each channel and kernel pixel, or (`by_pixel`) channels do, for each
    window and kernel pixel. The longer such a run is, the faster it is copied.
    """

    def __init__(self, batch, channels, geometry, groups, dtype, by_pixel, empty):
        self.geometry = geometry
        self.groups = groups
        self.by_pixel = by_pixel
        self.direct = _is_direct(geometry)
        self.window_rows, across = geometry.windows
        if self.direct:
            self.block_images = max(1, batch) if by_pixel else 1
            self.block_rows = max(1, self.window_rows)
            return
        row = max(1, channels * math.prod(geometry.kernel) * across)        # numbers in the columns of a row
        image = max(row, row * self.window_rows, channels * math.prod(geometry.padded))
        self.block_images = max(1, min(batch, BUFFER // image))
        self.block_rows = max(1, min(self.window_rows, BUFFER // row))
        self.buffer = empty((self.block_images * self.block_rows * row,), dtype)
        self.padded = None                                                  # (n, C, H, W) with the zeros around them
        if geometry.padded != geometry.sides:
            self.padded = _laid_out(empty, (self.block_images, channels, *geometry.padded), dtype, by_pixel)
            self.padded[...] = 0

    def unfold(self, x, start, stop):
        """For each block of the images x[start:stop]: which images and which rows of windows (slices), and the
        windows' matrix (G, windows, C/G·kh·kw), the latter as in `_flat`."""
        for images, rows in self._blocks(start, stop):
            if self.direct:
                yield images, rows, _pixels(x[images], self.groups)
                continue
            padded = self._padded(x, images)
            if rows.start == 0 and self.padded is not None:
                padded[self.geometry.inside] = x[images]
            windows, columns, matrix = self._block(padded, rows)
            columns[...] = windows
            yield images, rows, matrix

    def fold(self, x, start, stop):
        """Yields as `unfold` does. The caller fills each matrix before it asks for the next one; after the last,
        x[start:stop] is the images that result when every column is added where its window lies."""
        for images, rows in self._blocks(start, stop):
            padded = self._padded(x, images)
            if rows.start == 0:
                padded[...] = 0
            windows, columns, matrix = self._block(padded, rows)
            yield images, rows, matrix
            for i in range(columns.shape[2]):
                for j in range(columns.shape[3]):
                    windows[:, :, i, j] += columns[:, :, i, j]              # for one (i, j) no two windows overlap
            if rows.stop == self.window_rows and self.padded is not None:
                x[images] = padded[self.geometry.inside]

    def _blocks(self, start, stop):
        """Slices (images, rows of windows); where an image has no windows at all, one empty slice of them."""
        for image in range(start, stop, self.block_images):
            for row in range(0, max(1, self.window_rows), self.block_rows):
                yield (slice(image, min(image + self.block_images, stop)),
                       slice(row, min(row + self.block_rows, self.window_rows)))

    def _padded(self, x, images):
        """What the windows lie on: copies with zeros around them or, where no zeros are needed, x[images] itself."""
        return x[images] if self.padded is None else self.padded[:images.stop - images.start]

    def _block(self, padded, rows):
        """Of one block: its windows and room for their copies (n, C, kh, kw, rows, W'), and the latter as a matrix."""
        windows = view_windows(padded, self.geometry)[..., rows, :]
        n, channels, kh, kw, down, across = windows.shape
        memory = self.buffer[:windows.size]
        if self.by_pixel:
            columns = memory.reshape(n, down, across, kh, kw, channels).transpose(0, 5, 3, 4, 1, 2)
            return windows, columns, memory.reshape(1, n * down * across, kh * kw * channels)
        columns = memory.reshape(channels, kh, kw, n, down, across).transpose(3, 0, 1, 2, 4, 5)
        size = channels // self.groups * kh * kw
        return windows, columns, memory.reshape(self.groups, size, n * down * across).mT


def correlate(x, w, geometry, groups, bias=None):
    """x ⋆ w: the response (B, O, H', W') of the images x (B, C, H, W) to the kernel w (O, C/G, kh, kw).

    In memory the channels of the response lie side by side.
    """
    by_pixel = _by_pixel(geometry, groups, x.shape[1], x)
    y = _laid_out(np.empty, (len(x), len(w), *geometry.windows), np.result_type(x, w), by_pixel=True)
    w = _flat(w, groups, by_pixel)

    def respond(start, stop):
        with scratch() as empty:
            columns = Columns(stop - start, x.shape[1], geometry, groups, x.dtype, by_pixel, empty)
            for images, rows, matrix in columns.unfold(x, start, stop):
                pixels = _pixels(y[images, :, rows], groups)
                np.matmul(matrix, w.mT, out=pixels)                         # (G, windows, O/G)
                if bias is not None:
                    pixels += bias.reshape(groups, 1, w.shape[1])

    parallel_for(len(x), respond, work=y.size * w.shape[2])
    return y


def spread(g, w, geometry, groups):
    """What the response g (B, O, H', W') paints, through the kernel w, into images (B, C, H, W)."""
    direct = _is_direct(geometry)
    turned = geometry if direct else _turned(geometry)
    width, depth = len(w) // groups, w.shape[1]                             # O/G, C/G
    if turned is not None and (width <= 2 * depth or direct):               # fewer columns, or none
        w = w.reshape(groups, width, *w.shape[1:])[..., ::-1, ::-1].swapaxes(1, 2)
        return correlate(g, w.reshape(groups * depth, width, *geometry.kernel), turned, groups)
    if geometry.stride != (1, 1) and geometry.dilation == (1, 1) and width <= 2 * depth:
        return _spread_by_phases(g, w, geometry, groups)
    channels = groups * depth
    by_pixel = _by_pixel(geometry, groups, channels)
    w = _flat(w, groups, by_pixel)
    dtype = np.result_type(g, w)
    x = _laid_out(np.empty, (len(g), channels, *geometry.sides), dtype, by_pixel)

    def paint(start, stop):
        with scratch() as empty:
            columns = Columns(stop - start, channels, geometry, groups, dtype, by_pixel, empty)
            for images, rows, matrix in columns.fold(x, start, stop):
                np.matmul(_pixels(g[images, :, rows], groups), w, out=matrix)

    parallel_for(len(g), paint, work=g.size * w.shape[2])
    return x


def _spread_by_phases(g, w, geometry, groups):
    """`spread` with a stride s: pixels s·t + a of the padded image see the kernel's pixels s·i + a only.

    So for each a < s these pixels are painted with stride 1, by a kernel of their own.
    """
    x = _laid_out(np.empty, (len(g), groups * w.shape[1], *geometry.sides), np.result_type(g, w), by_pixel=True)
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
    by_pixel = _by_pixel(geometry, groups, x.shape[1], x)
    shape = groups, g.shape[1] // groups, x.shape[1] // groups * math.prod(geometry.kernel)

    def add_up(start, stop):
        total = np.zeros(shape, np.result_type(g, x))
        with scratch() as empty:
            part = empty(shape, total.dtype)
            columns = Columns(stop - start, x.shape[1], geometry, groups, x.dtype, by_pixel, empty)
            for images, rows, matrix in columns.unfold(x, start, stop):
                total += np.matmul(_pixels(g[images, :, rows], groups).mT, matrix, out=part)
        return total

    total = sum(parallel_for(len(x), add_up, work=g.size * shape[2]))
    if by_pixel:
        return total.reshape(g.shape[1], *geometry.kernel, x.shape[1]).transpose(0, 3, 1, 2)
    return total.reshape(g.shape[1], x.shape[1] // groups, *geometry.kernel)


def _laid_out(empty, shape, dtype, by_pixel):
    """An array (n, C, H, W) whose channels (`by_pixel`) or whose pixels lie side by side in memory."""
    n, channels, height, width = shape
    return empty((n, height, width, channels), dtype).transpose(0, 3, 1, 2) if by_pixel else empty(shape, dtype)


def _pixels(a, groups):
    """Images (n, C, H, W) as matrices (G, n·H·W, C/G): a view if the pixels follow each other in memory at one
    distance, as in what `correlate` fills; else a copy."""
    n, channels, height, width = a.shape
    return a.transpose(0, 2, 3, 1).reshape(n * height * width, groups, channels // groups).swapaxes(0, 1)


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
