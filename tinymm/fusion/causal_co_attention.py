r"""Co-attention for a text that is still being written: regions read the words so far, then the newest word reads them.

An ordinary co-attention leaks. Region i attends to the whole text, word t attends to region i: so the feature of word t
knows the words after it. Here each region has one state for each t, and that state has read words up to t only.
"""

import math

import numpy as np

from .. import functional as F
from .. import nn
from ..encoders.encoded import zero_hidden
from .blocks import split_heads
from .fused import Fused, checked_widths
from .sequences import visible_inputs
from .shown import Attends

__all__ = ["CausalCoAttention"]


class CausalCoAttention(nn.Module):
    r"""What region i finds in the words up to t joins its key and its value; word t attends to such regions.

    $$\beta_{tis} = \operatorname{softmax}_{s \le t} \frac{(U_q v_i)^\top U_k h_s}{\sqrt d},\qquad
    k_{ti} = W_k v_i + \sum_{s \le t} \beta_{tis}\, R_k h_s,\qquad
    \tilde v_{ti} = W_v v_i + \sum_{s \le t} \beta_{tis}\, R_v h_s,$$

    $$\alpha_{ti} = \operatorname{softmax}_i \frac{(W_q h_t)^\top k_{ti}}{\sqrt d},\qquad
    c_t = \sum_i \alpha_{ti}\, \tilde v_{ti},\qquad z_t = \mathrm{ReLU}(W_f [h_t; c_t] + b_f)$$

    with H heads of d = D/H each. Without $R_k, R_v$ this is `AttentionFusion`; with them, where a word looks may depend
    on what the words before it said about each region: that this one is described already, for instance.

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, their names and widths: the one that is read causally ($h_t$) first, ($v_i$) second.
    width : int
        D.
    heads : int
        H; divides D.
    rng : numpy.random.Generator

    Attributes
    ----------
    modalities, input_widths : tuple
        Names and widths of the inputs.
    kind : str
        "sequences".
    width : int
        D.
    causal : bool
        True: $z_t$ depends on words up to t.

    Raises
    ------
    ValueError
        If the heads do not divide the width.

    Notes
    -----
    There are T·N·T weights β for each head. Keys and values are linear in what a region has read, so that no vector of
    a region is made for each t: time and memory are O(H T² N), beside the projections.

    This form is tinymm's own. The two attentions are those of ViLBERT's block (`CoAttentionBlock`), one read after the
    other and not side by side.

    References
    ----------
    Lu, Batra, Parikh & Lee (2019), ViLBERT, §3.1.

    Examples
    --------
    >>> fusion = CausalCoAttention({"text": 8, "image": 6}, width=4, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)))
    >>> fused.features.shape, [maps.shape for maps in fused.weights]
    ((2, 3, 4), [(2, 1, 3, 5), (2, 1, 3, 5, 3)])
    """

    kind = "sequences"
    causal = True
    shows = (Attends((0,), (1,)),)                                       # α; β has an axis more

    def __init__(self, widths, width=256, heads=1, *, rng):
        self.modalities, self.input_widths = checked_widths("CausalCoAttention", widths, 2)
        text_width, image_width = self.input_widths
        if heads < 1 or width % heads:
            raise ValueError(f"CausalCoAttention: heads must divide width; got {heads} and {width}")
        self.region_query = nn.Linear(image_width, width, rng=rng)                   # U_q
        self.word_key = nn.Linear(text_width, width, bias=False, rng=rng)            # U_k
        self.query = nn.Linear(text_width, width, rng=rng)                           # W_q
        self.key = nn.Linear(image_width, width, bias=False, rng=rng)                # W_k
        self.value = nn.Linear(image_width, width, rng=rng)                          # W_v
        self.read_key = nn.Linear(text_width, width, bias=False, rng=rng)            # R_k
        self.read_value = nn.Linear(text_width, width, bias=False, rng=rng)          # R_v
        self.fuse = nn.Linear(text_width + width, width, rng=rng)
        self.heads, self.width = heads, width

    def forward(self, inputs, masks=None, present=None):
        """Fuse texts and images, one image for each text.

        Parameters
        ----------
        inputs : tuple of two Tensors
            The text (B, T, Dt) and the image (B, N, Di).
        masks : tuple of two boolean arrays (B, T) and (B, N), each optional
        present : boolean array (B, 2), optional
            The positions of an absent modality are hidden; without an image $c_t = 0$.

        Returns
        -------
        Fused
            Features (B, T, D); the mask of the text; α (B, H, T, N) and β (B, H, T, N, T).
        """
        (text, image), (text_mask, image_mask) = visible_inputs(self, inputs, masks, present)
        beta = self._what_regions_read(text, image, text_mask)                       # (B, H, T, N, S), S = T
        q, k, v = self._heads((self.query, text), (self.key, image), (self.value, image))
        read_k, read_v = self._heads((self.read_key, text), (self.read_value, text))
        scale = 1 / math.sqrt(q.shape[-1])
        words = F.attention_scores(q, read_k, scale)                                 # q_t · R_k h_s  (B, H, T, S)
        scores = F.attention_scores(q, k, scale) + F.squeeze(beta @ F.unsqueeze(words, -1), -1)     # (B, H, T, N)
        alpha = F.attention_weights(scores, None if image_mask is None else image_mask[:, None, None])
        shares = F.squeeze(F.unsqueeze(alpha, -2) @ beta, -2)                        # Σ_i α_ti β_tis  (B, H, T, S)
        context = F.attention_sum(alpha, v) + F.attention_sum(shares, read_v)        # c (B, H, T, d)
        context = F.reshape(F.transpose(context, 1, 2), (*text.shape[:2], self.width))
        fused = F.relu(self.fuse(F.concatenate([text, context], -1)))                # z (B, T, D)
        return Fused(zero_hidden(fused, text_mask), text_mask, (alpha, beta))

    def _what_regions_read(self, text, image, text_mask):
        """β (B, H, T, N, S): the weight of word s ≤ t in what region i has read by t."""
        asked, k = self._heads((self.region_query, image), (self.word_key, text))
        scores = F.attention_scores(asked, k, 1 / math.sqrt(k.shape[-1]))            # (B, H, N, S)
        so_far = np.tri(text.shape[1], dtype=bool)[:, None]                          # (T, 1, S)
        if text_mask is not None:
            so_far = so_far & text_mask[:, None, None, None]                         # (B, 1, T, 1, S)
        return F.attention_weights(F.unsqueeze(scores, 2), so_far)

    def _heads(self, *projected):
        """Each input under its projection, as (B, H, L, d)."""
        return [split_heads(project(x), self.heads) for project, x in projected]
