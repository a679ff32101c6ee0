r"""How well a key fits a query: one Module for each score function of article 4.1.

Each is called with queries (..., T, D) and keys (..., S, E), gives scores (..., T, S), and is handed to
`SoftAttention`, `HardAttention` or `LocalAttention`, which do the rest.
"""

import math

import numpy as np

from ... import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter

__all__ = ["AdditiveScore", "ConcatScore", "DotScore", "GeneralScore", "MLPScore", "ScaledDotScore"]


class DotScore(Module):
    r"""$e_{ts} = q_t^\top k_s$; no parameters, equal widths.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.nn.DotScore()(tm.tensor([[1.0, 2.0]]), tm.tensor([[3.0, 4.0]])).tolist()
    [[11.0]]
    """

    def forward(self, query, key):
        """query (..., T, D), key (..., S, D) to (..., T, S)."""
        return F.dot_scores(query, key)


class ScaledDotScore(Module):
    r"""$e_{ts} = q_t^\top k_s / \sqrt D$; no parameters, equal widths.

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> tm.nn.ScaledDotScore()(tm.tensor([[1.0, 2.0, 0.0, 0.0]]), tm.tensor([[3.0, 4.0, 0.0, 0.0]])).tolist()
    [[5.5]]
    """

    def forward(self, query, key):
        """query (..., T, D), key (..., S, D) to (..., T, S)."""
        return F.attention_scores(query, key)


class GeneralScore(Module):
    r"""$e_{ts} = q_t^\top W k_s$.

    Parameters
    ----------
    query_width, key_width : int
        D and E.
    rng : numpy.random.Generator
        Draws W, Xavier uniform.

    Attributes
    ----------
    weight : Parameter (D, E)

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> score = tm.nn.GeneralScore(4, 6, rng=np.random.default_rng(0))
    >>> score(tm.tensor(np.ones((2, 3, 4))), tm.tensor(np.ones((2, 5, 6)))).shape
    (2, 3, 5)
    """

    def __init__(self, query_width, key_width, *, rng):
        self.weight = matrix(query_width, key_width, rng)

    def forward(self, query, key):
        """query (..., T, D), key (..., S, E) to (..., T, S)."""
        return F.general_scores(query, key, self.weight)

    def extra_repr(self):
        return "{}, {}".format(*self.weight.shape)


class AdditiveScore(Module):
    r"""$e_{ts} = v^\top \tanh(W_q q_t + W_k k_s)$, after Bahdanau.

    Parameters
    ----------
    query_width, key_width : int
        D and E.
    width : int
        A, the width of the hidden layer.
    rng : numpy.random.Generator
        Draws the matrices, Xavier uniform, and v, uniform within $\pm A^{-1/2}$.

    Attributes
    ----------
    weight_q : Parameter (A, D)
    weight_k : Parameter (A, E)
    weight_v : Parameter (A,)

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> score = tm.nn.AdditiveScore(4, 6, 8, rng=np.random.default_rng(0))
    >>> score(tm.tensor(np.ones((2, 3, 4))), tm.tensor(np.ones((2, 5, 6)))).shape
    (2, 3, 5)
    """

    def __init__(self, query_width, key_width, width, *, rng):
        self.weight_q = matrix(width, query_width, rng)
        self.weight_k = matrix(width, key_width, rng)
        self.weight_v = vector(width, rng)

    def forward(self, query, key):
        """query (..., T, D), key (..., S, E) to (..., T, S)."""
        return F.additive_scores(query, key, self.weight_q, self.weight_k, self.weight_v)

    def extra_repr(self):
        return f"{self.weight_q.shape[1]}, {self.weight_k.shape[1]}, width={len(self.weight_v)}"


class ConcatScore(Module):
    r"""$e_{ts} = v^\top \tanh(W [q_t; k_s])$, after Luong: `AdditiveScore` with its two matrices side by side.

    Parameters
    ----------
    query_width, key_width, width : int
        D, E and A.
    rng : numpy.random.Generator
        As for `AdditiveScore`.

    Attributes
    ----------
    weight : Parameter (A, D + E)
    weight_v : Parameter (A,)

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> score = tm.nn.ConcatScore(4, 6, 8, rng=np.random.default_rng(0))
    >>> score(tm.tensor(np.ones((2, 3, 4))), tm.tensor(np.ones((2, 5, 6)))).shape
    (2, 3, 5)
    """

    def __init__(self, query_width, key_width, width, *, rng):
        self.weight = matrix(width, query_width + key_width, rng)
        self.weight_v = vector(width, rng)

    def forward(self, query, key):
        """query (..., T, D), key (..., S, E) to (..., T, S)."""
        return F.concat_scores(query, key, self.weight, self.weight_v)

    def extra_repr(self):
        return f"{self.weight.shape[1]}, width={self.weight.shape[0]}"


class MLPScore(Module):
    r"""$e_{ts} = v^\top \mathrm{ReLU}(W [q_t; k_s] + b)$.

    Parameters
    ----------
    query_width, key_width, width : int
        D, E and A.
    rng : numpy.random.Generator
        As for `AdditiveScore`; b starts at 0.

    Attributes
    ----------
    weight : Parameter (A, D + E)
    bias : Parameter (A,)
    weight_v : Parameter (A,)

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> score = tm.nn.MLPScore(4, 6, 8, rng=np.random.default_rng(0))
    >>> score(tm.tensor(np.ones((2, 3, 4))), tm.tensor(np.ones((2, 5, 6)))).shape
    (2, 3, 5)
    """

    def __init__(self, query_width, key_width, width, *, rng):
        self.weight = matrix(width, query_width + key_width, rng)
        self.bias = Parameter(np.zeros(width, np.float32))
        self.weight_v = vector(width, rng)

    def forward(self, query, key):
        """query (..., T, D), key (..., S, E) to (..., T, S)."""
        return F.mlp_scores(query, key, self.weight, self.bias, self.weight_v)

    def extra_repr(self):
        return f"{self.weight.shape[1]}, width={self.weight.shape[0]}"


def matrix(rows, columns, rng):
    """A Parameter (rows, columns), Xavier uniform."""
    return init.xavier_uniform_(Parameter(np.empty((rows, columns), np.float32)), rng=rng)


def vector(width, rng):
    r"""A Parameter (width,), uniform within $\pm\text{width}^{-1/2}$."""
    bound = 1 / math.sqrt(width)
    return init.uniform_(Parameter(np.empty(width, np.float32)), -bound, bound, rng=rng)
