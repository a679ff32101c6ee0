"""Scaled dot-product attention as one op that keeps its exponentials: all of `steps` at once, forward and backward.

The exponentials e, (..., T, S), are the only large array that is kept for the backward pass; the explicit steps keep
scores, masked scores and weights, and walk back through each. The work is done a few heads at a time, so that a large
array is still in the cache when it is needed again, and in several threads.
"""

import math
from functools import partial

import numpy as np

from ...autograd import op, saving
from ...cores.memory import scratch
from ...cores.threads import parallel_for
from ..selection import where
from ..softmaxes import ceiling
from .heads import are_tame, checked, exponentiate, factor, pieces, stacked, with_ones, with_sums
from .powers import base_for
from .products import selected
from .steps import causal_mask, explicit_attention

__all__ = ["fused_attention"]

CACHE = 2**18  # scores worked on at a time


@op
def fused_attention(query, key, value, attn_mask=None, is_causal=False, scale=None):
    r"""Attention in one step, its exponentials kept: $Y = P V$, $P = \operatorname{softmax}(\sigma Q K^\top + M)$.

    Parameters
    ----------
    query, key, value : Tensor or ndarray, (..., T, D), (..., S, D) and (..., S, E)
    attn_mask : Tensor or ndarray, optional
        Broadcasts to (..., T, S). Boolean: True = may attend. Floating: added to the scores, and differentiated if
        it asks for a gradient.
    is_causal : bool
        Query t attends to keys 0 to t; excludes `attn_mask`.
    scale : float, optional
        $\sigma$; default $1/\sqrt{D}$.

    Returns
    -------
    Tensor
        (..., T, E).

    Raises
    ------
    ValueError
        If shapes disagree, the mask has the wrong dtype, or two masks are given.

    Notes
    -----
    $P = e / n$, with $e = \exp(\sigma Q K^\top + M - c)$ and $n$ the sums of its rows; P itself is never computed,
    since $Y = (e V) / n$ divides fewer numbers. With $\bar Y$ given: $\bar V = e^\top (\bar Y / n)$,
    $\bar S = e \odot (\bar Y V^\top - \operatorname{rowsum}(\bar Y \odot Y)) / n$, $\bar Q = \sigma \bar S K$,
    $\bar K = \sigma \bar S^\top Q$, $\bar M = \bar S$.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> x = np.array([[[2.0], [4.0]]])
    >>> F.fused_attention(0 * x, x, x, is_causal=True)
    array([[[2.],
            [3.]]])
    """
    leading = checked("fused_attention", query, key, value, attn_mask, is_causal)
    T, S = query.shape[-2], key.shape[-2]
    dtype = np.result_type(query, key, value, 0.0)
    q, k, v = (stacked(a, leading, dtype) for a in (query, key, value))
    mask = causal_mask(T, S) if is_causal else attn_mask
    mask = None if mask is None else np.broadcast_to(mask, (*leading, T, S))
    tame = T > 1 and are_tame(query, key, scale, mask)                  # one query's maxima cost less than the bound
    lower = None if tame else lambda e: ceiling(e, -1)
    e = np.empty((*leading, T, S), dtype)
    y = np.empty((*leading, T, v.shape[-1]), dtype)
    n = np.empty((*leading, T, 1), dtype)
    ones = np.ones((S, 1), dtype)
    base = base_for(dtype)
    scale = factor(query, scale) / base.ln

    def attend(i, empty, careful=False):
        sq = np.multiply(q[i], scale, out=empty(q[i].shape, dtype))
        np.matmul(sq, k[i].mT, out=e[i])                                # σ Q Kᵀ / ln b
        exponentiate(e[i], None if mask is None else mask[i], lower, base, careful)
        np.matmul(e[i], ones, out=n[i])
        n[i] += n[i] == 0                                               # a query that may attend to nothing
        (selected if careful else np.matmul)(e[i], v[i], out=y[i])
        y[i] /= n[i]

    _in_parallel(attend, e, 2 * query.shape[-1])
    if not np.isfinite(y).all():                                        # does something hidden show?
        _in_parallel(partial(attend, careful=True), e, 2 * query.shape[-1])
    return saving(y, e=e, n=n)


@fused_attention.vjp
def fused_attention_vjp(g, y, query, key, value, scale, e, n):
    leading = e.shape[:-2]
    scale = factor(query, scale)
    q, k, v = (stacked(a, leading, e.dtype) for a in (query, key, value))
    dq, dk, dv = (np.empty(a.shape, e.dtype) for a in (q, k, v))

    def pull_back(i, empty, careful=False):
        product = selected if careful else np.matmul
        gd = with_sums(g[i], y[i], 1 / n[i], empty)                     # [Ȳ, −D] / n
        ds = np.matmul(gd, with_ones(v[i], empty).mT, out=empty(e[i].shape, e.dtype))           # (Ȳ Vᵀ − D) / n
        ds *= e[i]                                                      # S̄
        if careful:
            np.copyto(ds, 0, where=e[i] == 0)
        product(e[i].mT, gd[..., :-1], out=dv[i])                       # V̄ = eᵀ Ȳ / n
        product(ds, k[i], out=dq[i])                                    # Q̄ = σ S̄ K
        product(ds.mT, q[i], out=dk[i])                                 # K̄ = σ S̄ᵀ Q
        for d in (dq, dk):
            d[i] *= scale

    _in_parallel(pull_back, e, 4 * query.shape[-1])
    if not all(np.isfinite(d).all() for d in (dq, dk, dv)):             # does something hidden show?
        _in_parallel(partial(pull_back, careful=True), e, 4 * query.shape[-1])
    return dq, dk, dv, lambda: where(e == 0, 0, with_sums(g, y, 1 / n) @ with_ones(v).mT * e)       # M̄ = S̄


@fused_attention.composite
def fused_attention_composite(query, key, value, attn_mask, is_causal, scale):
    return explicit_attention(query, key, value, attn_mask, is_causal, scale)


def _in_parallel(f, e, per_score):
    """f(i, empty) for groups of the heads of e that fit the cache; empty(shape, dtype) is memory for that call only."""
    groups = pieces(e.shape[:-2], CACHE // max(math.prod(e.shape[-2:]), 1))

    def share(start, stop):
        for i in groups[start:stop]:
            with scratch() as empty:
                f(i, empty)

    parallel_for(len(groups), share, per_score * e.size)
