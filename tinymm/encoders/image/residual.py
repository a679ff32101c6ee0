"""Images to feature sequences by residual blocks: each layer adds to what came before instead of replacing it."""

from ... import functional as F
from ... import nn
from ..encoded import Encoded, checked_mask, zero_hidden
from ..over_time import mean_over_time
from .convolutional import grid_positions

__all__ = ["ResidualBlock", "ResidualEncoder"]


class ResidualBlock(nn.Module):
    r"""$y = \mathrm{ReLU}(\mathcal F(x) + s(x))$, with two convolutions 3×3 for $\mathcal F$:

    $$ \mathcal F(x) = \mathrm{BN}(W_2 * \mathrm{ReLU}(\mathrm{BN}(W_1 * x))) $$

    The shortcut s is the identity where x and y have one shape, and $\mathrm{BN}(W_s * x)$ with a kernel 1×1 otherwise.
    Through the identity, $\bar y$ reaches x unchanged where the sum is positive; where it is not, the ReLU stops it.

    Parameters
    ----------
    in_channels, out_channels : int
    stride : int
        Of the first convolution and of the shortcut; 2 halves the sides.
    rng : numpy.random.Generator

    Attributes
    ----------
    conv1, bn1, conv2, bn2 : of F
    shortcut : Module
        s.

    References
    ----------
    He et al. (2016), Deep residual learning for image recognition, eq. 1 and 2, figure 5 left; shortcuts of type B.

    Examples
    --------
    >>> import numpy as np
    >>> block = ResidualBlock(8, 16, stride=2, rng=np.random.default_rng(0))
    >>> block(np.zeros((2, 8, 14, 14), np.float32)).shape
    (2, 16, 7, 7)
    """

    def __init__(self, in_channels, out_channels, stride=1, *, rng):
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False, rng=rng)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False, rng=rng)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False, rng=rng),
                                          nn.BatchNorm2d(out_channels))

    def residual(self, x):
        """F(x), what the block adds to its shortcut."""
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        """x (B, C, H, W) to (B, C', ⌈H / stride⌉, ⌈W / stride⌉)."""
        return F.relu(self.residual(x) + self.shortcut(x))


class ResidualEncoder(nn.Module):
    r"""A residual network: a convolution, then stages of `ResidualBlock`, each stage but the first halving the sides.

    Each region of the last grid is normalised over its channels, and its place is added (learned, from sinusoids on).
    The pooled vector is the mean over the grid, over its visible regions if a mask hides the others.

    Parameters
    ----------
    widths : sequence of int
        Channels of each stage.
    blocks : int
        Blocks in each stage.
    size : int
        Height and width of the images.
    channels : int
        Channels of the images.
    rng : numpy.random.Generator

    Attributes
    ----------
    grid : (int, int)
        Height h and width w of the last grid; N = h·w regions.
    width, pooled_width : int
        D = P, the channels of the last stage.

    Raises
    ------
    ValueError
        If images of another shape come.

    References
    ----------
    He et al. (2016), Deep residual learning for image recognition, §4.2 (the network for small images).

    Examples
    --------
    >>> import numpy as np
    >>> encoder = ResidualEncoder((8, 16), blocks=1, size=16, rng=np.random.default_rng(0))
    >>> encoded = encoder(np.zeros((2, 3, 16, 16), np.float32))
    >>> encoded.sequence.shape, encoded.pooled.shape
    ((2, 64, 16), (2, 16))
    """

    def __init__(self, widths=(16, 32, 64), blocks=2, size=32, channels=3, *, rng):
        self.size, self.channels = size, channels
        side = -(-size // 2**(len(widths) - 1))
        self.grid, self.width, self.pooled_width = (side, side), widths[-1], widths[-1]
        self.stem = nn.Sequential(nn.Conv2d(channels, widths[0], 3, padding=1, bias=False, rng=rng),
                                  nn.BatchNorm2d(widths[0]), nn.ReLU())
        stages, before = [], widths[0]
        for i, width in enumerate(widths):
            for k in range(blocks):
                stages.append(ResidualBlock(before, width, 2 if i and not k else 1, rng=rng))
                before = width
        self.blocks = nn.Sequential(*stages)
        self.norm = nn.LayerNorm(self.width)
        self.positions = nn.Parameter(grid_positions(*self.grid, self.width))

    def forward(self, images, mask=None):
        """images (B, C, H, W), mask (B, N) of the regions to `Encoded`: regions (B, N, D) and their mean (B, D)."""
        if images.shape[1:] != (self.channels, self.size, self.size):
            raise ValueError(f"ResidualEncoder: images must be (B, {self.channels}, {self.size}, {self.size}); "
                             f"got {images.shape}")
        mask = checked_mask("ResidualEncoder", mask, (len(images), self.grid[0] * self.grid[1]))
        grid = self.blocks(self.stem(images))                            # (B, D, h, w)
        sequence = F.transpose(F.flatten(grid, 2), 1, 2)                 # (B, N, D)
        pooled = mean_over_time(sequence, mask)
        return Encoded(zero_hidden(self.norm(sequence) + self.positions, mask), pooled, mask)
