"""The two products of attention, in which a zero hides: a weight of 0 makes nothing of NaN or ∞.

As matrix products they would multiply what is hidden by 0, and 0 · NaN is NaN. They are matrix products all the same,
and only if one is not finite the terms with a factor of 0 are left out one by one.
"""

import numpy as np

from ...autograd import op
from ..selection import where

__all__ = ["pair_products", "weighted_sum"]


@op
def weighted_sum(weights, value):
    r"""Sums under weights: $y_t = \sum_{s:\, \alpha_{ts} \ne 0} \alpha_{ts} v_s$.

    Parameters
    ----------
    weights : Tensor or ndarray, (..., T, S)
    value : Tensor or ndarray, (..., S, E)

    Returns
    -------
    Tensor
        (..., T, E).

    Notes
    -----
    Where a weight is 0 and its gradient $\bar y_t^\top v_s$ is not finite, that gradient is 0 too.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.weighted_sum(np.array([[0.25, 0.75, 0.0]]), np.array([[4.0], [8.0], [np.nan]]))
    array([[7.]])
    """
    y = weights @ value
    return y if np.isfinite(y).all() else selected(weights, value)


@weighted_sum.vjp
def weighted_sum_vjp(g, weights, value):        # ᾱ = ȳ vᵀ,  v̄ = αᵀ ȳ
    def wrt_weights():
        d = pair_products(g, value)
        return d if np.isfinite(d).all() else where((weights != 0) | np.isfinite(d), d, 0)

    return wrt_weights, lambda: weighted_sum(weights.mT, g)


@op
def pair_products(query, key):
    r"""The product of every query with every key: $e_{ts} = q_t^\top k_s$.

    Parameters
    ----------
    query : Tensor or ndarray, (..., T, D)
    key : Tensor or ndarray, (..., S, D)

    Returns
    -------
    Tensor
        (..., T, S).

    Notes
    -----
    A pair whose gradient is 0, because it is hidden, adds nothing to the gradients of its query and its key, whatever
    the other one is.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.pair_products(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 0.0]]))
    array([[11.,  5.]])
    """
    return query @ key.mT


@pair_products.vjp
def pair_products_vjp(g, query, key):           # q̄_t = Σ_s ē_ts k_s,  k̄_s = Σ_t ē_ts q_t
    return lambda: weighted_sum(g, key), lambda: weighted_sum(g.mT, query)


def selected(a, b, out=None):
    """a b, without the terms whose factor in a is 0; arguments as of `np.matmul`."""
    finite = np.isfinite(b)
    y = np.matmul(a, np.where(finite, b, 0), out=out)
    rest = np.where(finite, 0, b)
    for s in np.flatnonzero(rest.any(tuple(range(b.ndim - 2)) + (b.ndim - 1,))):
        factor = a[..., s, None]
        if factor.any():
            y += np.where(factor != 0, factor * rest[..., None, s, :], 0)
    return y
