"""Images to feature sequences: a small convolutional network whose last grid is read as a sequence of regions."""

import numpy as np

from ... import functional as F
from ... import nn
from ..encoded import Encoded, checked_mask, zero_hidden

__all__ = ["ConvEncoder", "grid_positions"]


def grid_positions(height, width, channels):
    r"""Where each region of a grid lies: $\sin(r\,\omega_k), \sin(c\,\omega_k), \cos(r\,\omega_k), \cos(c\,\omega_k)$.

    r and c are row and column; the rates ω fall geometrically from π/2 to π/(4·side),
    so the slowest never wraps around.

    Parameters
    ----------
    height, width : int
    channels : int
        A multiple of 4.

    Returns
    -------
    float32 array (height·width, channels)

    Examples
    --------
    >>> grid_positions(2, 3, 8).shape
    (6, 8)
    """
    if channels % 4:
        raise ValueError(f"grid_positions: channels must be a multiple of 4; got {channels}")
    quarter = channels // 4
    rates = np.geomspace(np.pi / 2, np.pi / (4 * max(height, width)), quarter)      # ω
    rows, columns = np.divmod(np.arange(height * width), width)
    angles = np.concatenate([rows[:, None] * rates, columns[:, None] * rates], 1)   # (N, channels / 2)
    return np.concatenate([np.sin(angles), np.cos(angles)], 1).astype(np.float32)


def halved(name, size, stages):
    """How often stages halve a side, each but the first once; an error of encoder `name` if that is too often."""
    halvings = stages - 1
    if size % 2**halvings:
        raise ValueError(f"{name}: size must be a multiple of {2**halvings} for {stages} stages; got {size}")
    return halvings


class ConvEncoder(nn.Module):
    r"""Article 3.1.1, step 1: image → CNN → feature sequence $v = \{v_1, \dots, v_n\}$.

    A stage is convolution 3×3, batch norm, ReLU, as often as `widths` says; between stages max pooling halves the side.
    Each region of the last grid is normalised over its channels, and its place is added (learned, from sinusoids on),
    so that attention can tell left from right. The pooled vector is the last grid averaged down to P×P and laid out
    flat: a glance at the whole that keeps what is where. Under a mask each of its P² means is over the visible regions
    only, and 0 where there is none.

    Parameters
    ----------
    widths : sequence of sequence of int
        The channels of the convolutions of each stage.
    size : int
        Height and width of the images; a multiple of $2^{stages-1}$.
    channels : int
        Channels of the images.
    glance : int
        P; divides the side of the last grid.
    brightness : bool
        Whether the largest channel at each pixel, the V of HSV, joins the others as one more: in it an outline looks
        the same whatever its colour, so that a shape is recognised in colours it was never seen in.
    rng : numpy.random.Generator

    Attributes
    ----------
    grid : (int, int)
        Height h and width w of the last grid; N = h·w regions.
    width : int
        D, the channels of the last convolution.
    pooled_width : int
        P²·D.

    Raises
    ------
    ValueError
        If the size cannot be halved that often, or images of another shape come.

    Examples
    --------
    >>> import numpy as np
    >>> encoder = ConvEncoder(((8,), (16, 16)), size=16, glance=2, rng=np.random.default_rng(0))
    >>> encoded = encoder(np.zeros((2, 3, 16, 16), np.float32))
    >>> encoded.sequence.shape, encoded.pooled.shape
    ((2, 64, 16), (2, 64))
    """

    def __init__(self, widths=((32,), (64, 64), (128, 128)), size=32, channels=3, glance=4, brightness=False, *, rng):
        halvings = halved("ConvEncoder", size, len(widths))
        self.size, self.channels, self.brightness = size, channels, brightness
        self.grid = (size >> halvings, size >> halvings)
        if self.grid[0] % glance:
            raise ValueError(f"ConvEncoder: glance must divide the side of the last grid, {self.grid[0]}; got {glance}")
        self.width = widths[-1][-1]
        self.patch, self.pooled_width = self.grid[0] // glance, glance**2 * self.width
        layers, before = [], channels + brightness
        for i, stage in enumerate(widths):
            layers += [nn.MaxPool2d(2)] if i else []
            for width in stage:
                layers += [nn.Conv2d(before, width, 3, padding=1, bias=False, rng=rng),
                           nn.BatchNorm2d(width), nn.ReLU()]
                before = width
        self.layers = nn.Sequential(*layers)
        self.norm = nn.LayerNorm(self.width)
        self.positions = nn.Parameter(grid_positions(*self.grid, self.width))

    def forward(self, images, mask=None):
        """images (B, C, H, W), mask (B, N) of the regions to `Encoded`: regions (B, N, D), the glance (B, P²·D)."""
        self.check(images)
        return self.read(self.regions(images), mask)

    def check(self, images):
        """Raise ValueError for images of another shape."""
        if images.shape[1:] != (self.channels, self.size, self.size):
            raise ValueError(f"{type(self).__name__}: images must be (B, {self.channels}, {self.size}, {self.size}); "
                             f"got {images.shape}")

    def read(self, grid, mask=None):
        """The last grid (B, D, h, w) to `Encoded`."""
        mask = checked_mask(type(self).__name__, mask, (len(grid), self.grid[0] * self.grid[1]))
        sequence = F.transpose(F.flatten(grid, 2), 1, 2)                 # (B, N, D)
        sequence = zero_hidden(self.norm(sequence) + self.positions, mask)
        return Encoded(sequence, F.flatten(self._glance(grid, mask), 1), mask)

    def regions(self, images):
        """The last grid (B, D, h, w), before it is normalised."""
        if self.brightness:
            images = F.concatenate([images, F.amax(images, 1, keepdims=True)], 1)
        return self.layers(images)

    def _glance(self, grid, mask):
        """The grid (B, D, h, w) averaged down to (B, D, P, P), over the visible regions."""
        if mask is None:
            return F.avg_pool2d(grid, self.patch)
        visible = mask.reshape(len(mask), 1, *self.grid)                 # (B, 1, h, w)
        share = F.avg_pool2d(visible.astype(grid.dtype), self.patch)     # (B, 1, P, P)
        return F.avg_pool2d(F.where(visible, grid, 0.0), self.patch) / np.where(share > 0, share, 1)
