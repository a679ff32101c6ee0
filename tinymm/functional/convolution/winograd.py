r"""Convolution with a 3×3 kernel in 16 multiplications where the formula has 36: Winograd's minimal filtering.

Four responses, 2×2 of them, see a tile d of 4×4 pixels through the kernel w:

    Y = Aᵀ [(G w Gᵀ) ⊙ (Bᵀ d B)] A,

        ⎡ 1  0 −1  0 ⎤        ⎡ 1   0   0 ⎤
    Bᵀ =⎢ 0  1  1  0 ⎥,   G = ⎢ ½   ½   ½ ⎥,   Aᵀ =⎡ 1  1  1  0 ⎤.
        ⎢ 0 −1  1  0 ⎥        ⎢ ½  −½   ½ ⎥        ⎣ 0  1 −1  1 ⎦
        ⎣ 0  1  0 −1 ⎦        ⎣ 0   0  −1 ⎦

Summed over channels, ⊙ is a matrix product at each of a tile's 16 places. The trilinear form of `columns` becomes
⟨g, x ⋆ w⟩ = Σ (A g Aᵀ) ⊙ (G w Gᵀ) ⊙ (Bᵀ x B), and its derivative by w needs no new matrices. What is left are
additions of large arrays, for the channels lie side by side, and so do the tiles. Which arrays is worked out once per
thread, as a list of steps (function, arguments): threads wait for each other while Python runs.

References: Lavin & Gray (2016), "Fast algorithms for convolutional neural networks", section 4.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from ..scratch import LINE, scratch
from ..threads import parallel_for

__all__ = ["Blocks", "Pixels", "correlate", "kernel_gradient", "pays"]

BLOCK = 32768  # tiles × channels: sixteen numbers for each of them stay in a core's share of the cache


def pays(geometry, groups, channels, out):
    """Is it faster than columns? For a 3×3 kernel without stride, and products large enough to be worth the additions."""
    return (geometry.kernel == (3, 3) and geometry.stride == geometry.dilation == (1, 1) and groups == 1
            and min(channels, out) >= 16 and math.prod(geometry.windows) >= 16)


def correlate(x, w, geometry, bias=None):
    """x ⋆ w, as in `columns`. The channels of the response lie side by side, as the next convolution wants them.

    In float32 its error, relative to the size of the responses, is 1.5 to 3.6e-7 with 16 to 128 channels (columns: 2.8
    to 3.0e-7). But it is one error for all of a tile: a response next to one a million times larger loses its digits.
    """
    blocks, out, dtype = Blocks.of(len(x), geometry, x.shape[1] + len(w)), len(w), np.result_type(x, w)
    y = np.empty((len(x), blocks.strips * blocks.rows, 2, blocks.columns, 2, out), dtype)
    u = np.ascontiguousarray(of_kernel(w).reshape(16, out, x.shape[1]).mT)  # (16, C, O): BLAS is fastest in this order

    def some(start, stop):
        with scratch() as empty:
            @cache
            def plan(n):
                pixels = Pixels(x[:n], blocks.rows + 1, blocks.columns + 1, empty)
                v, steps = see(pixels.split, empty)
                tiles = v.shape[2:-1]                                       # columns, rows, n
                m, r, t = (empty((a, b, *tiles, out), dtype) for a, b in ((4, 4), (2, 4), (2, 2)))
                steps += [(np.matmul, v.reshape(16, -1, v.shape[-1]), u, m.reshape(16, -1, out))]
                steps += [] if bias is None else [(np.add, m[1, 1], bias, m[1, 1])]     # Aᵀ takes it to all responses
                steps += for_responses(m, r) + for_responses(r.swapaxes(0, 1), t)
                return pixels, steps

            for images, row in blocks.places(start, stop):
                part = y[images, row:row + blocks.rows]                     # (n, rows, 2, columns, 2, O)
                pixels, steps = plan(len(part))
                pixels.load(x[images], 2 * row - geometry.before[0], -geometry.before[1])
                *first, (add, a, b, _) = steps
                run(first)
                add(a, b, part.transpose(4, 2, 3, 1, 0, 5))

    parallel_for(blocks.groups * blocks.strips, some, work=4 * y.size * x.shape[1])
    y = y.reshape(len(x), 2 * y.shape[1], 2 * blocks.columns, out)
    return y[:, :geometry.windows[0], :geometry.windows[1]].transpose(0, 3, 1, 2)


def kernel_gradient(g, x, geometry):
    """The kernel's part (O, C, 3, 3) in ⟨g, x ⋆ w⟩, as in `columns`: w̄ = Gᵀ [Σ (A g Aᵀ) ⊙ (Bᵀ x B)] G.

    In float32 its error is 3.6 to 7e-7 of the gradient's size (columns: 1.7 to 3.4e-7).
    """
    blocks, dtype = Blocks.of(len(x), geometry, x.shape[1] + g.shape[1]), np.result_type(g, x)
    shape = 16, g.shape[1], x.shape[1]

    def some(start, stop):
        total, part = np.zeros(shape, dtype), np.empty(shape, dtype)
        with scratch() as empty:
            @cache
            def plan(n):
                seen = Pixels(x[:n], blocks.rows + 1, blocks.columns + 1, empty)
                painted = Pixels(g[:n], blocks.rows, blocks.columns, empty)
                (v, see_all), (m, paint_all) = see(seen.split, empty), paint(painted.split, empty)
                product = np.matmul, m.reshape(16, -1, shape[1]).mT, v.reshape(16, -1, shape[2]), part
                return seen, painted, [*see_all, *paint_all, product, (np.add, total, part, total)]

            for images, row in blocks.places(start, stop):
                seen, painted, steps = plan(images.stop - images.start)
                seen.load(x[images], 2 * row - geometry.before[0], -geometry.before[1])
                painted.load(g[images], 2 * row, 0)
                run(steps)
        return total

    total = sum(parallel_for(blocks.groups * blocks.strips, some, work=4 * g.size * x.shape[1]))
    return to_kernel(total.reshape(4, 4, *shape[1:]))


class Blocks(NamedTuple):
    """How the tiles of all images are shared out: some images at a time, or, of a large one, some rows of tiles."""

    batch: int
    groups: int  # of images
    strips: int  # that an image is cut into
    rows: int  # of tiles in a strip
    columns: int  # of tiles

    @classmethod
    def of(cls, batch, geometry, channels):
        """As many whole images as fit into BLOCK tiles × channels, or one up to twice as large, or a strip of one."""
        down, columns = (-(-n // 2) for n in geometry.windows)
        strips = -(-down // max(1, 2 * BLOCK // (columns * channels)))
        rows = -(-down // strips)                                           # as even as can be
        images = max(1, BLOCK // (rows * columns * channels))
        return cls(batch, -(-batch // images), strips, rows, columns)

    def places(self, start, stop):
        """Of the blocks in this stretch of groups × strips: which images, a slice, and their first row of tiles."""
        for k in range(start, stop):
            group, strip = divmod(k, self.strips)
            yield slice(self.batch * group // self.groups, self.batch * (group + 1) // self.groups), strip * self.rows


class Pixels:
    """Some rows of some images, split: the pixels of even and of odd rows and columns, `split` (2, 2, columns, rows, n, C).

    In this order the neighbours below and beside lie a long way off, and all between are added in one run.
    """

    def __init__(self, x, rows, columns, empty):
        n, channels = x.shape[:2]
        shape = n, channels, 2 * rows, 2 * columns
        if x.strides[1] < x.strides[3]:                                     # in the order that x has in memory
            self.padded = empty((n, *shape[2:], channels), x.dtype).transpose(0, 3, 1, 2)
        else:
            # one line of the cache more for each channel: a power of two apart, the channels of a pixel would share one
            pixels = 4 * rows * columns
            self.padded = empty((n, channels, pixels + LINE // x.itemsize), x.dtype)[..., :pixels].reshape(shape)
        self.pairs = self.padded.reshape(n, channels, rows, 2, columns, 2).transpose(3, 5, 4, 2, 0, 1)
        self.split = empty(self.pairs.shape, x.dtype)
        self.top = None

    def load(self, x, top, left):
        """split[i, j, u, v, n, c] = x[n, c, top + 2v + i, left + 2u + j], zero outside the images."""
        if top != self.top:                                                 # else its border is zero already
            self.padded[...], self.top = 0, top
        first = max(top, 0)
        last = max(first, min(top + self.padded.shape[2], x.shape[2]))
        self.padded[:, :, first - top:last - top, -left:x.shape[3] - left] = x[:, :, first:last]
        self.split[...] = self.pairs


def run(steps):
    for function, *arguments in steps:
        function(*arguments)


def see(d, empty):
    """Bᵀ d B of all tiles d, (4, 4, columns, rows, n, C), and the steps to it. Tiles overlap: two pixels more each way."""
    _, _, columns, rows, n, channels = d.shape
    r = empty((4, 2, columns, rows - 1, n, channels), d.dtype)
    v = empty((4, 4, columns - 1, rows - 1, n, channels), d.dtype)
    q = r.swapaxes(0, 1)
    return v, (for_windows(d[:, :, :, :-1], d[:, :, :, 1:], r)
               + for_windows(q[:, :, :-1], q[:, :, 1:], v.swapaxes(0, 1)))


def paint(d, empty):
    """A g Aᵀ of the responses g to all tiles, (4, 4, columns, rows, n, O), and the steps to it."""
    r, m = empty((4, *d.shape[1:]), d.dtype), empty((4, 4, *d.shape[2:]), d.dtype)
    return m, for_kernel(d, r) + for_kernel(r.swapaxes(0, 1), m.swapaxes(0, 1))


def for_windows(here, beyond, out):
    """Bᵀ d: `here` has the tiles' pixels d₀ and d₁, `beyond` d₂ and d₃."""
    return [(np.subtract, here, beyond, out[::3]),
            (np.add, here[1], beyond[0], out[1]),
            (np.subtract, beyond[0], here[1], out[2])]


def for_responses(m, out):
    """Aᵀ m, by way of (m₁ + m₂, m₁ − m₂)."""
    return [(np.add, m[1], m[2], out[0]),
            (np.subtract, m[1], m[2], out[1]),
            (np.add, m[::3], out, out)]


def for_kernel(g, out):
    """A g."""
    return [(np.copyto, out[::3], g),
            (np.add, g[0], g[1], out[1]),
            (np.subtract, g[0], g[1], out[2])]


def of_kernel(w):
    """G w Gᵀ: (O, C, 3, 3) -> (4, 4, O, C)."""
    w = np.ascontiguousarray(w.transpose(2, 3, 0, 1))
    for _ in range(2):                                                      # along rows, then along columns
        half, middle = (w[0] + w[2]) * 0.5, w[1] * 0.5
        w = np.stack([w[0], half + middle, half - middle, -w[2]], 1)        # (3, 4, ...) after the first
    return w


def to_kernel(u):
    """Gᵀ u G: (4, 4, O, C) -> (O, C, 3, 3)."""
    for _ in range(2):
        half = (u[1] + u[2]) * 0.5
        u = np.stack([u[0] + half, (u[1] - u[2]) * 0.5, half - u[3]], 1)
    return u.transpose(2, 3, 0, 1)
