r"""The querying Transformer (Q-Former) of BLIP-2: a few learned queries take from an image what a text can use."""

import numpy as np

from .. import functional as F
from .. import nn
from ..encoders.encoded import zero_hidden
from ..nn import init
from .blocks import CrossAttention, FeedForward
from .fused import Fused, checked_widths
from .sequences import joined_mask, visible_inputs
from .shown import Attends

__all__ = ["QueryingTransformer"]

EPS = 1e-12  # of BERT's layer norms
OBJECTIVES = ("contrast", "matching", "generation")


class QueryingTransformer(nn.Module):
    r"""R queries and the text share self-attention; only queries look at the image, in every second layer.

    $$[u; t] \leftarrow \mathrm{LN}\big([u; t] + \mathrm{Attention}([u; t], [u; t])\big),\qquad
    u \leftarrow \mathrm{LN}\big(u + \mathrm{Attention}(u, v)\big)\ \text{ in layers } 0, 2, 4, \dots,$$

    $$u \leftarrow \mathrm{LN}\big(u + \mathrm{FFN}_u(u)\big),\qquad
    t \leftarrow \mathrm{LN}\big(t + \mathrm{FFN}_t(t)\big)$$

    What sees what in the self-attention is the objective's:

    | objective | a query sees | a word sees |
    |---|---|---|
    | contrast | queries | words |
    | matching | queries and words | queries and words |
    | generation | queries | queries, and words up to itself |

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, their names and widths: the text first, the image second.
    width : int
        D of queries and words.
    queries : int
        R.
    layers, heads : int
    objective : {"matching", "contrast", "generation"}
    dropout : float
        On the result of each sub-layer.
    rng : numpy.random.Generator

    Attributes
    ----------
    modalities, input_widths : tuple
        Names and widths of the inputs.
    kind : str
        "sequences".
    width : tuple of int
        (D, D), of words and queries.
    causal : bool
        Whether the objective is generation: then words see words up to themselves, and queries see none.
    objective : str
        May be set between calls: BLIP-2 trains one network on all three in every step.
    queries : Parameter (R, D)
        u before the first layer, from N(0, 0.02²), without positions.

    Raises
    ------
    ValueError
        If the objective is another, there is no layer, or one alone for generation: words read the queries before these
        have seen the image, and would learn nothing of it.

    Notes
    -----
    The text enters as features, such as a `tinymm.nn.Embedding` with positions gives, and is projected to D; BLIP-2
    embeds it inside. For contrast BLIP-2 makes two passes, one of queries and one of words: the mask above does the
    same in one.

    References
    ----------
    Li et al. (2023), BLIP-2, §3.1–3.2 and figure 2.

    Examples
    --------
    >>> fusion = QueryingTransformer({"text": 8, "image": 6}, 4, queries=2, heads=2, rng=np.random.default_rng(0))
    >>> fused = fusion((np.ones((3, 7, 8), np.float32), np.ones((3, 5, 6), np.float32)))
    >>> [stream.shape for stream in fused.features], fused.weights.shape
    ([(3, 7, 4), (3, 2, 4)], (3, 2, 2, 5))
    """

    kind = "sequences"
    shows = (Attends((), (1,)),)

    def __init__(self, widths, width=256, queries=32, layers=2, heads=4, objective="matching", dropout=0.0, *, rng):
        self.modalities, self.input_widths = checked_widths("QueryingTransformer", widths, 2)
        text_width, image_width = self.input_widths
        if layers < 1:
            raise ValueError(f"QueryingTransformer: needs one layer or more; got {layers}")
        self.objective, self.depth = objective, layers
        self.seen_by(queries, 1)                                         # refuses an objective it does not know
        self.projection = nn.Linear(text_width, width, rng=rng)
        self.queries = init.normal_(nn.Parameter(np.empty((queries, width), np.float32)), std=0.02, rng=rng)
        self.norm = nn.LayerNorm(width, EPS)
        self.layers = nn.ModuleList(
            _Layer(width, image_width if depth % 2 == 0 else None, heads, dropout, rng=rng) for depth in range(layers))
        self.width = (width, width)

    @property
    def causal(self):
        return self.objective == "generation"

    def seen_by(self, R, T):
        """The mask (R + T, R + T) of R queries, then T words: row p may look at column s."""
        if self.objective not in OBJECTIVES:
            raise ValueError(f"QueryingTransformer: objective must be one of {', '.join(OBJECTIVES)}; "
                             f"got {self.objective!r}")
        if self.objective == "generation" and self.depth < 2:
            raise ValueError("QueryingTransformer: generation needs two layers or more, or no word learns of the "
                             f"image; got {self.depth}")
        seen = np.ones((R + T, R + T), bool)
        if self.objective != "matching":
            seen[:R, R:] = False                                         # no query sees a word
        if self.objective == "contrast":
            seen[R:, :R] = False                                         # no word sees a query
        if self.objective == "generation":
            seen[R:, R:] = np.tri(T)
        return seen

    def forward(self, inputs, masks=None, present=None):
        """Let the queries read images, beside texts.

        Parameters
        ----------
        inputs : tuple of two Tensors
            The text (B, T, Dt) and the image (B, N, Di).
        masks : tuple of two boolean arrays (B, T) and (B, N), each optional
        present : boolean array (B, 2), optional
            The positions of an absent modality are hidden.

        Returns
        -------
        Fused
            Words (B, T, D) and queries (B, R, D); the mask of the text, and None; what the queries took from the
            regions in the last layer that looks at them, (B, H, R, N).
        """
        (text, image), (text_mask, image_mask) = visible_inputs(self, inputs, masks, present)
        R = len(self.queries)
        queries = F.broadcast_to(self.queries, (len(text), *self.queries.shape))
        x = self.norm(F.concatenate([queries, self.projection(text)], 1))            # (B, R + T, D)
        seen = self.seen_by(R, text.shape[1])[None]
        if text_mask is not None:
            seen = seen & joined_mask((queries, text), (None, text_mask))[:, None]   # (B, R + T, R + T)
        for layer in self.layers:
            x, maps = layer(x, R, seen, image, image_mask)
            if maps is not None:
                weights = maps
        return Fused((zero_hidden(x[:, R:], text_mask), x[:, :R]), (text_mask, None), weights)


class _Layer(nn.Module):
    """Self-attention of queries and words, cross-attention of queries unless image_width is None, two networks."""

    def __init__(self, width, image_width, heads, dropout, *, rng):
        self.self_attention = CrossAttention(width, width, width, heads, rng=rng)
        self.self_norm = nn.LayerNorm(width, EPS)
        self.cross_attention = self.cross_norm = None
        if image_width is not None:
            self.cross_attention = CrossAttention(width, image_width, width, heads, rng=rng)
            self.cross_norm = nn.LayerNorm(width, EPS)
        self.query_network = FeedForward(width, rng=rng)
        self.query_norm = nn.LayerNorm(width, EPS)
        self.text_network = FeedForward(width, rng=rng)
        self.text_norm = nn.LayerNorm(width, EPS)
        self.dropout = nn.Dropout(dropout, rng=rng)

    def forward(self, x, R, seen, image, image_mask):
        """x (B, R + T, D), R queries first, to the same shape and (B, H, R, N) or None."""
        x = self.self_norm(x + self.dropout(self.self_attention(x, x, seen)[0]))
        u, t, maps = x[:, :R], x[:, R:], None
        if self.cross_attention is not None:
            y, maps = self.cross_attention(u, image, image_mask)
            u = self.cross_norm(u + self.dropout(y))
        u = self.query_norm(u + self.dropout(self.query_network(u)))
        t = self.text_norm(t + self.dropout(self.text_network(t)))
        return F.concatenate([u, t], 1), maps
