r"""Attention, step by step: scores (file `scores`), weights, weighted sum (article 4.1).

A query asks, keys are compared with it, values are mixed by how well their key
fits. Queries (..., T, D), keys (..., S, D), values (..., S, E); leading axes
(batch, heads) broadcast. Each step is a function, so that each can be looked at.
"""

import numpy as np

from ..dropping import dropout
from ..selection import where
from ..softmaxes import softmax
from .heads import checked
from .products import weighted_sum
from .scores import attention_scores

__all__ = ["attention", "attention_sum", "attention_weights", "causal_mask", "explicit_attention"]


def attention_weights(scores, mask=None):
    r"""Masked softmax over the keys: $\alpha_{ts} = \operatorname{softmax}_s(e_{ts})$.

    Parameters
    ----------
    scores : Tensor or ndarray, (..., T, S)
    mask : ndarray or Tensor, optional
        Broadcasts to the scores. Boolean: True = may attend. Floating: added to the scores, in their dtype; −∞ hides.

    Returns
    -------
    Tensor
        (..., T, S); rows sum to 1, or to 0 where a query may attend to nothing.

    Raises
    ------
    ValueError
        If the mask is neither boolean nor floating.

    Notes
    -----
    A masked score is -inf, even if it was NaN, and its weight and gradient are exactly zero: a large negative number
    instead would leak, and would give uniform weights to a row masked throughout.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.attention_weights(np.zeros((2, 2)), np.array([[True, False], [False, False]]))
    array([[1., 0.],
           [0., 0.]])
    """
    if mask is not None:
        kind = getattr(mask, "dtype", np.dtype(object)).kind
        if kind not in "bf":
            raise ValueError("attention_weights: the mask is an array, boolean (True = may attend) or floating; "
                             f"got {getattr(mask, 'dtype', type(mask).__name__)}")
        # e = −∞ where the mask hides a key
        if kind == "b":
            scores = where(mask, scores, -np.inf)
        else:
            scores = where(mask == -np.inf, -np.inf, scores + mask.astype(np.result_type(scores.dtype, np.float16)))
    # α = softmax(e)
    return softmax(scores, -1)                                  # (..., T, S)


def attention_sum(weights, value):
    r"""The mean of the values under the weights: $c_t = \sum_s \alpha_{ts} v_s$.

    Parameters
    ----------
    weights : Tensor or ndarray, (..., T, S)
    value : Tensor or ndarray, (..., S, E)

    Returns
    -------
    Tensor
        (..., T, E).

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> F.attention_sum(np.array([[0.25, 0.75]]), np.array([[4.0], [8.0]]))
    array([[7.]])
    """
    # c = α v; a weight of 0 hides its value, be it NaN
    return weighted_sum(weights, value)                                      # (..., T, E)


def attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None,
              enable_gqa=False, rng=None):
    r"""Attention that shows its weights: $c = \alpha v$, $\alpha = \operatorname{softmax}(q k^\top / \sqrt{D})$.

    Parameters
    ----------
    query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa, rng
        As for `scaled_dot_product_attention`.

    Returns
    -------
    output : Tensor, (..., T, E)
    weights : Tensor, (..., T, S)
        As they were before dropout: rows sum to 1.

    Raises
    ------
    ValueError
        If shapes disagree, the mask has the wrong dtype, or two masks are given.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> output, weights = F.attention(np.zeros((1, 2)), np.zeros((2, 2)), np.array([[2.0], [4.0]]))
    >>> output, weights
    (array([[3.]]), array([[0.5, 0.5]]))
    """
    if enable_gqa:
        query, key, value, attn_mask = grouped(query, key, value, attn_mask)
    checked("attention", query, key, value, attn_mask, is_causal)
    if is_causal:
        attn_mask = causal_mask(query.shape[-2], key.shape[-2])
    weights = attention_weights(attention_scores(query, key, scale), attn_mask)
    output = attention_sum(dropout(weights, dropout_p, True, rng) if dropout_p else weights, value)
    return (ungrouped(output), ungrouped(weights)) if enable_gqa else (output, weights)


def explicit_attention(query, key, value, attn_mask=None, is_causal=False, scale=None):
    r"""Attention as its steps, each op on the tape: $c = \operatorname{softmax}(q k^\top / \sqrt{D})\, v$.

    Parameters
    ----------
    query, key, value, attn_mask, is_causal, scale
        As for `scaled_dot_product_attention`.

    Returns
    -------
    Tensor
        (..., T, E). Zero where a query may attend to nothing.

    Examples
    --------
    >>> import numpy as np, tinymm.functional as F
    >>> x = np.array([[[2.0], [4.0]]])
    >>> F.explicit_attention(0 * x, x, x, is_causal=True)
    array([[[2.],
            [3.]]])
    """
    return attention(query, key, value, attn_mask, is_causal=is_causal, scale=scale)[0]


def causal_mask(T, S=None):
    """Query t may attend to keys 0 to t: lower triangle, aligned at the top left.

    Parameters
    ----------
    T : int
        Number of queries.
    S : int, optional
        Number of keys; default T.

    Returns
    -------
    ndarray of bool, (T, S)

    Examples
    --------
    >>> import tinymm.functional as F
    >>> F.causal_mask(2).tolist()
    [[True, False], [True, True]]
    """
    return np.tri(T, T if S is None else S, dtype=bool)


def grouped(query, key, value, mask):
    """Query and mask with their heads in groups, key and value with an axis that broadcasts over a group: no copies."""
    if min(query.ndim, key.ndim, value.ndim) < 3:
        raise ValueError("attention: grouped queries need an axis of heads, (..., H, T, D); "
                         f"got {query.shape}, {key.shape} and {value.shape}")
    heads = query.shape[-3]
    served = key.shape[-3]
    if served < 1 or heads % served or value.shape[-3] != served:
        raise ValueError("attention: key and value heads must be equal in number and divide the query's; "
                         f"got {query.shape}, {key.shape} and {value.shape}")
    group = heads // served
    query = query.reshape(*query.shape[:-3], served, group, *query.shape[-2:])      # (..., G, H/G, T, D)
    key = key[..., None, :, :]                                                      # (..., G, 1, S, D)
    value = value[..., None, :, :]
    if getattr(mask, "ndim", 0) > 2:
        if mask.shape[-3] not in (1, heads):
            raise ValueError(f"attention: the mask must have one head, or the query's {heads}; got {mask.shape}")
        split = (1, 1) if mask.shape[-3] == 1 else (served, group)
        mask = mask.reshape(*mask.shape[:-3], *split, *mask.shape[-2:])
    return query, key, value, mask


def ungrouped(x):
    """(..., G, H/G, T, D) as (..., H, T, D)."""
    return x.reshape(*x.shape[:-4], x.shape[-4] * x.shape[-3], *x.shape[-2:])
