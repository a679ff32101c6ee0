r"""Attention fusion, article 3.1.1 step 3 and 4.1: each text feature gathers the image regions it needs.

Scores, weights and weighted sums are three functions of `tinymm.functional.attention`; this file adds the
projections and keeps the weights, so that they can be looked at.
"""

import math

from .. import functional as F
from .. import nn

__all__ = ["AttentionFusion"]


class AttentionFusion(nn.Module):
    r"""Align an image with each position of a text, and fuse the two.

    $$e_{ti} = \frac{(W_q h_t)^\top W_k v_i}{\sqrt{d}},\qquad
    \alpha_{ti} = \frac{\exp e_{ti}}{\sum_j \exp e_{tj}},\qquad
    c_t = \sum_i \alpha_{ti}\, W_v v_i,\qquad z_t = \mathrm{ReLU}(W_f [h_t; c_t] + b_f)$$

    with H heads, each on its own d = D/H of the D rows of $W_q, W_k, W_v$.

    Parameters
    ----------
    text_width, image_width : int
        Widths of $h_t$ and $v_i$.
    width : int
        D of the fused features.
    heads : int
        H; divides D.
    dropout : float
        On the fused features.
    rng : numpy.random.Generator

    References
    ----------
    Xu et al. (2015), Show, Attend and Tell, §3.1; Vaswani et al. (2017), eq. 1.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = AttentionFusion(8, 6, width=4, rng=np.random.default_rng(0))
    >>> fused, weights = fusion(np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32))
    >>> fused.shape, weights.shape, round(float(weights.data.sum()), 3)
    ((2, 3, 4), (2, 1, 3, 5), 6.0)
    """

    def __init__(self, text_width, image_width, width=256, heads=1, dropout=0.0, *, rng):
        if width % heads:
            raise ValueError(f"AttentionFusion: heads must divide width; got {heads} and {width}")
        self.query = nn.Linear(text_width, width, rng=rng)
        self.key = nn.Linear(image_width, width, rng=rng)
        self.value = nn.Linear(image_width, width, rng=rng)
        self.fuse = nn.Linear(text_width + width, width, rng=rng)
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.heads, self.width = heads, width

    def forward(self, text, image):
        """text (B, T, Dt), image (B, N, Di) to fused (B, T, D) and weights (B, H, T, N)."""
        q, k, v = (self._split_heads(x) for x in (self.query(text), self.key(image), self.value(image)))
        scores = F.attention_scores(q, k, 1 / math.sqrt(q.shape[-1]))    # e (B, H, T, N)
        weights = F.attention_weights(scores)                            # α
        context = F.attention_sum(weights, v)                            # c (B, H, T, d)
        context = F.reshape(F.transpose(context, 1, 2), (*text.shape[:2], self.width))
        fused = F.relu(self.fuse(F.concatenate([text, context], -1)))    # z (B, T, D)
        return self.dropout(fused), weights

    def _split_heads(self, x):
        """(B, L, D) to (B, H, L, d)."""
        return F.transpose(F.reshape(x, (*x.shape[:2], self.heads, self.width // self.heads)), 1, 2)
