r"""Local attention: a query attends to the keys near its own position, or near a position it predicts."""

import numpy as np

from ... import functional as F
from ..module import Module
from .scores import matrix, vector
from .soft import Attended
from .unhidden import as_mask, unhidden

__all__ = ["LocalAttention", "PredictiveLocalAttention"]


class LocalAttention(Module):
    r"""Luong's local-m: soft attention to the keys with $|s - t| \le D$.

    Parameters
    ----------
    score : Module
        As for `SoftAttention`.
    reach : int
        D.

    References
    ----------
    Luong, Pham, Manning (2015), Effective approaches to attention-based neural machine translation, §3.2.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> attend = tm.nn.LocalAttention(tm.nn.DotScore(), reach=1)
    >>> attend(tm.tensor(np.zeros((3, 1))), tm.tensor(np.zeros((3, 1)))).weights.data.round(2).tolist()
    [[0.5, 0.5, 0.0], [0.33, 0.33, 0.33], [0.0, 0.5, 0.5]]
    """

    def __init__(self, score, reach):
        self.score = score
        self.reach = reach

    def forward(self, query, key, value=None, mask=None, offset=0):
        """As `SoftAttention`; the first query stands at position `offset`."""
        near = F.sliding_window_mask(query.shape[-2], key.shape[-2], before=self.reach, after=self.reach, offset=offset)
        mask = near if mask is None else near & as_mask(mask)
        query, key, value = unhidden(query, key, value, mask)
        scores = self.score(query, key)
        weights = F.attention_weights(scores, mask)
        return Attended(F.attention_sum(weights, value), weights, scores)

    def extra_repr(self):
        return f"reach={self.reach}"


class PredictiveLocalAttention(Module):
    r"""Luong's local-p: $p_t = S\,\sigma(v^\top\tanh(W q_t))$, and keys near $p_t$ under a Gaussian of width D / 2.

    Parameters
    ----------
    score : Module
        As for `SoftAttention`.
    query_width : int
    width : int
        Width of the hidden layer between query and position.
    reach : float
        D.
    rng : numpy.random.Generator
        Draws W, Xavier uniform, and v, uniform within $\pm\text{width}^{-1/2}$: at first every $p_t$ lies near the
        middle.

    Attributes
    ----------
    weight : Parameter (width, query_width)
    weight_v : Parameter (width,)

    References
    ----------
    Luong, Pham, Manning (2015), equations 9 and 10.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> attend = tm.nn.PredictiveLocalAttention(tm.nn.DotScore(), 4, 8, reach=2, rng=np.random.default_rng(0))
    >>> output, weights, scores = attend(tm.tensor(np.zeros((2, 3, 4))), tm.tensor(np.ones((2, 9, 4))))
    >>> weights.data[0, 0].argmax().item()                                      # 9 σ(0) = 4.5
    4
    """

    def __init__(self, score, query_width, width, reach, *, rng):
        self.score = score
        self.reach = reach
        self.weight = matrix(width, query_width, rng)
        self.weight_v = vector(width, rng)

    def forward(self, query, key, value=None, mask=None):
        """As `SoftAttention`; S of the formula is the number of keys that a mask (..., 1, S) or (..., T, S) leaves
        visible, and s counts these, wherever they stand."""
        mask = as_mask(mask)
        query, key, value = unhidden(query, key, value, mask)
        scores = self.score(query, key)
        length, places = (key.shape[-2], None) if mask is None else (mask.sum(-1), np.cumsum(mask, -1) - 1)
        positions = F.predicted_positions(query, self.weight, self.weight_v, length)
        weights = F.local_weights(scores, positions, self.reach, mask, places)
        return Attended(F.attention_sum(weights, value), weights, scores)

    def extra_repr(self):
        return f"reach={self.reach}"
