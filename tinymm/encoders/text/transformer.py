"""A Transformer reader: every word looks at every other."""

import math

from ... import nn
from ..encoded import Encoded, checked_mask, zero_hidden
from ..over_time import mean_over_time
from .reader import TextEncoder

__all__ = ["TextTransformer"]


class TextTransformer(TextEncoder):
    r"""Word vectors and sinusoids of their places, pre-norm Transformer layers without a causal mask,
    the mean at the end.

    $$ x_t = \sqrt D\, E_{w_t} + \mathrm{PE}_t, \qquad h = \mathrm{LN}(\mathrm{Transformer}(x)), \qquad
       y = \tfrac1T \textstyle\sum_t h_t $$

    Parameters
    ----------
    vocabulary : int
        V.
    width : int
        D = E = P.
    layers, heads : int
    dropout : float
        On the sum of vectors and places, and inside the layers.
    rng : numpy.random.Generator
        Draws the word vectors from N(0, 1/D), so that vectors and places are of one size.

    References
    ----------
    Vaswani et al. (2017), Attention is all you need, §3.

    Examples
    --------
    >>> import numpy as np
    >>> encoder = TextTransformer(10, 12, heads=2, rng=np.random.default_rng(0))
    >>> encoded = encoder(np.array([[4, 5, 6, 7]]))
    >>> encoded.sequence.shape, encoded.pooled.shape
    ((1, 4, 12), (1, 12))
    """

    def __init__(self, vocabulary, width=128, layers=2, heads=4, dropout=0.0, *, rng):
        super().__init__(vocabulary, width, width, width, dropout, rng)
        nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(width), rng=rng)
        self.positions = nn.SinusoidalPositionalEncoding(width)
        self.layers = nn.TransformerEncoder(
            [nn.TransformerEncoderLayer(width, heads, 4 * width, dropout, norm_first=True, rng=rng)
             for _ in range(layers)],
            nn.LayerNorm(width))

    def read(self, x, mask=None):
        """x (B, T, D), mask (B, T) to `Encoded`: (B, T, D) and its mean over time, (B, D)."""
        mask = checked_mask("TextTransformer", mask, x.shape[:2])
        x = self.dropout(self.positions(zero_hidden(x, mask) * math.sqrt(self.width)))
        features = zero_hidden(self.layers(x, src_key_padding_mask=mask), mask)
        return Encoded(features, mean_over_time(features, mask), mask)
