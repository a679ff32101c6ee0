"""Many elements into one: sums, means, spreads, extremes, products.

`axis` is an int, a tuple, or None for all axes; `keepdims` leaves them with
length 1. An empty sum is 0, an empty product 1, an empty mean NaN; extremes
of nothing are errors.
"""

import builtins
import math

import numpy as np

from ..autograd import op, saving
from .selection import where
from .shape import broadcast_to

__all__ = ["mean", "sum"]


@op
def sum(x, axis=None, keepdims=False):
    r"""Sum along axes: $y = \sum_i x_i$.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int or tuple of int, optional
    keepdims : bool

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.sum(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    array([3., 7.])
    """
    return saving(np.sum(x, axis=axis, keepdims=keepdims), x_shape=np.shape(x))


@sum.vjp
def sum_vjp(g, axis, x_shape):      # x̄ = g, once for each element summed
    return broadcast_to(spread(g, axis, x_shape), x_shape)


@op
def mean(x, axis=None, keepdims=False):
    r"""Mean along axes: $y = \frac1n \sum_i x_i$.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int or tuple of int, optional
    keepdims : bool

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.mean(np.array([[1.0, 2.0], [3.0, 5.0]]), axis=0)
    array([2. , 3.5])
    """
    return saving(np.mean(x, axis=axis, keepdims=keepdims), x_shape=np.shape(x))


@mean.vjp
def mean_vjp(g, axis, x_shape):     # x̄ = g / n, once for each element summed
    return broadcast_to(spread(g, axis, x_shape) / builtins.max(count(axis, x_shape), 1), x_shape)


def spread(y, axis, x_shape):
    """A result, or its cotangent, as `keepdims` lays it: the reduced axes are there with length 1."""
    axes = reduced(axis, len(x_shape))
    return y.reshape(tuple(1 if k in axes else n for k, n in enumerate(x_shape)))


def count(axis, x_shape):
    """n: how many elements went into each result."""
    return math.prod(x_shape[k] for k in reduced(axis, len(x_shape)))


def reduced(axis, ndim):
    """The axes that `axis` names, from 0 on."""
    if axis is None:
        return range(ndim)
    return {k % ndim for k in axis} if isinstance(axis, (tuple, list)) else {axis % ndim if ndim else 0}
