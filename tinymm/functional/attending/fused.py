"""Scaled dot-product attention as one op that keeps its weights: the steps of `attending`, forward and backward in one go.

The weights P, (..., T, S), are the only large array that lives on to the backward pass; where the explicit steps
keep scores, masked scores and weights, and walk back through each.
"""

import numpy as np

from ...autograd import op, saving
from ..softmaxes import ceiling, inner
from .heads import checked, factor
from .steps import causal_mask, explicit_attention

__all__ = ["fused_attention"]


@op
def fused_attention(query, key, value, attn_mask=None, is_causal=False, scale=None):
    r"""Attention in one step, its weights kept: $Y = P V$, $P = \operatorname{softmax}(\sigma Q K^\top + M)$.

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
    With $\bar Y$ given: $\bar V = P^\top \bar Y$, $\bar P = \bar Y V^\top$,
    $\bar S = P \odot (\bar P - \operatorname{rowsum}(\bar P \odot P))$, $\bar Q = \sigma \bar S K$,
    $\bar K = \sigma \bar S^\top Q$, $\bar M = \bar S$.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> x = np.array([[[2.0], [4.0]]])
    >>> F.fused_attention(0 * x, x, x, is_causal=True)
    array([[[2.],
            [3.]]])
    """
    checked("fused_attention", query, key, value, attn_mask, is_causal)
    p = (query * factor(query, scale)) @ key.mT                         # (..., T, S), scores yet
    if is_causal:
        attn_mask = causal_mask(*p.shape[-2:])
    if attn_mask is not None:
        p = p + attn_mask.astype(p.dtype) if attn_mask.dtype.kind == "f" else np.where(attn_mask, p, -np.inf)
    p -= ceiling(p, -1)
    np.exp(p, out=p)
    total = inner(p, None, -1)
    total += total == 0
    p *= 1 / total
    return saving(p @ value, p=p)


@fused_attention.vjp
def fused_attention_vjp(g, query, key, value, scale, p):
    ds = g @ value.mT                                                   # P̄ = Ȳ Vᵀ
    ds -= inner(ds, p, -1)
    ds *= p                                                             # S̄ = P ⊙ (P̄ − Σ P̄ ⊙ P)
    scale = factor(query, scale)
    return (lambda: ds @ key * scale, lambda: ds.mT @ (query * scale),  # Q̄ = σ S̄ K,  K̄ = σ S̄ᵀ Q
            lambda: p.mT @ g, lambda: ds)                               # V̄ = Pᵀ Ȳ,  M̄ = S̄


@fused_attention.composite
def fused_attention_composite(query, key, value, attn_mask, is_causal, scale):
    return explicit_attention(query, key, value, attn_mask, is_causal, scale)
