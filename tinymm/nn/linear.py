"""Linear: the affine map of the last axis."""

import math

import numpy as np

from .. import functional as F
from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["Linear"]


class Linear(Module):
    r"""Affine map of the last axis: $y = x W^\top + b$.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
        Whether b exists.
    rng : numpy.random.Generator
        Draws W and b from $U(-k, k)$, $k = \text{in\_features}^{-1/2}$.

    Attributes
    ----------
    weight : Parameter (out_features, in_features)
    bias : Parameter (out_features,) or None

    Examples
    --------
    >>> import numpy as np, tinymm as tm
    >>> layer = tm.nn.Linear(4, 3, rng=np.random.default_rng(0))
    >>> layer(np.ones((2, 5, 4), np.float32)).shape
    (2, 5, 3)
    """

    def __init__(self, in_features, out_features, bias=True, *, rng):
        weight = Parameter(np.empty((out_features, in_features), np.float32))
        self.weight = init.kaiming_uniform_(weight, math.sqrt(5), rng=rng)
        self.bias = None
        if bias:
            bound = 1 / math.sqrt(in_features)
            self.bias = init.uniform_(Parameter(np.empty(out_features, np.float32)), -bound, bound, rng=rng)

    def forward(self, x):
        """x (..., in_features) to (..., out_features)."""
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self):
        out_features, in_features = self.weight.shape
        return f"in_features={in_features}, out_features={out_features}, bias={self.bias is not None}"
