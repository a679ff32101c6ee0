"""Attention between two sequences, and the layers made of it: they read a memory and show where they looked.

`tinymm.nn.TransformerEncoderLayer` reads itself and shows nothing; `tinymm.nn.MultiheadAttention` is as wide inside as
its queries are. The fusions of sequences need the rest: keys and values from elsewhere, of any width, weights per head.
"""

from .. import functional as F
from .. import nn

__all__ = ["AttentionBlock", "AttentionStack", "CrossAttention", "FeedForward", "split_heads"]


def split_heads(x, heads):
    """(B, L, D) to (B, H, L, D / H).

    Examples
    --------
    >>> import numpy as np
    >>> split_heads(np.ones((2, 5, 8)), 4).shape
    (2, 4, 5, 2)
    """
    batch, length, width = x.shape
    return F.transpose(F.reshape(x, (batch, length, heads, width // heads)), 1, 2)


class CrossAttention(nn.Module):
    r"""Multi-head attention from one sequence to another, which may have another width.

    $$q_t = W_q x_t + b_q,\quad k_s = W_k m_s,\quad v_s = W_v m_s + b_v,\qquad
    y_t = W_o \Big[\sum_s \alpha^h_{ts} v^h_s\Big]_{h=1}^H + b_o,\qquad
    \alpha^h_{ts} = \operatorname{softmax}_s \frac{q^h_t \cdot k^h_s}{\sqrt{D/H}}$$

    Keys have no bias: it would add the same to all scores of a query, which softmax does not see.

    Parameters
    ----------
    query_width, memory_width : int
        Widths of x, which is that of y too, and of m.
    width : int
        D, width of all heads together.
    heads : int
        H; divides D.
    bias : bool
        Whether $b_q, b_v, b_o$ exist.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If the heads do not divide the width.

    Examples
    --------
    >>> import numpy as np
    >>> attend = CrossAttention(6, 3, 8, 2, rng=np.random.default_rng(0))
    >>> y, weights = attend(np.ones((1, 4, 6), np.float32), np.ones((1, 5, 3), np.float32))
    >>> y.shape, weights.shape
    ((1, 4, 6), (1, 2, 4, 5))
    """

    def __init__(self, query_width, memory_width, width, heads, bias=True, *, rng):
        if heads < 1 or width % heads:
            raise ValueError(f"CrossAttention: heads must divide width; got {heads} and {width}")
        self.query = nn.Linear(query_width, width, bias, rng=rng)
        self.key = nn.Linear(memory_width, width, bias=False, rng=rng)
        self.value = nn.Linear(memory_width, width, bias, rng=rng)
        self.out = nn.Linear(width, query_width, bias, rng=rng)
        self.heads = heads

    def forward(self, x, memory, mask=None):
        """x (B, T, Dx), memory (B, S, Dm), mask (B, S) or (B or 1, T, S), True = may be looked at,
        to y (B, T, Dx) and weights (B, H, T, S)."""
        if mask is not None:
            mask = mask[:, None, None] if mask.ndim == 2 else mask[:, None]      # (B, 1, 1 or T, S)
        q, k, v = (split_heads(y, self.heads) for y in (self.query(x), self.key(memory), self.value(memory)))
        y, weights = F.attention(q, k, v, mask)                                  # (B, H, T, D / H)
        y = F.reshape(F.transpose(y, 1, 2), (*x.shape[:2], -1))                  # (B, T, D)
        return self.out(y), weights


class FeedForward(nn.Module):
    r"""At each position by itself: $y = W_2\, f(W_1 x + b_1) + b_2$.

    Parameters
    ----------
    width : int
        Of x and y.
    hidden : int, optional
        In between; default: four times the width.
    activation : {"gelu", "relu"}
        f.
    bias : bool
        Whether $b_1, b_2$ exist.
    rng : numpy.random.Generator

    Examples
    --------
    >>> import numpy as np
    >>> FeedForward(4, rng=np.random.default_rng(0))(np.ones((2, 5, 4), np.float32)).shape
    (2, 5, 4)
    """

    def __init__(self, width, hidden=None, activation="gelu", bias=True, *, rng):
        hidden = hidden or 4 * width
        self.linear1 = nn.Linear(width, hidden, bias, rng=rng)
        self.linear2 = nn.Linear(hidden, width, bias, rng=rng)
        self.activation = activation

    def forward(self, x):
        """x (..., D) to the same shape."""
        return self.linear2(getattr(F, self.activation)(self.linear1(x)))


class AttentionBlock(nn.Module):
    r"""A pre-norm Transformer layer that reads a memory: itself, or another sequence of its width.

    $$x' = x + \mathrm{Attention}(\mathrm{LN}_1 x, \mathrm{LN}_1 m),\qquad y = x' + \mathrm{FFN}(\mathrm{LN}_2 x')$$

    Parameters
    ----------
    width, heads : int
        D, H.
    feedforward : int, optional
        Hidden width of FFN; default: 4 D.
    activation : {"gelu", "relu"}
    dropout : float
        On the result of each of the two, before it is added.
    rng : numpy.random.Generator

    References
    ----------
    Xiong et al. (2020), On layer normalization in the Transformer architecture; with a memory: Tsai et al. (2019),
    Multimodal Transformer, §3.

    Examples
    --------
    >>> import numpy as np
    >>> layer = AttentionBlock(4, 2, rng=np.random.default_rng(0))
    >>> x, memory = np.ones((2, 5, 4), np.float32), np.ones((2, 7, 4), np.float32)
    >>> layer(x)[1].shape, layer(x, memory)[1].shape
    ((2, 2, 5, 5), (2, 2, 5, 7))
    """

    def __init__(self, width, heads, feedforward=None, activation="gelu", dropout=0.0, *, rng):
        self.attention = CrossAttention(width, width, width, heads, rng=rng)
        self.feedforward = FeedForward(width, feedforward, activation, rng=rng)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout, rng=rng)

    def forward(self, x, memory=None, mask=None):
        """x (B, T, D), memory (B, S, D), x itself by default, mask as for `CrossAttention`,
        to y (B, T, D) and weights (B, H, T, S)."""
        query = self.norm1(x)
        y, weights = self.attention(query, query if memory is None else self.norm1(memory), mask)
        x = x + self.dropout(y)
        return x + self.dropout(self.feedforward(self.norm2(x))), weights


class AttentionStack(nn.Module):
    """Attention blocks one after the other, then a last norm; with a memory, all of them read it as it came.

    Parameters
    ----------
    layers : int
        How many, at least one.
    width, heads, feedforward, activation, dropout, rng
        As for `AttentionBlock`.

    Raises
    ------
    ValueError
        If there is no layer.

    Examples
    --------
    >>> import numpy as np
    >>> stack = AttentionStack(3, 4, 2, rng=np.random.default_rng(0))
    >>> y, weights = stack(np.ones((2, 5, 4), np.float32))
    >>> y.shape, weights.shape
    ((2, 5, 4), (2, 2, 5, 5))
    """

    def __init__(self, layers, width, heads, feedforward=None, activation="gelu", dropout=0.0, *, rng):
        if layers < 1:
            raise ValueError(f"AttentionStack: needs one layer or more; got {layers}")
        self.layers = nn.ModuleList(AttentionBlock(width, heads, feedforward, activation, dropout, rng=rng)
                                    for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x, memory=None, mask=None):
        """As for `AttentionBlock`; the weights are the last layer's."""
        for layer in self.layers:
            x, weights = layer(x, memory, mask)
        return self.norm(x), weights
