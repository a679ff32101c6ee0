r"""Convolution with a 3×3 kernel in 16 multiplications where the formula has 36: Winograd's minimal filtering.

Four responses, 2×2 of them, see a tile d of 4×4 pixels through the kernel w:

    Y = Aᵀ [(G w Gᵀ) ⊙ (Bᵀ d B)] A,

        ⎡ 1  0 −1  0 ⎤        ⎡ 1   0   0 ⎤
    Bᵀ =⎢ 0  1  1  0 ⎥,   G = ⎢ ½   ½   ½ ⎥,   Aᵀ =⎡ 1  1  1  0 ⎤.
        ⎢ 0 −1  1  0 ⎥        ⎢ ½  −½   ½ ⎥        ⎣ 0  1 −1  1 ⎦
        ⎣ 0  1  0 −1 ⎦        ⎣ 0   0  −1 ⎦

Summed over channels, ⊙ is a matrix product at each of a tile's 16 places. The trilinear form of `columns` becomes
⟨g, x ⋆ w⟩ = Σ (A g Aᵀ) ⊙ (G w Gᵀ) ⊙ (Bᵀ x B), and its derivative by w needs no new matrices. The products with A and
B are left to BLAS too, which needs one pass where additions would need several: channels lie side by side, and so do
the tiles of a row, so that four rows or columns make a long product. Fewer and longer steps also let threads wait less
for each other.

References: Lavin & Gray (2016), "Fast algorithms for convolutional neural networks", section 4.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ...cores import ceil_div
from ...cores.memory import LINE, scratch
from ...cores.threads import parallel_for

__all__ = ["Blocks", "Pixels", "correlate", "kernel_gradient", "pays"]

BLOCK = 32768  # tiles × channels: sixteen numbers for each of them stay in a core's share of the cache
BT = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
AT = np.array([[1, 1, 1, 0], [0, 1, -1, 1]])
AAT = np.kron(AT, AT)  # for a tile laid out flat: vec(Aᵀ m A) = (Aᵀ ⊗ Aᵀ) vec(m)


def pays(geometry, groups, channels, out):
    """Is it faster than columns? For a 3×3 kernel with stride 1, if the products are large enough to be worth it."""
    return (geometry.kernel == (3, 3) and geometry.stride == geometry.dilation == (1, 1) and groups == 1
            and min(channels, out) >= 16 and math.prod(geometry.windows) >= 16)


def correlate(x, w, geometry, bias=None):
    """x ⋆ w, as in `columns`. The channels of the response lie side by side, as the next convolution reads them.

    In float32 its error, relative to the size of the responses, is 1.5 to 3.6e-7 with 16 to 128 channels (columns: 2.8
    to 3.0e-7). But it is one error for all of a tile: a response next to one a million times larger loses its digits.
    """
    blocks = Blocks.of(len(x), geometry, x.shape[1] + len(w))
    out = len(w)
    dtype = np.result_type(x, w)
    y = np.empty((len(x), blocks.strips * blocks.rows, 2, blocks.columns, 2, out), dtype)
    u = np.ascontiguousarray(_of_kernel(w).mT)                               # (16, C, O): BLAS is fastest in this order

    def respond(start, stop):
        with scratch() as empty:
            @cache
            def memory(n):
                return _Seen(x[:n], blocks, empty), _Responses(n, blocks, out, dtype, empty)

            for images, row in blocks.places(start, stop):
                seen, responses = memory(images.stop - images.start)
                seen.load(x[images], 2 * row - geometry.before[0], -geometry.before[1])
                np.matmul(seen.v, u, out=responses.m)
                if bias is not None:
                    responses.m[5] += bias                                  # Aᵀ … A adds place 5 to all four
                responses.store(y[images, row:row + blocks.rows])

    parallel_for(blocks.groups * blocks.strips, respond, work=4 * y.size * x.shape[1])
    y = y.reshape(len(x), 2 * y.shape[1], 2 * blocks.columns, out)
    return y[:, :geometry.windows[0], :geometry.windows[1]].transpose(0, 3, 1, 2)


def kernel_gradient(g, x, geometry):
    """The kernel's part (O, C, 3, 3) in ⟨g, x ⋆ w⟩, as in `columns`: w̄ = Gᵀ [Σ (A g Aᵀ) ⊙ (Bᵀ x B)] G.

    In float32 its error is 3.6 to 7e-7 of the gradient's size (columns: 1.7 to 3.4e-7).
    """
    blocks = Blocks.of(len(x), geometry, x.shape[1] + g.shape[1])
    dtype = np.result_type(g, x)
    shape = 16, g.shape[1], x.shape[1]

    def add_up(start, stop):
        total = np.zeros(shape, dtype)
        part = np.empty(shape, dtype)
        with scratch() as empty:
            @cache
            def memory(n):
                return _Seen(x[:n], blocks, empty), _Painted(g[:n], blocks, empty)

            for images, row in blocks.places(start, stop):
                seen, painted = memory(images.stop - images.start)
                seen.load(x[images], 2 * row - geometry.before[0], -geometry.before[1])
                painted.load(g[images], 2 * row)
                total += np.matmul(painted.m.mT, seen.v, out=part)
        return total

    total = sum(parallel_for(blocks.groups * blocks.strips, add_up, work=4 * g.size * x.shape[1]))
    return _to_kernel(total)


class Blocks(NamedTuple):
    """How the tiles of all images are cut into blocks: a few images each or, of a large image, a few rows of tiles."""

    batch: int
    groups: int  # of images
    strips: int  # that an image is cut into
    rows: int  # of tiles in a strip
    columns: int  # of tiles

    @classmethod
    def of(cls, batch, geometry, channels):
        """As many whole images as fit into BLOCK tiles × channels, or one up to twice as large, or a strip of one."""
        down = ceil_div(geometry.windows[0], 2)
        columns = ceil_div(geometry.windows[1], 2)
        strips = ceil_div(down, max(1, 2 * BLOCK // (columns * channels)))
        rows = ceil_div(down, strips)                                       # as even as possible
        images = max(1, BLOCK // (rows * columns * channels))
        return cls(batch, groups=ceil_div(batch, images), strips=strips, rows=rows, columns=columns)

    def places(self, start, stop):
        """Of the blocks start to stop, of groups × strips: which images (a slice), and their first row of tiles."""
        for k in range(start, stop):
            group, strip = divmod(k, self.strips)
            images = slice(self.batch * group // self.groups, self.batch * (group + 1) // self.groups)
            yield images, strip * self.rows


class Pixels:
    """Some rows of some images, (n, rows, columns, C), zero outside the images."""

    def __init__(self, x, rows, columns, empty):
        n, channels = x.shape[:2]
        if x.strides[1] < x.strides[3]:                                     # in the order that x has in memory
            self.padded = empty((n, rows, columns, channels), x.dtype).transpose(0, 3, 1, 2)
        else:
            # a cache line of room after each channel: at distances of a power of two, the channels of a pixel would
            # compete for the same few lines of the cache
            padded = empty((n, channels, rows * columns + LINE // x.itemsize), x.dtype)
            self.padded = padded[..., :rows * columns].reshape(n, channels, rows, columns)
        self.pixels = self.padded.transpose(0, 2, 3, 1)
        self.top = None

    def load(self, x, top, left):
        """pixels[n, i, j, c] = x[n, c, top + i, left + j]."""
        if top != self.top:                                                 # else the border is zero already
            self.padded[...] = 0
            self.top = top
        first = max(top, 0)
        last = max(first, min(top + self.padded.shape[2], x.shape[2]))
        self.padded[:, :, first - top:last - top, -left:x.shape[3] - left] = x[:, :, first:last]


class _Seen:
    """V = Bᵀ d B of the tiles in a block, `v` (16, tiles, C)."""

    def __init__(self, x, blocks, empty):
        n, channels = x.shape[:2]
        rows = blocks.rows
        columns = blocks.columns
        self.BT = BT.astype(x.dtype)
        self.x = Pixels(x, 2 * rows + 2, 2 * columns + 2, empty)
        image, row, pixel, channel = self.x.pixels.strides
        self.columns = as_strided(self.x.pixels, (n, 2 * rows + 2, 4, columns, channels),
                                  (image, row, pixel, 2 * pixel, channel))
        self.d = empty(self.columns.shape, x.dtype)
        image, row, *_, channel = self.d.strides
        self.rows = as_strided(self.d, (n, rows, 4, 4 * columns * channels), (image, 2 * row, row, channel))
        half = empty((n, rows, 4, 4, columns * channels), x.dtype)
        self.half = half.reshape(self.rows.shape)
        self.half_columns = half
        v = empty((4, 4, n, rows, columns * channels), x.dtype)
        self.full = v.transpose(2, 3, 0, 1, 4)
        self.v = v.reshape(16, n * rows * columns, channels)

    def load(self, x, top, left):
        """The tiles of these images from pixel (top, left) on: four columns of each, then four rows, two further on
        from tile to tile."""
        self.x.load(x, top, left)
        np.copyto(self.d, self.columns)
        np.matmul(self.BT, self.rows, out=self.half)            # Bᵀ d
        np.matmul(self.BT, self.half_columns, out=self.full)    # Bᵀ d B: Bᵀ times the columns of each row


class _Responses:
    """Y = Aᵀ M A of the tiles in a block, `m` (16, tiles, O)."""

    def __init__(self, n, blocks, out, dtype, empty):
        places = n * blocks.rows
        columns = blocks.columns
        self.m = empty((16, places * columns, out), dtype)
        self.by_row = self.m.reshape(16, places, columns * out).swapaxes(0, 1)
        self.AAT = AAT.astype(dtype)
        self.y = empty((n, blocks.rows, 2, 2, columns, out), dtype)
        self.four = self.y.reshape(places, 4, columns * out)

    def store(self, y):
        """Into y (n, rows, 2, columns, 2, O)."""
        np.matmul(self.AAT, self.by_row, out=self.four)
        np.copyto(y, self.y.swapaxes(3, 4))


class _Painted:
    """A g Aᵀ of the responses g to the tiles in a block, `m` (16, tiles, O)."""

    def __init__(self, g, blocks, empty):
        n, out = g.shape[:2]
        rows = blocks.rows
        columns = blocks.columns
        self.AA = AAT.T.astype(g.dtype, order="C")
        self.g = Pixels(g, 2 * rows, 2 * columns, empty)
        self.pairs = self.g.pixels.reshape(n, rows, 2, columns, 2, out).swapaxes(3, 4)
        self.y = empty(self.pairs.shape, g.dtype)                           # (n, rows, 2, 2, columns, O)
        self.four = self.y.reshape(n * rows, 4, columns * out)
        self.m = empty((16, n * rows * columns, out), g.dtype)
        self.by_row = self.m.reshape(16, n * rows, columns * out).swapaxes(0, 1)

    def load(self, g, top):
        """These images' responses from this row on."""
        self.g.load(g, top, 0)
        np.copyto(self.y, self.pairs)
        np.matmul(self.AA, self.four, out=self.by_row)


def _of_kernel(w):
    """G w Gᵀ: (O, C, 3, 3) -> (16, O, C). Without BLAS, whose threads would stay awake and slow those of the loop."""
    w = np.ascontiguousarray(w.transpose(2, 3, 0, 1))
    for _ in range(2):                                                      # along rows, then along columns
        half = (w[0] + w[2]) * 0.5
        middle = w[1] * 0.5
        w = np.stack([w[0], half + middle, half - middle, -w[2]], 1)        # (3, 4, ...) after the first
    return w.reshape(16, *w.shape[2:])


def _to_kernel(u):
    """Gᵀ u G: (16, O, C) -> (O, C, 3, 3)."""
    u = u.reshape(4, 4, *u.shape[1:])
    for _ in range(2):
        half = (u[1] + u[2]) * 0.5
        u = np.stack([u[0] + half, (u[1] - u[2]) * 0.5, half - u[3]], 1)
    return u.transpose(2, 3, 0, 1)
