"""A residual encoder of outlines that sees no colour, and beside it colours that are seen without outlines."""

from ... import functional as F
from ... import nn
from ..encoded import Encoded, checked_mask, zero_hidden
from ..over_time import mean_over_time
from .convolutional import halved
from .residual import ResidualEncoder

__all__ = ["ResidualColourEncoder"]


class ResidualColourEncoder(nn.Module):
    r"""Outlines by residual blocks, colours by a convolution 1×1, each blind to what the other sees.

    The residual blocks see the largest channel at each pixel alone, the V of HSV, in which an outline looks the same
    whatever its colour. The convolution 1×1 sees one pixel at a time, and so no outline; what it finds is averaged over
    the pixels of each region of the last grid. Both are learned, normalised each by itself, and put side by side:

    $$ z_n = \bigl[\mathrm{ResidualEncoder}(\max_c x_c)_n;\ \mathrm{LN}\bigl(\tfrac{1}{|R_n|} \sum_{p \in R_n}
       \mathrm{ReLU}(\mathrm{BN}(W x_p))\bigr)\bigr] $$

    A shape is then recognised in colours it was never seen in.

    Parameters
    ----------
    widths, blocks, size
        As for `ResidualEncoder`; the size is a multiple of $2^{stages-1}$.
    channels : int
        Channels of the images.
    colours : int
        Channels of the convolution 1×1.
    rng : numpy.random.Generator

    Attributes
    ----------
    grid : (int, int)
        Height h and width w of the last grid; N = h·w regions.
    width, pooled_width : int
        D = P, the channels of the last stage and the colours.

    Raises
    ------
    ValueError
        If the size cannot be halved that often, or images of another shape come.

    Examples
    --------
    >>> import numpy as np
    >>> encoder = ResidualColourEncoder((8, 16), blocks=1, size=16, colours=4, rng=np.random.default_rng(0))
    >>> encoded = encoder(np.zeros((2, 3, 16, 16), np.float32))
    >>> encoded.sequence.shape, encoded.pooled.shape
    ((2, 64, 20), (2, 20))
    """

    def __init__(self, widths=(16, 32, 64), blocks=2, size=32, channels=3, colours=32, *, rng):
        self.size, self.channels, self.cell = size, channels, 2 ** halved("ResidualColourEncoder", size, len(widths))
        self.outlines = ResidualEncoder(widths, blocks, size, 1, rng=rng)
        self.colours = nn.Sequential(nn.Conv2d(channels, colours, 1, bias=False, rng=rng), nn.BatchNorm2d(colours),
                                     nn.ReLU())
        self.norm = nn.LayerNorm(colours)
        self.grid = self.outlines.grid
        self.width = self.pooled_width = widths[-1] + colours

    def forward(self, images, mask=None):
        """images (B, C, H, W), mask (B, N) of the regions to `Encoded`: regions (B, N, D) and their mean (B, D)."""
        if images.shape[1:] != (self.channels, self.size, self.size):
            raise ValueError(f"ResidualColourEncoder: images must be (B, {self.channels}, {self.size}, {self.size}); "
                             f"got {images.shape}")
        mask = checked_mask("ResidualColourEncoder", mask, (len(images), self.grid[0] * self.grid[1]))
        outlines = self.outlines(F.amax(images, 1, keepdims=True), mask)
        grid = F.avg_pool2d(self.colours(images), self.cell)             # (B, C', h, w)
        colours = F.transpose(F.flatten(grid, 2), 1, 2)                  # (B, N, C')
        sequence = F.concatenate([outlines.sequence, zero_hidden(self.norm(colours), mask)], 2)
        return Encoded(sequence, F.concatenate([outlines.pooled, mean_over_time(colours, mask)], 1), mask)
