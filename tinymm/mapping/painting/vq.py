r"""Pictures as words: an encoder whose features are replaced by the nearest of K codes, and a decoder of them.

$$ k_n = \arg\min_k \lVert z_n - e_k \rVert^2, \qquad \hat x = D(e_{k_1}, \dots, e_{k_N}), \qquad
   \mathcal L = \lVert x - \hat x \rVert^2 + \beta\,\lVert z - \mathrm{sg}(e_k) \rVert^2 $$

The choice has no gradient: the decoder's goes straight through to z. The codes do not learn by gradient either: each is
the running mean of the features that chose it.
"""

from typing import NamedTuple

import numpy as np

from ... import functional as F
from ... import nn
from ...autograd import Tensor
from .picture_scale import PictureScale

__all__ = ["Codebook", "PictureCodec", "Quantized", "codec_loss", "nearest_codes", "perplexity"]


def nearest_codes(z, codes):
    r"""The nearest code of each vector, by $\lVert z - e_k \rVert^2 = \lVert z \rVert^2 - 2 z \cdot e_k + \lVert e_k
    \rVert^2$, of which the first term is the same for all.

    Parameters
    ----------
    z : array (..., D)
    codes : array (K, D)

    Returns
    -------
    int array (...)

    Examples
    --------
    >>> nearest_codes(np.array([[0.9, 0.2], [-2.0, 0.0]]), np.array([[1.0, 0.0], [-1.0, 0.0]]))
    array([0, 1])
    """
    return ((codes * codes).sum(1) - 2 * (z @ codes.T)).argmin(-1)


def perplexity(counts):
    r"""How many codes are in use, in effect: $\exp(-\sum_k p_k \log p_k)$, from 1 to K.

    Count a whole epoch or test set: n vectors of one small batch cannot show more than n codes.

    Examples
    --------
    >>> round(perplexity(np.array([5, 5, 0, 0])), 6)
    2.0
    """
    p = np.asarray(counts, float) / max(np.sum(counts), 1)
    p = p[p > 0]
    return float(np.exp(-(p * np.log(p)).sum()))


class Quantized(NamedTuple):
    """Features replaced by codes.

    Attributes
    ----------
    values : Tensor (B, N, D)
        The codes; their gradient goes to the features.
    ids : int array (B, N)
    commitment : Tensor ()
        Mean of ‖z − sg(e)‖² over vectors and coordinates.
    """

    values: Tensor
    ids: np.ndarray
    commitment: Tensor


class Codebook(nn.Module):
    r"""K codes, each the running mean of the features nearest to it.

    With n_k features of a batch nearest to code k, and s_k their sum,

    $$ N_k \leftarrow \gamma N_k + (1 - \gamma)\,n_k, \qquad m_k \leftarrow \gamma m_k + (1 - \gamma)\,s_k, \qquad
       e_k = m_k \Big/ \Bigl(\frac{N_k + \epsilon}{N + K\epsilon}\, N\Bigr), \quad N = \sum_k N_k. $$

    A code whose N_k has fallen below `least` is dead: no feature comes near it any more. It starts again at a feature
    of the batch, with N_k = 1 and m_k there.

    Parameters
    ----------
    size, width : int
        K and D.
    decay : float
        γ.
    least : float
        Features of a batch that a live code has, in the running mean.
    rng : numpy.random.Generator
        Draws the codes from U(−1/K, 1/K).

    Attributes
    ----------
    codes : float32 array (K, D), a buffer
    counts, sums : float32 arrays (K,), (K, D), buffers
        N and m.

    References
    ----------
    van den Oord et al. (2017), Neural discrete representation learning, eq. 1-3 and appendix A.1; restarts: Dhariwal et
    al. (2020), Jukebox, §3.2.

    Examples
    --------
    >>> book = Codebook(4, 2, rng=np.random.default_rng(0))
    >>> found = book(np.ones((1, 3, 2), np.float32))
    >>> found.values.shape, found.ids.shape
    ((1, 3, 2), (1, 3))
    """

    EPSILON = 1e-5

    def __init__(self, size, width, decay=0.99, least=0.3, *, rng):
        self.decay, self.least = decay, least
        self.register_buffer("codes", rng.uniform(-1 / size, 1 / size, (size, width)).astype(np.float32))
        self.register_buffer("counts", np.ones(size, np.float32))
        self.register_buffer("sums", self.codes.copy())

    def forward(self, z):
        """Features z (B, N, D) to `Quantized`."""
        features = getattr(z, "data", z)
        ids = nearest_codes(features, self.codes)
        values = self.codes[ids]                                         # (B, N, D)
        return Quantized(F.straight_through(values, z), ids, F.mse_loss(z, values))

    def update(self, z, ids, rng):
        """Move the codes towards features z (n, D) that chose the codes ids (n,); start dead ones again."""
        size = len(self.codes)
        chosen = np.zeros((len(z), size), np.float32)
        chosen[np.arange(len(z)), ids] = 1
        rate = 1 - self.decay
        self.counts += rate * (chosen.sum(0) - self.counts)
        self.sums += rate * (chosen.T @ z - self.sums)
        dead = np.flatnonzero(self.counts < self.least)
        self.counts[dead] = 1
        self.sums[dead] = z[rng.integers(len(z), size=len(dead))]
        total = self.counts.sum()
        smoothed = (self.counts + self.EPSILON) / (total + size * self.EPSILON) * total
        self.codes[...] = self.sums / smoothed[:, None]


class PictureCodec(nn.Module):
    """A picture to a grid of codes, and back: a VQ-VAE.

    Parameters
    ----------
    size : int
        S of the pictures, a multiple of 4; the grid has S/4 × S/4 codes.
    codes : int
        K.
    widths : (int, int)
        Channels at S/2 and at S/4; multiples of 8.
    code_width : int
        D of a code.
    scale : PictureScale
        Of the training pictures.
    rng : numpy.random.Generator

    Examples
    --------
    >>> codec = PictureCodec(8, 16, (8, 8), 4, rng=np.random.default_rng(0))
    >>> ids = codec.encode(np.zeros((2, 3, 8, 8), np.float32)).ids
    >>> ids.shape, codec.decode(codec.book.codes[ids]).shape
    ((2, 4), (2, 3, 8, 8))
    """

    def __init__(self, size, codes, widths, code_width=16, scale=None, *, rng):
        fine, coarse = widths
        self.scale = PictureScale() if scale is None else scale
        self.side = size // 4
        self.encoder = nn.Sequential(nn.Conv2d(3, fine, 2, 2, rng=rng), _Block(fine, rng),
                                     nn.Conv2d(fine, coarse, 2, 2, rng=rng), _Block(coarse, rng),
                                     nn.GroupNorm(8, coarse), nn.Conv2d(coarse, code_width, 1, rng=rng))
        self.book = Codebook(codes, code_width, rng=rng)
        self.decoder = nn.Sequential(nn.Conv2d(code_width, coarse, 3, padding=1, rng=rng), _Block(coarse, rng),
                                     nn.ConvTranspose2d(coarse, fine, 2, 2, rng=rng), _Block(fine, rng),
                                     nn.GroupNorm(8, fine), nn.SiLU(), nn.ConvTranspose2d(fine, 3, 2, 2, rng=rng))

    def features(self, images):
        """Pictures (B, 3, S, S) in [0, 1] to features z (B, N, D), N = (S/4)², row by row."""
        return F.transpose(F.flatten(self.encoder(self.scale.to_data(images)), 2), 1, 2)

    def encode(self, images):
        """Pictures (B, 3, S, S) in [0, 1] to `Quantized`."""
        return self.book(self.features(images))

    def decode(self, values):
        """Codes (B, N, D) to pictures (B, 3, S, S) of mean 0 and variance 1, as `scale.to_data` makes them."""
        batch, _, width = values.shape
        grid = F.transpose(values, 1, 2).reshape(batch, width, self.side, self.side)
        return self.decoder(grid)


def codec_loss(codec, images, rng, commitment=0.25):
    r"""$\lVert x - \hat x \rVert^2 + \beta\,\lVert z - \mathrm{sg}(e) \rVert^2$, means over coordinates; in training
    mode the codes are moved too.

    Parameters
    ----------
    codec : PictureCodec
    images : array (B, 3, S, S)
        In [0, 1].
    rng : numpy.random.Generator
        For codes that start again.
    commitment : float
        β, on the term that ties the features to their codes: not on the codes', which have no gradient here.

    Returns
    -------
    loss : Tensor ()
    numbers : dict of str to float
        "error", the squared error alone.
    """
    z = codec.features(images)
    found = codec.book(z)
    error = F.mse_loss(codec.decode(found.values), codec.scale.to_data(images))   # as a share of the variance
    if codec.training:
        codec.book.update(z.data.reshape(-1, z.shape[-1]), found.ids.ravel(), rng)
    return error + commitment * found.commitment, {"error": error.item()}


class _Block(nn.Module):
    """A residual block without a condition."""

    def __init__(self, channels, rng):
        self.norm1 = nn.GroupNorm(8, channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, rng=rng)
        self.norm2 = nn.GroupNorm(8, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, rng=rng)

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        return x + self.conv2(F.silu(self.norm2(h)))
