r"""Attention fusion, article 3.1.1 step 3 and 4.1: each text feature gathers the image regions it needs.

Scores, weights and weighted sums are three functions of `tinymm.functional.attention`; this file adds the
projections and keeps the weights, so that they can be looked at.
"""

import math

from .. import functional as F
from .. import nn
from ..encoders.encoded import zero_hidden
from ..nn.attention.cache import MemoryCache
from .fused import Fused, checked_inputs, checked_widths, visible
from .shown import Attends

__all__ = ["AttentionFusion"]


class AttentionFusion(nn.Module):
    r"""Align an image with each position of a text, and fuse the two.

    $$e_{ti} = \frac{(W_q h_t)^\top W_k v_i}{\sqrt{d}},\qquad
    \alpha_{ti} = \frac{\exp e_{ti}}{\sum_j \exp e_{tj}},\qquad
    c_t = \sum_i \alpha_{ti}\, W_v v_i,\qquad z_t = \mathrm{ReLU}(W_f [h_t; c_t] + b_f)$$

    with H heads, each on its own d = D/H of the D rows of $W_q, W_k, W_v$.

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, their names and widths: what is aligned with each position ($h_t$) comes first, what is
        looked at ($v_i$) second, such as {"text": 192, "image": 64}.
    width : int
        D of the fused features.
    heads : int
        H; divides D.
    dropout : float
        On the fused features.
    rng : numpy.random.Generator

    Attributes
    ----------
    modalities : tuple of str
        The names of the inputs, in order.
    input_widths : tuple of int
        Their widths.
    kind : str
        What the inputs are: "sequences".
    width : int
        D.
    causal : bool
        True: $z_t$ depends on no text feature but $h_t$.

    References
    ----------
    Xu et al. (2015), Show, Attend and Tell, §3.1; Vaswani et al. (2017), eq. 1.

    Examples
    --------
    >>> import numpy as np
    >>> fusion = AttentionFusion({"text": 8, "image": 6}, width=4, rng=np.random.default_rng(0))
    >>> text, image = np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)
    >>> fused = fusion((text, image))
    >>> fused.features.shape, fused.weights.shape, round(float(fused.weights.data.sum()), 3)
    ((2, 3, 4), (2, 1, 3, 5), 6.0)
    """

    kind = "sequences"
    causal = True
    shows = (Attends((0,), (1,)),)

    def __init__(self, widths, width=256, heads=1, dropout=0.0, *, rng):
        self.modalities, self.input_widths = checked_widths("AttentionFusion", widths, 2)
        text_width, image_width = self.input_widths
        if width % heads:
            raise ValueError(f"AttentionFusion: heads must divide width; got {heads} and {width}")
        self.query = nn.Linear(text_width, width, rng=rng)
        self.key = nn.Linear(image_width, width, rng=rng)
        self.value = nn.Linear(image_width, width, rng=rng)
        self.fuse = nn.Linear(text_width + width, width, rng=rng)
        self.dropout = nn.Dropout(dropout, rng=rng)
        self.heads, self.width = heads, width

    def forward(self, inputs, masks=None, present=None, cache=None):
        """Fuse texts and images, one image for each text.

        Parameters
        ----------
        inputs : tuple of two Tensors
            The text (B, T, Dt) and the image (B, N, Di).
        masks : tuple of two boolean arrays (B, T) and (B, N), each optional
            Which words and which regions are real.
        present : boolean array (B, 2), optional
            Which examples have a text, and which an image. What is absent counts as zero, whatever its features
            hold: without an image $c_t = 0$, without a text $h_t = 0$ at each of its positions, so that all of them
            show what an empty question finds in the image.
        cache : MemoryCache, optional
            Keys and values of the image: kept at the first call, and not projected again at later ones, which bring
            other texts for the same image.

        Returns
        -------
        Fused
            Features (B, T, D), zero where the text is padding; the mask of the text; weights α (B, H, T, N).
        """
        masks, present = checked_inputs(self, inputs, masks, present)
        (text, image), (text_mask, image_mask) = inputs, masks
        image_mask = visible(image, image_mask, present[1])
        text = zero_hidden(text, visible(text, text_mask, present[0]))
        image = zero_hidden(image, image_mask)
        q = self._split_heads(self.query(text))                          # (B, H, T, d)
        k, v = self._keys_and_values(image, cache)
        scores = F.attention_scores(q, k, 1 / math.sqrt(q.shape[-1]))    # e (B, H, T, N)
        weights = F.attention_weights(scores, None if image_mask is None else image_mask[:, None, None])   # α
        context = F.attention_sum(weights, v)                            # c (B, H, T, d)
        context = F.reshape(F.transpose(context, 1, 2), (*text.shape[:2], self.width))
        fused = F.relu(self.fuse(F.concatenate([text, context], -1)))    # z (B, T, D)
        return Fused(zero_hidden(self.dropout(fused), text_mask), text_mask, weights)

    def _keys_and_values(self, image, cache):
        """Of the regions (B, N, Di), (B, H, N, d) each."""
        if cache is not None and cache.key is not None:
            kept = cache.key.shape[0], cache.key.shape[2]
            if kept != image.shape[:2]:
                raise ValueError(f"AttentionFusion: the cache is of regions {kept}; got {image.shape[:2]}")
            return cache.key, cache.value
        k, v = self._split_heads(self.key(image)), self._split_heads(self.value(image))
        return (k, v) if cache is None else cache.extend(k, v)

    def new_cache(self):
        """An empty `MemoryCache` for the image."""
        return MemoryCache()

    def _split_heads(self, x):
        """(B, L, D) to (B, H, L, d)."""
        return F.transpose(F.reshape(x, (*x.shape[:2], self.heads, self.width // self.heads)), 1, 2)
