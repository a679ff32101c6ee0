"""A small U-Net that looks at words: what a picture in noise is made of, found at two resolutions."""

import numpy as np

from ... import functional as F
from ... import nn
from ...encoders.image.convolutional import grid_positions

__all__ = ["ModulatedBlock", "UNet", "WordLayer", "noise_level_features"]

GROUPS = 8  # of channels that are normalised together


def noise_level_features(sigma, width):
    r"""Sines and cosines of the noise level, $\sin(1000\,\sigma\,\omega_k), \cos(1000\,\sigma\,\omega_k)$, the rates ω
    falling geometrically from 1 to 1/10000.

    Parameters
    ----------
    sigma : float array (B,)
        Between 0 and 1.
    width : int
        Even.

    Returns
    -------
    array (B, width)
        In the dtype of σ.

    Examples
    --------
    >>> noise_level_features(np.array([0.0, 1.0]), 4).round(2)
    array([[0.  , 0.  , 1.  , 1.  ],
           [0.83, 0.1 , 0.56, 1.  ]])
    """
    rates = np.geomspace(1, 1e-4, width // 2)
    angles = 1000 * np.asarray(sigma, np.float64)[:, None] * rates
    return np.concatenate([np.sin(angles), np.cos(angles)], 1).astype(np.asarray(sigma).dtype)


class ModulatedBlock(nn.Module):
    r"""Two convolutions inside a residual connection, the second on features that a condition scales and shifts.

    $$ h = W_1 * \mathrm{SiLU}(\mathrm{GN}(x)), \qquad
       y = S x + W_2 * \mathrm{SiLU}\bigl((1 + \gamma(c)) \odot \mathrm{GN}(h) + \beta(c)\bigr) $$

    W₂, γ and β start at 0, so that the block starts as S: the identity, or a 1×1 convolution where channels change.

    Parameters
    ----------
    channels, out : int
        Of x and y; multiples of 8.
    condition : int
        Width of c.
    rng : numpy.random.Generator

    References
    ----------
    Dhariwal & Nichol (2021), Diffusion models beat GANs on image synthesis, §3.1 (adaptive group normalisation).

    Examples
    --------
    >>> block = ModulatedBlock(8, 16, 4, rng=np.random.default_rng(0))
    >>> block(np.zeros((2, 8, 4, 4), np.float32), np.zeros((2, 4), np.float32)).shape
    (2, 16, 4, 4)
    """

    def __init__(self, channels, out, condition, *, rng):
        self.norm1 = nn.GroupNorm(GROUPS, channels)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1, rng=rng)
        self.norm2 = nn.GroupNorm(GROUPS, out)
        self.conv2 = _zero(nn.Conv2d(out, out, 3, padding=1, rng=rng))
        self.modulation = _zero(nn.Linear(condition, 2 * out, rng=rng))
        self.skip = None if channels == out else nn.Conv2d(channels, out, 1, rng=rng)

    def forward(self, x, condition):
        """x (B, C, H, W), condition (B, c) to (B, out, H, W)."""
        h = self.norm2(self.conv1(F.silu(self.norm1(x))))
        gamma, beta = F.split(self.modulation(condition)[..., None, None], h.shape[1], 1)    # each (B, out, 1, 1)
        h = self.conv2(F.silu(h * (1 + gamma) + beta))
        return h + (x if self.skip is None else self.skip(x))


class WordLayer(nn.Module):
    """A Transformer decoder's layer over the places of a grid: they look at one another, then at the words.

    Parameters
    ----------
    channels : int
    words : int
        Width of the word features.
    heads : int
    side : int
        Of the grid.
    rng : numpy.random.Generator

    Examples
    --------
    >>> layer = WordLayer(8, 6, 2, 4, rng=np.random.default_rng(0))
    >>> layer(np.zeros((2, 8, 4, 4), np.float32), np.zeros((2, 5, 6), np.float32)).shape
    (2, 8, 4, 4)
    """

    def __init__(self, channels, words, heads, side, *, rng):
        self.positions = nn.Parameter(grid_positions(side, side, channels))
        self.words = nn.Linear(words, channels, rng=rng)
        self.layer = nn.TransformerDecoderLayer(channels, heads, 2 * channels, 0.0, "gelu", norm_first=True, rng=rng)

    def forward(self, x, words, mask=None):
        """x (B, C, h, w), words (B, T, D), mask (B, T) of the words to (B, C, h, w)."""
        places = F.transpose(F.flatten(x, 2), 1, 2) + self.positions                     # (B, h·w, C)
        places = self.layer(places, self.words(words), memory_key_padding_mask=mask)
        return F.transpose(places, 1, 2).reshape(x.shape)


class UNet(nn.Module):
    r"""Down, through words, and up again with a bridge: a picture to a picture.

    ::

        (3, S, S) ─ patches of 2×2 ─ block ───────────── bridge ──────────── block, block ─ patches ─ (3, S, S)
                                       └ halved + sketch ─ block, words, block, words, block ─ doubled ┘

    The last layer starts at 0, and so does the result.

    Parameters
    ----------
    widths : (int, int)
        Channels at S/2 and at S/4.
    size : int
        S, a multiple of 4.
    words : int
        Width of the word features.
    condition : int
        Width of the vector that modulates every block.
    heads : int
    rng : numpy.random.Generator

    References
    ----------
    Ronneberger et al. (2015), U-Net; Ho et al. (2020), Denoising diffusion probabilistic models, appendix B; words:
    Rombach et al. (2022), High-resolution image synthesis with latent diffusion models, §3.3.

    Examples
    --------
    >>> net = UNet((8, 16), 8, words=6, condition=4, heads=2, rng=np.random.default_rng(0))
    >>> shapes = (2, 3, 8, 8), (2, 4), (2, 16, 2, 2), (2, 5, 6)
    >>> y = net(*(np.zeros(shape, np.float32) for shape in shapes))
    >>> y.shape, float(abs(y.data).max())
    ((2, 3, 8, 8), 0.0)
    """

    def __init__(self, widths, size, words, condition, heads=4, *, rng):
        fine, coarse = widths
        side = size // 4

        def block(channels, out):
            return ModulatedBlock(channels, out, condition, rng=rng)

        self.cut = nn.Conv2d(3, fine, 2, 2, rng=rng)
        self.first = block(fine, fine)
        self.halve = nn.Conv2d(fine, coarse, 2, 2, rng=rng)
        self.blocks = nn.ModuleList([block(coarse, coarse) for _ in range(3)])
        self.looks = nn.ModuleList([WordLayer(coarse, words, heads, side, rng=rng) for _ in range(2)])
        self.double = nn.ConvTranspose2d(coarse, fine, 2, 2, rng=rng)
        self.last = nn.ModuleList([block(2 * fine, fine), block(fine, fine)])
        self.norm = nn.GroupNorm(GROUPS, fine)
        self.paste = _zero(nn.ConvTranspose2d(fine, 3, 2, 2, rng=rng))

    def forward(self, x, condition, sketch, words, mask=None):
        """x (B, 3, S, S), condition (B, c), sketch (B, coarse, S/4, S/4), words (B, T, D), mask (B, T) to
        (B, 3, S, S)."""
        bridge = self.first(self.cut(x), condition)                                      # (B, fine, S/2, S/2)
        h = self.blocks[0](self.halve(bridge) + sketch, condition)                       # (B, coarse, S/4, S/4)
        for look, block in zip(self.looks, self.blocks[1:], strict=True):
            h = block(look(h, words, mask), condition)
        h = F.concatenate([self.double(h), bridge], 1)                                   # (B, 2·fine, S/2, S/2)
        for block in self.last:
            h = block(h, condition)
        return self.paste(F.silu(self.norm(h)))


def _zero(layer):
    """The layer with weight and bias 0."""
    layer.weight.data[...] = 0
    layer.bias.data[...] = 0
    return layer
