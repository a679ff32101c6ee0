r"""The co-attention block of ViLBERT: two streams of their own widths, each with the other's keys and values."""

from .. import nn
from ..encoders.encoded import zero_hidden
from .blocks import CrossAttention, FeedForward
from .fused import Fused, checked_widths
from .sequences import visible_inputs
from .shown import Attends

__all__ = ["CoAttentionBlock"]

EPS = 1e-12  # of BERT's layer norms


class CoAttentionBlock(nn.Module):
    r"""Each stream asks, the other answers; then each has a feed-forward network of its own.

    With x, y the two streams, and all weights separate for the two,

    $$x' = \mathrm{LN}(x + \mathrm{Attention}(x, y)),\qquad y' = \mathrm{LN}(y + \mathrm{Attention}(y, x)),$$

    $$\hat x = \mathrm{LN}(x' + \mathrm{FFN}(x')),\qquad \hat y = \mathrm{LN}(y' + \mathrm{FFN}(y'))$$

    Both attentions read x and y, neither reads x′ or y′: the two directions are symmetric.

    Parameters
    ----------
    widths : dict of str to int
        Of two modalities, their names and widths.
    width : int
        D, width of the attention between the two; ViLBERT's is 1024.
    heads : int
        H; divides D.
    feedforward : tuple of two int, optional
        Hidden widths of the two feed-forward networks; default: four times the stream's width. ViLBERT's are 3072 for
        texts of width 768, and 1024 for images of width 1024.
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
        The widths of the streams, those of the inputs: blocks can follow each other, with encoder layers in between.
    causal : bool
        True, of the first stream: a word sees regions, and these as they came. The second stream sees the whole text;
        so two blocks, one after the other, are not causal. `CausalCoAttention` is the one for captions.

    References
    ----------
    Lu, Batra, Parikh & Lee (2019), ViLBERT, §3.1 and figure 2.

    Examples
    --------
    >>> import numpy as np
    >>> block = CoAttentionBlock({"text": 8, "image": 6}, width=4, heads=2, rng=np.random.default_rng(0))
    >>> fused = block((np.ones((2, 3, 8), np.float32), np.ones((2, 5, 6), np.float32)))
    >>> [stream.shape for stream in fused.features], [maps.shape for maps in fused.weights]
    ([(2, 3, 8), (2, 5, 6)], [(2, 2, 3, 5), (2, 2, 5, 3)])
    """

    kind = "sequences"
    causal = True
    shows = Attends((0,), (1,)), Attends((1,), (0,))

    def __init__(self, widths, width=256, heads=8, feedforward=None, dropout=0.0, *, rng):
        self.modalities, self.input_widths = checked_widths("CoAttentionBlock", widths, 2)
        first, second = self.width = self.input_widths
        hidden = feedforward or (None, None)
        self.attentions = nn.ModuleList([CrossAttention(first, second, width, heads, rng=rng),
                                         CrossAttention(second, first, width, heads, rng=rng)])
        self.attention_norms = nn.ModuleList(nn.LayerNorm(d, EPS) for d in self.width)
        self.feedforwards = nn.ModuleList(FeedForward(d, h, rng=rng) for d, h in zip(self.width, hidden))
        self.feedforward_norms = nn.ModuleList(nn.LayerNorm(d, EPS) for d in self.width)
        self.dropout = nn.Dropout(dropout, rng=rng)

    def forward(self, inputs, masks=None, present=None):
        """Fuse two sequences.

        Parameters
        ----------
        inputs : tuple of two Tensors (B, T, Dx) and (B, N, Dy)
        masks : tuple of two boolean arrays (B, T) and (B, N), each optional
        present : boolean array (B, 2), optional
            The positions of an absent modality are hidden.

        Returns
        -------
        Fused
            The two streams, of the inputs' shapes; their masks; what the first gives to the positions of the second,
            (B, H, T, N), and the second to the first, (B, H, N, T).
        """
        (x, y), masks = visible_inputs(self, inputs, masks, present)
        asked = [attend(query, memory, mask) for attend, query, memory, mask in
                 zip(self.attentions, (x, y), (y, x), reversed(masks))]
        streams = [self._after(m, stream, answer) for m, (stream, (answer, _)) in enumerate(zip((x, y), asked))]
        weights = tuple(maps for _, maps in asked)
        return Fused(tuple(map(zero_hidden, streams, masks)), tuple(masks), weights)

    def _after(self, m, x, answer):
        """Of stream m and what the other answered: LN(x + answer), then the feed-forward network."""
        x = self.attention_norms[m](x + self.dropout(answer))
        return self.feedforward_norms[m](x + self.dropout(self.feedforwards[m](x)))
