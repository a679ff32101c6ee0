r"""A learned bias for each distance between query and key (T5);
ALiBi's, which is not learned, is `functional.alibi_bias`."""

import numpy as np

from ... import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter

__all__ = ["T5RelativeBias"]


class T5RelativeBias(Module):
    r"""$b_{hts} = W_{\text{bucket}(s - t),\, h}$, to be added to the scores;
    distances are sorted into buckets by `functional.t5_buckets`.

    Parameters
    ----------
    num_heads : int
        H.
    num_buckets, max_distance, bidirectional
        As for `functional.t5_buckets`; bidirectional is True for encoders, False for causal attention.
    rng : numpy.random.Generator
        Draws W from N(0, 0.02²).

    Attributes
    ----------
    weight : Parameter (num_buckets, H)

    Notes
    -----
    T5 shares one bias among all layers, and does not divide its scores by √D (`scale=1`).

    References
    ----------
    Raffel et al. (2020), Exploring the limits of transfer learning with a unified text-to-text Transformer, §2.1.

    Examples
    --------
    >>> import numpy as np, tinymm as tm, tinymm.functional as F
    >>> bias = tm.nn.T5RelativeBias(4, rng=np.random.default_rng(0))
    >>> x = tm.tensor(np.ones((2, 4, 7, 8), np.float32))                        # (B, H, T, D)
    >>> F.scaled_dot_product_attention(x, x, x, bias(7, 7), scale=1).shape
    (2, 4, 7, 8)
    """

    def __init__(self, num_heads, num_buckets=32, max_distance=128, bidirectional=True, *, rng):
        F.t5_buckets(np.arange(1), num_buckets, max_distance, bidirectional)    # so that bad settings fail here
        self.weight = init.normal_(Parameter(np.empty((num_buckets, num_heads), np.float32)), std=0.02, rng=rng)
        self.max_distance = max_distance
        self.bidirectional = bidirectional

    def forward(self, T, S, offset=0):
        """The bias (H, T, S) of T queries, the first at position `offset`, over S keys."""
        distance = F.relative_positions(T, S, offset)
        buckets = F.t5_buckets(distance, len(self.weight), self.max_distance, self.bidirectional)
        return F.permute(F.embedding(buckets, self.weight), (2, 0, 1))          # (H, T, S)

    def extra_repr(self):
        buckets, heads = self.weight.shape
        return f"{heads}, num_buckets={buckets}, max_distance={self.max_distance}, bidirectional={self.bidirectional}"
