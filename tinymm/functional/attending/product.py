"""Scaled dot-product attention, one function in three forms: explicit, fused, tiled. Here the fastest is chosen."""

from .fused import fused_attention
from .heads import checked
from .steps import attention, grouped, ungrouped
from .tiled import tiled_attention

__all__ = ["scaled_dot_product_attention"]

LARGE = 768 * 768  # from this many scores T·S on, tiles are faster than whole matrices


def scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None,
                                 enable_gqa=False, rng=None):
    r"""Attention in whichever form is fastest: $c = \operatorname{softmax}(q k^\top / \sqrt{D})\, v$.

    Explicit steps if weights are dropped; else tiles if there are at least 768 × 768 scores per head and the mask needs
    no gradient; else the fused form.

    Parameters
    ----------
    query : Tensor or ndarray, (..., T, D)
    key : Tensor or ndarray, (..., S, D)
    value : Tensor or ndarray, (..., S, E)
    attn_mask : ndarray or Tensor, optional
        Broadcasts to (..., T, S). Boolean: True = may attend. Floating: added to the scores.
    dropout_p : float
        Probability with which a weight is dropped. There is no training switch: pass 0 to evaluate.
    is_causal : bool
        Query t attends to keys 0 to t; excludes `attn_mask`.
    scale : float, optional
        In place of $1/\sqrt{D}$.
    enable_gqa : bool
        Grouped queries: key and value have fewer heads (axis -3) than the query; each serves a group of neighbours.
    rng : numpy.random.Generator, optional
        Required if `dropout_p` is positive.

    Returns
    -------
    Tensor
        (..., T, E). Zero where a query may attend to nothing.

    Raises
    ------
    ValueError
        If shapes disagree, the mask has the wrong dtype, or two masks are given.

    Notes
    -----
    The forms are functions too: `explicit_attention`, `fused_attention`, `tiled_attention`. Memory beside inputs and
    result: several (..., T, S), one, none.

    The fused and the tiled form divide by the sum of a row at the end, instead of each weight: beside large scores,
    float32 values beyond 1e25 or below 1e-25 can overflow or underflow where the explicit form's do not. Unlike in
    PyTorch, a mask may add leading axes, and a hidden key may hold NaN.

    References
    ----------
    Vaswani et al., "Attention is all you need", 2017, equation 1. Ainslie et al., "GQA", 2023.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> x = np.array([[[2.0], [4.0]]])
    >>> F.scaled_dot_product_attention(0 * x, x, x, is_causal=True)
    array([[[2.],
            [3.]]])
    """
    if dropout_p:
        return attention(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa, rng)[0]
    if enable_gqa:
        query, key, value, attn_mask = grouped(query, key, value, attn_mask)
    checked("scaled_dot_product_attention", query, key, value, attn_mask, is_causal)
    large = query.shape[-2] * key.shape[-2] >= LARGE and not getattr(attn_mask, "requires_grad", False)
    output = (tiled_attention if large else fused_attention)(query, key, value, attn_mask, is_causal, scale)
    return ungrouped(output) if enable_gqa else output
