"""Images to feature sequences by attention alone: an image is cut into patches, and the patches are read like words."""

import numpy as np

from ... import functional as F
from ... import nn
from ..encoded import Encoded, checked_mask, zero_hidden
from .convolutional import grid_positions

__all__ = ["PatchEmbedding", "VisionTransformer", "patches"]


def patches(images, size):
    r"""Cut images into square patches, row by row, each laid out flat.

    Parameters
    ----------
    images : Tensor or array (B, C, H, W)
    size : int
        P, a divisor of H and W.

    Returns
    -------
    Tensor or array (B, N, C·P²)
        N = (H/P)·(W/P) patches; within one, channel by channel, row by row.

    Raises
    ------
    ValueError
        If P does not divide the sides.

    Examples
    --------
    >>> import numpy as np
    >>> patches(np.arange(16).reshape(1, 1, 4, 4), 2)[0]
    array([[ 0,  1,  4,  5],
           [ 2,  3,  6,  7],
           [ 8,  9, 12, 13],
           [10, 11, 14, 15]])
    """
    batch, channels, height, width = images.shape
    if height % size or width % size:
        raise ValueError(f"patches: the side of a patch, {size}, must divide both sides of the images; "
                         f"got {height} and {width}")
    cut = images.reshape(batch, channels, height // size, size, width // size, size)
    cut = F.permute(cut, (0, 2, 4, 1, 3, 5))                             # (B, H/P, W/P, C, P, P)
    return cut.reshape(batch, -1, channels * size * size)


class PatchEmbedding(nn.Module):
    r"""One linear map for every patch: $z_n = E\, x_n + b$, the same as a convolution of kernel and stride P.

    Parameters
    ----------
    channels : int
        C of the images.
    width : int
        D.
    patch : int
        P.
    rng : numpy.random.Generator

    Attributes
    ----------
    projection : Conv2d
        Its weight (D, C, P, P), laid out flat, is E (D, C·P²).

    References
    ----------
    Dosovitskiy et al. (2021), An image is worth 16×16 words, eq. 1.

    Examples
    --------
    >>> import numpy as np
    >>> PatchEmbedding(3, 8, 4, rng=np.random.default_rng(0))(np.zeros((2, 3, 12, 8), np.float32)).shape
    (2, 6, 8)
    """

    def __init__(self, channels, width, patch, *, rng):
        self.patch = patch
        self.projection = nn.Conv2d(channels, width, patch, patch, rng=rng)

    def forward(self, images):
        """images (B, C, H, W) to (B, N, D)."""
        return F.transpose(F.flatten(self.projection(images), 2), 1, 2)

    def by_patches(self, images):
        """The same in two steps: cut the patches out, multiply each by E."""
        E = F.flatten(self.projection.weight, 1)                         # (D, C·P²)
        return F.linear(patches(images, self.patch), E, self.projection.bias)


class VisionTransformer(nn.Module):
    r"""Patches, a class token before them, a learned position each, pre-norm Transformer layers.

    $$ z^{(0)} = [c;\, E x_1;\, \dots;\, E x_N] + p, \qquad
       z^{(l)} = \mathrm{Layer}_l(z^{(l-1)}), \qquad y = \mathrm{LN}(z^{(L)}) $$

    The feature sequence is $y_1, \dots, y_N$; the pooled vector is $y_0$, what the class token has gathered. A mask
    hides patches from whoever reads the sequence, not from one another: $y_0$ has seen all of them, and is the same
    under any mask.

    Parameters
    ----------
    width : int
        D, a multiple of 4; the feed-forward networks are twice as wide.
    layers, heads : int
        L and H.
    patch : int
        P, a divisor of the size.
    size : int
        Height and width of the images.
    channels : int
        Channels of the images.
    dropout : float
        On the sum with the positions, and inside the layers.
    rng : numpy.random.Generator

    Attributes
    ----------
    grid : (int, int)
        h and w, both size / P; N = h·w.
    width, pooled_width : int
        D.
    cls_token : Parameter (1, 1, D)
        c, starts at 0.
    positions : Parameter (N + 1, D)
        p, starts from 0 for the class token and from `grid_positions` for the patches.

    Raises
    ------
    ValueError
        If P does not divide the size, or images of another shape come.

    Notes
    -----
    Two things differ from the paper beside the numbers: the feed-forward networks are 2 D wide, not 4 D, and positions
    start from sinusoids of row and column, not from noise:
    thousands of images do not suffice to learn what is next to what.

    References
    ----------
    Dosovitskiy et al. (2021), An image is worth 16×16 words, eq. 1-4.

    Examples
    --------
    >>> import numpy as np
    >>> encoder = VisionTransformer(16, layers=2, heads=2, patch=4, size=16, rng=np.random.default_rng(0))
    >>> encoded = encoder(np.zeros((2, 3, 16, 16), np.float32))
    >>> encoded.sequence.shape, encoded.pooled.shape
    ((2, 16, 16), (2, 16))
    """

    def __init__(self, width=64, layers=4, heads=4, patch=4, size=32, channels=3, dropout=0.0, *, rng):
        if size % patch:
            raise ValueError(f"VisionTransformer: patch must divide the size of the images, {size}; got {patch}")
        self.size, self.channels = size, channels
        self.grid, self.width, self.pooled_width = (size // patch, size // patch), width, width
        self.patch_embedding = PatchEmbedding(channels, width, patch, rng=rng)
        self.cls_token = nn.Parameter(np.zeros((1, 1, width), np.float32))
        places = grid_positions(*self.grid, width)                       # (N, D); the class token is nowhere
        self.positions = nn.Parameter(np.concatenate([np.zeros((1, width), np.float32), places]))
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.layers = nn.TransformerEncoder(
            [nn.TransformerEncoderLayer(width, heads, 2 * width, dropout, "gelu", norm_first=True, rng=rng)
             for _ in range(layers)],
            nn.LayerNorm(width))

    def forward(self, images, mask=None):
        """images (B, C, H, W), mask (B, N) of the patches to `Encoded`: patches (B, N, D), the class token (B, D)."""
        if images.shape[1:] != (self.channels, self.size, self.size):
            raise ValueError(f"VisionTransformer: images must be (B, {self.channels}, {self.size}, {self.size}); "
                             f"got {images.shape}")
        mask = checked_mask("VisionTransformer", mask, (len(images), self.grid[0] * self.grid[1]))
        x = self.patch_embedding(images)                                 # (B, N, D)
        token = F.broadcast_to(self.cls_token, (len(images), 1, self.width))
        y = self.layers(self.dropout(F.concatenate([token, x], 1) + self.positions))
        return Encoded(zero_hidden(y[:, 1:], mask), y[:, 0], mask)
