r"""Grouped-query and multi-query attention: several query heads read one head of keys and values.

A decoder keeps keys and values of all positions in memory and reads them for every word. With G heads of them for H
query heads, this memory shrinks H/G-fold. `scaled_dot_product_attention(enable_gqa=True)` is the same without the
copies made here.
"""

from ..shape import broadcast_to, reshape, unsqueeze
from .steps import attention

__all__ = ["grouped_query_attention", "repeat_heads"]


def repeat_heads(x, times):
    """Every head repeated, the copies side by side: (..., H, S, D) to (..., H·times, S, D).

    Parameters
    ----------
    x : Tensor or ndarray, (..., H, S, D)
    times : int

    Returns
    -------
    Tensor
        (..., H·times, S, D). Backward, a head receives the sum of its copies' gradients.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.repeat_heads(np.array([[[1.0]], [[2.0]]]), 2).ravel()
    array([1., 1., 2., 2.])
    """
    *lead, H, S, D = x.shape
    copies = broadcast_to(unsqueeze(x, -3), (*lead, H, times, S, D))
    return reshape(copies, (*lead, H * times, S, D))


def grouped_query_attention(query, key, value, attn_mask=None, is_causal=False, scale=None):
    r"""Query heads in G groups: head h reads key and value head $\lfloor h\,G / H \rfloor$, counted from 0.

    Parameters
    ----------
    query : Tensor or ndarray, (..., H, T, D)
    key : Tensor or ndarray, (..., G, S, D)
        G = H is multi-head attention; a single head of keys, G = 1, multi-query attention.
    value : Tensor or ndarray, (..., G, S, E)
    attn_mask, is_causal, scale
        As for `scaled_dot_product_attention`.

    Returns
    -------
    output : Tensor, (..., H, T, E)
    weights : Tensor, (..., H, T, S)

    Raises
    ------
    ValueError
        If the heads of key and value differ in number or do not divide the query's.

    References
    ----------
    Shazeer, "Fast Transformer decoding: one write-head is all you need", 2019; Ainslie et al., "GQA: training
    generalized multi-query Transformer models from multi-head checkpoints", 2023.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> query, key = np.zeros((4, 1, 2)), np.zeros((2, 1, 2))
    >>> output, _ = F.grouped_query_attention(query, key, np.array([[[5.0]], [[7.0]]]))
    >>> output.ravel()
    array([5., 5., 7., 7.])
    """
    H = query.shape[-3]
    served = key.shape[-3]
    if value.shape[-3] != served or H % served:
        raise ValueError("grouped_query_attention: key and value heads must be equal in number and divide the query's; "
                         f"got {query.shape}, {key.shape} and {value.shape}")
    key = repeat_heads(key, H // served)
    value = repeat_heads(value, H // served)
    return attention(query, key, value, attn_mask, is_causal=is_causal, scale=scale)
