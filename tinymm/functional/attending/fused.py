"""Scaled dot-product attention as one op that keeps its exponentials: all of `steps` at once, forward and backward.

The exponentials e, (..., T, S), are the only large array that is kept for the backward pass, if there is one; the
explicit steps keep scores, masked scores and weights, and walk back through each. The work is done a few heads at a
time, or a few queries of one head, so that a score is still in the cache when it is needed again, and in several
threads.
"""

import math
from functools import partial

import numpy as np

from ...autograd import op, saving
from ...cores.caches import second_level
from ...cores.memory import recycled, scratch
from ...cores.threads import parallel_for
from ..selection import where
from ..softmaxes import ceiling
from .heads import are_tame, checked, exponentiate, factor, pieces, stacked, with_ones, with_sums
from .powers import base_for
from .products import selected
from .steps import causal_mask, explicit_attention

__all__ = ["fused_attention"]

# Scores worked on at a time: in float32, half of the second-level cache. With fewer, products are small and slow.
CACHE = max(2**16, min(second_level() // 8, 2**18))


@op
def fused_attention(query, key, value, attn_mask=None, is_causal=False, scale=None, keep=True):
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
    keep : bool
        Keep the exponentials. Without them there is no gradient, and no large array.

    Returns
    -------
    Tensor
        (..., T, E).

    Raises
    ------
    ValueError
        If shapes disagree, the mask has the wrong dtype, two masks are given, or a gradient is asked for where nothing
        was kept.

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
    kept = recycled((*leading, T, S), dtype) if keep else None
    y = np.empty((*leading, T, v.shape[-1]), dtype)
    n = np.empty((*leading, T, 1), dtype)
    ones = np.ones((S, 1), dtype)
    base = base_for(dtype)
    scale = factor(query, scale) / base.ln

    def attend(i, stretches, careful=False):
        for at, seen in _places(i, stretches, S, is_causal):
            with scratch() as empty:
                e = kept[at][..., seen] if keep else empty((*y[at].shape[:-1], seen.stop), dtype)
                sq = np.multiply(q[at], scale, out=empty(q[at].shape, dtype))
                np.matmul(sq, k[i][..., seen, :].mT, out=e)             # σ Q Kᵀ / ln b
                exponentiate(e, None if mask is None else mask[at][..., seen], lower, base, careful)
                np.matmul(e, ones[seen], out=n[at])
                n[at] += n[at] == 0                                     # a query that may attend to nothing
                (selected if careful else np.matmul)(e, v[i][..., seen, :], out=y[at])
                y[at] /= n[at]

    def everywhere(**options):
        _in_parallel(partial(attend, **options), leading, T, S, 2 * query.shape[-1])

    everywhere()
    if not np.isfinite(y).all():                                        # does something hidden show?
        everywhere(careful=True)
    return saving(y, e=kept, n=n)


@fused_attention.vjp
def fused_attention_vjp(g, y, query, key, value, is_causal, scale, e, n):
    if e is None:
        raise ValueError("fused_attention: a gradient needs the exponentials; got keep=False")
    *leading, T, S = e.shape
    scale = factor(query, scale)
    q, k, v = (stacked(a, leading, e.dtype) for a in (query, key, value))
    dq, dk, dv = (np.empty(a.shape, e.dtype) for a in (q, k, v))

    def pull_back(i, stretches, careful=False):
        product = selected if careful else np.matmul
        with scratch() as empty:
            v1 = with_ones(v[i], empty)                                 # [V, 1]
            more = empty(dk[i].shape, e.dtype), empty(dv[i].shape, e.dtype)
            add = _written
            if len(stretches) != 1 or is_causal and T < S:              # sums, or keys that nobody sees
                add = _added
                dk[i] = dv[i] = 0
            for at, seen in _places(i, stretches, S, is_causal):
                with scratch() as empty_here:
                    p = e[at][..., seen]
                    gd = with_sums(g[at], y[at], 1 / n[at], empty_here)                         # [Ȳ, −D] / n
                    ds = np.matmul(gd, v1[..., seen, :].mT, out=empty_here(p.shape, p.dtype))   # (Ȳ Vᵀ − D) / n
                    ds *= p                                             # S̄
                    if careful:
                        np.copyto(ds, 0, where=p == 0)
                    keys = (*i, ..., seen, slice(None))
                    dk_more, dv_more = (d[..., seen, :] for d in more)
                    add(dv[keys], dv_more, product, p.mT, gd[..., :-1])                         # V̄ = eᵀ Ȳ / n
                    add(dk[keys], dk_more, product, ds.mT, q[at])                               # K̄ = σ S̄ᵀ Q
                    product(ds, k[keys], out=dq[at])                                            # Q̄ = σ S̄ K
        for d in (dq, dk):
            d[i] *= scale

    def everywhere(**options):
        _in_parallel(partial(pull_back, **options), leading, T, S, 4 * query.shape[-1])

    everywhere()
    if not all(np.isfinite(d).all() for d in (dq, dk, dv)):             # does something hidden show?
        everywhere(careful=True)
    return dq, dk, dv, lambda: where(e == 0, 0, with_sums(g, y, 1 / n) @ with_ones(v).mT * e)       # M̄ = S̄


@fused_attention.composite
def fused_attention_composite(query, key, value, attn_mask, is_causal, scale, keep):
    return explicit_attention(query, key, value, attn_mask, is_causal, scale)


def _written(total, more, product, a, b):
    product(a, b, out=total)


def _added(total, more, product, a, b):
    total += product(a, b, out=more)


def _in_parallel(f, leading, T, S, per_score):
    """f(i, stretches) for groups i of heads that fit the cache together. Of a head that does not fit alone, the queries
    come in stretches that do."""
    groups = pieces(leading, CACHE // max(T * S, 1))
    rows = max(T if T * S <= CACHE else CACHE // S, 1)
    stretches = [slice(start, min(start + rows, T)) for start in range(0, T, rows)]

    def share(start, stop):
        for i in groups[start:stop]:
            f(i, stretches)

    parallel_for(len(groups), share, per_score * math.prod(leading) * T * S)


def _places(i, stretches, S, is_causal):
    """(at, seen) for stretches of queries of the heads i: their index, and the keys that any of them may attend to."""
    for rows in stretches:
        yield (*i, ..., rows, slice(None)), slice(min(rows.stop, S) if is_causal else S)
