"""A convolutional encoder that learns outlines, and has histograms of edges and colours beside them."""

import math

import numpy as np

from ... import functional as F
from ... import nn
from ...autograd import Tensor
from ...data import colour_histograms, gradient_histograms
from .convolutional import ConvEncoder, grid_positions

__all__ = ["ConvHistogramEncoder"]

DIRECTIONS = 9  # of edges, four times over
LEVELS = 4  # of red, green and blue
FINE = 4  # rows and columns that a region's pixels are averaged down to, or fewer if these do not divide them


class ConvHistogramEncoder(ConvEncoder):
    r"""Outlines are learned, colours are counted: a `ConvEncoder` of the brightness, and histograms beside it.

    The convolutions see the largest channel at each pixel alone, the V of HSV, in which an outline looks the same
    whatever its colour. Beside their channels each region of the last grid has what is seen there without learning: how
    edges run (`gradient_histograms`), which colours there are (`colour_histograms`), and the pixels themselves,
    averaged down to 4×4; every channel standardised by batch norm. Histograms have no gradient, so images may ask for
    none.

    Parameters
    ----------
    widths, size, glance, rng
        As for `ConvEncoder`; images have three channels.

    Raises
    ------
    ValueError
        As `ConvEncoder`, or if images require a gradient.

    References
    ----------
    Dalal and Triggs (2005), Histograms of oriented gradients for human detection.

    Examples
    --------
    >>> encoder = ConvHistogramEncoder(((8,), (8,), (16,)), size=16, glance=2, rng=np.random.default_rng(0))
    >>> encoded = encoder(np.zeros((2, 3, 16, 16), np.float32))
    >>> encoded.sequence.shape, encoded.pooled.shape
    ((2, 16, 164), (2, 656))
    """

    def __init__(self, widths=((32,), (64,), (128,)), size=32, glance=4, *, rng):
        super().__init__(widths, size, 1, glance, rng=rng)
        self.channels = 3
        self.cell = size // self.grid[0]
        self.fine = math.gcd(FINE, self.cell)
        fixed = 4 * DIRECTIONS + LEVELS**3 + 3 * self.fine**2
        self.standardise = nn.BatchNorm2d(fixed)
        self.width += fixed
        self.pooled_width = glance**2 * self.width
        self.norm = nn.LayerNorm(self.width)
        self.positions = nn.Parameter(grid_positions(*self.grid, self.width))

    def regions(self, images):
        """The last grid, with the fixed channels after the learned ones: (B, D, h, w)."""
        if isinstance(images, Tensor) and images.requires_grad:
            raise ValueError("ConvHistogramEncoder: images must not require a gradient: histograms have none")
        pixels = images.data if isinstance(images, Tensor) else images
        fixed = np.concatenate([gradient_histograms(pixels, self.cell, DIRECTIONS),
                                colour_histograms(pixels, self.cell, LEVELS), self._coarse(pixels)], 1)
        learned = self.layers(pixels.max(1, keepdims=True))
        return F.concatenate([learned, self.standardise(fixed)], 1)

    def _coarse(self, pixels):
        """Each region's pixels (B, 3, H, W), averaged down to F×F: (B, 3F², h, w)."""
        (rows, columns), fine, part = self.grid, self.fine, self.cell // self.fine
        blocks = pixels.reshape(len(pixels), 3, rows, fine, part, columns, fine, part).mean((4, 7))
        return blocks.transpose(0, 1, 3, 5, 2, 4).reshape(len(pixels), -1, rows, columns)
